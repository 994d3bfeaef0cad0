"""What is sent again and what is not, on the wire; and which wait it was that took too long."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest
from faults.asking import QUICK, SUBJECTS, ask
from faults.slow import ignore
from faults.wire import failed
from leaks import KEY
from loopback import Loopback, Received, Wire, http

import connector
from connector.errors import ApiError, ConnectorError, Timeout, Unreachable
from connector.manifest import Limits

WAYS = ("sync", "async")
SEARCH = SUBJECTS["search"]
AGAIN = {408, 429, 502, 503, 504}


def by_number(received: Received) -> Wire:
    """The status that the query names."""
    return http(int(received.json["query"]), failed(), {"Retry-After": "0"})


@pytest.mark.hazard("G2", "G1")
def test_only_what_did_nothing_is_sent_again(figure: Callable[[str, str], None]) -> None:
    """Of all the statuses from 300 to 599."""
    untiring = replace(QUICK, retry=replace(QUICK.retry, quota=10_000))
    with (
        Loopback(by_number) as server,
        connector.connect(untiring, api_key=KEY, base_url=server.url) as opened,
    ):
        for status in sorted(
            range(300, 600), key=lambda status: status == 429
        ):  # it slows what comes after it
            with pytest.raises(ApiError) as caught:
                opened.run("execute_search", {"query": str(status)})
            assert caught.value.status == status
    requests = Counter(int(request.json["query"]) for request in server.requests)
    assert {status for status, count in requests.items() if count > 1} == AGAIN
    assert {requests[status] for status in AGAIN} == {3}
    figure("G2", f"300 statuses: 3 requests for each of {sorted(AGAIN)}, 1 for each other")


WAITS = {
    "0": 2,
    "-5": 2,
    "0.0": 2,
    "soon": 2,
    "": 2,
    "Wed, 21 Oct 2015 07:28:00 GMT": 2,
    "1e-3": 2,
    "99999": 1,
    "1e300": 1,
    "inf": 2,
    "nan": 2,
    "9" * 5000: 2,
    "Fri, 31 Dec 9999 23:59:59 GMT": 1,
    "Fri, 99 Foo 99999 23:59:59 GMT": 2,
}


@pytest.mark.hazard("G3")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("wait", "requests"), WAITS.items(), ids=[wait[:12] or "empty" for wait in WAITS])
def test_a_wait_beyond_reason_is_not_waited(
    wait: str, requests: int, way: str, figure: Callable[[str, str], None]
) -> None:
    """What makes no sense is as if it were not there; what is too long is told instead."""
    with Loopback(http(429, failed(), {"Retry-After": wait})) as server:
        outcome = ask(way, server.url, SEARCH, retries=1, deadline=20)
        assert len(server.requests) == requests
    assert isinstance(outcome, ApiError)
    assert outcome.kind == "rate_limited"
    if requests == 1:
        assert "It was not tried again" in outcome.hint
    figure(
        "G3",
        f"{len(WAITS)} forms of Retry-After, from -5 to the year 9999: 0 raw exceptions, 0 endless waits",
    )


@pytest.mark.hazard("G5")
def test_an_outage_is_not_made_worse(figure: Callable[[str, str], None]) -> None:
    """A connection has a quota of further attempts, which only success gives back."""
    calls, threads = 300, 20
    with (
        Loopback(http(503, failed(), {"Retry-After": "0"})) as server,
        connector.connect(QUICK, api_key=KEY, base_url=server.url) as opened,
        ThreadPoolExecutor(threads) as pool,
    ):

        def run(_: int) -> str:
            with pytest.raises(ApiError) as caught:
                opened.run("execute_search", SEARCH.inputs)
            return caught.value.kind

        assert set(pool.map(run, range(calls))) == {"server_fault"}
    assert len(server.requests) == calls + QUICK.retry.quota
    figure("G5", f"{calls} runs on {threads} threads while all fails: {len(server.requests)} requests")


@pytest.mark.hazard("G9")
@pytest.mark.parametrize("status", [401, 402, 403])
def test_no_credit_and_no_right_stop_at_once(status: int) -> None:
    """More attempts would not change it."""
    with Loopback(http(status, failed(), {"Retry-After": "0"})) as server:
        outcome = ask("sync", server.url, SEARCH, retries=5)
        assert len(server.requests) == 1
    assert isinstance(outcome, ApiError)
    assert outcome.kind in {"bad_credential", "no_credit", "not_allowed"}


@pytest.mark.hazard("G9")
def test_an_empty_account_is_not_a_busy_one(figure: Callable[[str, str], None]) -> None:
    """429 says both; the type tells them apart."""
    empty = http(429, failed(kind="insufficient_quota"), {"Retry-After": "0"})
    with Loopback(empty) as server:
        outcome = ask("sync", server.url, SEARCH, retries=5)
        assert len(server.requests) == 1
    assert isinstance(outcome, ApiError)
    assert outcome.kind == "no_credit"
    figure("G9", "401, 402, 403 and a 429 without credit: 1 request each")


@pytest.mark.hazard("G10")
@pytest.mark.parametrize("way", WAYS)
def test_every_attempt_is_shown(way: str, figure: Callable[[str, str], None]) -> None:
    """Failures of several kinds, oldest first."""
    answers: list[Wire] = [http(503, b""), http(429, failed()), http(504, b""), (1.0,)]
    with Loopback(*answers) as server:
        outcome = ask(way, server.url, SEARCH, retries=5, deadline=0.5)
        assert len(server.requests) == 4
    assert isinstance(outcome, Timeout)
    assert [attempt.status or attempt.kind for attempt in outcome.history] == [503, 429, 504, "timeout"]
    assert str(outcome).endswith("(4 attempts: 503, 429, 504, timeout)")
    figure("G10", "4 attempts that failed in 4 ways: 4 shown")


# --- E2: five waits, five causes


@contextmanager
def full_queue() -> Iterator[str]:
    """A host whose queue of connections is full: it does not answer any further one."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        address = listening.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for one in waiting:
            one.close()


@pytest.mark.hazard("E2")
@pytest.mark.parametrize("way", WAYS)
def test_no_connection_in_time(way: str) -> None:
    """Nothing was sent: with a step's own limit it is unreachable, with the run's deadline it is late."""
    hasty = replace(QUICK, timeouts=replace(QUICK.timeouts, connect=0.1))
    with full_queue() as url:
        late = ask(way, url, SEARCH, deadline=0.2)
        with (
            connector.connect(hasty, api_key=KEY, base_url=url) as opened,
            pytest.raises(Unreachable) as caught,
        ):
            opened.run("execute_search", SEARCH.inputs, retries=0)
    assert isinstance(late, Timeout)
    assert late.message == "The deadline of 0.2 seconds passed before a connection was made."
    assert caught.value.message == "No connection could be made in time."


@pytest.mark.hazard("E2")
def test_no_place_in_time(figure: Callable[[str, str], None]) -> None:
    """All the places are taken: the run that waits for one says so, and nothing of it was sent."""

    async def two_at_once(url: str) -> list[object]:
        limits = Limits(at_once=1)
        async with connector.aconnect(QUICK, api_key=KEY, base_url=url, limits=limits) as opened:
            runs = [opened.run("execute_search", SEARCH.inputs, deadline=seconds) for seconds in (0.5, 0.2)]
            return list(await asyncio.gather(*runs, return_exceptions=True))

    with Loopback((30.0,)) as server:
        first, second = asyncio.run(two_at_once(server.url))
        assert len(server.requests) == 1
    assert isinstance(first, Timeout)
    assert isinstance(second, Timeout)
    assert (
        second.message
        == "All 1 places for requests at once were taken until the deadline of 0.2 seconds passed."
    )
    figure("E2", "no connection, no place, nothing sent, nothing read, no host: 5 causes, 5 messages")


@pytest.mark.hazard("E2")
@pytest.mark.parametrize("way", WAYS)
def test_no_host(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody knows."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = ask(way, "https://nowhere.invalid", SEARCH, retries=0)
    assert isinstance(outcome, Unreachable)
    assert outcome.message == "No connection could be made: there is no such host."


@pytest.mark.hazard("G1")
@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_was_half_sent_is_not_sent_again(way: str, figure: Callable[[str, str], None]) -> None:
    """The server reads nothing and breaks the connection: it may have had all that it needs."""
    content = "x" * 9_000_000
    chat = replace(
        SUBJECTS["agent"], inputs={"model": "sonar", "messages": [{"role": "user", "content": content}]}
    )
    over = Event()
    with Loopback(
        b"", first=(ignore(0.1), lambda _: over.set(), lambda connection: connection.close())
    ) as server:
        outcome = ask(way, server.url, chat, retries=5, deadline=20)
        assert over.is_set()
        assert (server.connections, server.requests) == (1, [])
    assert isinstance(outcome, ConnectorError)
    assert outcome.kind == "cut_off"
    figure("G1", "a POST that broke when half of it was sent: 1 attempt")
