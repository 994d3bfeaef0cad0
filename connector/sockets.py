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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from connector.deadline import Patience
from connector.http import httpx

PART: Final = 64 * 1024
"""Read and written at once, at most: each part has what the deadline then leaves."""


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


def readable(number: int) -> Callable[[], bool]:
    """Tells whether anything has come to a socket that nobody has read, its end included."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([number], [], [], 0)[0])
    watch = select.poll()
    watch.register(number, select.POLLIN)
    return lambda: bool(watch.poll(0))


class Socket:
    """One connection's socket. Another thread may close it."""

    def __init__(self, system: socket.socket) -> None:
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
        with self._in_use():
            self._system.settimeout(patience.left("read", httpx.ReadTimeout))
            try:
                return self._system.recv(PART)
            except TimeoutError:
                pass
            except OSError as error:
                raise httpx.ReadError(str(error)) from error
        raise httpx.ReadTimeout("")

    def write(self, data: bytes, patience: Patience) -> None:
        """Hand over all of it.

        Raises:
            httpx.WriteTimeout, httpx.WriteError.
        """
        rest = memoryview(data)
        with self._in_use():
            while rest:
                self._system.settimeout(patience.left("write", httpx.WriteTimeout))
                try:
                    rest = rest[self._system.send(rest[:PART]) :]
                except TimeoutError:
                    break
                except OSError as error:
                    raise httpx.WriteError(str(error)) from error
                patience.sending.has_sent()
        if rest:
            raise httpx.WriteTimeout("")

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come, not even the end: what nobody asked for must not be read as an answer."""
        system = self._system
        if isinstance(system, ssl.SSLSocket) and system.pending():
            return False
        return not self._has_come()

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
