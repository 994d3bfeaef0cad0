"""Record the examples' cassettes, against the sandbox or, when asked, against the live API."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.connection import resolve
from connector.errors import CredentialError, InputError, Problem, did_you_mean
from connector.loading import load
from connector.manifest import Action, Connector, Example
from connector.run import OpenConnection
from connector.sandbox import Sandbox
from connector.secret import Secret
from connector.strict_json import parse
from connector.testing.cassette import path_of, recording
from connector.testing.cassette_file import CassetteError, read
from connector.testing.replaying import stand_ins

SANDBOX_URL = "http://sandbox"


def record(
    connector: str | Path, action: str | None = None, example: str | None = None, *, live: bool = False
) -> Iterator[str]:
    """Record cassettes; all examples of all actions if none is named.

    Args:
        connector: a shipped name or a folder.
        action: an id.
        example: an id.
        live: record against the real API with the key from the environment, instead of the sandbox.

    Yields:
        A line for people for each cassette: its path, and what changed in the answer's shape.

    Raises:
        ConnectorError: nothing is written for the example that fails.
    """
    loaded = load(connector)
    chosen = list(_chosen(loaded, action, example))
    with ExitStack() as stack:
        if live:
            urls: dict[bool, str | None] = {True: None, False: None}
        elif loaded.id == "perplexity":
            urls = {sonar: stack.enter_context(Sandbox(sonar=sonar)).url for sonar in (False, True)}
        else:
            hint = "Record against the live API: connector record --live"
            raise CredentialError(f"There is no sandbox for {loaded.id}.", where=str(connector), hint=hint)
        for one, sample in chosen:
            url = urls[sample.route == "sonar"]
            yield _recorded(loaded, one, sample, url)


def _chosen(
    connector: Connector, action: str | None, example: str | None
) -> Iterator[tuple[Action, Example]]:
    if action is not None and action not in connector.actions:
        hint = did_you_mean(action, connector.actions)
        raise InputError([Problem("action", f"There is no action {action!r}.", hint)])
    for one in connector.actions.values():
        if action not in {None, one.id}:
            continue
        ids = [sample.id for sample in one.examples]
        if example is not None and example not in ids:
            hint = did_you_mean(example, ids)
            raise InputError([Problem("example", f"{one.id} has no example {example!r}.", hint)])
        yield from ((one, sample) for sample in one.examples if example in {None, sample.id})


def _recorded(connector: Connector, action: Action, example: Example, sandbox_url: str | None) -> str:
    if sandbox_url is None:
        connection = resolve(connector, {})
        against = connection.base_url
    else:
        fields = {**stand_ins(connector), "base_url": sandbox_url}
        # the sandbox keeps what it is given by key: each example finds what it made itself, and nothing else
        # a key of its own, of no words: the end of one that is made of words would be masked in the answers
        name = f"{action.id}/{example.id}".encode()
        key = Secret(f"pplx-test-{hashlib.sha256(name).hexdigest()[:16]}")
        fields.update(dict.fromkeys(connector.connection.secrets, key))
        connection = resolve(connector, fields, environ={})
        against = SANDBOX_URL
    path = path_of(connector, action, example)
    before = _shapes(path)
    with OpenConnection(connection) as opened:
        _run_before(opened, action, example, ())
        connection = opened.authorised()  # an access token is fetched here, and its exchange stays out
    with (
        recording(path, connection.every_secret, against) as cassette,
        OpenConnection(connection) as opened,
    ):
        cassette.get_metadata("recorded_against", "the sandbox" if sandbox_url else against)
        cassette.get_metadata("recorded_on", str(datetime.now(UTC).date()))
        cassette.get_metadata("connector", f"{connector.id} {connector.version}")
        _run(opened, action, example)
    return f"{action.id}/{example.id}: {_changes(before, _shapes(path))} ({path})"


def _run(opened: OpenConnection, action: Action, example: Example) -> None:
    opened.run(action.id, example.inputs, route=example.route)


def _run_before(opened: OpenConnection, action: Action, example: Example, begun: tuple[str, ...]) -> None:
    """What the example needs to be there, and what that needs."""
    here = f"{action.id}.{example.id}"
    if here in begun:
        hint = "Take one out of the examples' `after`."
        raise InputError([Problem(f"example {here}", f"It waits for itself: {' -> '.join(begun)}.", hint)])
    for name in example.after:
        known = {f"{a.id}.{e.id}": (a, e) for a in opened.connector.actions.values() for e in a.examples}
        if name not in known:
            message = f"It is to run after {name!r}, and there is no such example."
            raise InputError([Problem(f"example {here}", message, did_you_mean(name, known))])
        _run_before(opened, *known[name], (*begun, here))
        _run(opened, *known[name])


def _changes(before: set[str], after: set[str]) -> str:
    """How the answers' shapes differ, not their values: what an author wants to know after recording."""
    if not before:
        return "new"
    gone, new = sorted(before - after), sorted(after - before)
    if not gone and not new:
        return "same shape"
    return "; ".join(["changed", *(f"- {shape}" for shape in gone), *(f"+ {shape}" for shape in new)])


def _shapes(path: Path) -> set[str]:
    """The fields of a cassette's answers, with their types; none where there is no cassette to be read."""
    try:
        _, responses = read(path)
    except CassetteError:
        return set()
    found = {f"{len(responses)} answers"}
    for response in responses:
        try:
            body = parse(response["body"]["string"])
        except ValueError:
            body = "not JSON"
        found.update(_paths(body, "body"))
    return found


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        yield f"{path}: {type(value).__name__}"
