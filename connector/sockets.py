"""Sockets: every wait on them ends with the request's deadline.

A timeout of httpx is one of a single read, so that a server which sends a byte a second is waited for without
end. Here each step asks what the deadline leaves.
"""

from __future__ import annotations

import ipaddress
import os
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from connector.deadline import Patience
from connector.http import httpx

PART: Final = 64 * 1024
"""Read and written at once, at most: each part has what the deadline then leaves."""

_LONGEST: Final = 10**6  # seconds that the system can count


def connected(host: str, port: int, context: ssl.SSLContext | None, patience: Patience) -> Socket:
    """A connection: each address in turn, and none for longer than there is time.

    Args:
        host: a name or an address.
        port: where it listens.
        context: for TLS; None for plain text.
        patience: for all of it.

    Raises:
        httpx.ConnectError, httpx.ConnectTimeout.
    """
    left = patience.left("connect", httpx.ConnectTimeout)
    try:
        plain = _of_an_address(host, port, left)
        if context is None:
            return Socket(plain)
        try:
            plain.settimeout(patience.left("connect", httpx.ConnectTimeout))
            return Socket(context.wrap_socket(plain, server_hostname=host))
        except BaseException:
            plain.close()
            raise
    except TimeoutError:
        pass
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    raise httpx.ConnectTimeout("")


def _of_an_address(host: str, port: int, left: float | None) -> socket.socket:
    until = None if left is None else time.monotonic() + left
    addresses = _addresses(host, port, left)
    for tried, address in enumerate(addresses, start=1):
        share = None if until is None else (until - time.monotonic()) / (len(addresses) - tried + 1)
        if share is not None and share <= 0:
            break
        try:
            made = socket.create_connection((address, port), share)
        except OSError:
            if tried == len(addresses):
                raise
        else:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
    raise TimeoutError


def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    """The addresses of a host. The system's own search knows no end of time, so it has a thread of its own."""
    if is_address(host):
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
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise httpx.ConnectError(str(answer)) from answer
    return answer


def is_address(host: str) -> bool:
    """Whether it is an address, and no name to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


Wait = Callable[[float | None], bool]
"""Waits so many seconds, without end for None; whether what is waited for is there."""


def readable(number: int) -> Wait:
    """Waits until something has come to a socket that nobody has read, its end included."""
    if not hasattr(select, "poll"):  # Windows
        return lambda seconds: bool(select.select([number], [], [], seconds)[0])
    return _polled(number, select.POLLIN)


def _writable(number: int) -> Wait:
    """Waits until a socket takes more."""
    if not hasattr(select, "poll"):
        return lambda seconds: bool(select.select([], [number], [], seconds)[1])
    return _polled(number, select.POLLOUT)


def _polled(number: int, event: int) -> Wait:
    watch = select.poll()
    watch.register(number, event)
    return lambda seconds: bool(watch.poll(None if seconds is None else min(seconds, _LONGEST) * 1000))


class Socket:
    """One connection's socket, which waits only as long as it is told. Another thread may close it."""

    def __init__(self, system: socket.socket) -> None:
        system.setblocking(False)
        self._system = system
        self._has_come = readable(system.fileno())
        self._is_in_use = False
        self._is_closed = False
        self._process = os.getpid()

    def read(self, patience: Patience) -> bytes:
        """What has come, waited for if nothing has; empty at the end.

        Raises:
            httpx.ReadTimeout, httpx.ReadError.
        """
        self._begin(httpx.ReadError)
        try:
            is_there = self._is_decrypted
            while is_there or self._has_come(patience.left("read", httpx.ReadTimeout)):
                try:
                    return self._system.recv(PART)
                except (BlockingIOError, ssl.SSLWantReadError):
                    is_there = False
                except ssl.SSLWantWriteError:
                    is_there = _writable(self._system.fileno())(patience.left("read", httpx.ReadTimeout))
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        finally:
            self._is_over()
        raise httpx.ReadTimeout("")

    def write(self, data: bytes, patience: Patience) -> None:
        """Hand over all of it.

        Raises:
            httpx.WriteTimeout, httpx.WriteError.
        """
        rest = memoryview(data)
        self._begin(httpx.WriteError)
        try:
            while rest:
                left = patience.left("write", httpx.WriteTimeout)
                try:
                    rest = rest[self._system.send(rest[:PART]) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    if not _writable(self._system.fileno())(left):
                        break
                except ssl.SSLWantReadError:
                    if not self._has_come(left):
                        break
                else:
                    patience.sending.has_sent()
        except OSError as error:
            raise httpx.WriteError(str(error)) from error
        finally:
            self._is_over()
        if rest:
            raise httpx.WriteTimeout("")

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come, not even the end: what nobody asked for must not be read as an answer."""
        return not self._is_decrypted and not self._has_come(0)

    @property
    def _is_decrypted(self) -> bool:
        """Whether something has come that only TLS knows of."""
        return isinstance(self._system, ssl.SSLSocket) and self._system.pending() > 0

    def _begin(self, error: type[httpx.NetworkError]) -> None:
        self._is_in_use = True
        if self._is_closed:  # its number may be another's by now
            self._is_over()
            raise error("the connection is closed")

    def _is_over(self) -> None:
        """Nobody reads or writes any more."""
        self._is_in_use = False
        if self._is_closed:
            self._system.close()

    def close(self) -> None:
        """Break the connection.

        A thread that waits for the socket is woken by this. Closing it would have it wait on for nothing, or
        for a socket that gets the same number, so that thread closes it itself. Of a socket with TLS the plain
        one below is meant: TLS would wait for the other side. A process that was forked leaves the connection
        to the one that made it.
        """
        if self._process != os.getpid():
            self._system.close()
            return
        self._is_closed = True
        with suppress(OSError, TypeError):
            socket.socket.shutdown(self._system, socket.SHUT_RDWR)
        if not self._is_in_use:
            self._system.close()
