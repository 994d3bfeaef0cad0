"""One client in a process of its own: `python -m benchmarks.child KIND NAME URL`.

It says that it is ready, or what is not installed. Then a number on stdin asks for so many repetitions, and a line
of JSON on stdout tells what they cost: `{"cpu": seconds of this process}`, or what the kind measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from benchmarks import async_clients, clients
from benchmarks.answers import EVENTS, TEXT
from benchmarks.memory import resident

IN_FLIGHT = 50
PATIENCE = 20.0
"""Seconds without another stream after which the rest are taken to wait for good."""
Measured = dict[str, Any]


def timed(work: Callable[[], object]) -> Callable[[int], Measured]:
    """Repeats the work and gives its CPU time."""

    def measure(times: int) -> Measured:
        start = time.process_time()
        for _ in range(times):
            work()
        return {"cpu": time.process_time() - start}

    return measure


def _call(name: str, url: str) -> Callable[[int], Measured]:
    call = clients.CALLS[name](url)
    _must(TEXT in call(), name)
    return timed(call)


def _search(name: str, url: str) -> Callable[[int], Measured]:
    call = clients.SEARCHES[name](url)
    _must("example.com/articles/1/" in call(), name)
    return timed(call)


def _event(name: str, url: str) -> Callable[[int], Measured]:
    """A repetition is one event; streams of EVENTS are what is asked for."""
    stream = clients.STREAMS[name](url)
    _must(stream() == EVENTS, name)
    measure = timed(stream)
    return lambda times: measure(max(1, times // EVENTS))


def _flight(name: str, url: str) -> Callable[[int], Measured]:
    loop = asyncio.new_event_loop()
    call = loop.run_until_complete(async_clients.FLIGHTS[name](url))

    async def many(times: int) -> None:
        left = iter(range(times))

        async def one_after_another() -> None:
            for _ in left:
                _must(TEXT in await call(), name)

        await asyncio.gather(*(one_after_another() for _ in range(min(times, IN_FLIGHT))))

    loop.run_until_complete(many(IN_FLIGHT))

    def measure(times: int) -> Measured:
        start = time.process_time()
        loop.run_until_complete(many(times))
        return {"cpu": time.process_time() - start}

    return measure


def _held(name: str, url: str) -> Callable[[int], Measured]:
    loop = asyncio.new_event_loop()
    hold = loop.run_until_complete(async_clients.HOLDS[name](url))
    kept: list[Any] = [loop.run_until_complete(hold())]

    async def keep(opening: Awaitable[Any]) -> None:
        kept.append(await opening)

    async def open_all(times: int) -> None:
        tasks = [asyncio.create_task(keep(hold())) for _ in range(times)]
        before = -1
        while tasks and before < len(kept):  # until no more of them come
            before = len(kept)
            _, waiting = await asyncio.wait(tasks, timeout=PATIENCE)
            tasks = list(waiting)
        for task in tasks:
            task.cancel()

    def measure(times: int) -> Measured:
        before = resident()
        loop.run_until_complete(open_all(times))
        return {"opened": len(kept) - 1, "bytes": resident() - before}

    return measure


def _must(holds: bool, name: str) -> None:
    if not holds:
        raise SystemExit(f"{name}: another answer than the server gives")


def _stages(_name: str, url: str) -> Callable[[int], Measured]:
    from benchmarks.stages import stages

    return stages(url)


def _own(name: str, _url: str) -> Callable[[int], Measured]:
    from benchmarks.stages import plan_and_pick, yardstick

    return timed(plan_and_pick() if name == "connector" else yardstick)


def _load(name: str, _url: str) -> Callable[[int], Measured]:
    from connector.loading import load, read

    def compiled() -> list[object]:
        return list(load("perplexity").actions.values())  # each is made when it is asked for

    work: Callable[[], object] = compiled if name == "compiled" else lambda: read("perplexity")
    work()
    return timed(work)


KINDS: dict[str, Callable[[str, str], Callable[[int], Measured]]] = {
    "call": _call,
    "search": _search,
    "event": _event,
    "flight": _flight,
    "held": _held,
    "stages": _stages,
    "own": _own,
    "load": _load,
}


def main(kind: str, name: str, url: str) -> None:
    """Answer numbers until stdin ends."""
    try:
        measure = KINDS[kind](name, url)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), flush=True)
        return
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(int(line))), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
