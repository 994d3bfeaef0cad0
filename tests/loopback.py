"""A server on loopback that answers as a test scripts it: right, wrong, late, in part, or not at all."""

from __future__ import annotations

import errno
import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

Step = bytes | float | Callable[[socket.socket], None]
"""Bytes to send, seconds to wait, or something to do to the connection."""

Wire = bytes | tuple[Step, ...]


@dataclass(frozen=True)
class Received:
    """A request as it came: header names in lower case, and which connection it came on, from 0."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Wire | Callable[[Received], Wire]
"""What is sent, or what decides it once the request is there."""


def http(
    status: int = 200,
    body: Any = b"",
    headers: Mapping[str, str] | None = None,
    *,
    form: str | None = None,
    length: bool = True,
) -> bytes:
    """An answer: `body` is JSON unless it is bytes; `form` is its Content-Type."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    given = {"Content-Type": form or ("text/html" if isinstance(body, bytes) else "application/json")}
    if length:
        given["Content-Length"] = str(len(content))
    lines = [f"HTTP/1.1 {status} Status", *(f"{k}: {v}" for k, v in {**given, **(headers or {})}.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


def reset(connection: socket.socket) -> None:
    """Break the connection, so that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close(connection: socket.socket) -> None:
    """End the connection in order."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class Loopback:
    """Gives each request the next answer, and the last one to all further requests.

    `first` is done to each connection before anything is read from it.

    Attributes:
        url: where it listens; https with `tls`.
        requests: what came.
        connections: how many connections were made.
    """

    def __init__(
        self, *answers: Answer, tls: ssl.SSLContext | None = None, first: tuple[Step, ...] = ()
    ) -> None:
        self._tls = tls
        self._first = first
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[Received] = []
        self.connections = 0
        self._start(self._accept)

    def still_open(self, within: float = 2.0) -> int:
        """How many connections the other side has not closed, after waiting for it to do so."""
        for _ in range(int(within / 0.001)):
            if not self._open:
                break
            self._over.wait(0.001)
        return len(self._open)

    def stop(self) -> None:
        """End every connection, and wait for the threads."""
        self._over.set()
        close(self._listener)
        with self._lock:
            for connection in self._open:
                close(connection)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        with self._lock:
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                number = self.connections
                self.connections += 1
            self._start(self._serve, connection, number)

    def _serve(self, accepted: socket.socket, number: int) -> None:
        connection = accepted
        try:
            with suppress(OSError):
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                for step in self._first:
                    self._take(step, connection)
                while (received := _read(connection, number)) is not None:
                    with self._lock:
                        self.requests.append(received)
                        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
                    wire = answer(received) if callable(answer) else answer
                    for step in wire if isinstance(wire, tuple) else (wire,):
                        self._take(step, connection)
        finally:
            close(connection)
            with self._lock:
                self._open.discard(accepted)

    def _take(self, step: Step, connection: socket.socket) -> None:
        if isinstance(step, bytes):
            connection.sendall(step)
        elif callable(step):
            step(connection)
        else:
            try:
                select.select([connection], [], [], step)  # wakes when the other side, or `stop`, ends it
            except ValueError:  # `stop` has closed it already
                raise OSError(errno.EBADF, "closed") from None


TLS = b"\x16\x03"


def _read(connection: socket.socket, number: int) -> Received | None:
    """The next request on a connection, or the beginning of TLS instead; None at its end."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        piece = connection.recv(65536)
        if not piece:
            return None
        buffer += piece
        if buffer.startswith(TLS):
            return Received("", "", {}, buffer, number)
    head, _, body = buffer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    while len(body) < int(headers.get("content-length", 0)):
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    return Received(method, target, headers, body, number)
