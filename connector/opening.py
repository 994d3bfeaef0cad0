"""Opening a connection: a connector by name or folder, its fields from wherever they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector import transport as network
from connector.connection import Connection, hidden, resolve, saved_connections
from connector.errors import CredentialError, InputError, ManifestError, Problem
from connector.evaluate import is_number
from connector.loading import load
from connector.manifest import Connector, Limits
from connector.opened import MOST
from connector.run import OpenConnection

if TYPE_CHECKING:
    from connector.run_async import AsyncOpenConnection


def connect(
    connector: str | Path | Connector,
    *,
    connection: str | None = None,
    transport: network.Transport | None = None,
    limits: Limits | None = None,
    **fields: Any,
) -> OpenConnection:
    """Open a connection.

    Args:
        connector: the name of a shipped connector, such as "perplexity", or of one that another package brings;
            a folder with a connector.yaml; or a loaded Connector.
        connection: the name of a saved connection.
        transport: an httpx transport to send through, for tests and proxies. It is closed with the connection.
        limits: requests at most in a time and at once, such as those of your account; the manifest's if absent.
        **fields: the connection's fields, such as `api_key` and `base_url`. What is not given comes from
            the saved connection, or from the environment (PERPLEXITY_API_KEY, ...).

    Raises:
        ManifestError, CredentialError; InputError for limits that are none.
    """
    fields = hidden(fields)
    _check(limits)
    return OpenConnection(_resolved(connector, connection, fields), transport, limits)


def aconnect(
    connector: str | Path | Connector,
    *,
    connection: str | None = None,
    transport: network.AsyncTransport | None = None,
    limits: Limits | None = None,
    **fields: Any,
) -> AsyncOpenConnection:
    """As connect, for asyncio."""
    from connector.run_async import AsyncOpenConnection  # noqa: PLC0415 - asyncio takes long to import

    fields = hidden(fields)
    _check(limits)
    return AsyncOpenConnection(_resolved(connector, connection, fields), transport, limits)


def _resolved(connector: str | Path | Connector, name: str | None, fields: Mapping[str, Any]) -> Connection:
    if not isinstance(connector, (str, Path, Connector)):
        message = f"It is of the type {type(connector).__name__}."
        raise ManifestError(
            [Problem("connector", message, "Give its name, such as 'perplexity', or its folder.")]
        )
    if name is not None and not isinstance(name, str):
        message = f"The name of a connection is text, not {type(name).__name__}."
        raise CredentialError(message, where="connection", hint="Give the name that it was saved with.")
    loaded = connector if isinstance(connector, Connector) else load(connector)
    saved = saved_connections(os.environ).load(name) if name is not None else None
    return resolve(loaded, fields, saved=saved, environ=os.environ)


def _check(limits: object) -> None:
    if limits is not None and not isinstance(limits, Limits):
        message = f"They are of the type {type(limits).__name__}."
        raise InputError([Problem("limits", message, "Give connector.Limits(...), or leave them out.")])
    if limits is not None:
        problems = list(_wrong_limits(limits))
        if problems:
            raise InputError(problems)


def _wrong_limits(limits: Limits) -> Iterator[Problem]:
    """What the manifest's schema would refuse: here they are made in Python."""
    for name, value in (("requests", limits.requests), ("at_once", limits.at_once)):
        if value is not None and (type(value) is not int or value < 1):
            hint = "Give one, such as 1; one request in 5 seconds is Limits(requests=1, seconds=5)."
            yield Problem(f"limits.{name}", "It is not a whole number from 1 on.", hint)
    if not (is_number(limits.seconds) and 0 < limits.seconds < MOST):
        hint = "Give one, such as 60."
        yield Problem("limits.seconds", "It is not a number of seconds above 0 and below a billion.", hint)
