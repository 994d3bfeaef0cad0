"""Sockets for asyncio, as `sockets`: every wait on them ends with the request's deadline.

What has arrived is kept here and nowhere else, decrypted, so that nothing can hide behind an answer: the
libraries between keep what they have read ahead to themselves, and would give it to the next request.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import suppress
from typing import Any, Final, cast

from connector.deadline import Patience
from connector.http import httpx
from connector.sockets import PART, is_address, readable

_MOST: Final = 256 * 1024  # kept before the service is made to wait


async def connected_async(
    host: str, port: int, context: ssl.SSLContext | None, patience: Patience
) -> AsyncSocket:
    """As sockets.connected, for asyncio."""
    left = patience.left("connect", httpx.ConnectTimeout)
    name = host if context is not None else None
    loop = asyncio.get_running_loop()
    more: dict[str, Any] = {}
    # asyncio's own loop can try a second address before the first has failed; others, such as uvloop, cannot. An
    # address is one: a race would only be another place to be cancelled at, where the socket that has won is dropped
    if isinstance(loop, asyncio.BaseEventLoop) and not is_address(host):
        more["happy_eyeballs_delay"] = 0.25
    try:
        async with asyncio.timeout(left):
            _, arrived = await loop.create_connection(
                _Arrived, host, port, ssl=context, server_hostname=name, **more
            )
    except TimeoutError:
        raise httpx.ConnectTimeout("") from None
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error)) from error
    return AsyncSocket(arrived)


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
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods alone

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
        if len(self.text) <= most:
            piece = bytes(self.text)
            self.text.clear()
        else:
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


class AsyncSocket:
    """As sockets.Socket, for asyncio."""

    def __init__(self, arrived: _Arrived) -> None:
        self._arrived = arrived
        self._process = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._has_come = readable(arrived.transport.get_extra_info("socket").fileno())

    async def read(self, patience: Patience) -> bytes:
        """See Socket.read."""
        arrived = self._arrived
        while not arrived.text and not arrived.is_over:
            try:
                await arrived.change(patience.left("read", httpx.ReadTimeout))
            except TimeoutError:
                raise httpx.ReadTimeout("") from None
        if not arrived.text and arrived.error is not None:
            raise httpx.ReadError(str(arrived.error)) from arrived.error
        return arrived.taken(PART)

    async def write(self, data: bytes, patience: Patience) -> None:
        """See Socket.write."""
        arrived = self._arrived
        for start in range(0, len(data), PART):
            if start:  # an answer that comes before all is sent has to be read before a write fails
                await asyncio.sleep(0)
            while not arrived.can_send:
                try:
                    await arrived.change(patience.left("write", httpx.WriteTimeout))
                except TimeoutError:
                    raise httpx.WriteTimeout("") from None
            if arrived.is_over or arrived.transport.is_closing():
                raise httpx.WriteError("the connection is closed")
            arrived.transport.write(data[start : start + PART])
            patience.sending.has_sent()

    @property
    def is_idle(self) -> bool:
        """See Socket.is_idle. What the loop has not come to yet counts too; in another loop, no answer would come."""
        arrived = self._arrived
        if self._loop is not asyncio.get_running_loop():
            return False
        return not (arrived.text or arrived.is_over or arrived.transport.is_closing() or self._has_come(0))

    async def close(self) -> None:
        """Break the connection; see Socket.close. A forked process shares even what the loop watches."""
        if self._process != os.getpid():
            return
        if self._loop is asyncio.get_running_loop():
            self._arrived.transport.abort()
            await asyncio.sleep(0)  # the loop closes the socket at its next turn
        else:
            with suppress(RuntimeError):  # that loop has ended
                self._loop.call_soon_threadsafe(self._arrived.transport.abort)
