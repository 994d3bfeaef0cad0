"""Every fault of a whole answer: the right result or one error of ours, one paid request, nothing left open."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from faults.asking import QUICK, SUBJECTS, Subject, ask
from faults.judging import nothing_left, told, verdict
from faults.mode import RIGHT, Mode
from faults.slow import SLOW
from faults.table import MODES, QUICK_MODES
from faults.wire import MIB, ok
from leaks import KEY, leaked
from loopback import Loopback

import connector
from connector.errors import ConnectorError
from connector.manifest import Connector
from connector.opened import CheckResult
from connector.output import Result
from connector.transport import MAX_BYTES

WAYS = ("sync", "async")
ASKED = ("search", "agent", "sonar", "models")
DEADLINE = 0.4


def cases(modes: tuple[Mode, ...]) -> list[Any]:
    return [
        pytest.param(mode, id=mode.name, marks=pytest.mark.hazard(*mode.hazards.split())) for mode in modes
    ]


def body(subject: Subject) -> bytes:
    return json.dumps(subject.body, ensure_ascii=False).encode()


@cache
def undisturbed(name: str) -> Result:
    """What the action gives where nothing goes wrong."""
    with Loopback(ok(body(SUBJECTS[name]))) as server:
        result = ask("sync", server.url, SUBJECTS[name])
    assert isinstance(result, Result)
    return result


def ways_to_ask() -> list[Any]:
    """Every action, sync and async; two of them, which differ in both, are enough for every day."""
    quick = {("search", "sync"), ("agent", "async")}
    return [
        pytest.param(asked, way, id=f"{asked}-{way}", marks=() if (asked, way) in quick else pytest.mark.slow)
        for asked in ASKED
        for way in WAYS
    ]


@pytest.mark.parametrize("mode", cases(QUICK_MODES))
@pytest.mark.parametrize(("asked", "way"), ways_to_ask())
def test_the_right_result_or_one_error(mode: Mode, way: str, asked: str) -> None:
    """After one request, if it is paid for; the key is in no error, and no socket is left."""
    subject, expected = SUBJECTS[asked], undisturbed(asked)
    with nothing_left(), Loopback(*mode.answers(body(subject)), first=mode.first) as server:
        outcome = ask(way, server.url, subject, deadline=20)
        assert server.still_open() == 0
        requests = len(server.requests)
        if mode.reads:
            assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert verdict(outcome, expected) in right_of(mode, subject)
    assert mode.said in told(outcome)
    if subject.inputs:
        assert requests == (mode.requests if mode.reads else 0)
    else:
        assert requests <= 3  # to ask what models there are costs nothing


@pytest.mark.parametrize("mode", cases(SLOW))
@pytest.mark.parametrize("way", WAYS)
def test_no_server_outlasts_the_deadline(mode: Mode, way: str) -> None:
    """Whatever it goes on sending; a run that hung would end with the test's own patience."""
    subject = SUBJECTS["agent"]
    if not mode.reads:  # more than the system takes off our hands
        content = "x" * 9_000_000
        subject = Subject(
            subject.action, {"model": "sonar", "messages": [{"role": "user", "content": content}]}, {}
        )
    with nothing_left(), Loopback(*mode.answers(body(subject)), first=mode.first) as server:
        outcome = ask(way, server.url, subject, deadline=DEADLINE)
        assert not mode.reads or server.still_open() == 0  # an end that stands behind what is not read
        assert len(server.requests) == (1 if mode.reads else 0)
    assert verdict(outcome, undisturbed("agent")) in mode.right.split()
    assert mode.said in told(outcome)
    assert isinstance(outcome, ConnectorError)
    assert outcome.history[0].seconds < DEADLINE + 2


@pytest.mark.hazard("E4", "G1")
@pytest.mark.parametrize("way", WAYS)
def test_what_is_waited_for_meets_the_same_faults(
    way: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str, str], None]
) -> None:
    """A long answer is started once, whatever its follow-ups come to; they cost nothing and are sent again."""
    monkeypatch.setattr("faults.asking.QUICK", impatient(SUBJECTS["background"].action))
    subject = SUBJECTS["background"]
    queued, done = ok({**subject.body, "status": "queued"}), body(subject)
    with Loopback(ok(done)) as server:
        expected = ask(way, server.url, subject)
    assert isinstance(expected, Result)
    wrong = {}
    for mode in QUICK_MODES:
        with Loopback(queued, *mode.answers(done)) as server:
            found = verdict(ask(way, server.url, subject, deadline=20), expected)
            posted = [request.method for request in server.requests].count("POST")
            assert server.still_open() == 0
        if not mode.first and (found not in right_of(mode, subject) or posted != 1):
            wrong[mode.name] = found, posted
    assert wrong == {}
    figure("G1", f"a background answer, {len(QUICK_MODES)} faults of its follow-ups: started once")


def impatient(action: str) -> Connector:
    """QUICK, which asks again at once."""
    chosen = QUICK.actions[action]
    routes = {
        name: replace(route, poll=route.poll and replace(route.poll, every=0.001))
        for name, route in chosen.routes.items()
    }
    return replace(QUICK, actions={**QUICK.actions, action: replace(chosen, routes=routes)})


def right_of(mode: Mode, subject: Subject) -> list[str]:
    """What may come of a fault."""
    right = mode.right.split()
    is_free = not subject.inputs or "background" in subject.inputs
    return [*right, RIGHT] if is_free and mode.name.startswith("seq=") else right  # asked for until it comes


@pytest.mark.hazard("E3", "E4")
@pytest.mark.parametrize("way", WAYS)
def test_a_check_never_raises(way: str, figure: Callable[[str, str], None]) -> None:
    """Whatever answers: the connection works, or there is something to do about it."""
    states = {checked(way, mode) for mode in QUICK_MODES}
    assert states == {"works", "wrong_key", "no_credit", "not_allowed", "unreachable", "failing"}
    figure("E3", f"{len(QUICK_MODES)} faults of a connection check: 0 empty messages")


def checked(way: str, mode: Mode) -> str:
    """What a check says of a server with this fault."""
    with Loopback(*mode.answers(body(SUBJECTS["models"])), first=mode.first) as server:
        settings: dict[str, Any] = {"api_key": KEY, "base_url": server.url}

        async def check() -> CheckResult:
            async with connector.aconnect(QUICK, **settings) as opened:
                return await opened.check()

        if way == "async":
            found = asyncio.run(check())
        else:
            with connector.connect(QUICK, **settings) as opened:
                found = opened.check()
    assert found.message
    assert (found.state == "works") is not bool(found.what_to_do)
    assert leaked(repr(found)) == []
    return found.state


@pytest.mark.hazard("E6")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name", ["gzipbomb", "gzipbomb,chunked", "big", "big,says", "endless", "json=deepopen"]
)
def test_no_answer_fills_the_memory(name: str, way: str, figure: Callable[[str, str], None]) -> None:
    """What is kept of an answer without end is bounded, and so is what is done with it."""
    subject = SUBJECTS["search"]
    with Loopback(*MODES[name].answers(body(subject))) as server:
        tracemalloc.start()
        outcome = ask(way, server.url, subject)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert isinstance(outcome, ConnectorError)
    assert peak < 4 * MAX_BYTES
    figure("E6", f"bombs and endless answers: an error, and less than {4 * MAX_BYTES // MIB} MiB")


def test_every_fault_counts(figure: Callable[[str, str], None]) -> None:
    """The table is as long as it is told to be, and each fault has a hazard."""
    counted = Counter(hazard for mode in QUICK_MODES for hazard in mode.hazards.split())
    assert len(MODES) == len(QUICK_MODES) + len(SLOW) > 250
    for hazard, count in counted.items():
        runs = f"{count} faults x {len(ASKED)} actions, sync and async (most of them in the slow run)"
        figure(hazard, f"{runs}: 0 raw exceptions, 0 wrong results, 0 key occurrences, 0 sockets left")
    figure(
        "E1",
        f"{len(SLOW)} servers without end, sync and async: 0 runs over their deadline of {DEADLINE:g} s by 2 s",
    )
    once = sum(mode.requests == 1 for mode in MODES.values())
    figure(
        "G1",
        f"{once} faults of a paid POST: 1 request for each run; {len(MODES) - once} that did nothing: 2 or 3",
    )
