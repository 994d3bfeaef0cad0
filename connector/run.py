"""The whole path: connect, then run actions. Sync and async differ only in how they send and wait."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from connector import transport as network
from connector.connection import Connection, resolve, saved_connections
from connector.errors import ApiError, ConnectorError, InputError, Problem, TransportError, did_you_mean
from connector.loading import load
from connector.manifest import Connector
from connector.output import Result, pick
from connector.plan import Plan, plan
from connector.request import build, build_check
from connector.response import failure, read
from connector.retry import wait_before_next

State = Literal["works", "wrong_key", "no_credit", "not_allowed", "unreachable", "failing"]


@dataclass(frozen=True)
class CheckResult:
    """Whether a connection works. `what_to_do` is empty when it does."""

    state: State
    message: str
    what_to_do: str


class _Open:
    """What sync and async connections share: everything that does not wait."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

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
        actions = self.connector.actions
        name = action.removeprefix(f"{self.connector.id}.")
        if name not in actions:
            message = f"{self.connector.name} has no action {name!r}."
            raise InputError([Problem("action", message, did_you_mean(name, actions))])
        settings = self.connection.settings
        return plan(
            self.connector,
            actions[name],
            inputs,
            today=datetime.now(UTC).date(),
            settings=settings,
            route=route,
            strict=strict,
        )

    def _request(self, planned: Plan) -> network.Request:
        return build(planned, self.connection)

    def _result(self, response: network.Response, planned: Plan, attempt: int) -> Result:
        return pick(planned, read(response, planned, self.connection.redactor), attempts=attempt)

    def _wait(self, error: ConnectorError, attempt: int) -> float:
        """Seconds until the next attempt; raises the error if there is none."""
        if isinstance(error, (ApiError, TransportError)):
            error.attempts = attempt
        wait = wait_before_next(self.connector.retry, error, attempt)
        if wait is None:
            raise error
        return wait

    def _checked(self, response: network.Response) -> CheckResult:
        if response.is_success:
            return CheckResult("works", "The connection works.", "")
        return _check_failed(failure(response, self.connector, self.connection.redactor))


class OpenConnection(_Open):
    """A connection with its pool of HTTP connections. Use it in a `with` block, or close it."""

    def __init__(self, connection: Connection, transport: network.Transport | None = None) -> None:
        super().__init__(connection)
        self._transport = transport or network.open_transport()

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
        attempt = 1
        while True:
            try:
                response = network.send(self._transport, self._request(planned))
                return self._result(response, planned, attempt)
            except (ApiError, TransportError) as error:
                time.sleep(self._wait(error, attempt))
            attempt += 1

    def check(self) -> CheckResult:
        """Whether the connection works, by the manifest's free request. Never raises for an answer."""
        try:
            return self._checked(network.send(self._transport, build_check(self.connection)))
        except TransportError as error:
            return _check_failed(error)

    def close(self) -> None:
        """Close the HTTP connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncOpenConnection(_Open):
    """As OpenConnection, for asyncio: `async with connector.aconnect(...) as connection`."""

    def __init__(self, connection: Connection, transport: network.AsyncTransport | None = None) -> None:
        super().__init__(connection)
        self._transport = transport or network.open_async_transport()

    async def run(
        self, action: str, inputs: Mapping[str, Any], *, route: str | None = None, strict: bool = False
    ) -> Result:
        """See OpenConnection.run."""
        planned = self.plan(action, inputs, route=route, strict=strict)
        attempt = 1
        while True:
            try:
                response = await network.send_async(self._transport, self._request(planned))
                return self._result(response, planned, attempt)
            except (ApiError, TransportError) as error:
                await asyncio.sleep(self._wait(error, attempt))
            attempt += 1

    async def check(self) -> CheckResult:
        """See OpenConnection.check."""
        try:
            return self._checked(await network.send_async(self._transport, build_check(self.connection)))
        except TransportError as error:
            return _check_failed(error)

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None
    ) -> None:
        await self.close()


_STATES: dict[str, State] = {
    "bad_credential": "wrong_key",
    "no_credit": "no_credit",
    "not_allowed": "not_allowed",
    "retired": "not_allowed",
    "timeout": "unreachable",
    "unreachable": "unreachable",
    "cut_off": "unreachable",
}


def _check_failed(error: ConnectorError) -> CheckResult:
    return CheckResult(_STATES.get(error.kind, "failing"), f"{error.where}: {error.message}", error.hint)


def connect(
    connector: str | Path | Connector,
    *,
    connection: str | None = None,
    transport: network.Transport | None = None,
    **fields: Any,
) -> OpenConnection:
    """Open a connection.

    Args:
        connector: a shipped name such as "perplexity", a folder with a connector.yaml, or a loaded Connector.
        connection: the name of a saved connection.
        transport: an httpx transport to send through, for tests and proxies.
        **fields: the connection's fields, such as `api_key` and `base_url`. What is not given comes from
            the saved connection, or from the environment (PERPLEXITY_API_KEY, ...).

    Raises:
        ManifestError, CredentialError.
    """
    return OpenConnection(_resolved(connector, connection, fields), transport)


def aconnect(
    connector: str | Path | Connector,
    *,
    connection: str | None = None,
    transport: network.AsyncTransport | None = None,
    **fields: Any,
) -> AsyncOpenConnection:
    """As connect, for asyncio."""
    return AsyncOpenConnection(_resolved(connector, connection, fields), transport)


def _resolved(connector: str | Path | Connector, name: str | None, fields: Mapping[str, Any]) -> Connection:
    loaded = connector if isinstance(connector, Connector) else load(connector)
    saved = saved_connections(os.environ).load(name) if name is not None else None
    return resolve(loaded, fields, saved=saved, environ=os.environ)
