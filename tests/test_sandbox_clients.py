"""The sandbox against clients that misbehave: it stays small, serves the others, and is not seen from outside."""

from __future__ import annotations

import itertools
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.sandbox import Sandbox
from connector.sandbox.body import parse
from connector.sandbox.memory import Held
from connector.sandbox.protocol import Protocol
from connector.sandbox.refusal import Refused

KEYS = (f"Bearer pplx-test-clients-{number}" for number in itertools.count())
MEBIBYTE = 1024 * 1024
Figure = Callable[[str, str], None]


def key() -> dict[str, str]:
    """A key of its own for each request: the rate limit is not what is tested here."""
    return {"authorization": next(KEYS)}


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def is_served(url: str) -> bool:
    return httpx.get(f"{url}/v1/models", headers=key(), trust_env=False, timeout=2).status_code == 200


def rest(connection: socket.socket) -> bytes:
    """What still comes, until the sandbox ends the connection."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def head(length: str) -> bytes:
    lines = ["POST /search HTTP/1.1", "Host: sandbox", f"Authorization: {next(KEYS)}", length]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def connections(sandbox_url: str) -> Iterator[Callable[[], socket.socket]]:
    """Opens connections to the sandbox."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_connection(address(sandbox_url), timeout=2))


# --- where it listens


def own_addresses() -> list[str]:
    found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    addresses = {str(place[0]) for *_, place in found} | {"127.0.0.2", "::1"}
    return sorted(addresses - {"127.0.0.1"})


@pytest.mark.hazard("I2")
def test_only_loopback_reaches_it(sandbox_url: str, figure: Figure) -> None:
    """It is bound to 127.0.0.1, and no other address of this computer answers at its port."""
    port = address(sandbox_url)[1]
    reached = []
    for place in own_addresses():
        with socket.socket(socket.AF_INET6 if ":" in place else socket.AF_INET) as probe:
            probe.settimeout(1)
            if probe.connect_ex((place, port)) == 0:
                reached.append(place)
    assert reached == []
    assert is_served(sandbox_url)
    figure("I2", "the sandbox: reached by 127.0.0.1 and by no other address")


@pytest.mark.hazard("I2")
def test_a_taken_port_ends_the_command_with_a_sentence(cli: Callable[..., Any], sandbox_url: str) -> None:
    """It says which port, that it is taken, and what to do."""
    port = address(sandbox_url)[1]
    ended = cli("sandbox", "--port", str(port))
    hint = "Choose another with --port; --port 0 takes any free one."
    assert ended == (2, "", f"error: port {port}: It is in use. {hint}\n")


# --- large bodies


@pytest.fixture
def served() -> Iterator[tuple[str, int]]:
    """A sandbox in a process of its own: its URL and its process id."""
    command = [sys.executable, "-m", "connector.cli", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        first = server.stderr.readline()
        yield re.findall(r"http://\S+", first)[0], server.pid
        server.terminate()


def megabytes(pid: int, what: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) // 1024


@pytest.mark.hazard("I10")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_a_body_of_100_mb_takes_little_memory(served: tuple[str, int], figure: Figure) -> None:
    """It is refused with 413, and what was read of it is not kept; so are four at once, and many small values."""
    url, pid = served
    before = megabytes(pid, "VmRSS")
    statuses: list[int] = []

    def send() -> None:
        pieces = (b" " * MEBIBYTE for _ in range(100))
        with httpx.Client(trust_env=False, timeout=30) as client:
            statuses.append(client.post(f"{url}/search", content=pieces, headers=key()).status_code)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    values = b'{"query": [' + b"{}," * (10 * MEBIBYTE) + b"0]}"
    statuses.append(httpx.post(f"{url}/search", content=values, headers=key(), trust_env=False).status_code)
    assert statuses == [413] * 5
    assert is_served(url)
    assert megabytes(pid, "VmHWM") - before < 256
    figure("I10", "the sandbox: 4 bodies of 100 MB at once are refused in less than 256 MB")


def test_many_values_are_refused_before_they_are_read() -> None:
    """Each takes many times as much memory as the bytes that it is written with."""
    with pytest.raises(Refused) as refused:
        parse(b"[" + b"0," * 1_000_000 + b"0]")
    assert refused.value.status == 413
    assert len(parse(b"[" + b"0," * 900_000 + b"0]")) == 900_001


def test_bodies_that_arrive_share_a_room() -> None:
    """What one request holds, others cannot have until it has been answered."""
    held = Held(most=10)
    with held.share() as first, held.share() as second:
        assert [first.grow(6), second.grow(6), second.grow(4)] == [True, False, True]
        assert (first.size, second.size) == (6, 4)
    with held.share() as third:
        assert third.grow(10)


@pytest.mark.hazard("I10")
def test_too_many_large_bodies_at_once_are_refused() -> None:
    """With a 503, once the room is full; when it is free again, they are taken."""
    with Sandbox() as sandbox, socket.create_connection(address(sandbox.url), timeout=2) as slow:
        sandbox._app.state.held = Held(most=1000)

        def ask() -> int:
            body = {"query": "x" * 600}
            return httpx.post(f"{sandbox.url}/search", json=body, headers=key(), trust_env=False).status_code

        slow.sendall(head("Content-Length: 900") + b" " * 899)
        assert any(ask() == 503 for _ in range(50))
        slow.close()
        assert any(ask() == 200 for _ in range(50))
        assert ask() == 200


# --- slow clients, and those that do not speak HTTP


@pytest.mark.hazard("I10")
def test_200_slow_clients_keep_nobody_out(
    sandbox_url: str, connections: Callable[[], socket.socket], figure: Figure
) -> None:
    """Half of them stop in the head, half in the body; the next client is served."""
    for number in range(200):
        begun = b"POST /search HTTP/1.1\r\nHost: a" if number % 2 else head("Content-Length: 100") + b"{"
        connections().sendall(begun)
    assert is_served(sandbox_url)
    figure("I10", "200 unfinished requests: the next one is served")


@pytest.mark.hazard("I10")
@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /search HTTP/1.1\r\nHost: a", id="half a head"),
        pytest.param(head("Content-Length: 100") + b"{", id="half a body"),
        pytest.param(
            head("Content-Length: 2") + b"{}" + head("Content-Length: 100") + b"{", id="a second one"
        ),
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(
    begun: bytes, connections: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is closed when its time is over."""
    monkeypatch.setattr(Protocol, "seconds_to_ask", 0.05)
    connection = connections()
    connection.sendall(begun)
    answered = rest(connection)  # ends, or the socket's timeout fails the test
    assert answered.count(b"HTTP/1.1 ") == begun.count(b"Content-Length: 2")


@pytest.mark.hazard("I10")
def test_a_slow_answer_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the request has a time to come in; an answer may take as long as it takes."""
    monkeypatch.setattr(Protocol, "seconds_to_ask", 0.05)
    with Sandbox(faults=["slow,seconds=0.2"]) as sandbox:
        assert is_served(sandbox.url)


@pytest.mark.hazard("I10")
def test_who_waits_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all connections are taken, one that has asked for nothing is closed, and never one with a request."""
    monkeypatch.setattr(Protocol, "most_connections", 3)
    with Sandbox() as sandbox, ExitStack() as opened:

        def connect(sent: bytes) -> socket.socket:
            made = opened.enter_context(socket.create_connection(address(sandbox.url), timeout=2))
            made.sendall(sent)
            return made

        hanging = head("Content-Length: 2\r\nX-Sandbox-Fault: stall") + b"{}"
        asked = connect(hanging)
        assert asked.recv(9) == b"HTTP/1.1 "
        first, second = connect(b"G"), connect(b"G")
        assert is_served(sandbox.url)
        assert rest(first) == b""
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)
        for _ in range(2):
            assert connect(hanging).recv(9) == b"HTTP/1.1 "
        assert rest(connect(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")) == b""


GARBAGE = {
    "no HTTP": b"\x00\x01\x02 nothing\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
    "a bad length": head("Content-Length: -1"),
    "two lengths": head("Content-Length: 1\r\nContent-Length: 2"),
    "a bad chunk": head("Transfer-Encoding: chunked") + b"size\r\n",
    "garbage behind a request": head("Content-Length: 2") + b"{}\x00\x01garbage\r\n\r\n",
    "a head of 1 MB": b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MEBIBYTE + b"\r\n\r\n",
    "a path of 1 MB": b"GET /" + b"a" * MEBIBYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "an upgrade": b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
    "a path that is not UTF-8": b"GET /%ff%fe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "a key that is not ASCII": b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    b"Authorization: Bearer pplx-\xff\r\n\r\n",
}


@pytest.mark.hazard("I10")
@pytest.mark.parametrize("sent", [pytest.param(raw, id=name) for name, raw in GARBAGE.items()])
def test_garbage_is_refused_in_silence(
    sent: bytes,
    sandbox_url: str,
    connections: Callable[[], socket.socket],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever comes, the connection ends, nothing is printed, and the next client is served."""
    monkeypatch.setattr(Protocol, "seconds_to_ask", 0.2)
    connection = connections()
    try:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # refused before all of it was sent
    assert rest(connection)[:9] in (b"", b"HTTP/1.1 ")
    assert is_served(sandbox_url)
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


@pytest.mark.hazard("I10")
def test_garbage_behind_an_answer_ends_the_connection(
    connections: Callable[[], socket.socket],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When the request goes wrong after it has been refused, there is nothing more to say."""
    connection = connections()
    connection.sendall(head("Transfer-Encoding: chunked").replace(b"pplx-", b"sk-"))
    assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
    connection.sendall(b"zz\r\n")
    assert b"HTTP/1.1" not in rest(connection)  # the end of that answer may still come, and no other
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


@pytest.mark.hazard("I10")
def test_a_client_that_reads_nothing_takes_no_memory(connections: Callable[[], socket.socket]) -> None:
    """A huge answer waits until it is read; nothing of it is made in advance."""
    waiting = [connections() for _ in range(3)]
    for connection in waiting:
        connection.sendall(head("Content-Length: 13\r\nX-Sandbox-Fault: huge,mb=4096") + b'{"query":"a"}')
    for connection in waiting:
        assert connection.recv(9) == b"HTTP/1.1 "
