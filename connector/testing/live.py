"""Run examples against the real service, and compare what its answers look like with what was recorded."""

from __future__ import annotations

from connector.run import OpenConnection
from connector.testing.answer_shape import drifted, shape_of
from connector.testing.cassette import taking
from connector.testing.cassette_file import CassetteError, recorded
from connector.testing.examples import ConnectorExample, before
from connector.testing.recording import run


def is_free(one: ConnectorExample, opened: OpenConnection) -> bool:
    """Whether an example only asks: nothing of it, nor of what runs before it, can cost money or change anything.

    That is known of GET alone.

    Raises:
        InputError: the example's inputs are wrong.
    """
    plans = (
        opened.plan(each.action.id, each.example.inputs, route=each.example.route)
        for each in (*before(one), one)
    )
    return all(plan.method == "GET" for plan in plans)


def compare(one: ConnectorExample, opened: OpenConnection) -> None:
    """Run an example and compare the shape of the answers, not their values, with its cassette's.

    Raises:
        CassetteError: there is no cassette, or the shape is another.
        ConnectorError: as a run does.
    """
    kept = recorded(one.cassette)
    for earlier in before(one):
        run(opened, earlier)
    connection = opened.connection
    with taking(connection.secrets.values(), "") as now:
        run(opened, one)
    lines = drifted(
        shape_of(kept.requests, kept.responses), shape_of(now.recorded.requests, now.recorded.responses)
    )
    if lines:
        message = f"{connection.base_url} answers in another shape than was recorded."
        hint = f"Look at what reads it, then record it anew: {one.command} --live"
        raise CassetteError(message, where=str(one.cassette), hint=hint, details=lines)
