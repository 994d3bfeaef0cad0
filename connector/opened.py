"""What sync and async connections share: everything that does not wait."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from connector import transport as network
from connector.attempts import Attempts
from connector.choices import Choices, declared, snapshot
from connector.connection import Connection
from connector.deadline import Deadline, within
from connector.errors import (
    ApiError,
    ConnectorError,
    CredentialError,
    InputError,
    Problem,
    did_you_mean,
)
from connector.evaluate import Drift, is_number
from connector.limits import RateLimit
from connector.manifest import Action, Connector, Limits, Options
from connector.network_errors import place
from connector.output import Event, Result
from connector.plan import Plan, asking_to_stream, chosen_route, plan, secrets_among
from connector.polling import Waiting
from connector.refusal import failure, refusal
from connector.request import build, build_follow_up
from connector.response import Reply
from connector.retry import Quota
from connector.secret import Redactor
from connector.strict_json import parse
from connector.tokens import Kept

CHECK_SECONDS = 30.0
CANCEL_SECONDS = 10.0
MOST = 10**9
"""Seconds or attempts; whoever gives more has mistaken the unit."""

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
            message = f"{place(response.request)}: {wrong}."
            hint = "Check base_url: a login page or a proxy may have answered instead of the service."
            return CheckResult("failing", message, hint)
        return CheckResult("works", "The connection works.", "")


def check_bounds(deadline: float | None, retries: int | None) -> None:
    """Whether they can be what a caller means.

    Raises:
        InputError: if not.
    """
    problems = []
    if deadline is not None and not (is_number(deadline) and deadline > 0 and _is_bounded(deadline)):
        problems.append(
            Problem(
                "deadline",
                "It is not a number of seconds above 0 and below a billion.",
                "Give one, such as 30.",
            )
        )
    if retries is not None and not (is_number(retries) and 0 <= retries < MOST and retries % 1 == 0):
        problems.append(
            Problem("retries", "It is not a whole number from 0 on.", "Give one; 0 means no further attempt.")
        )
    if problems:
        raise InputError(problems)


def _is_bounded(seconds: float) -> bool:
    """Whether a clock can count them; endless is a bound that some mean."""
    return seconds < MOST or seconds == math.inf


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
