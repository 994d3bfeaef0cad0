"""The whole path: connect, then run actions. Sync and async differ only in how they send and wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

from connector import transport as network
from connector.attempts import Attempts
from connector.choices import Choices, snapshot
from connector.connection import Connection
from connector.deadline import Deadline, Sending, within
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
from connector.places import Place, Places
from connector.plan import Plan
from connector.polling import GOES_ON
from connector.request import build_check
from connector.response import Reply, read
from connector.streamed import StreamedAnswer, opened, streams
from connector.tokens import Tokens


class OpenConnection(Opened):
    """A connection with its HTTP connections. Use it in a `with` block, or close it. Threads may share it."""

    _tokens: Tokens | None = None

    def __init__(
        self,
        connection: Connection,
        transport: network.Transport | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(connection, limits)
        if self._needs_tokens():
            self._tokens = Tokens(connection, self._use, transport)
        self._transport = network.open_transport() if transport is None else transport
        self._places = Places(self._limits.at_once) if self._limits.at_once else None

    def run(
        self,
        action: str,
        inputs: Mapping[str, Any],
        *,
        route: str | None = None,
        strict: bool = False,
        deadline: float | None = None,
        retries: int | None = None,
    ) -> Result:
        """Run an action and give its flat outputs.

        Args:
            action: its id, such as `execute_search`.
            inputs: by name.
            route: the route to take, whatever the connection says.
            strict: an input that the route cannot carry is an error, not a warning.
            deadline: seconds after which the run is over, retries and waits included; the manifest's if absent.
            retries: further attempts at most, 0 for none; the manifest's if absent.

        Raises:
            InputError: nothing was sent.
            TransportError, ApiError, OutputError: see connector.errors.
        """
        check_bounds(deadline, retries)
        planned = self.plan(action, inputs, route=route, strict=strict)
        if planned.streams or planned.polls:
            return last_result(deque(self._events(planned, deadline, retries), maxlen=1))
        attempts = self._attempts(planned, self._due(planned, deadline), retries)
        return pick(planned, self._reply(planned, attempts), attempts=attempts.made)

    def stream(
        self,
        action: str,
        inputs: Mapping[str, Any],
        *,
        route: str | None = None,
        strict: bool = False,
        deadline: float | None = None,
        retries: int | None = None,
    ) -> Iterator[Event]:
        """Run an action and give its answer as it comes; the last event has the result that `run` gives.

        An action that can stream does, unless its inputs say otherwise; any other gives one event. Leaving
        the loop closes the connection. Arguments and errors are those of `run`; the deadline counts from the
        first event that is asked for, and the time spent in the loop counts too. An error after the first
        piece has the text so far in `partial_text`, and nothing is sent again.
        """
        check_bounds(deadline, retries)
        return self._events(
            self._planned_stream(action, inputs, route=route, strict=strict), deadline, retries
        )

    def _turn(self, planned: Plan, attempts: Attempts) -> Place:
        """One place among the requests under way, once the pace allows it."""
        deadline, places = attempts.deadline, self._places
        place = Place(deadline, places)
        try:
            if places is not None and not places.take(place, deadline.left()):
                raise self._crowded(planned, attempts)
            place.turn = turn = self._pace.turn()
            while wait := turn.wait():
                if wait > deadline.left():
                    raise self._queued(planned, attempts, wait)
                time.sleep(wait)
        except BaseException:
            place.over()
            raise
        attempts.begin()
        return place

    def _reply(
        self, planned: Plan, attempts: Attempts, request: Callable[[], network.Request] | None = None
    ) -> Reply:
        """A whole answer."""
        while True:
            with self._turn(planned, attempts) as sending:
                try:
                    if self._tokens is not None:
                        self._check_open()
                        self._tokens.ready(attempts, attempts.deadline)
                    asked = request() if request else self._request(planned)
                    reply = read(
                        network.send(self._transport, asked, sending), planned, self._reader(planned)
                    )
                except ConnectorError as error:
                    wait = self._failed(attempts, error)
                    if wait is None:
                        raise bare(error) from None
                else:
                    self._answered(attempts)
                    return reply
            time.sleep(wait)

    def _events(self, planned: Plan, seconds: float | None, retries: int | None) -> Iterator[Event]:
        attempts = self._attempts(planned, self._due(planned, seconds), retries)
        while True:
            with self._turn(planned, attempts) as sending:
                try:
                    reply = yield from self._answer(planned, attempts, sending)
                except ConnectorError as error:
                    wait = self._failed(attempts, error)
                    if wait is None:
                        raise bare(error) from None
                else:
                    self._answered(attempts)
                    break
            time.sleep(wait)
        if planned.polls:
            reply = yield from self._waited_for(planned, reply, attempts.deadline)
        yield Event("result", result=pick(planned, reply, attempts=attempts.made))

    def _answer(self, planned: Plan, attempts: Attempts, sending: Sending) -> Generator[Event, None, Reply]:
        """One answer, in pieces if it comes so."""
        if self._tokens is not None:
            self._check_open()
            self._tokens.ready(attempts, attempts.deadline)
        with closing(network.open_answer(self._transport, self._request(planned), sending)) as answer:
            how = streams(planned, answer.head)
            if how is None:
                return read(answer.whole(), planned, self._reader(planned))
            answer.expect_pieces(self.connector.timeouts.idle)
            streamed = opened(planned, how, answer.head, self._reader(planned))
            attempts.has_begun = True
            try:
                yield from self._pieces(streamed, answer)
            except Exception:
                raise
            except BaseException:  # as in _waited_for
                answer.close()
                self._give_up(planned, streamed.cancel())
                raise
            return streamed.reply()

    def _pieces(self, streamed: StreamedAnswer, answer: network.Answer) -> Iterator[Event]:
        try:
            for chunk in answer.pieces():
                for event in streamed.feed(chunk):
                    answer.check_time()
                    yield event
                if streamed.is_done:
                    answer.expect_the_end()
        except TransportError as error:
            if not streamed.is_done:
                streamed.interrupted(error)
                raise
        yield from streamed.end()

    def _waited_for(self, planned: Plan, reply: Reply, deadline: Deadline) -> Generator[Event, None, Reply]:
        waiting = self._waiting(planned, reply, deadline)
        try:
            while not waiting.is_final:
                yield Event(waiting.status)
                time.sleep(waiting.next_wait())
                ask = partial(self._follow_up, planned, *waiting.ask())
                attempts = Attempts(self.connector.retry, self._quota, deadline, retries=None, is_free=True)
                try:
                    waiting.reply = self._reply(planned, attempts, ask)
                except TransportError as error:
                    error.hint += f" {GOES_ON}"
                    raise
        except Exception:
            raise
        except BaseException:  # Ctrl-C, or the caller left the loop: what nobody waits for is not paid for
            self._give_up(planned, waiting.cancel())
            raise
        return waiting.reply

    def _give_up(self, planned: Plan, cancel: tuple[str, str] | None) -> None:
        """Tell the service, if there is a way to."""
        if cancel is not None:
            with suppress(ConnectorError):
                request = self._follow_up(planned, *cancel)
                network.send(self._transport, request, Sending(within(CANCEL_SECONDS)))

    def options(self, action: str, name: str) -> Choices:
        """The choices of an input, asked of the service once; its snapshot in the manifest if that fails.

        Raises:
            InputError: for an unknown action or input.
        """
        asked = self._asked_choices(action, name)
        if isinstance(asked, Choices):
            return asked
        try:
            found = self.run(asked.action, {})
        except ConnectorError:
            return snapshot(self.connector, asked)
        return self._keep_choices(asked, found)

    def check(self) -> CheckResult:
        """Whether the connection works, by the manifest's free request. Never raises for an answer."""
        self._check_open()
        try:
            sending = Sending(within(CHECK_SECONDS))
            if self._tokens is not None:
                self._tokens.anew(sending.deadline)
            if (unchecked := self._unchecked()) is not None:
                return unchecked
            return self.checked(network.send(self._transport, build_check(self.connection), sending))
        except (TransportError, ApiError, CredentialError) as error:
            return check_failed(error)

    def authorised(self) -> Connection:
        """The connection with what its requests are signed with, such as for a recording without the exchange.

        Raises:
            ApiError, CredentialError, TransportError: there is no access token.
        """
        if self._tokens is not None:
            self._tokens.ready(None, within(self.connector.timeouts.deadline))
        return self.connection

    def close(self) -> None:
        """Close the HTTP connections, and with them a transport that was given. Closing twice does no harm."""
        if not self._is_closed:
            self._is_closed = True
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None
    ) -> None:
        self.close()
