"""Serving a mock on this computer: in a thread for tests, or until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from connector.loading import load
from connector.manifest import Connector
from connector.mock.app import create_app
from connector.mock.credential import Credential, credential
from connector.mock.recorded import tape_of
from connector.sandbox.server import Served, serve_app


class Mock(Served):
    """A running stand-in for the service of any connector, made from its manifest.

        with Mock("./acme") as mock, connector.connect(mock.connector, **mock.fields) as acme:
            acme.run("find", {"query": "tea"})

    Args:
        connector: a loaded Connector, a shipped name, or a folder with a connector.yaml.
        port: 0 for any free port.
        faults: how it misbehaves, such as `429,times=2`.
        told: called with a sentence for what could not be made, and for each request that meets a fault.

    Raises:
        ManifestError: the connector cannot be read.
        InputError: a fault that there is not, or no values can be made for the connection's fields.
        OSError: on entering, when the port is taken.
    """

    def __init__(
        self,
        connector: Connector | str | Path,
        *,
        port: int = 0,
        faults: Sequence[str] = (),
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._loaded = connector if isinstance(connector, Connector) else load(connector)
        self._right = credential(self._loaded)
        self._tape = tape_of(self._loaded, self._right.recorded_prefixes)
        app = create_app(self._right, self._tape, faults=faults, told=told)
        super().__init__(app, f"mock-{self._loaded.id}", port=port)

    def __enter__(self) -> Self:
        super().__enter__()
        self._right = credential(self._loaded, self.url)
        return self

    @property
    def connector(self) -> Connector:
        """The connector, with a base URL that leads here."""
        return self._right.connector

    @property
    def fields(self) -> Mapping[str, Any]:
        """Fields of a connection to the mock, which takes no others; its URL among them."""
        return self._right.fields


def serve_mock(
    connector: Connector,
    *,
    port: int,
    ready: Callable[[str, Credential, int], None],
    faults: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve in the main thread until Ctrl-C.

    Args:
        connector: whose service it stands in for.
        port: 0 for any free port.
        ready: called with the URL, what the mock takes for right, and the number of recorded answers.
        faults: how it misbehaves, such as `429,times=2`.
        told: called with a line for each request that meets a fault, and for what could not be made.

    Raises:
        InputError: a fault that there is not, or no values can be made for the connection's fields.
        OSError: the port is taken, or may not be used.
    """
    right = credential(connector)
    tape = tape_of(connector, right.recorded_prefixes)
    app = create_app(right, tape, faults=faults, told=told)
    serve_app(app, port=port, ready=lambda url: ready(url, credential(connector, url), tape.count))
