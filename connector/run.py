"""The whole path: connect, then run actions. Sync and async differ only in how they send and wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

from connector import transport as network
from connector.choices import Choices, declared, snapshot
from connector.connection import Connection
from connector.errors import (
    ApiError,
    ConnectorError,
    CredentialError,
    InputError,
    Problem,
    TransportError,
    did_you_mean,
)
from connector.manifest import Action, Connector, Options
from connector.output import Event, Result, pick
from connector.plan import Plan, asking_to_stream, chosen_route, plan
from connector.polling import Waiting
from connector.request import build, build_check, build_follow_up
from connector.response import Reply, failure, read
from connector.retry import wait_before_next
from connector.streamed import StreamedAnswer, opened, streams
from connector.strict_json import parse

State = Literal["works", "wrong_key", "no_credit", "not_allowed", "unreachable", "failing"]


@dataclass(frozen=True)
class CheckResult:
    """Whether a connection works. `what_to_do` is empty when it does."""

    state: State
    message: str
    what_to_do: str


class Opened:
    """What sync and async connections share: everything that does not wait."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._is_closed = False
        self._choices: dict[Options, Choices] = {}

    def __repr__(self) -> str:
        state = ", closed" if self._is_closed else ""
        return f"<{type(self).__name__} {self.connection.name!r} of {self.connector.id}{state}>"

    @property
    def connector(self) -> Connector:
        """The connector that this is a connection of."""
        return self.connection.connector

    def plan(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None = None, strict: bool = False
    ) -> Plan:
        """The exact request that `run` would send, and where each part came from. Nothing is sent.

        Raises:
            InputError: for an unknown action, or with every problem of the inputs.
        """
        return plan(
            self.connector,
            self._action(action),
            inputs,
            today=datetime.now(UTC).date(),
            settings=self.connection.settings,
            route=route,
            strict=strict,
        )

    def _action(self, action: str) -> Action:
        actions = self.connector.actions
        name = action.removeprefix(f"{self.connector.id}.")
        if name not in actions:
            message = f"{self.connector.name} has no action {name!r}."
            raise InputError([Problem("action", message, did_you_mean(name, actions))])
        return actions[name]

    def _asked_choices(self, action: str, name: str) -> Choices | Options:
        asked = declared(self._action(action), name)
        return self._choices.get(asked, asked) if isinstance(asked, Options) else asked

    def _keep_choices(self, options: Options, found: Result) -> Choices:
        values = found.outputs.get(options.output)
        choices = Choices(tuple(values), "service") if values else snapshot(self.connector, options)
        self._choices[options] = choices
        return choices

    def _request(self, planned: Plan) -> network.Request:
        self._check_open()
        return build(planned, self.connection)

    def _check_open(self) -> None:
        if self._is_closed:
            where = f"connection {self.connection.name!r}"
            raise CredentialError("It is closed.", where=where, hint="Open another with connect().")

    def _planned_stream(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None, strict: bool
    ) -> Plan:
        chosen = self._action(action)
        way = chosen_route(chosen, self.connection.settings, route)
        asked = asking_to_stream(chosen, inputs, way) if isinstance(inputs, Mapping) else inputs
        return self.plan(action, asked, route=route, strict=strict)

    def _waiting(self, planned: Plan, reply: Reply) -> Waiting:
        assert planned.route.poll is not None
        return Waiting(planned, planned.route.poll, reply)

    def _wait(self, error: ApiError | TransportError, attempt: int) -> float | None:
        """Seconds until the next attempt; None if there is none."""
        error.attempts = attempt
        return wait_before_next(self.connector.retry, error, attempt)

    def checked(self, response: network.Response) -> CheckResult:
        if not response.is_success:
            return check_failed(failure(response, self.connection))
        try:
            parse(response.content)
        except ValueError as error:
            message = f"{network.place(response.request)}: The answer is not JSON: {error}."
            hint = "Check base_url: a login page or a proxy may have answered instead of the service."
            return CheckResult("failing", message, hint)
        return CheckResult("works", "The connection works.", "")


class OpenConnection(Opened):
    """A connection with its pool of HTTP connections. Use it in a `with` block, or close it."""

    def __init__(self, connection: Connection, transport: network.Transport | None = None) -> None:
        super().__init__(connection)
        self._transport = network.open_transport() if transport is None else transport

    def run(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None = None, strict: bool = False
    ) -> Result:
        """Run an action and give its flat outputs.

        Args:
            action: its id, such as `execute_search`.
            inputs: by name.
            route: the route to take, whatever the connection says.
            strict: an input that the route cannot carry is an error, not a warning.

        Raises:
            InputError: nothing was sent.
            TransportError, ApiError, OutputError: see connector.errors.
        """
        planned = self.plan(action, inputs, route=route, strict=strict)
        if not planned.streams and not planned.polls:
            reply, attempts = self._reply(planned)
            return pick(planned, reply, attempts=attempts)
        return last_result(deque(self._events(planned), maxlen=1))

    def stream(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None = None, strict: bool = False
    ) -> Iterator[Event]:
        """Run an action and give its answer as it comes; the last event has the result that `run` gives.

        An action that can stream does, unless its inputs say otherwise; any other gives one event. Leaving
        the loop closes the connection. Arguments and errors are those of `run`; an error after the first
        piece has the text so far in `partial_text`, and nothing is sent again.
        """
        return self._events(self._planned_stream(action, inputs, route=route, strict=strict))

    def _reply(
        self, planned: Plan, request: Callable[[], network.Request] | None = None
    ) -> tuple[Reply, int]:
        """A whole answer, and how many requests it took."""
        attempt = 1
        while True:
            try:
                response = network.send(self._transport, request() if request else self._request(planned))
                return read(response, planned, self.connection), attempt
            except (ApiError, TransportError) as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
            time.sleep(wait)
            attempt += 1

    def _events(self, planned: Plan) -> Iterator[Event]:
        attempt = 1
        while True:
            try:
                with closing(network.open_answer(self._transport, self._request(planned))) as answer:
                    how = streams(planned, answer.head)
                    if how is None:
                        reply = read(answer.whole(), planned, self.connection)
                    else:
                        streamed = opened(planned, how, answer.head, self.connection)
                        yield from self._pieces(streamed, answer)
                        reply = streamed.reply()
                break
            except (ApiError, TransportError) as error:
                wait = self._wait(error, attempt)
                if wait is None or error.partial_text is not None:
                    raise
            time.sleep(wait)
            attempt += 1
        if planned.polls:
            reply = yield from self._waited_for(planned, reply)
        yield Event("result", result=pick(planned, reply, attempts=attempt))

    def _pieces(self, streamed: StreamedAnswer, answer: network.Answer) -> Iterator[Event]:
        try:
            for chunk in answer.pieces():
                for piece in streamed.feed(chunk):
                    yield Event(piece.type, piece.delta)
                if streamed.is_done:
                    return
        except TransportError as error:
            streamed.interrupted(error)
            raise
        for piece in streamed.end():
            yield Event(piece.type, piece.delta)

    def _waited_for(self, planned: Plan, reply: Reply) -> Generator[Event, None, Reply]:
        waiting = self._waiting(planned, reply)
        try:
            while not waiting.is_final:
                yield Event(waiting.status)
                time.sleep(waiting.next_wait())
                ask = partial(build_follow_up, planned, *waiting.ask(), self.connection)
                waiting.reply, _ = self._reply(planned, ask)
        except Exception:
            raise
        except BaseException:  # Ctrl-C, or the caller left the loop: what nobody waits for is not paid for
            if cancel := waiting.cancel():
                with suppress(ConnectorError):
                    network.send(self._transport, build_follow_up(planned, *cancel, self.connection))
            raise
        return waiting.reply

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
            return self.checked(network.send(self._transport, build_check(self.connection)))
        except TransportError as error:
            return check_failed(error)

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


def last_result(events: Iterable[Event]) -> Result:
    *_, last = events
    assert last.result is not None
    return last.result


_STATES: dict[str, State] = {
    "bad_credential": "wrong_key",
    "no_credit": "no_credit",
    "not_allowed": "not_allowed",
    "retired": "not_allowed",
    "timeout": "unreachable",
    "unreachable": "unreachable",
    "cut_off": "unreachable",
}


def check_failed(error: ConnectorError) -> CheckResult:
    return CheckResult(_STATES.get(error.kind, "failing"), f"{error.where}: {error.message}", error.hint)
