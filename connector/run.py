"""The whole path: connect, then run actions. Sync and async differ only in how they send and wait."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

from connector import transport as network
from connector.attempts import Attempts
from connector.choices import Choices, declared, snapshot
from connector.connection import Connection
from connector.deadline import Deadline, Sending, within
from connector.errors import (
    ApiError,
    ConnectorError,
    CredentialError,
    InputError,
    Problem,
    TransportError,
    did_you_mean,
)
from connector.evaluate import Drift
from connector.limits import RateLimit
from connector.manifest import Action, Connector, Limits, Options
from connector.output import Event, Result, pick
from connector.plan import Plan, asking_to_stream, chosen_route, plan, secrets_among
from connector.polling import GOES_ON, Waiting
from connector.request import build, build_check, build_follow_up
from connector.response import Reply, failure, read, refusal
from connector.retry import Quota
from connector.secret import Redactor
from connector.streamed import StreamedAnswer, opened, streams
from connector.strict_json import parse
from connector.tokens import Kept, Tokens

CHECK_SECONDS = 30.0
CANCEL_SECONDS = 10.0
_MOST = 10**9  # seconds or attempts; whoever gives more has mistaken the unit

State = Literal["works", "wrong_key", "no_credit", "not_allowed", "unreachable", "failing", "unknown"]


@dataclass(frozen=True)
class CheckResult:
    """Whether a connection works. `what_to_do` is empty when it does.

    `unknown`: the manifest names no request to find out with.
    """

    state: State
    message: str
    what_to_do: str


class Opened:
    """What sync and async connections share: everything that does not wait."""

    _tokens: Kept | None = None  # for an auth that fetches access tokens

    def __init__(self, connection: Connection, limits: Limits | None = None) -> None:
        self.connection = connection
        self._limits = limits or connection.connector.limits
        self._pace = RateLimit(self._limits)
        self._quota = Quota(connection.connector.retry.quota)
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
        try:
            return plan(
                self.connector,
                self._action(action),
                inputs,
                today=datetime.now(UTC).date(),
                settings=self.connection.settings,
                route=route,
                strict=strict,
            )
        except InputError as error:
            error.hide(self.connection.redactor.text)  # a key that was pasted into the wrong field
            name = str(action).removeprefix(f"{self.connector.id}.")
            if (chosen := self.connector.actions.get(name)) and chosen.has_secrets:
                error.hide(Redactor(secrets_among(chosen, inputs), cut=False).text)
            raise

    def _action(self, action: str) -> Action:
        actions = self.connector.actions
        if not isinstance(action, str):
            message = f"The name of an action is text, not {type(action).__name__}."
            raise InputError([Problem("action", message, "Give one, such as 'execute_search'.")])
        name = action.removeprefix(f"{self.connector.id}.")
        if name not in actions:
            message = f"{self.connector.name} has no action {name[:60]!r}."
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

    def next_turn(self) -> float:
        """Seconds until a request that is made now could go out, by the limits and by what the service asked."""
        return self._pace.next_turn()

    def _request(self, planned: Plan) -> network.Request:
        self._check_open()
        return build(planned, self.connection)

    def _follow_up(self, planned: Plan, method: str, path: str) -> network.Request:
        return build_follow_up(planned, method, path, self.connection)

    def _reader(self, planned: Plan) -> Connection:
        """The connection for reading an answer: it hides what is secret among the inputs too."""
        return self.connection.hiding(planned.secrets) if planned.secrets else self.connection

    def _needs_tokens(self) -> bool:
        """Whether access tokens are to be fetched; a connection that has one already is used as it is."""
        return self.connector.connection.auth.fetches_token and self.connection.token is None

    def _use(self, connection: Connection) -> None:
        self.connection = connection

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

    def _attempts(self, planned: Plan, deadline: Deadline, retries: int | None) -> Attempts:
        is_free = planned.method in {"GET", "HEAD", "OPTIONS"}
        return Attempts(self.connector.retry, self._quota, deadline, retries=retries, is_free=is_free)

    def _due(self, planned: Plan, seconds: float | None) -> Deadline:
        """By when a run that begins now has to be over."""
        if seconds is not None:
            return within(seconds)
        if planned.polls and planned.route.poll:
            return within(planned.route.poll.longest)
        template, named = planned.action.deadline, None
        with suppress(Drift):  # lint tells it
            named = template.fill({"inputs": planned.inputs}) if template is not None else None
        return within(self.connector.timeouts.deadline if named is None else named)

    def _waiting(self, planned: Plan, reply: Reply, deadline: Deadline) -> Waiting:
        assert planned.route.poll is not None
        return Waiting(planned, planned.route.poll, reply, deadline)

    def _failed(self, attempts: Attempts, error: ConnectorError) -> float | None:
        """Seconds until the next attempt; None if there is none."""
        if error.kind == "rate_limited" and isinstance(error, ApiError):
            self._pace.refused(error.retry_after, self.connector.retry.longest_wait)
        is_mended = self._tokens is not None and self._tokens.is_refused(attempts, error)
        return attempts.failed(error, is_mended=is_mended)

    def _answered(self, attempts: Attempts) -> None:
        self._pace.accepted()
        attempts.succeeded()

    def _crowded(self, planned: Plan, attempts: Attempts) -> ConnectorError:
        taken = f"All {self._limits.at_once} places for requests at once were taken"
        message = f"{taken} until the deadline of {attempts.deadline.seconds:g} seconds passed."
        return attempts.late(
            message, where=f"{planned.method} {self.connection.url_of(planned.route.request)}{planned.path}"
        )

    def _queued(self, planned: Plan, attempts: Attempts, wait: float) -> ConnectorError:
        why = "The service has refused others for coming too fast; the" if self._pace.is_paused else "The"
        when = f"{why} turn of this request comes in {max(wait, 0.1):.1f} seconds or later"
        message = f"{when}, after the deadline of {attempts.deadline.seconds:g} seconds."
        return attempts.late(
            message, where=f"{planned.method} {self.connection.url_of(planned.route.request)}{planned.path}"
        )

    def _unchecked(self) -> CheckResult | None:
        """What can be said without a request of the manifest's; None where it names one."""
        if self.connector.connection.check is not None:
            return None
        if self._tokens is not None:
            message = "The service gives an access token. The manifest names no request to try it with."
            return CheckResult("works", message, "")
        message = "The manifest names no free request to check a connection with."
        hint = "Run an action to find out, or add `check: {path: ...}` to the manifest's connection."
        return CheckResult("unknown", message, hint)

    def checked(self, response: network.Response) -> CheckResult:
        if not response.is_success:
            return check_failed(failure(response, self.connection))
        check = self.connector.connection.check
        if check is not None and check.answer == "any":
            return CheckResult("works", "The connection works.", "")
        try:
            wrong = refusal(parse(response.content), self.connection)
        except ValueError as error:
            wrong = f"The answer is not JSON: {error}"
        if wrong is not None:
            message = f"{network.place(response.request)}: {wrong}."
            hint = "Check base_url: a login page or a proxy may have answered instead of the service."
            return CheckResult("failing", message, hint)
        return CheckResult("works", "The connection works.", "")


def check_bounds(deadline: float | None, retries: int | None) -> None:
    """Whether they can be what a caller means.

    Raises:
        InputError: if not.
    """
    problems = []
    if deadline is not None and not (_is_number(deadline) and deadline > 0 and _is_bounded(deadline)):
        problems.append(
            Problem(
                "deadline",
                "It is not a number of seconds above 0 and below a billion.",
                "Give one, such as 30.",
            )
        )
    if retries is not None and not (_is_number(retries) and 0 <= retries < _MOST and retries % 1 == 0):
        problems.append(
            Problem("retries", "It is not a whole number from 0 on.", "Give one; 0 means no further attempt.")
        )
    if problems:
        raise InputError(problems)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_bounded(seconds: float) -> bool:
    """Whether a clock can count them; endless is a bound that some mean."""
    return seconds < _MOST or seconds == math.inf


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
        self._places = threading.Semaphore(self._limits.at_once) if self._limits.at_once else None

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

    @contextmanager
    def _turn(self, planned: Plan, attempts: Attempts) -> Iterator[Sending]:
        """One place among the requests under way, once the pace allows it."""
        deadline, places = attempts.deadline, self._places
        if places is not None and not places.acquire(timeout=_bounded(deadline.left())):
            raise self._crowded(planned, attempts)
        turn = self._pace.turn()
        try:
            while wait := turn.wait():
                if wait > deadline.left():
                    raise self._queued(planned, attempts, wait)
                time.sleep(wait)
            attempts.begin()
            yield Sending(deadline, turn.sent)
        finally:
            turn.over()
            if places is not None:
                places.release()

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
            yield from self._pieces(streamed, answer)
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
            if cancel := waiting.cancel():
                with suppress(ConnectorError):
                    request = self._follow_up(planned, *cancel)
                    network.send(self._transport, request, Sending(within(CANCEL_SECONDS)))
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


def _bounded(seconds: float) -> float:
    """What a lock can wait for."""
    return max(min(seconds, threading.TIMEOUT_MAX), 0.0)


def bare(error: ConnectorError) -> ConnectorError:
    """The error without the frames below, nor the errors behind it: they may hold a key that was echoed."""
    error.__context__ = None
    return error.with_traceback(None)


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
