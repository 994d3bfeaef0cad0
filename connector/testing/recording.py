"""Record the examples' cassettes: against the sandbox, against a mock of the manifest, or, when asked, the real API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connector.connection import Connection, resolve
from connector.errors import CredentialError
from connector.loading import load
from connector.manifest import Connector
from connector.plan import chosen_route
from connector.run import OpenConnection
from connector.secret import Secret
from connector.testing.answer_shape import AnswerShape, differences, shape_of
from connector.testing.cassette import recording
from connector.testing.cassette_file import CassetteError, Recorded, noted, recorded
from connector.testing.examples import ConnectorExample, before, examples
from connector.testing.replaying import played, stand_ins

SANDBOX_URL = "http://sandbox"

Connect = Callable[[ConnectorExample], tuple[Connection, str, str]]
"""Gives the connection for an example, the host to write down for it, and what answers, for people."""

_LIVE = ("http://", "https://")


def record(
    connector: str | Path | Connector,
    action: str | None = None,
    example: str | None = None,
    *,
    live: bool | Connection = False,
    allow: Collection[str] = (),
    missed: Callable[[CassetteError], None] | None = None,
) -> Iterator[str]:
    """Record cassettes; all examples of all actions if none is named.

    Args:
        connector: a name, a folder, or a loaded Connector.
        action: an id.
        example: an id.
        live: record against the real API: with this connection, or with the key from the environment.
        allow: places at which something looks like a secret, and is none: see `secret_scan`. What the old
            cassette allows stays allowed.
        missed: called with why an example has no cassette that may be kept, and the next one is recorded; if absent,
            it is raised.

    Yields:
        A text for people for each cassette: its path, and what changed in the answers' shape.

    Raises:
        ConnectorError: nothing is written for the example that fails.
    """
    loaded = connector if isinstance(connector, Connector) else load(connector)
    chosen = examples(loaded, action, example)
    with ExitStack() as stack:
        connect = _connect(loaded, live, stack)
        for one in chosen:
            try:
                yield record_example(one, connect, allow)
            except CassetteError as error:
                if missed is None:
                    raise
                missed(error)


def record_example(one: ConnectorExample, connect: Connect, allow: Collection[str] = ()) -> str:
    """Record one cassette; gives a text for people."""
    connection, host, title = connect(one)
    old = _known(one.cassette)
    if old is not None and old.against.startswith(_LIVE) and not title.startswith(_LIVE):
        return (
            f"{one.id}: kept: {old.against} has answered it. Record it with --live, or remove {one.cassette}."
        )
    with OpenConnection(connection) as opened:
        for earlier in before(one):
            run(opened, earlier)
        connection = opened.authorised()  # an access token is fetched here, and its exchange stays out

    def notes(kept: Recorded) -> Mapping[str, Any]:
        return {
            "connector": f"{one.connector.id} {one.connector.version}",
            "recorded_against": title,
            "recorded_on": str(datetime.now(UTC).date()),
            "outputs": noted(played(one, kept, str(one.cassette)).outputs),
        }

    allowed = {*allow, *(old.allowed if old else ())}
    secrets, against = connection.every_secret, host + usual_path(one)
    with (
        recording(
            one.cassette, secrets, against, base_url=url_of(one, connection), notes=notes, allow=allowed
        ),
        OpenConnection(connection) as opened,
    ):
        run(opened, one)
    head, *lines = _changes(old, recorded(one.cassette))
    return "\n".join((f"{one.id}: {head} ({one.cassette})", *lines))


def usual_path(one: ConnectorExample) -> str:
    """What its paths begin with at the usual base URL, and thus in a replay."""
    return urlsplit(url_of(one, resolve(one.connector, stand_ins(one.connector), environ={}))).path


def url_of(one: ConnectorExample, connection: Connection) -> str:
    """The base URL of an example's request: its route may have one of its own."""
    route = chosen_route(one.action, connection.settings, one.example.route)
    return connection.url_of(one.action.routes[route].request)


def run(opened: OpenConnection, one: ConnectorExample) -> None:
    """Run an example."""
    opened.run(one.action.id, one.example.inputs, route=one.example.route)


def _connect(connector: Connector, live: bool | Connection, stack: ExitStack) -> Connect:
    if live:
        connection = live if isinstance(live, Connection) else resolve(connector, {})
        return lambda one: (connection, _host(url_of(one, connection)), connection.base_url)
    if connector.id == "perplexity":
        return _to_sandbox(connector, stack)
    return _to_mock(connector, stack)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _to_sandbox(connector: Connector, stack: ExitStack) -> Connect:
    from connector.sandbox import Sandbox  # noqa: PLC0415 - of one connector only

    urls = {sonar: stack.enter_context(Sandbox(sonar=sonar)).url for sonar in (False, True)}

    def connect(one: ConnectorExample) -> tuple[Connection, str, str]:
        # the sandbox keeps what it is given by key: each example finds what it made itself, and nothing else;
        # a key of its own, of no words: the end of one that is made of words would be masked in the answers
        name = hashlib.sha256(one.id.encode()).hexdigest()[:16]
        fields = {**stand_ins(connector), "base_url": urls[one.example.route == "sonar"]}
        fields.update(dict.fromkeys(connector.connection.secrets, Secret(f"pplx-test-{name}")))
        return resolve(connector, fields, environ={}), SANDBOX_URL, "the sandbox"

    return connect


def _to_mock(connector: Connector, stack: ExitStack) -> Connect:
    try:
        from connector.mock import Mock  # noqa: PLC0415
    except ImportError:
        hint = "Record against the live API: connector record --live"
        raise CredentialError(
            f"There is no sandbox for {connector.id}.", where=str(connector.folder), hint=hint
        ) from None
    # somewhere else there are no cassettes, whose answers it would give instead of the manifest's
    mock = stack.enter_context(Mock(replace(connector, folder=connector.folder / "none")))
    connection = resolve(mock.connector, mock.fields, environ={})
    return lambda _: (connection, "http://mock", "a mock of the manifest")


def _known(path: Path) -> Recorded | None:
    """The old cassette, if there is one to be read."""
    try:
        return recorded(path)
    except CassetteError:
        return None


def _changes(old: Recorded | None, new: Recorded) -> list[str]:
    """How the answers' shapes differ, not their values: what an author wants to know after recording."""
    if old is None:
        return ["new"]
    lines = differences(_shape(old), _shape(new))
    return ["changed", *(f"    {line}" for line in lines)] if lines else ["same shape"]


def _shape(kept: Recorded) -> AnswerShape:
    return shape_of(kept.requests, kept.responses)
