"""Every fault of a stream: the whole text or one error that keeps what came, one request, nothing left open."""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
from faults.asking import QUICK, SUBJECTS, ask_for_pieces
from faults.judging import nothing_left, open_sockets
from faults.mode import RIGHT
from faults.streams import ANSWER, PIECES, SLOW, START, STREAMS, TALKS, TEXT, StreamMode, sse
from faults.wire import GZIP, SSE, ok, zipped
from leaks import KEY, everything_shown, leaked
from loopback import Answer, Loopback, Step, close

import connector
from connector.errors import CutOff, Timeout
from connector.output import Result
from connector.transport import MAX_BYTES

WAYS = ("sync", "async")
DEADLINE = 0.4
CHAT = SUBJECTS["agent"]


def cases(modes: tuple[StreamMode, ...]) -> list[Any]:
    return [
        pytest.param(mode, id=mode.name, marks=pytest.mark.hazard(*mode.hazards.split())) for mode in modes
    ]


@pytest.mark.parametrize("mode", [*cases(STREAMS), *cases(SLOW)])
@pytest.mark.parametrize(
    ("route", "way"),
    [
        ("agent", "sync"),
        ("sonar", "async"),
        pytest.param("agent", "async", marks=pytest.mark.slow),
        pytest.param("sonar", "sync", marks=pytest.mark.slow),
    ],
)
def test_all_the_text_or_one_error_that_keeps_it(mode: StreamMode, way: str, route: str) -> None:
    """Never sent again once a piece came; the pieces that came are those that the error keeps."""
    deadline = DEADLINE if mode in SLOW else 20
    with nothing_left(), Loopback(mode.answer(TALKS[route])) as server:
        events, outcome = ask_for_pieces(way, server.url, SUBJECTS[route], deadline=deadline)
        assert server.still_open() == 0
        assert len(server.requests) == 1
    kept = "".join(PIECES[: mode.kept])
    assert "".join(event.delta or "" for event in events) == kept
    if isinstance(outcome, Result):
        assert (mode.right, outcome.outputs["content"]) == (RIGHT, TEXT)
    else:
        assert (outcome.kind, outcome.partial_text or "") == (mode.right, kept)
        assert mode.said in outcome.message
        assert all([outcome.where, outcome.message, outcome.hint])
        assert leaked(everything_shown(outcome)) == []
        assert all(attempt.seconds < deadline + 2 for attempt in outcome.history)


@pytest.mark.hazard("F2")
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=ascii)
def test_a_stream_may_be_cut_anywhere(end: str, figure: Callable[[str, str], None]) -> None:
    """In two, at each byte: the same text."""
    talk = TALKS["agent"]
    stream = sse(*talk.events, end=end)
    halves = ((START, stream[:at], 0.002, stream[at:]) for at in range(0, len(stream), 9))
    with Loopback(*halves) as server, connector.connect(QUICK, api_key=KEY, base_url=server.url) as opened:
        texts = {text_of(opened.stream(CHAT.action, CHAT.inputs)) for _ in range(0, len(stream), 9)}
    assert texts == {TEXT}
    figure("F2", "3 line ends, each stream cut in two at every ninth byte: the same text")


def text_of(events: Iterator[Any]) -> str:
    *_, last = events
    return str(last.result.outputs["content"])


COUNTED = [sse({"type": "response.output_text.delta", "delta": f"{number} "}) for number in range(1000)]
ENDLESS: tuple[Step, ...] = (START, *COUNTED, 30.0)


@pytest.mark.hazard("F12", "E18")
def test_leaving_a_stream_frees_its_connection(figure: Callable[[str, str], None]) -> None:
    """After 1 of 1000 events, though the connection is not closed yet."""
    before = open_sockets()
    with Loopback(ENDLESS) as server, connector.connect(QUICK, api_key=KEY, base_url=server.url) as opened:
        for _ in range(5):
            with closing(opened.stream(CHAT.action, CHAT.inputs)) as events:  # type: ignore[type-var]
                assert next(events).delta == "0 "
        assert server.still_open() == 0
        assert server.connections == 5
    assert open_sockets() == before
    figure("F12", "left after 1 of 1000 events, sync and async: 0 open sockets")


@pytest.mark.hazard("F12", "E18")
def test_leaving_an_async_stream_frees_its_connection() -> None:
    """As above."""

    async def leave(url: str) -> None:
        async with connector.aconnect(QUICK, api_key=KEY, base_url=url) as opened:
            for _ in range(5):
                async with aclosing(opened.stream(CHAT.action, CHAT.inputs)) as events:
                    assert (await anext(events)).delta == "0 "
            assert server.still_open() == 0

    with nothing_left(), Loopback(ENDLESS) as server:
        asyncio.run(leave(server.url))


@pytest.mark.hazard("F13")
def test_an_event_comes_as_soon_as_it_is_sent(figure: Callable[[str, str], None]) -> None:
    """Nothing waits for the next one: the server sends a piece only when the last one has been given away."""
    given = [threading.Event() for _ in PIECES]
    talk = TALKS["agent"]
    steps: list[Any] = [START]
    for piece, event in zip(talk.pieces, given, strict=True):
        steps += [sse(piece), lambda _, event=event: event.wait(5)]
    with (
        Loopback((*steps, sse(talk.last))) as server,
        connector.connect(QUICK, api_key=KEY, base_url=server.url) as opened,
    ):
        events = opened.stream(CHAT.action, CHAT.inputs, deadline=4)
        for event, text in zip(given, PIECES, strict=True):
            assert next(events).delta == text
            event.set()
        *_, last = events
    assert last.result is not None
    assert last.result.outputs["id"] == ANSWER["id"]
    figure("F13", f"{len(PIECES)} pieces, each sent after the last one was received: 0 held back")


FLOODS = {
    "one event": (START, b"data: ", *[b"x" * 1_000_000] * 40, close),
    "pieces": (START, *[sse({"type": "response.output_text.delta", "delta": "x" * 100_000}) * 10] * 60, close),
    "pieces,gzip": ok(zipped(sse({"type": "response.output_text.delta", "delta": "x" * 100_000}) * 600), GZIP, form=SSE),
    "comments": (START, *[b": " + b"x" * 100_000 + b"\n"] * 600, close),
}  # fmt: skip


@pytest.mark.hazard("F9", "E6")
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_stream_that_is_too_long_is_not_collected(
    flood: Answer, figure: Callable[[str, str], None]
) -> None:
    """However it is too long: memory is bounded, and so is the text that the error keeps."""
    with Loopback(flood) as server:
        tracemalloc.start()
        _, outcome = ask_for_pieces("sync", server.url, CHAT, deadline=20)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert isinstance(outcome, CutOff)
    assert len(outcome.partial_text or "") <= MAX_BYTES
    assert peak < 4 * MAX_BYTES
    figure("F9", f"{len(FLOODS)} streams of 40 to 60 MB: an error, and less than 128 MiB")


@pytest.mark.hazard("E1", "F8")
@pytest.mark.parametrize("way", WAYS)
def test_a_million_events_in_one_packet_do_not_outlast_the_deadline(way: str) -> None:
    """The network is not all that takes time."""
    packet = ok(zipped(sse({"type": "odd", "object": "odd"}) * 400_000), GZIP, form=SSE)
    with Loopback(packet) as server:
        began = time.monotonic()
        _, outcome = ask_for_pieces(way, server.url, CHAT, deadline=DEADLINE)
        assert time.monotonic() - began < DEADLINE + 2
    assert isinstance(outcome, Timeout)


def test_every_fault_counts(figure: Callable[[str, str], None]) -> None:
    """Each has a hazard, and a name of its own."""
    modes = (*STREAMS, *SLOW)
    assert len({mode.name for mode in modes}) == len(modes) > 100
    for hazard, count in Counter(hazard for mode in modes for hazard in mode.hazards.split()).items():
        runs = f"{count} streams x {len(TALKS)} routes, sync and async (half of them in the slow run)"
        figure(hazard, f"{runs}: 0 cut answers taken for whole, 0 characters lost, 1 request each")
