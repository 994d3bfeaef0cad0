"""One action, run and looked at from all sides: its plan, what went over the wire, its outputs and their types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.errors import ConnectorError, Problem
from connector.evaluate import Tables
from connector.inference import Inference
from connector.manifest import Action, Connector, Route
from connector.observed import Exchange, Observed
from connector.output import Result
from connector.plan import Plan
from connector.request import Preview, preview
from connector.run import OpenConnection
from connector.schema import Checker
from connector.shape import NULL, Shape, of_schema
from connector.strict_json import parse
from connector.template import Insert, Static, Template, Text

_MOST_DIFFERENCES = 20


@dataclass(frozen=True)
class Output:
    """An output: its declared type, the one that is derived from its expression, and its value."""

    name: str
    declared: str
    derived: str
    value: Any = None


@dataclass(frozen=True)
class Trial:
    """What a run was like. `error` is None where it went well, and `result` where it did not."""

    plan: Plan
    preview: Preview
    exchanges: tuple[Exchange, ...]
    outputs: tuple[Output, ...]
    result: Result | None = None
    error: ConnectorError | None = None
    differences: tuple[Problem, ...] = ()
    answer: Any = field(default=None, repr=False)
    """The body of the answer that the outputs were taken from; None where there was none."""


def tried(
    opened: OpenConnection,
    observed: Observed,
    action: Action,
    inputs: Mapping[str, Any],
    *,
    route: str | None = None,
    deadline: float | None = None,
) -> Trial:
    """Run an action and keep what happens.

    Args:
        opened: a connection that sends through `observed`.
        observed: what keeps the exchanges.
        action: of the connection's connector.
        inputs: by name.
        route: to take, whatever the connection says.
        deadline: seconds after which to give up; the manifest's if absent.

    Raises:
        InputError: nothing was sent.
    """
    planned = opened.plan(action.id, inputs, route=route)
    for secret in planned.secrets:  # the exchanges are shown by this redactor
        opened.connection.redactor.learn(secret)
    shown = preview(planned, opened.connection)
    result, failed = None, None
    try:
        result = opened.run(action.id, inputs, route=route, deadline=deadline)
    except ConnectorError as error:
        failed = error
    exchanges = observed.exchanges
    answer = _answer(exchanges[-1]) if exchanges else None
    return Trial(
        planned,
        shown,
        exchanges,
        tuple(outputs_of(opened.connector, action, planned.route, result)),
        result,
        failed,
        tuple(_differences(planned.route, answer)),
        answer,
    )


def outputs_of(connector: Connector, action: Action, route: Route, result: Result | None) -> Iterator[Output]:
    """The outputs of an action with their types."""
    from connector.documenting.schema_words import type_words

    scope = _scope(action, route)
    values = result.outputs if result is not None else {}
    for name, schema in action.output_fields.items():
        template = route.outputs.get(name)
        derived = _derived(template, scope, connector.tables) if template else "not on this route"
        yield Output(name, type_words(schema), derived, values.get(name))


def _scope(action: Action, route: Route) -> Shape:
    """What the outputs' expressions see, as lint has it."""
    thing = frozenset({"object"})
    body = Shape(frozenset({"string"})) if route.answer != "json" else of_schema(route.response)
    response = {
        "body": body,
        "status": Shape(frozenset({"integer"})),
        "headers": Shape(thing),
        "text": Shape(frozenset({"string"}) | NULL),
    }
    inputs = of_schema(action.inputs, ("inputs",), filled=True)
    return Shape(thing, {"inputs": inputs, "response": Shape(thing, response)})


def _derived(template: Template, scope: Shape, tables: Tables) -> str:
    match template.piece:
        case Insert(expression):
            return _words(Inference(tables).shape(expression.node, scope))
        case Text():
            return "text"
        case Static(value):
            return f"always {json.dumps(value, ensure_ascii=False)[:60]}"
    return "anything"


def _words(shape: Shape) -> str:
    """The kinds of a shape as people read them, with the columns of rows."""
    from connector.documenting.schema_words import type_words

    if not shape.kinds:
        return "anything"
    kinds = sorted(shape.kinds - NULL - {"false"} or NULL)
    kinds = [kind for kind in kinds if kind != "integer" or "number" not in kinds]
    item = sorted(shape.item.kinds) if shape.item is not None else []
    text = type_words({"type": kinds, "items": {"type": item[0]} if len(item) == 1 else {}})
    if shape.item is not None and shape.item.fields:
        text += f": {', '.join(shape.item.fields)}"
    return f"{text}; or nothing" if shape.may_be_null and kinds != ["null"] else text


def _answer(exchange: Exchange) -> Any:
    if exchange.is_cut or exchange.status is None or not 200 <= exchange.status < 300:
        return None
    try:
        return parse(exchange.response_body.encode())
    except ValueError:
        return None


def _differences(route: Route, answer: Any) -> Iterator[Problem]:
    """How the answer differs from the route's response schema: what does not fit it, and what it does not know."""
    if answer is None or not route.response or route.answer != "json":
        return
    yield from Checker(route.response).problems(answer, "field")[:_MOST_DIFFERENCES]
    unknown = list(dict.fromkeys(_unknown(answer, of_schema(route.response), "")))
    for place in unknown[:_MOST_DIFFERENCES]:
        yield Problem(
            place, "The answer has it, and the response schema does not.", "Add it, if it is of use."
        )


def _unknown(value: Any, shape: Shape, place: str) -> Iterator[str]:
    if isinstance(value, dict) and shape.fields is not None:
        for name, inner in value.items():
            where = f"{place}.{name}" if place else name
            if name in shape.fields:
                yield from _unknown(inner, shape.fields[name], where)
            elif shape.rest is None:
                yield where
    elif isinstance(value, list) and shape.item is not None:
        for item in value[:100]:
            yield from _unknown(item, shape.item, f"{place}[]")
