"""Sockets for asyncio, as `sockets`: every wait on them ends with the request's deadline.

What has arrived is kept here and nowhere else, decrypted, so that nothing can hide behind an answer: the
libraries between keep what they have read ahead to themselves, and would give it to the next request.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Final

import httpcore

from connector.deadline import Patience
from connector.sockets import Unsent, left_of

_MOST: Final = 256 * 1024  # kept before the service is made to wait


async def connected_async(
    host: str,
    port: int,
    context: ssl.SSLContext | None,
    timeout: float | None,  # noqa: ASYNC109 - it goes through to the socket
) -> httpcore.AsyncNetworkStream:
    """As sockets.connected, for asyncio."""
    left = left_of(timeout, httpcore.ConnectTimeout)
    name = host if context is not None else None
    try:
        async with asyncio.timeout(left):
            _, arrived = await asyncio.get_running_loop().create_connection(
                _Arrived, host, port, ssl=context, server_hostname=name, happy_eyeballs_delay=0.25
            )
    except TimeoutError:
        raise httpcore.ConnectTimeout from None
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return _AsyncSocket(arrived)


class _Arrived(asyncio.Protocol):
    """What has arrived, and whether more may come."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.text = bytearray()
        self.is_over = False
        self.error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._is_full = False
        self._is_held = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.text += data
        if len(self.text) > _MOST and not self._is_full:
            self._is_full = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.is_over = True
        self.error = error
        self._wake()

    def pause_writing(self) -> None:
        self._is_held = True

    def resume_writing(self) -> None:
        self._is_held = False
        self._wake()

    @property
    def can_send(self) -> bool:
        """Whether the service takes more, or nothing more will be taken."""
        return not self._is_held or self.is_over

    def taken(self, most: int) -> bytes:
        """The first of what has arrived."""
        piece = bytes(self.text[:most])
        del self.text[:most]
        if self._is_full and len(self.text) <= _MOST // 2:
            self._is_full = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return piece

    async def change(self, left: float | None) -> None:
        """Wait until something is different.

        Raises:
            TimeoutError: it has not been, for so many seconds.
        """
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        late = loop.call_later(left, _expire, waiting) if left is not None else None
        try:
            await waiting
        finally:
            self._waiting = None
            if late is not None:
                late.cancel()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _expire(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


class _AsyncSocket(httpcore.AsyncNetworkStream):
    def __init__(self, arrived: _Arrived) -> None:
        self._arrived = arrived
        self._unsent = Unsent()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self._unsent.text:
            await self.write(b"", timeout)
        arrived = self._arrived
        left = left_of(timeout, httpcore.ReadTimeout)
        while not arrived.text and not arrived.is_over:
            try:
                await arrived.change(left)
            except TimeoutError:
                raise httpcore.ReadTimeout from None
            left = left_of(timeout, httpcore.ReadTimeout)
        if not arrived.text and arrived.error is not None:
            raise httpcore.ReadError(str(arrived.error)) from arrived.error
        return arrived.taken(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        arrived = self._arrived
        for part in self._unsent.taken(buffer):
            left = left_of(timeout, httpcore.WriteTimeout)
            while not arrived.can_send:
                try:
                    await arrived.change(left)
                except TimeoutError:
                    raise httpcore.WriteTimeout from None
                left = left_of(timeout, httpcore.WriteTimeout)
            if arrived.is_over or arrived.transport.is_closing():
                raise httpcore.WriteError("the connection is closed")
            arrived.transport.write(part)
            if isinstance(timeout, Patience):
                timeout.sending.has_sent()

    async def aclose(self) -> None:
        self._arrived.transport.abort()
        await asyncio.sleep(0)  # the loop closes the socket at its next turn

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Not needed: a connection is made with TLS, or without."""
        raise NotImplementedError

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # asked before a kept connection is used again: nothing may have come
            return bool(self._arrived.text) or self._arrived.is_over or self._arrived.transport.is_closing()
        return self._arrived.transport.get_extra_info(info)
