"""Access tokens of opened connections: fetched when one is needed, and kept in memory until shortly before they expire.

However many threads or tasks need one at once, one of them fetches it and the others wait. The token never
leaves memory: no file, no cassette.
"""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from typing import Final

from connector import transport as network
from connector.attempts import Attempts
from connector.connection import Connection
from connector.deadline import Deadline, Sending
from connector.errors import ApiError, ConnectorError, Timeout
from connector.event_loops import OfEachLoop
from connector.oauth import Grant, granted
from connector.request import build_token
from connector.secret import Secret

_EARLY: Final = 60.0
"""Seconds before its end that a token is not used any more, or a tenth of its time where that is less."""


class Kept:
    """The token of a connection. What sync and async share: it neither sends nor waits.

    Args:
        connection: without a token.
        use: told of the connection with its token, whenever there is a new one.
    """

    def __init__(self, connection: Connection, use: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._use = use
        self._kept: tuple[Secret, float] | None = None
        self._failures = 0
        self._failure: ConnectorError | None = None

    def is_refused(self, attempts: Attempts, error: ConnectorError) -> bool:
        """Whether an attempt failed for a token from before, so that one with a new one may go well. Once a run."""
        used, attempts.token = attempts.token, None
        is_refusal = isinstance(error, ApiError) and error.status == 401
        if used is None or attempts.has_renewed or not is_refusal:
            return False
        attempts.has_renewed = True
        kept = self._kept
        if kept is not None and kept[0] == used:
            self._kept = None
        return True

    def _has_one(self, attempts: Attempts | None) -> bool:
        kept = self._kept
        if kept is None or time.monotonic() >= kept[1]:
            return False
        if attempts is not None:
            attempts.token = kept[0]
        return True

    def _take(self, grant: Grant, asked_at: float) -> None:
        seconds = math.inf if grant.seconds is None else grant.seconds
        early = min(_EARLY, seconds / 10) if grant.seconds is not None else 0.0
        self._use(self._connection.with_token(grant.token))
        self._kept = (grant.token, asked_at + seconds - early)

    def _failed(self, error: ConnectorError) -> None:
        self._failures += 1
        self._failure = error

    def _raise_failure_since(self, failures: int) -> None:
        """Whoever has waited while a fetch failed does not ask again at once: the answer would be the same."""
        if self._failures != failures and self._failure is not None:
            raise copy.copy(self._failure)

    def _late(self, deadline: Deadline) -> Timeout:
        message = f"The deadline of {deadline.seconds:g} seconds passed while an access token was fetched."
        where = f"POST {self._connection.token_url}"
        return Timeout(message, where=where, hint="Check the service, or allow more time.")


class Tokens(Kept):
    """See the module; for threads. `transport` is closed by whoever gave it; without one, each fetch has its own."""

    def __init__(
        self,
        connection: Connection,
        use: Callable[[Connection], None],
        transport: network.Transport | None,
    ) -> None:
        super().__init__(connection, use)
        self._transport = transport
        self._lock = threading.Lock()

    def ready(self, attempts: Attempts | None, deadline: Deadline) -> None:
        """Have a token that is good.

        Raises:
            ApiError, CredentialError, TransportError: there is none; the request that needs it was not sent.
        """
        if self._has_one(attempts):
            return
        failures = self._failures
        if not self._lock.acquire(timeout=max(min(deadline.left(), threading.TIMEOUT_MAX), 0.0)):
            raise self._late(deadline)
        try:
            if not self._has_one(attempts):
                self._raise_failure_since(failures)
                self._fetch(deadline)
        finally:
            self._lock.release()

    def anew(self, deadline: Deadline) -> None:
        """As ready, with a token that nobody has used: whether the service still gives one."""
        self._kept = None
        self.ready(None, deadline)

    def _fetch(self, deadline: Deadline) -> None:
        asked_at = time.monotonic()
        own = closing(network.open_transport()) if self._transport is None else nullcontext(self._transport)
        try:
            with own as transport:
                answer = network.send(transport, build_token(self._connection), Sending(deadline))
            grant = granted(answer, self._connection)
        except ConnectorError as error:
            self._failed(error)
            raise
        self._take(grant, asked_at)


class AsyncTokens(Kept):
    """As Tokens, for asyncio."""

    def __init__(
        self,
        connection: Connection,
        use: Callable[[Connection], None],
        transport: network.AsyncTransport | None,
    ) -> None:
        import asyncio  # noqa: PLC0415 - it takes long to import, and is there already where this is used

        super().__init__(connection, use)
        self._transport = transport
        self._locks = OfEachLoop(asyncio.Lock)
        self._timeout = asyncio.timeout

    async def ready(self, attempts: Attempts | None, deadline: Deadline) -> None:
        """See Tokens.ready."""
        if self._has_one(attempts):
            return
        failures = self._failures
        lock = self._locks.here()
        left = deadline.left()
        try:
            async with self._timeout(left if left < math.inf else None):
                await lock.acquire()
        except TimeoutError:
            raise self._late(deadline) from None
        try:
            if not self._has_one(attempts):
                self._raise_failure_since(failures)
                await self._fetch(deadline)
        finally:
            lock.release()

    async def anew(self, deadline: Deadline) -> None:
        """See Tokens.anew."""
        self._kept = None
        await self.ready(None, deadline)

    async def _fetch(self, deadline: Deadline) -> None:
        asked_at = time.monotonic()
        transport = self._transport or network.open_async_transport()
        try:
            try:
                request = build_token(self._connection)
                answer = await network.send_async(transport, request, Sending(deadline))
            finally:
                if self._transport is None:
                    await transport.aclose()
            grant = granted(answer, self._connection)
        except ConnectorError as error:
            self._failed(error)
            raise
        self._take(grant, asked_at)
