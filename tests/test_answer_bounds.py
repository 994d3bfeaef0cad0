"""What an answer may cost: a bounded amount of memory and of masking, whatever a server sends."""

from __future__ import annotations

import asyncio
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from conftest import Ended
from leaks import KEY
from loopback import Loopback, close
from test_response import CONNECTION, PLANS, answer
from test_streamed import DELTA, DONE, data, head

import connector
from connector.errors import ApiError, CutOff, OutputError
from connector.output import Event, pick
from connector.refusal import MAX_ERROR, failure
from connector.response import read
from connector.secret import Redactor
from connector.streamed import StreamedAnswer, opened
from connector.strict_json import MAX_VALUES, parse

MIB = 1024 * 1024
SLOW = KEY[:8] * (MIB // 8)  # each beginning of a key is looked at: over a second for a MiB
CHAT = {"model": "sonar", "messages": [{"role": "user", "content": "x"}]}


class Peak:
    """The most memory that was taken, in MiB."""

    mib = 0.0


@contextmanager
def measured() -> Iterator[Peak]:
    peak = Peak()
    tracemalloc.start()
    try:
        yield peak
        peak.mib = tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.fixture
def masked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all texts that are masked."""
    lengths: list[int] = []
    mask = Redactor.text

    def text(redactor: Redactor, text: str) -> str:
        lengths.append(len(text))
        return mask(redactor, text)

    monkeypatch.setattr(Redactor, "text", text)
    return lengths


# --- many values

DENSE = {
    "rows": b'{"results":[' + b"{}," * (10 * MIB) + b"{}]}",
    "lists": b"[" + b"[]," * (10 * MIB) + b"[]]",
    "keys": b"{" + b",".join(b'"%07d":1' % number for number in range(2_500_000)) + b"}",
    "no end": b"[" * (30 * MIB),
    "no JSON": b"," * (30 * MIB),
}


@pytest.mark.hazard("E6", "E8")
@pytest.mark.parametrize("content", DENSE.values(), ids=DENSE)
def test_json_of_too_many_values_is_refused_before_it_is_made(
    content: bytes, figure: Callable[[str, str], None]
) -> None:
    """30 MiB of them would take gigabytes."""
    response = answer(200, content)
    with measured() as peak, pytest.raises(OutputError, match="more than 500,000 values"):
        read(response, PLANS["search"], CONNECTION)
    assert peak.mib < 1
    figure("E6", f"under 1 MiB to refuse 30 MiB of JSON with over {MAX_VALUES:,} values, {len(DENSE)} forms")


@pytest.mark.hazard("E8")
@pytest.mark.parametrize(
    ("content", "is_taken"),
    [
        pytest.param(b"[" + b"1," * (MAX_VALUES - 2) + b"1]", True, id="as many as may be"),
        pytest.param(b"[" + b"1," * (MAX_VALUES - 1) + b"1]", False, id="one more"),
        pytest.param(b'["' + b",[{" * MAX_VALUES + b'"]', True, id="a text of signs"),
        pytest.param(b'["' + b'\\",' * MAX_VALUES + b'"]', True, id="a text of quotes"),
        pytest.param(b'["\\\\"' + b",1" * MAX_VALUES + b"]", False, id="after a text that ends with a backslash"),
    ],
)  # fmt: skip
def test_only_values_are_counted(content: bytes, is_taken: bool) -> None:
    """A long text with many commas is one value."""
    if is_taken:
        assert parse(content)
    else:
        with pytest.raises(ValueError, match="more than 500,000 values"):
            parse(content)


@pytest.mark.hazard("E8")
@pytest.mark.parametrize(
    "content", [b'["' + b'\\",' * 5 * MIB, b'["' + b"," * MAX_VALUES + b'"' + b'""' * 5 * MIB, b'"\\' * 5 * MIB]
)  # fmt: skip
def test_counting_takes_linear_time(content: bytes) -> None:
    """Texts without an end, without content, of escapes: told in a moment instead of never."""
    with pytest.raises(ValueError, match="character"):
        parse(content)


ROW = '{"title": "t%d", "url": "u%d"}'
WIDE = {
    "rows": ('{"results": [%s]}', ROW, MAX_VALUES // 3 - 5),
    "numbers": ('{"results": [], "more": [%s]}', "1%d%d", MAX_VALUES - 5),
}


@pytest.mark.hazard("E6")
@pytest.mark.parametrize(("frame", "item", "count"), WIDE.values(), ids=WIDE)
def test_the_widest_answer_stays_small(
    frame: str, item: str, count: int, figure: Callable[[str, str], None]
) -> None:
    """From its bytes to the outputs."""
    content = (frame % ",".join(item % (number, number) for number in range(count))).encode()
    response = answer(200, content)
    with measured() as peak:
        result = pick(PLANS["search"], read(response, PLANS["search"], CONNECTION))
    assert result.outputs["count"] == (count if item == ROW else 0)
    assert peak.mib < 150
    figure("E6", f"under 150 MiB for {MAX_VALUES:,} values, from the answer to its outputs")


# --- failures


@pytest.mark.hazard("D2", "E6")
@pytest.mark.parametrize("body", [SLOW.encode(), {"error": {"message": SLOW}}], ids=["text", "JSON"])
def test_a_long_failure_is_not_read(body: Any, masked: list[int], figure: Callable[[str, str], None]) -> None:
    """Its beginning is kept, without secrets."""
    error = failure(answer(400, body), CONNECTION)
    assert "The answer is longer than 256 KiB and was not read." in error.message
    assert isinstance(error.body, str)
    assert 0 < len(error.body) <= 2000
    assert KEY[:8] not in error.body
    assert sum(masked) < 10_000
    figure("D2", "under 10,000 characters masked of a failure of 1 MiB")


@pytest.mark.hazard("D2")
def test_a_failure_that_is_not_too_long_keeps_its_body(masked: list[int]) -> None:
    """Masked once in full; the sentence is made of its beginning."""
    said = "x" * (MAX_ERROR - 100)
    error = failure(answer(400, {"error": {"message": said}}), CONNECTION)
    assert error.body == {"error": {"message": said}}
    assert len(str(error)) < 700
    assert sum(masked) < MAX_ERROR + 20_000


EVENTS = {
    "one text": {"message": SLOW},
    "a long key": {"message": "No", SLOW: 1},
    "many texts": {"message": "No", "more": [SLOW[:7999]] * 400},
    "many values": {"message": "No", "more": [[1, "x"]] * 120_000},
}


@pytest.mark.hazard("D2", "F9")
@pytest.mark.parametrize("said", EVENTS.values(), ids=EVENTS)
def test_a_long_event_of_failure_is_kept_in_part(
    said: dict[str, Any], masked: list[int], figure: Callable[[str, str], None]
) -> None:
    """Up to 4 MiB may come in one."""
    with pytest.raises(ApiError) as caught:
        list(streamed().feed(data({"type": "error", "error": said})))
    assert KEY[:8] not in f"{caught.value} {caught.value.body}"
    assert len(str(caught.value.body)) < 3000
    assert sum(masked) < MAX_ERROR
    figure("D2", "under 256 KiB masked of an event of failure of up to 4 MiB")


@pytest.mark.hazard("D2")
@pytest.mark.parametrize("before", [1990, 1995, 7980, 7990, 7995])
def test_no_half_key_is_left_where_a_text_is_cut(before: int) -> None:
    """Masked first, cut to what is kept afterwards."""
    said = "x" * before + KEY + "x" * 3000
    with pytest.raises(ApiError) as caught:
        list(streamed().feed(data({"type": "error", "error": {"message": said}})))
    page = failure(answer(500, said.encode() + b" " * MAX_ERROR), CONNECTION)
    for shown in (f"{caught.value} {caught.value.body}", f"{page} {page.body}"):
        assert "xxx" in shown
        assert KEY[:4] not in shown


# --- streams


def streamed() -> StreamedAnswer:
    planned = PLANS["agent"]
    assert planned.route.stream is not None
    request = httpx.Request("POST", "https://api.perplexity.ai/v1/agent")
    return opened(planned, planned.route.stream, httpx.Response(200, request=request), CONNECTION)


@pytest.mark.hazard("F9")
def test_pieces_of_one_character_cost_what_they_say(figure: Callable[[str, str], None]) -> None:
    """Not an object for each."""
    reading, count = streamed(), 300_000
    with measured() as peak:
        for _ in range(count):
            reading._shown("€")
    assert reading.text == "€" * count
    assert peak.mib < 4
    figure("F9", f"under 4 MiB for the text of {count:,} pieces of one character")


BROKEN = {
    "not JSON": b"data: oops\n\n",
    "not an object": b"data: [1]\n\n",
    "an endless event": b"data: " + b"x" * 5 * MIB,
    "an object where text is due": data({**DELTA, "delta": {"a": 1}}),
}


@pytest.mark.hazard("D2", "F9")
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_an_error_of_a_stream_holds_no_other(content: bytes) -> None:
    """The frames of one that it was raised from would hold what came."""
    reading = streamed()
    list(reading.feed(data(DELTA)))
    with pytest.raises(CutOff) as caught:
        list(reading.feed(content))
    assert (caught.value.__context__, caught.value.partial_text) == (None, "One ")


def run_whole(url: str) -> connector.Result:
    with connector.connect("perplexity", api_key=KEY, base_url=url) as there:
        return there.run("create_chat_completion", {**CHAT, "stream": True})


def run_whole_async(url: str) -> connector.Result:
    async def run() -> connector.Result:
        async with connector.aconnect("perplexity", api_key=KEY, base_url=url) as there:
            return await there.run("create_chat_completion", {**CHAT, "stream": True})

    return asyncio.run(run())


RUNS = pytest.mark.parametrize("run", [run_whole, run_whole_async], ids=["sync", "async"])


@pytest.mark.hazard("F9")
@RUNS
def test_a_run_keeps_no_event_but_the_last(
    run: Callable[[str], connector.Result],
    monkeypatch: pytest.MonkeyPatch,
    figure: Callable[[str, str], None],
) -> None:
    """Whatever their number."""
    alive: list[weakref.ref[Event]] = []
    most = 0

    def made(*of: Any) -> Event:
        nonlocal most
        event = Event(*of)
        alive[:] = [one for one in alive if one() is not None] + [weakref.ref(event)]
        most = max(most, len(alive))
        return event

    monkeypatch.setattr("connector.streamed.Event", made)
    with Loopback((head(), data(*[DELTA] * 200, DONE), close)) as server:
        assert run(server.url).outputs["content"] == "One star"
    assert 0 < most < 5
    figure("F9", "under 5 of 201 events kept by a run")


ENDS = {
    "key but for a letter": (f"It is {KEY[:-1]}", "It is "),
    "eight letters": (f"It is {KEY[:8]}", "It is "),
    "a few letters": (f"It is {KEY[:7]}", f"It is {KEY[:7]}"),
    "nothing else": (KEY[:-1], None),
}


@pytest.mark.hazard("D2", "F9")
@RUNS
@pytest.mark.parametrize(("text", "left"), ENDS.values(), ids=ENDS)
def test_a_stream_that_breaks_inside_a_key_leaves_none_of_it(
    text: str, left: str | None, run: Callable[[str], connector.Result]
) -> None:
    """Nor does the text that came before get lost."""
    pieces = [{**DELTA, "delta": piece} for piece in (text[:9], text[9:]) if piece]
    with Loopback((head(), data(*pieces), close)) as server, pytest.raises(CutOff) as caught:
        run(server.url)
    assert caught.value.partial_text == left


@pytest.mark.hazard("D2", "F9")
@pytest.mark.parametrize("form", [[], ["--format", "json"]], ids=["text", "json"])
def test_the_command_line_shows_none_of_a_key_that_was_cut(
    form: list[str], cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as a piece nor as the text so far."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    pieces = data({**DELTA, "delta": f"It is {KEY[:-1]}"})
    with Loopback((head(), pieces, close)) as server:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", server.url)
        ended = cli("run", "create_chat_completion", "model=sonar", 'messages:=[{"role":"user","content":"x"}]', "stream:=true", *form)  # fmt: skip
    assert ended.code != 0
    assert "It is " in ended.out + ended.err
    assert KEY[:8] not in ended.out + ended.err
