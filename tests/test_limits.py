"""The pace of a connection: no window holds more requests than it may, and little of the window is lost."""

from __future__ import annotations

import asyncio
import gc
import heapq
import itertools
import math
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import Loopback, http

import connector
from connector.deadline import NEVER
from connector.errors import ApiError, InputError, Timeout
from connector.limits import RateLimit, Turn
from connector.manifest import Limits
from connector.places import Place, Places
from connector.sandbox import Sandbox

KEY = "pplx-test-limits"
FOUND = {"id": "1", "results": []}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def sent_at(
    limits: Limits, arrivals: list[float], delay: Callable[[int], float] = lambda _: 0.0, *, gives_up: int = 0
) -> list[float]:
    """When requests that arrive at these moments are sent, each after a delay; every `gives_up`th never is."""
    clock = Clock()
    limit = RateLimit(limits, clock)
    order = itertools.count()
    turns: dict[int, Turn] = {}
    queue = [(1000.0 + at, next(order), number, "ask") for number, at in enumerate(sorted(arrivals))]
    sent = []
    while queue:
        clock.now, _, number, what = heapq.heappop(queue)
        if what == "sent":
            turns[number].sent()
            turns[number].over()
            sent.append(clock.now - 1000.0)
            continue
        turn = turns.get(number) or turns.setdefault(number, limit.turn())
        if wait := turn.wait():
            heapq.heappush(queue, (clock.now + wait, next(order), number, "ask"))
        elif gives_up and number % gives_up == 0:
            turn.over()
        else:
            heapq.heappush(queue, (clock.now + delay(number), next(order), number, "sent"))
    return sent


def most_in_a_window(sent: list[float], seconds: float) -> int:
    return max((sum(at <= one < at + seconds for one in sent) for at in sent), default=0)


@pytest.mark.hazard("G7")
@given(
    requests=st.integers(1, 8),
    seconds=st.sampled_from([0.5, 1.0, 60.0]),
    arrivals=st.lists(st.floats(0, 20), min_size=1, max_size=40),
    slow=st.integers(1, 7),
)
def test_no_window_holds_more_than_it_may(
    requests: int, seconds: float, arrivals: list[float], slow: int
) -> None:
    """Whenever requests come, and however late some of them are sent; and all of them are, in the end."""
    limits = Limits(requests=requests, seconds=seconds)
    sent = sent_at(limits, arrivals, lambda number: 0.3 if number % slow == 0 else 0.0)
    assert len(sent) == len(arrivals)
    assert most_in_a_window(sent, seconds) <= requests


@pytest.mark.hazard("G7")
def test_little_of_the_limit_is_lost(figure: Callable[[str, str], None]) -> None:
    """200 requests at once, 50 a second: the last could go after 3 seconds, and does before 3.3."""
    sent = sent_at(Limits(requests=50), [0.0] * 200)
    assert most_in_a_window(sent, 1.0) == 50
    assert sent[-1] <= 3.3
    figure(
        "G7", f"200 requests at 50 a second: the last after {sent[-1]:.2f} s, 3 s being the least possible"
    )


def test_a_turn_that_is_given_up_holds_nobody_up() -> None:
    """Cancelled runs and failed connections: the others go on, no later than if all had been sent."""
    sent = sent_at(Limits(requests=2), [0.0] * 12, gives_up=2)
    assert len(sent) == 6
    assert sent[-1] <= sent_at(Limits(requests=2), [0.0] * 12)[-1]


def test_asking_when_the_next_turn_comes_takes_none() -> None:
    """However often it is asked."""
    limit = RateLimit(Limits(requests=1, seconds=1.0), Clock())
    assert [limit.next_turn() for _ in range(3)] == [0.0] * 3
    assert limit.turn().wait() == 0.0
    assert limit.next_turn() > 0.0


def test_without_a_limit_nobody_waits() -> None:
    """The manifest need not name one."""
    assert sent_at(Limits(), [0.0] * 500) == [0.0] * 500


@pytest.mark.hazard("G8")
def test_one_refusal_makes_all_wait() -> None:
    """Those who come, and those who stood in the queue already."""
    clock = Clock()
    limit = RateLimit(Limits(requests=50), clock)
    early = limit.turn()
    limit.refused(7.0, 60.0)
    assert early.wait() == 7.0
    assert limit.turn().wait() == pytest.approx(7.0, abs=0.1)
    clock.now += 7.0
    assert early.wait() == 0.0


def test_a_refusal_that_asks_for_hours_makes_nobody_wait_for_hours() -> None:
    """The longest wait of the manifest bounds it."""
    limit = RateLimit(Limits(requests=50), Clock())
    limit.refused(1e9, 60.0)
    assert limit.turn().wait() == 60.0


@pytest.mark.hazard("G8")
def test_the_pace_slows_down_after_a_refusal_and_recovers() -> None:
    """A burst of refusals counts once."""
    clock = Clock()
    limit = RateLimit(Limits(requests=50), clock)

    def gap() -> float:
        clock.now += 100.0
        first, second = limit.turn(), limit.turn()
        assert first.wait() == 0.0
        wait = second.wait()
        second.over()
        return wait

    usual = gap()
    for _ in range(10):
        limit.refused(0.0, 60.0)
    slow = gap()
    assert slow > 2 * usual
    limit.refused(0.0, 60.0)
    assert gap() == pytest.approx(2 * slow)
    for _ in range(200):
        limit.accepted()
    assert gap() == pytest.approx(usual)


@pytest.mark.slow
@pytest.mark.hazard("G7")
@pytest.mark.parametrize("way", ["tasks", "threads"])
def test_200_runs_at_once_are_never_refused(way: str, figure: Callable[[str, str], None]) -> None:
    """The sandbox refuses the 51st request of any second."""
    with Sandbox() as sandbox:
        began = time.monotonic()
        attempts = asyncio.run(in_tasks(sandbox.url)) if way == "tasks" else in_threads(sandbox.url)
        took = time.monotonic() - began
    assert attempts == [1] * 200
    assert took >= 3.0
    figure("G7", f"200 runs at once by {way} at 50 a second: 0 of 200 refused")


async def in_tasks(url: str) -> list[int]:
    async with connector.aconnect("perplexity", api_key=KEY, base_url=url) as opened:
        runs = [opened.run("execute_search", {"query": f"news {number}"}) for number in range(200)]
        return [result.attempts for result in await asyncio.gather(*runs)]


def in_threads(url: str) -> list[int]:
    with (
        connector.connect("perplexity", api_key=KEY, base_url=url) as opened,
        ThreadPoolExecutor(200) as pool,
    ):
        queries = [{"query": f"news {number}"} for number in range(200)]
        results = pool.map(lambda query: opened.run("execute_search", query), queries)
        return [result.attempts for result in results]


@pytest.mark.hazard("G8")
def test_a_wait_for_ones_turn_ends_with_the_deadline() -> None:
    """At once, as it is known that the turn would come too late; nothing is sent."""
    with Loopback(http(200, FOUND)) as server:
        limits = Limits(requests=1, seconds=60.0)
        with connector.connect("perplexity", api_key=KEY, base_url=server.url, limits=limits) as opened:
            opened.run("execute_search", {"query": "x"})
            with pytest.raises(
                Timeout, match=r"turn of this request comes in .* after the deadline of 5 sec"
            ):
                opened.run("execute_search", {"query": "x"}, deadline=5.0)
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["tasks", "threads"])
def test_no_more_requests_are_under_way_than_may_be(way: str) -> None:
    """The third of three waits for a place, and gives up with its deadline."""
    gate = threading.Event()
    with Loopback((lambda _: closed_until(gate), http(200, FOUND))) as server:
        limits = Limits(at_once=2)
        if way == "tasks":
            asyncio.run(crowded(server, limits, gate))
            return
        with (
            connector.connect("perplexity", api_key=KEY, base_url=server.url, limits=limits) as opened,
            ThreadPoolExecutor(2) as pool,
        ):
            first = [pool.submit(opened.run, "execute_search", {"query": "x"}) for _ in range(2)]
            until_two_came(server)
            with pytest.raises(Timeout, match="All 2 places for requests at once were taken"):
                opened.run("execute_search", {"query": "x"}, deadline=0.2)
            gate.set()
            assert [one.result().attempts for one in first] == [1, 1]
            assert opened.run("execute_search", {"query": "x"}).attempts == 1


def until_two_came(server: Loopback) -> None:
    while len(server.requests) < 2:
        time.sleep(0.01)


def closed_until(gate: threading.Event) -> None:
    gate.wait(5)


NO_LIMITS: list[tuple[dict[str, Any], str]] = [
    ({"requests": 0}, "limits.requests"),
    ({"requests": -1}, "limits.requests"),
    ({"requests": 0.2}, "limits.requests"),
    ({"requests": "3"}, "limits.requests"),
    ({"requests": True}, "limits.requests"),
    ({"requests": math.nan}, "limits.requests"),
    ({"at_once": 0}, "limits.at_once"),
    ({"requests": 3, "at_once": -1}, "limits.at_once"),
    ({"seconds": -1}, "limits.seconds"),
    ({"seconds": 0}, "limits.seconds"),
    ({"seconds": "a"}, "limits.seconds"),
    ({"seconds": math.nan}, "limits.seconds"),
    ({"seconds": math.inf}, "limits.seconds"),
]


@pytest.mark.parametrize("opening", [connector.connect, connector.aconnect])
@pytest.mark.parametrize(("given", "where"), NO_LIMITS, ids=repr)
def test_limits_that_are_none_are_refused(opening: Any, given: dict[str, Any], where: str) -> None:
    """When the connection is opened, by name."""
    with pytest.raises(InputError) as caught:
        opening("perplexity", api_key=KEY, limits=Limits(**given))
    assert [problem.where for problem in caught.value.problems] == [where]


def test_one_connection_serves_event_loops_one_after_another() -> None:
    """Its places are waited for in each of them."""
    with Loopback(http(200, FOUND)) as server, asyncio.Runner() as first, asyncio.Runner() as second:
        limits = Limits(at_once=1)
        opened = connector.aconnect("perplexity", api_key=KEY, base_url=server.url, limits=limits)

        async def three() -> list[int]:
            runs = [opened.run("execute_search", {"query": "x"}) for _ in range(3)]
            return [result.attempts for result in await asyncio.gather(*runs)]

        assert [runner.run(three()) for runner in (first, second, first)] == [[1, 1, 1]] * 3
        first.run(opened.close())
        second.run(asyncio.sleep(0))
        loops = [weakref.ref(runner.get_loop()) for runner in (first, second)]
    del first, second
    gc.collect()
    assert [loop() for loop in loops] == [None, None]  # the connection keeps none


async def crowded(server: Loopback, limits: Limits, gate: threading.Event) -> None:
    async with connector.aconnect("perplexity", api_key=KEY, base_url=server.url, limits=limits) as opened:
        first = [asyncio.ensure_future(opened.run("execute_search", {"query": "x"})) for _ in range(2)]
        await asyncio.to_thread(until_two_came, server)
        with pytest.raises(Timeout, match="All 2 places for requests at once were taken"):
            await opened.run("execute_search", {"query": "x"}, deadline=0.2)
        gate.set()
        assert [result.attempts for result in await asyncio.gather(*first)] == [1, 1]
        assert (await opened.run("execute_search", {"query": "x"})).attempts == 1


@pytest.mark.hazard("G5")
def test_an_outage_does_not_multiply_requests(figure: Callable[[str, str], None]) -> None:
    """Once the quota of further attempts is used up, each run asks once."""
    refused = http(503, {"error": {"message": "down"}}, {"Retry-After": "0"})
    with (
        Loopback(refused) as server,
        connector.connect("perplexity", api_key=KEY, base_url=server.url, limits=Limits()) as opened,
    ):
        hints = []
        for _ in range(200):
            with pytest.raises(ApiError) as caught:
                opened.run("execute_search", {"query": "x"})
            hints.append(caught.value.hint)
    assert len(server.requests) == 300
    assert "too much has failed on this connection of late" in hints[-1]
    figure("G5", "outage, 200 runs: 300 requests instead of 600")


# --- places that come back


def answered(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=FOUND)


ONE_AT_ONCE = Limits(requests=1, seconds=0.001, at_once=1)


class Interrupting:
    """Ctrl-C at the n-th call of what gives a request its turn."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        is_ours = code.co_filename.endswith(("limits.py", "places.py", "run.py", "threading.py"))
        if event == "call" and is_ours and code.co_name != "__del__":  # from there, nothing is raised
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def interrupted(opened: connector.OpenConnection, calls: int) -> bool:
    before = sys.gettrace()
    sys.settrace(Interrupting(calls))
    try:
        opened.run("execute_search", {"query": "x"})
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_ctrl_c_at_any_call_loses_no_place() -> None:
    """The next run has its turn, though there is one place only, and one request in a window."""
    transport = httpx.MockTransport(answered)
    with connector.connect("perplexity", api_key=KEY, transport=transport, limits=ONE_AT_ONCE) as opened:
        for calls in itertools.count(1):
            was_interrupted = interrupted(opened, calls)
            assert opened.run("execute_search", {"query": "x"}, deadline=2).attempts == 1
            if not was_interrupted:
                break
    assert calls > 10


@pytest.mark.skipif(sys.platform == "win32", reason="there are no timers that send signals")
def test_ctrl_c_while_a_place_is_waited_for() -> None:
    """It ends the wait, and takes none."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    places = Places(1)
    first, second, third = (Place(NEVER, places) for _ in range(3))
    assert places.take(first, 0)
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            places.take(second, 5)
    finally:
        signal.signal(signal.SIGALRM, before)
    first.over()
    assert [places.take(second, 0), places.take(third, 0)] == [True, False]


def test_who_has_waited_for_a_place_comes_before_who_asks_again() -> None:
    """Though the thread that gives one back could take it at once, and did."""
    places = Places(1)
    first, waiting, again = (Place(NEVER, places) for _ in range(3))
    assert places.take(first, 0)
    assert not places.take(waiting, 0)  # it stands in the queue until it is over
    first.over()
    assert [places.take(again, 0), places.take(waiting, 0)] == [False, True]
    waiting.over()
    assert [places.take(again, 0), places.free] == [True, 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_every_place_and_turn() -> None:
    """What other threads had when it was forked, locks included, nobody would give back there."""
    places, limit = Places(1), RateLimit(Limits(requests=1, seconds=0.08))
    taken, over = threading.Event(), threading.Event()

    def at_work() -> None:
        place, turn = Place(NEVER, places), limit.turn()
        assert places.take(place, 0)
        assert turn.wait() == 0.0
        with places._lock, limit._lock:
            taken.set()
            over.wait(10)

    thread = threading.Thread(target=at_work)
    thread.start()
    taken.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # should a lock still be held
        time.sleep(0.05)  # longer than from one turn to the next
        os._exit(0 if places.take(Place(NEVER, places), 1) and limit.turn().wait() == 0.0 else 1)
    assert os.waitpid(child, 0)[1] == 0
    over.set()
    thread.join()


def test_no_thread_waits_longer_for_a_place_than_it_may() -> None:
    """However often another one takes what has become free."""
    places, ends = Places(3), time.monotonic() + 1
    late: list[float] = []

    def ask() -> None:
        while (began := time.monotonic()) < ends:
            place = Place(NEVER, places)
            if places.take(place, 0.01):
                time.sleep(0.001)
            late.append(time.monotonic() - began)
            place.over()

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(late) < 0.5
    assert places.free == 3


@pytest.mark.parametrize("ticks", range(8))
def test_a_cancel_at_the_moment_a_place_becomes_free_is_one(ticks: int) -> None:
    """The cancelled run sends nothing more and keeps no place."""

    async def cancel() -> None:
        gate = asyncio.Event()

        async def slowly(request: httpx.Request) -> httpx.Response:
            await gate.wait()
            return answered(request)

        limits = Limits(at_once=1)
        transport = httpx.MockTransport(slowly)
        async with connector.aconnect(
            "perplexity", api_key=KEY, transport=transport, limits=limits
        ) as opened:
            first, second = (
                asyncio.ensure_future(opened.run("execute_search", {"query": "x"})) for _ in "ab"
            )
            await asyncio.sleep(0.01)
            gate.set()
            for _ in range(ticks):
                await asyncio.sleep(0)
            is_early = not second.done()
            second.cancel()
            await asyncio.wait([first, second])
            assert second.cancelled() is is_early
            assert (await opened.run("execute_search", {"query": "x"}, deadline=2)).attempts == 1

    asyncio.run(cancel())
