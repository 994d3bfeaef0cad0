"""The whole path for asyncio: the twin of `run`, which differs in how it sends and waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

from connector import transport as network
from connector.attempts import Attempts
from connector.choices import Choices, snapshot
from connector.connection import Connection
from connector.deadline import Sending, within
from connector.errors import ApiError, ConnectorError, CredentialError, TransportError
from connector.manifest import Limits
from connector.opened import (
    CANCEL_SECONDS,
    CHECK_SECONDS,
    CheckResult,
    Opened,
    bare,
    check_bounds,
    check_failed,
    last_result,
)
from connector.output import Event, Result, pick
from connector.places import AsyncPlaces, Place
from connector.plan import Plan
from connector.polling import GOES_ON, Waiting
from connector.request import build_check
from connector.response import Reply, read
from connector.streamed import StreamedAnswer, opened, streams
from connector.tokens import AsyncTokens


class AsyncOpenConnection(Opened):
    """As OpenConnection, for asyncio: `async with connector.aconnect(...) as connection`.

    `for_tokens` sends the requests for access tokens, where `transport` is not to: it is not closed here.
    """

    _tokens: AsyncTokens | None = None

    def __init__(
        self,
        connection: Connection,
        transport: network.AsyncTransport | None = None,
        limits: Limits | None = None,
        *,
        for_tokens: network.AsyncTransport | None = None,
    ) -> None:
        super().__init__(connection, limits)
        if self._needs_tokens():
            self._tokens = AsyncTokens(connection, self._use, for_tokens or transport)
        self._transport = network.open_async_transport() if transport is None else transport
        self._places = AsyncPlaces(self._limits.at_once) if self._limits.at_once else None

    async def run(
        self,
        action: str,
        inputs: Mapping[str, Any],
        *,
        route: str | None = None,
        strict: bool = False,
        deadline: float | None = None,
        retries: int | None = None,
    ) -> Result:
        """See OpenConnection.run."""
        check_bounds(deadline, retries)
        planned = self.plan(action, inputs, route=route, strict=strict)
        if planned.streams or planned.polls:
            async with aclosing(self._events(planned, deadline, retries)) as events:
                last: deque[Event] = deque(maxlen=1)
                async for event in events:
                    last.append(event)
                return last_result(last)
        attempts = self._attempts(planned, self._due(planned, deadline), retries)
        return pick(planned, await self._reply(planned, attempts), attempts=attempts.made)

    def stream(
        self,
        action: str,
        inputs: Mapping[str, Any],
        *,
        route: str | None = None,
        strict: bool = False,
        deadline: float | None = None,
        retries: int | None = None,
    ) -> AsyncGenerator[Event, None]:
        """See OpenConnection.stream. `contextlib.aclosing` frees the connection at once when a loop is left."""
        check_bounds(deadline, retries)
        return self._events(
            self._planned_stream(action, inputs, route=route, strict=strict), deadline, retries
        )

    async def _turn(self, planned: Plan, attempts: Attempts) -> Place:
        """See OpenConnection._turn."""
        deadline, places = attempts.deadline, self._places
        place = Place(deadline, places)
        try:
            if places is not None and not await places.take(place, deadline.left()):
                raise self._crowded(planned, attempts)
            place.turn = turn = self._pace.turn()
            while wait := turn.wait():
                if wait > deadline.left():
                    raise self._queued(planned, attempts, wait)
                await asyncio.sleep(wait)
        except BaseException:
            place.over()
            raise
        attempts.begin()
        return place

    async def _reply(
        self, planned: Plan, attempts: Attempts, request: Callable[[], network.Request] | None = None
    ) -> Reply:
        while True:
            with await self._turn(planned, attempts) as sending:
                try:
                    if self._tokens is not None:
                        self._check_open()
                        await self._tokens.ready(attempts, attempts.deadline)
                    asked = request() if request else self._request(planned)
                    response = await network.send_async(self._transport, asked, sending)
                    reply = read(response, planned, self._reader(planned))
                except ConnectorError as error:
                    wait = self._failed(attempts, error)
                    if wait is None:
                        raise bare(error) from None
                else:
                    self._answered(attempts)
                    return reply
            await asyncio.sleep(wait)

    async def _events(
        self, planned: Plan, seconds: float | None, retries: int | None
    ) -> AsyncGenerator[Event, None]:
        attempts = self._attempts(planned, self._due(planned, seconds), retries)
        while True:
            with await self._turn(planned, attempts) as sending:
                try:
                    if self._tokens is not None:
                        self._check_open()
                        await self._tokens.ready(attempts, attempts.deadline)
                    request = self._request(planned)
                    opening = network.open_answer_async(self._transport, request, sending)
                    async with aclosing(await opening) as answer:
                        how = streams(planned, answer.head)
                        if how is None:
                            reply = read(await answer.whole(), planned, self._reader(planned))
                        else:
                            answer.expect_pieces(self.connector.timeouts.idle)
                            streamed = opened(planned, how, answer.head, self._reader(planned))
                            attempts.has_begun = True
                            async with aclosing(self._pieces(streamed, answer)) as pieces:
                                try:
                                    async for event in pieces:
                                        yield event
                                except Exception:
                                    raise
                                except BaseException:  # as in _waited_for
                                    await answer.aclose()
                                    await self._give_up(planned, streamed.cancel())
                                    raise
                            reply = streamed.reply()
                except ConnectorError as error:
                    wait = self._failed(attempts, error)
                    if wait is None:
                        raise bare(error) from None
                else:
                    self._answered(attempts)
                    break
            await asyncio.sleep(wait)
        if planned.polls:
            waiting = self._waiting(planned, reply, attempts.deadline)
            async with aclosing(self._waited_for(waiting)) as events:
                async for event in events:
                    yield event
            reply = waiting.reply
        yield Event("result", result=pick(planned, reply, attempts=attempts.made))

    async def _pieces(
        self, streamed: StreamedAnswer, answer: network.AsyncAnswer
    ) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(answer.pieces()) as chunks:
                async for chunk in chunks:
                    for event in streamed.feed(chunk):
                        answer.check_time()
                        yield event
                    if streamed.is_done:
                        answer.expect_the_end()
        except TransportError as error:
            if not streamed.is_done:
                streamed.interrupted(error)
                raise
        for event in streamed.end():
            yield event

    async def _waited_for(self, waiting: Waiting) -> AsyncGenerator[Event, None]:
        planned, deadline = waiting.plan, waiting.deadline
        try:
            while not waiting.is_final:
                yield Event(waiting.status)
                await asyncio.sleep(waiting.next_wait())
                ask = partial(self._follow_up, planned, *waiting.ask())
                attempts = Attempts(self.connector.retry, self._quota, deadline, retries=None, is_free=True)
                try:
                    waiting.reply = await self._reply(planned, attempts, ask)
                except TransportError as error:
                    error.hint += f" {GOES_ON}"
                    raise
        except Exception:
            raise
        except BaseException:  # cancelled, or the caller left the loop: what nobody waits for is not paid for
            await self._give_up(planned, waiting.cancel())
            raise

    async def _give_up(self, planned: Plan, cancel: tuple[str, str] | None) -> None:
        """See OpenConnection._give_up."""
        if cancel is not None:
            with suppress(ConnectorError):
                request = self._follow_up(planned, *cancel)
                sending = Sending(within(CANCEL_SECONDS))
                await asyncio.shield(network.send_async(self._transport, request, sending))

    async def options(self, action: str, name: str) -> Choices:
        """See OpenConnection.options."""
        asked = self._asked_choices(action, name)
        if isinstance(asked, Choices):
            return asked
        try:
            found = await self.run(asked.action, {})
        except ConnectorError:
            return snapshot(self.connector, asked)
        return self._keep_choices(asked, found)

    async def check(self) -> CheckResult:
        """See OpenConnection.check."""
        self._check_open()
        try:
            sending = Sending(within(CHECK_SECONDS))
            if self._tokens is not None:
                await self._tokens.anew(sending.deadline)
            if (unchecked := self._unchecked()) is not None:
                return unchecked
            response = await network.send_async(self._transport, build_check(self.connection), sending)
            return self.checked(response)
        except (TransportError, ApiError, CredentialError) as error:
            return check_failed(error)

    async def authorised(self) -> Connection:
        """See OpenConnection.authorised."""
        if self._tokens is not None:
            await self._tokens.ready(None, within(self.connector.timeouts.deadline))
        return self.connection

    async def close(self) -> None:
        """See OpenConnection.close."""
        if not self._is_closed:
            self._is_closed = True
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None
    ) -> None:
        await self.close()
