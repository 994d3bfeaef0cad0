"""A transport that knows which row of a bulk run each request is of, and asks before the first one goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass

from connector import transport as network
from connector.journal import Taken


@dataclass(slots=True, eq=False)
class UnderWay:
    """A row that is being run.

    Attributes:
        taken: what the journal says of it.
        task: what runs it, and whether it has begun to.
        requests: how many went out.
        waits: none of them is under way: for its turn, or for another attempt.
    """

    taken: Taken
    task: asyncio.Task[None] | None = None
    has_begun: bool = False
    requests: int = 0
    waits: bool = True


current: ContextVar[UnderWay] = ContextVar("current")
"""The row that a task runs."""


class Watched(network.AsyncTransport):
    """Sends through another transport."""

    def __init__(
        self,
        inner: network.AsyncTransport,
        ask: Callable[[UnderWay], Awaitable[None]],
        tried_again: tuple[int, ...],
    ) -> None:
        """Wrap a transport, which is closed with this one.

        Args:
            inner: what sends.
            ask: waited for before a row's first request.
            tried_again: the statuses after which the runtime makes another attempt.
        """
        self.is_stopped = False
        self._inner = inner
        self._ask = ask
        self._tried_again = tried_again

    async def handle_async_request(self, request: network.Request) -> network.Response:
        """See httpx. Once it is stopped, a row that waits is cancelled instead of sent."""
        row = current.get()
        if row.waits:
            if self.is_stopped:
                raise asyncio.CancelledError
            if not row.requests:
                await self._ask(row)
        row.waits = False
        row.requests += 1
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException:
            self._will_wait(row)
            raise
        if response.status_code in self._tried_again:
            self._will_wait(row)
        return response

    def _will_wait(self, row: UnderWay) -> None:
        row.waits = True
        if self.is_stopped and row.task:
            row.task.cancel()

    async def aclose(self) -> None:
        """See httpx."""
        await self._inner.aclose()
