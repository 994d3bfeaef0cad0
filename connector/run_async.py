"""The whole path for asyncio: the twin of `run`, which differs in how it sends and waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

from connector import transport as network
from connector.choices import Choices, snapshot
from connector.connection import Connection
from connector.errors import ApiError, ConnectorError, TransportError
from connector.output import Event, Result, pick
from connector.plan import Plan
from connector.polling import Waiting
from connector.request import build_check, build_follow_up
from connector.response import Reply, read
from connector.run import CheckResult, Opened, check_failed, last_result
from connector.streamed import StreamedAnswer, opened, streams


class AsyncOpenConnection(Opened):
    """As OpenConnection, for asyncio: `async with connector.aconnect(...) as connection`."""

    def __init__(self, connection: Connection, transport: network.AsyncTransport | None = None) -> None:
        super().__init__(connection)
        self._transport = network.open_async_transport() if transport is None else transport

    async def run(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None = None, strict: bool = False
    ) -> Result:
        """See OpenConnection.run."""
        planned = self.plan(action, inputs, route=route, strict=strict)
        if not planned.streams and not planned.polls:
            reply, attempts = await self._reply(planned)
            return pick(planned, reply, attempts=attempts)
        async with aclosing(self._events(planned)) as events:
            return last_result([event async for event in events])

    def stream(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None = None, strict: bool = False
    ) -> AsyncGenerator[Event, None]:
        """See OpenConnection.stream. `contextlib.aclosing` frees the connection at once when a loop is left."""
        return self._events(self._planned_stream(action, inputs, route=route, strict=strict))

    async def _reply(
        self, planned: Plan, request: Callable[[], network.Request] | None = None
    ) -> tuple[Reply, int]:
        attempt = 1
        while True:
            try:
                sent = request() if request else self._request(planned)
                response = await network.send_async(self._transport, sent)
                return read(response, planned, self.connection), attempt
            except (ApiError, TransportError) as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def _events(self, planned: Plan) -> AsyncGenerator[Event, None]:
        attempt = 1
        while True:
            try:
                request = self._request(planned)
                async with aclosing(await network.open_answer_async(self._transport, request)) as answer:
                    how = streams(planned, answer.head)
                    if how is None:
                        reply = read(await answer.whole(), planned, self.connection)
                    else:
                        streamed = opened(planned, how, answer.head, self.connection)
                        async with aclosing(self._pieces(streamed, answer)) as pieces:
                            async for event in pieces:
                                yield event
                        reply = streamed.reply()
                break
            except (ApiError, TransportError) as error:
                wait = self._wait(error, attempt)
                if wait is None or error.partial_text is not None:
                    raise
            await asyncio.sleep(wait)
            attempt += 1
        if planned.polls:
            waiting = self._waiting(planned, reply)
            async with aclosing(self._waited_for(waiting)) as events:
                async for event in events:
                    yield event
            reply = waiting.reply
        yield Event("result", result=pick(planned, reply, attempts=attempt))

    async def _pieces(
        self, streamed: StreamedAnswer, answer: network.AsyncAnswer
    ) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(answer.pieces()) as chunks:
                async for chunk in chunks:
                    for piece in streamed.feed(chunk):
                        yield Event(piece.type, piece.delta)
                    if streamed.is_done:
                        return
        except TransportError as error:
            streamed.interrupted(error)
            raise
        for piece in streamed.end():
            yield Event(piece.type, piece.delta)

    async def _waited_for(self, waiting: Waiting) -> AsyncGenerator[Event, None]:
        planned = waiting.plan
        try:
            while not waiting.is_final:
                yield Event(waiting.status)
                await asyncio.sleep(waiting.next_wait())
                ask = partial(build_follow_up, planned, *waiting.ask(), self.connection)
                waiting.reply, _ = await self._reply(planned, ask)
        except Exception:
            raise
        except BaseException:  # cancelled, or the caller left the loop: what nobody waits for is not paid for
            if cancel := waiting.cancel():
                with suppress(ConnectorError):
                    request = build_follow_up(planned, *cancel, self.connection)
                    await asyncio.shield(network.send_async(self._transport, request))
            raise

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
            return self.checked(await network.send_async(self._transport, build_check(self.connection)))
        except TransportError as error:
            return check_failed(error)

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
