"""Sockets: every wait on them ends with the request's deadline.

A timeout of httpx is one of a single read, so that a server which sends a byte a second is waited for without
end. Here each step asks what the deadline leaves.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import httpcore

from connector.deadline import Patience

_PART: Final = 16 * 1024  # written at once: each part has what the deadline then leaves


def connected(
    host: str, port: int, context: ssl.SSLContext | None, timeout: float | None
) -> httpcore.NetworkStream:
    """A connection: each address in turn, and none for longer than there is time.

    Args:
        host: a name or an address.
        port: where it listens.
        context: for TLS; None for plain text.
        timeout: seconds for all of it.

    Raises:
        httpcore.ConnectError, httpcore.ConnectTimeout.
    """
    stream: httpcore.NetworkStream = _Socket(_of_an_address(host, port, timeout))
    if context is not None:
        stream = stream.start_tls(context, host, timeout)
    return stream


def left_of(timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
    """Seconds for the next step on a socket."""
    if not isinstance(timeout, Patience):
        return timeout
    timeout.sending.is_watched = True
    left = timeout.left()
    if left <= 0:
        raise over
    return left


def _of_an_address(host: str, port: int, timeout: float | None) -> httpcore.NetworkStream:
    left = left_of(timeout, httpcore.ConnectTimeout)
    until = None if left is None else time.monotonic() + left
    addresses = _addresses(host, port, left)
    for tried, address in enumerate(addresses, start=1):
        share = None if until is None else (until - time.monotonic()) / (len(addresses) - tried + 1)
        if share is not None and share <= 0:
            break
        try:
            return httpcore.SyncBackend().connect_tcp(address, port, share)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            if tried == len(addresses):
                raise
    raise httpcore.ConnectTimeout


def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    """The addresses of a host. The system's own search knows no end of time, so it has a thread of its own."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [host]
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def search() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=search, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout from None
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(str(answer)) from answer
    return answer


class Unsent:
    """What is written and not sent yet.

    httpcore writes a request's head, then its body, then nothing, which is the sign to send: one packet and one
    call of the system for a small request, instead of two.
    """

    def __init__(self) -> None:
        self.text = b""

    def taken(self, buffer: bytes) -> list[bytes]:
        """The parts to send now."""
        text = self.text + buffer if self.text else buffer
        if buffer and len(text) < _PART:
            self.text = text
            return []
        self.text = b""
        return [text[start : start + _PART] for start in range(0, len(text), _PART)]


class _Socket(httpcore.NetworkStream):
    def __init__(self, system: httpcore.NetworkStream) -> None:
        self._system = system
        self._unsent = Unsent()
        self._is_in_use = False
        self._is_closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent.text:
            self.write(b"", timeout)
        with self._in_use():
            return self._system.read(max_bytes, left_of(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for part in self._unsent.taken(buffer):
            with self._in_use():
                self._system.write(part, left_of(timeout, httpcore.WriteTimeout))
            if isinstance(timeout, Patience):
                timeout.sending.has_sent()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        self._is_in_use = True
        try:
            yield
        finally:
            self._is_in_use = False
            if self._is_closed:
                self._system.close()

    def close(self) -> None:
        # A thread that waits for the socket is woken by this. Closing it would have it wait on for nothing, or
        # for a socket that gets the same number, so that thread closes it itself. Of a socket with TLS the
        # plain one below is meant: TLS would wait for the other side.
        self._is_closed = True
        with suppress(OSError, TypeError):
            socket.socket.shutdown(self._system.get_extra_info("socket"), socket.SHUT_RDWR)
        if not self._is_in_use:
            self._system.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = left_of(timeout, httpcore.ConnectTimeout)
        return _Socket(self._system.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._system.get_extra_info(info)
