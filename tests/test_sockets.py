"""Sockets that wait only as long as they are told: plain and with TLS, full ones and closed ones."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from benchmarks.certificate import write
from connector.deadline import NEVER, Patience, Sending, within
from connector.sockets import PART, Socket

LONG = bytes(range(256)) * 64 * 256  # 4 MiB, more than any buffer between two ends
Pair = tuple[Socket, socket.socket]


def patience(seconds: float = 20.0) -> Patience:
    return Patience(Sending(within(seconds)), {"read": 20.0, "write": 20.0})


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a client and of a server that trust each other."""
    certificate, key = write(tmp_path_factory.mktemp("tls"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    return client, server


@pytest.fixture(params=["plain", "tls"])
def ends(request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Pair]:
    """Our end of a connection, and the service's."""
    ours, theirs = socket.socketpair()
    if request.param == "tls":
        client, server = contexts
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(server.wrap_socket, theirs, server_side=True)
            ours = client.wrap_socket(ours, server_hostname="127.0.0.1")
            theirs = waiting.result()
    found = Socket(ours)
    yield found, theirs
    found.close()
    theirs.close()


def aside(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_more_than_the_buffers_hold_is_written(ends: Pair) -> None:
    """A service that reads slowly gets all of it."""
    ours, theirs = ends
    received = bytearray()

    def read_slowly() -> None:
        time.sleep(0.05)
        while len(received) < len(LONG):
            received.extend(theirs.recv(50_000))

    thread = aside(read_slowly)
    ours.write(LONG, patience())
    thread.join()
    assert received == LONG


def test_more_than_is_read_at_once_is_read(ends: Pair) -> None:
    """Piece by piece, none longer than a part, with nothing left behind."""
    ours, theirs = ends
    thread = aside(lambda: theirs.sendall(LONG))
    received = bytearray()
    while len(received) < len(LONG):
        piece = ours.read(patience())
        assert 0 < len(piece) <= PART
        received += piece
    thread.join()
    assert received == LONG
    assert ours.is_idle


def test_a_silent_service_is_waited_for_until_the_deadline(ends: Pair) -> None:
    """And one whose buffers are full."""
    ours, _ = ends
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        ours.read(patience(0.1))
    with pytest.raises(httpx.WriteTimeout):
        ours.write(LONG * 4, patience(0.1))
    assert 0.2 <= time.monotonic() - began < 5


def test_time_that_is_over_sends_nothing(ends: Pair) -> None:
    """What is sent may be paid for."""
    ours, theirs = ends
    with pytest.raises(httpx.WriteTimeout):
        ours.write(b"a question", patience(0))
    ours.close()
    with pytest.raises(httpx.WriteError, match="closed"):
        ours.write(b"a question", patience())
    theirs.settimeout(5)
    assert _rest(theirs) == b""


def _rest(end: socket.socket) -> bytes:
    try:
        return end.recv(100)
    except OSError:
        return b""


def test_a_closed_one_is_not_waited_for(ends: Pair) -> None:
    """Its number may be another connection's by now."""
    ours, _ = ends
    ours.close()
    with pytest.raises(httpx.ReadError, match="closed"):
        ours.read(Patience(Sending(NEVER), {}))


def test_closing_wakes_who_waits(ends: Pair) -> None:
    """As at the end of the connection, or with an error; in no case the wait goes on."""
    ours, _ = ends
    timer = threading.Timer(0.1, ours.close)
    timer.start()
    with suppress(httpx.ReadError):
        assert ours.read(patience()) == b""
    timer.join()


def test_the_end_is_read(ends: Pair) -> None:
    """What came before it first."""
    ours, theirs = ends
    theirs.sendall(b"last words")
    theirs.close()
    assert ours.read(patience()) == b"last words"
    assert ours.read(patience()) == b""
    assert not ours.is_idle
