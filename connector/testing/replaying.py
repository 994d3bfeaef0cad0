"""Run an example against its cassette: the whole path, without a network."""

from __future__ import annotations

from vcr.errors import CannotOverwriteExistingCassetteException

from connector.connection import resolve
from connector.manifest import Action, Connector, Example
from connector.output import Result
from connector.run import OpenConnection
from connector.secret import Secret
from connector.testing.cassette import path_of, replaying
from connector.testing.cassette_file import CassetteError


def replay(connector: Connector, action: Action, example: Example) -> Result:
    """The result of an example, answered by its cassette.

    Raises:
        CassetteError: if there is no cassette, the request differs from the recorded one, or a recorded
            exchange was not used.
        ConnectorError: as a run does.
    """
    path = path_of(connector, action, example)
    again = f"Record it again: connector record {connector.id}.{action.id} {example.id}"
    if not path.is_file():
        raise CassetteError("There is no cassette.", where=str(path), hint=again)
    connection = resolve(connector, stand_ins(connector), environ={})
    if connector.connection.auth.fetches_token:
        connection = connection.with_token(Secret("pplx-test-replay"))
    differs = ""
    with replaying(path) as cassette, OpenConnection(connection) as opened:
        try:
            result = opened.run(action.id, example.inputs, route=example.route)
        except CannotOverwriteExistingCassetteException as error:
            differs = connection.redactor.text(_difference(error))
    if (
        differs
    ):  # raised here: vcrpy's error holds the request with its headers, and would be this one's context
        message = f"The request differs from the recorded one: {differs}"
        raise CassetteError(message, where=str(path), hint=again)
    if not cassette.all_played:
        raise CassetteError("A recorded exchange was not used.", where=str(path), hint=again)
    return result


def stand_ins(connector: Connector) -> dict[str, str | Secret]:
    """Fields for a connection that is never used for real: no environment, no saved connection."""
    fields: dict[str, str | Secret] = {
        name: Secret("pplx-test-replay") for name in connector.connection.secrets
    }
    fields.update(connector.connection.defaults)
    required = connector.connection.fields.get("required", ())
    fields.update({name: "test" for name in required if name not in fields})
    return fields


def _difference(error: CannotOverwriteExistingCassetteException) -> str:
    near = error.cassette.find_requests_with_most_matches(error.failed_request)
    if not near:
        return "there is none left."
    _, _, failed = near[0]
    return "; ".join(f"{name}: {reason}" if reason else str(name) for name, reason in failed)
