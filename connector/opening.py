"""Opening a connection: a connector by name or folder, its fields from wherever they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector import transport as network
from connector.connection import Connection, hidden, resolve, saved_connections
from connector.loading import load
from connector.manifest import Connector, Limits
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
        connector: a shipped name such as "perplexity", a folder with a connector.yaml, or a loaded Connector.
        connection: the name of a saved connection.
        transport: an httpx transport to send through, for tests and proxies. It is closed with the connection.
        limits: requests at most in a time and at once, such as those of your account; the manifest's if absent.
        **fields: the connection's fields, such as `api_key` and `base_url`. What is not given comes from
            the saved connection, or from the environment (PERPLEXITY_API_KEY, ...).

    Raises:
        ManifestError, CredentialError.
    """
    fields = hidden(fields)
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
    return AsyncOpenConnection(_resolved(connector, connection, fields), transport, limits)


def _resolved(connector: str | Path | Connector, name: str | None, fields: Mapping[str, Any]) -> Connection:
    loaded = connector if isinstance(connector, Connector) else load(connector)
    saved = saved_connections(os.environ).load(name) if name is not None else None
    return resolve(loaded, fields, saved=saved, environ=os.environ)
