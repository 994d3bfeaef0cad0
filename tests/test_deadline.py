"""Deadlines: whatever a server does, a run is over when it was told to be."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from loopback import Answer, Loopback, Step, http

import connector
from connector.deadline import Deadline, Patience, Sending, within
from connector.errors import ApiError, ConnectorError, InputError, Timeout

KEY = "pplx-test-deadline"
SEARCH = {"query": "x"}
Run = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a search with a fresh connection, either way."""

    def here(url: str, **how: Any) -> Any:
        with connector.connect("perplexity", api_key=KEY, base_url=url) as opened:
            return opened.run("execute_search", how.pop("inputs", SEARCH), **how)

    async def there(url: str, **how: Any) -> Any:
        async with connector.aconnect("perplexity", api_key=KEY, base_url=url) as opened:
            return await opened.run("execute_search", how.pop("inputs", SEARCH), **how)

    return here if request.param == "sync" else lambda url, **how: asyncio.run(there(url, **how))


def failing(run: Run, url: str, **how: Any) -> tuple[ConnectorError, float]:
    """The error of a run, and the seconds that it took."""
    began = time.monotonic()
    with pytest.raises(ConnectorError) as caught:
        run(url, **how)
    return caught.value, time.monotonic() - began


def bytewise(text: bytes, pause: float = 0.05) -> tuple[Step, ...]:
    return tuple(step for byte in text for step in (bytes([byte]), pause))


WHOLE = http(200, {"id": "1", "results": []}, {"X-Long": "x" * 200})
SLOW: dict[str, Answer] = {
    "nothing at all": (30.0,),
    "a head byte by byte": bytewise(WHOLE),
    "a body byte by byte": (http(200, b"", {"Content-Length": "1000"}, length=False), *bytewise(b" " * 100)),
    "a chunked body byte by byte": (
        http(200, b"", {"Transfer-Encoding": "chunked"}, length=False),
        *bytewise(b"1\r\n \r\n" * 60),
    ),
    "informational answers without end": (
        b"",
        *(step for _ in range(500) for step in (b"HTTP/1.1 100 Continue\r\n\r\n", 0.02)),
    ),
}


@pytest.mark.hazard("E1")
@pytest.mark.parametrize("how", SLOW)
def test_no_server_outlasts_the_deadline(run: Run, how: str) -> None:
    """A byte now and then satisfies a read timeout, and not a deadline."""
    with Loopback(SLOW[how]) as server:
        error, took = failing(run, server.url, deadline=0.3)
    assert isinstance(error, Timeout)
    assert error.message == "The deadline of 0.3 seconds passed before the answer was complete."
    assert (error.attempts, len(server.requests)) == (1, 1)
    assert took < 2.0


@pytest.mark.hazard("E1", "E2")
def test_a_server_that_does_not_read_is_not_waited_for(run: Run) -> None:
    """Sending has a deadline too."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        error, took = failing(run, url, inputs={"query": "x" * 12_000_000}, deadline=0.3)
    assert error.message == "The deadline of 0.3 seconds passed before the request was sent."
    assert took < 3.0


@pytest.mark.hazard("E2")
def test_a_search_for_the_host_without_end_is_not_waited_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own search has no timeout."""
    over, found = threading.Event(), socket.getaddrinfo
    threading.Timer(1.5, over.set).start()  # the end of an event loop waits for its threads

    def search(host: Any, *args: Any, **more: Any) -> Any:
        if host in {"slow.test", b"slow.test"}:
            over.wait(20)
        return found(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", search)
    error, took = failing(run, "https://slow.test", deadline=0.3)
    assert error.message == "The deadline of 0.3 seconds passed before a connection was made."
    assert took < 5.0


@pytest.mark.hazard("G6")
def test_retries_do_not_outlast_the_deadline(run: Run) -> None:
    """The next wait would: the error of the last attempt, with the reason for stopping."""
    refused = http(503, {"error": {"message": "busy"}}, {"Retry-After": "1"})
    with Loopback(refused) as server:
        error, took = failing(run, server.url, deadline=1.9)
    assert isinstance(error, ApiError)
    assert "It was not tried again: its deadline is over in 0." in str(error)
    assert [attempt.status for attempt in error.history] == [503, 503]
    assert took < 2.5


@pytest.mark.hazard("G10")
def test_the_error_lists_every_attempt(run: Run) -> None:
    """Each with its own failure: the last does not hide the first."""
    answers = [http(502, b"bad"), http(429, {"error": {"message": "m"}}, {"Retry-After": "0"}), http(401, {})]
    with Loopback(*answers) as server:
        error, _ = failing(run, server.url)
    assert [(one.kind, one.status) for one in error.history] == [
        ("server_fault", 502),
        ("rate_limited", 429),
        ("bad_credential", 401),
    ]
    assert str(error).endswith("(3 attempts: 502, 429, 401)")


@pytest.mark.hazard("G1")
@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (1, 2), (5, 6), (None, 3)])
def test_retries_can_be_bounded(run: Run, retries: int | None, requests: int) -> None:
    """0 switches them off; without a number the manifest's count holds."""
    with Loopback(http(503, {}, {"Retry-After": "0"})) as server:
        error, _ = failing(run, server.url, retries=retries)
    assert (len(server.requests), error.attempts) == (requests, requests)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("deadline", bad) for bad in (0, -1, math.nan, "3", True, 10**400)),
        *(("retries", bad) for bad in (-1, 1.5, "3", True, 10**400, math.inf, math.nan)),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_bound_is_refused(run: Run, name: str, bad: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(InputError, match=name):
        run("http://127.0.0.1:9", **{name: bad})


def test_a_stream_that_falls_silent_ends() -> None:
    """With the text so far, long before its deadline."""
    event = b'data: {"type":"response.output_text.delta","delta":"One "}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    inputs = {"model": "sonar", "messages": [{"role": "user", "content": "x"}]}
    with (
        Loopback((head, event, 30.0)) as server,
        connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened,
        pytest.raises(Timeout) as caught,
    ):
        for _ in opened.stream("create_chat_completion", inputs, deadline=0.7):
            pass
    assert caught.value.partial_text == "One "


@pytest.mark.parametrize(
    ("inputs", "seconds"),
    [
        ({"model": "sonar", "messages": [{"role": "user", "content": "x"}]}, 120),
        ({"model": "sonar-deep-research", "messages": [{"role": "user", "content": "x"}]}, 1800),
    ],
)
def test_the_manifest_names_the_deadline(inputs: dict[str, Any], seconds: float) -> None:
    """It may depend on the inputs: deep research takes longer."""
    with connector.connect("perplexity", api_key=KEY) as opened:
        planned = opened.plan("create_chat_completion", inputs)
        assert opened._due(planned, None).seconds == seconds
        assert opened._due(opened.plan("execute_search", SEARCH), None).seconds == 30


def test_a_step_has_what_is_left() -> None:
    """The least of its own seconds, of the longest silence, and of what the deadline leaves."""
    sending = Sending(within(100.0))
    patience = Patience(sending, {"read": 50.0})
    assert patience.left("read", TimeoutError) == 50.0
    assert 99.0 < (patience.left("write", TimeoutError) or 0.0) <= 100.0
    sending.longest_silence = 10.0
    assert patience.left("read", TimeoutError) == 10.0
    assert Patience(Sending(), {}).left("read", TimeoutError) is None
    with pytest.raises(TimeoutError):
        Patience(Sending(Deadline(1.0, time.monotonic() - 1.0)), {"read": 50.0}).left("read", TimeoutError)
