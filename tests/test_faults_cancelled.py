"""Runs that are given up: the connection is closed at once, and nothing is left of the run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.asking import QUICK, SUBJECTS
from faults.judging import nothing_left
from faults.streams import START, TALKS, sse
from faults.wire import ok
from leaks import KEY, leaked
from loopback import Loopback, Step

import connector

POINTS = 20
SEARCH, CHAT = SUBJECTS["search"], SUBJECTS["agent"]


def in_pieces(text: bytes, count: int) -> tuple[bytes, ...]:
    """The text in so many pieces of about one size."""
    size = -(-len(text) // count)
    return tuple(text[at : at + size] for at in range(0, len(text), size))


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it, for seconds at most."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came to that")


WHOLE = ok(SEARCH.body, {"X-Pad": "x" * 200})
STREAM = START + TALKS["agent"].whole


@pytest.mark.hazard("E18")
@pytest.mark.parametrize("point", range(POINTS))
@pytest.mark.parametrize(("subject", "answer"), [(SEARCH, WHOLE), (CHAT, STREAM)], ids=["whole", "stream"])
def test_a_cancelled_run_closes_its_connection(
    subject: Any, answer: bytes, point: int, figure: Callable[[str, str], None]
) -> None:
    """At each of 20 points of the answer, from none of it to nearly all; a stream that has begun is cancelled."""
    cancelled = ok({}, {"Connection": "close"})
    pieces = in_pieces(answer, POINTS)[:point]
    sent = threading.Event()

    async def cancel(url: str) -> None:
        async with connector.aconnect(QUICK, api_key=KEY, base_url=url) as opened:
            task = asyncio.create_task(run(opened))
            await until(sent.is_set)
            await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert server.still_open() == 0
            assert asyncio.all_tasks() == {asyncio.current_task()}

    async def run(opened: Any) -> None:
        if subject is SEARCH:
            await opened.run(subject.action, subject.inputs)
        async for _ in opened.stream(subject.action, subject.inputs):
            pass

    with nothing_left(), Loopback((b"".join(pieces), lambda _: sent.set(), 30.0), cancelled) as server:
        asyncio.run(cancel(server.url))
    more = [f"{one.method} {one.target}" for one in server.requests[1:]]
    began = subject is CHAT and b"".join(pieces).startswith(START + sse(TALKS["agent"].first))
    assert more == (["POST /v1/agent/resp_1/cancel"] if began else [])
    figure("E18", f"cancelled at {POINTS} points of an answer and of a stream: 0 open connections, 0 tasks")


@pytest.mark.hazard("E18")
def test_closing_a_connection_breaks_what_other_threads_wait_for() -> None:
    """No thread is left waiting for an answer that nobody wants."""
    failures: list[str] = []

    def run() -> None:
        try:
            opened.run(SEARCH.action, SEARCH.inputs, deadline=20)
        except connector.errors.ConnectorError as error:
            failures.append(error.kind)

    with nothing_left(), Loopback((30.0,)) as server:
        opened = connector.connect(QUICK, api_key=KEY, base_url=server.url)
        threads = [threading.Thread(target=run) for _ in range(5)]
        for thread in threads:
            thread.start()
        asyncio.run(until(lambda: len(server.requests) == 5))
        opened.close()
        asyncio.run(until(lambda: not any(thread.is_alive() for thread in threads)))
        assert server.still_open() == 0
    assert len(failures) == 5


WAITING: dict[str, tuple[tuple[str, ...], tuple[Step, ...]]] = {
    "a search": (("perplexity.execute_search", "query=x"), ()),
    "a body": (("perplexity.execute_search", "query=x"), (WHOLE[:-9],)),
    "a stream": (
        ("perplexity.create_chat_completion", "model=sonar", 'messages:=[{"role": "user", "content": "x"}]', "stream:=true"),
        (START, sse(TALKS["agent"].first, *TALKS["agent"].pieces[:2])),
    ),
}  # fmt: skip


@pytest.mark.hazard("E18")
@pytest.mark.parametrize(
    ("waiting", "sign"), [*((name, signal.SIGINT) for name in WAITING), ("a stream", signal.SIGTERM)]
)
def test_ctrl_c_ends_a_command(waiting: str, sign: signal.Signals, tmp_path: Path) -> None:
    """With the exit code that shells know, no traceback, and the connection closed; TERM ends a stream so, too."""
    arguments, steps = WAITING[waiting]
    environment = {"PATH": os.environ["PATH"], "PERPLEXITY_API_KEY": KEY, "CONNECTOR_HOME": str(tmp_path)}
    root = Path(connector.__file__).parent.parent
    sent = threading.Event()
    with (
        nothing_left(),
        Loopback((*steps, lambda _: sent.set(), 30.0), ok(b"{}")) as server,
        subprocess.Popen(
            [sys.executable, "-m", "connector.cli", "run", *arguments, "--base-url", server.url],
            env={**environment, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as command,
    ):
        assert sent.wait(20)
        command.send_signal(sign)
        out, err = command.communicate(timeout=20)
        assert server.still_open() == 0
        # a stream whose id has come already is cancelled at the service
        assert len([one for one in server.requests if not one.target.endswith("/cancel")]) == 1
    assert command.returncode == 130
    assert "Traceback" not in err
    assert leaked(out + err) == []
