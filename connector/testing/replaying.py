"""Run an example against its cassette: the whole path, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace as changed
from difflib import unified_diff
from typing import Any, Final
from urllib.parse import urlsplit

from vcr.errors import CannotOverwriteExistingCassetteException

from connector.connection import resolve
from connector.manifest import Action, Connector, Example, Limits
from connector.output import Result
from connector.run import OpenConnection
from connector.secret import Secret
from connector.strict_json import parse
from connector.testing.cassette import replaying
from connector.testing.cassette_file import CassetteError, Recorded, noted, recorded
from connector.testing.examples import ConnectorExample
from connector.testing.no_network import no_network
from connector.testing.secret_scan import findings

_MOST_LINES: Final = 40
_LONGEST_LINE: Final = 160


def replay(connector: Connector, action: Action, example: Example) -> Result:
    """The result of an example, answered by its cassette: see replay_example."""
    return replay_example(ConnectorExample(connector, action, example))


def replay_example(one: ConnectorExample, seen: Callable[[Recorded], object] = lambda _: None) -> Result:
    """The result of an example, answered by its cassette; no socket is opened meanwhile.

    Args:
        one: the example.
        seen: called with what the cassette holds.

    Raises:
        CassetteError: there is no cassette, the request differs from the recorded one, a recorded exchange was
            not used, the outputs differ from the recorded ones, or the cassette holds what looks like a secret.
        ConnectorError: as a run does.
    """
    path = one.cassette
    again = f"Record it again: {one.command}"
    if not path.is_file():
        raise CassetteError("There is no cassette.", where=str(path), hint=again)
    kept = recorded(path)
    seen(kept)
    found = [each for each in findings(kept.requests, kept.responses) if each.place not in kept.allowed]
    if found:
        message = "It holds what looks like a secret."
        hint = f"Revoke what is one. What is none is allowed as it is recorded: {one.command} --allow PLACE"
        raise CassetteError(message, where=str(path), hint=hint, details=list(map(str, found)))
    result = played(one, kept, str(path), again)
    if (before := kept.outputs) is not None and before != parse(noted(result.outputs).encode()):
        hint = f"Mend the manifest; if it is meant, record it again: {one.command}"
        lines = list(_diff(before, dict(result.outputs), "recorded", "now"))
        raise CassetteError(
            "The outputs differ from the recorded ones.", where=str(path), hint=hint, details=lines
        )
    return result


def played(one: ConnectorExample, kept: Recorded, where: str, again: str = "") -> Result:
    """The result of an example, answered by recorded exchanges.

    Args:
        one: the example.
        kept: the exchanges; all of them have to be used.
        where: they are from, for errors.
        again: what to do about an error.

    Raises:
        CassetteError, ConnectorError: as replay_example.
    """
    connector = _impatient(one)
    connection = resolve(connector, stand_ins(connector), environ={})
    if connector.connection.auth.fetches_token:
        connection = connection.with_token(Secret("test-replay-token"))
    differs: list[str] = []
    # unlimited, for the limits are those of a service
    with (
        no_network(),
        replaying(kept, connection.secrets.values()) as cassette,
        OpenConnection(connection, limits=Limits()) as opened,
    ):
        try:
            result = opened.run(one.action.id, one.example.inputs, route=one.example.route)
        except CannotOverwriteExistingCassetteException as error:
            differs = [connection.redactor.text(line) for line in _difference(error)]
    if (
        differs
    ):  # raised here: vcrpy's error holds the request with its headers, and would be this one's context
        message = f"The request differs from the recorded one: {differs[0]}"
        raise CassetteError(message, where=where, hint=again, details=differs[1:])
    unused = [
        f"{request.method} {_target(request)}"
        for index, request in enumerate(cassette.requests)
        if not cassette.play_counts[index]
    ]
    if unused:
        lines = [f"not used: {line}" for line in unused]
        raise CassetteError("A recorded exchange was not used.", where=where, hint=again, details=lines)
    return result


def _impatient(one: ConnectorExample) -> Connector:
    """The connector, in which nothing is waited for: an answer that was asked for again is there already."""
    routes = {
        name: changed(route, poll=changed(route.poll, every=0.0)) if route.poll else route
        for name, route in one.action.routes.items()
    }
    action = changed(one.action, routes=routes)
    retry = changed(one.connector.retry, first_wait=0.0)
    return changed(one.connector, actions={action.id: action}, retry=retry)


def stand_ins(connector: Connector, secret: str = "test-replay") -> dict[str, str | Secret]:  # noqa: S107 - a fake
    """Fields for a connection that is never used for real: no environment, no saved connection."""
    key = f"pplx-{secret}" if connector.id == "perplexity" else secret
    fields: dict[str, str | Secret] = dict.fromkeys(connector.connection.secrets, Secret(key))
    fields.update(connector.connection.defaults)
    required = connector.connection.fields.get("required", ())
    fields.update({name: _stand_in(connector, name) for name in required if name not in fields})
    return fields


def _stand_in(connector: Connector, name: str) -> str:
    """A value that the field takes."""
    schema: Mapping[str, Any] = connector.connection.form.get(name, {})
    choices = [*schema.get("enum", ()), *schema.get("examples", ())]
    if "const" in schema or choices:
        return str(schema.get("const", choices[0] if choices else ""))
    return "https://api.test" if name == "base_url" or schema.get("format") == "uri" else "test"


def _difference(error: CannotOverwriteExistingCassetteException) -> Iterator[str]:
    """What differs, in a sentence, and then the bodies line by line."""
    near = error.similar_requests
    if not near:
        yield f"{error.failed_request.method} {_target(error.failed_request)} was not recorded."
        return
    stored, _, failed = near[0]
    if not failed:
        yield f"{stored.method} {_target(stored)} is asked more often than it was recorded."
        return
    yield "; ".join(f"{name}: {reason}" if reason else str(name) for name, reason in failed)
    if any(name == "body" for name, _ in failed):
        yield from _diff(_value(stored.body), _value(error.failed_request.body), "recorded", "asked")


def _target(request: Any) -> str:
    parts = urlsplit(request.uri)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


def _value(body: Any) -> Any:
    try:
        return parse(bytes(body or b""))
    except ValueError:
        return (body or b"").decode("utf-8", "replace").splitlines()


def _diff(before: Any, after: Any, of_before: str, of_after: str) -> Iterator[str]:
    one, other = (json.dumps(value, indent=2, ensure_ascii=False).splitlines() for value in (before, after))
    lines = list(unified_diff(one, other, of_before, of_after, n=1, lineterm=""))
    for line in lines[:_MOST_LINES]:
        yield line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more lines"
