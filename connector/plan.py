"""From inputs to a Plan: the exact request before it is sent, and where each part of it came from.

Nothing here touches the network, the clock or the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from connector.errors import InputError, Problem, did_you_mean
from connector.evaluate import Drift, is_true, text_of, type_name
from connector.manifest import Action, Connector, Route, Rule, Unsupported
from connector.schema import Schema, normalised, path_text
from connector.template import Entries, Expression, Insert, Items, Piece, Static, Text, fill


@dataclass(frozen=True)
class Field:
    """One part of the request. `value` is None where it is absent; `source` says why it is as it is."""

    path: str
    value: Any
    source: str

    @property
    def is_absent(self) -> bool:
        """Whether it is left out of the request."""
        return self.value is None


@dataclass(frozen=True)
class Plan:
    """A request in the action's terms: inputs checked, defaults in, route chosen, templates filled."""

    connector: Connector
    action: Action
    route_id: str
    route: Route
    inputs: Mapping[str, Any]
    defaulted: frozenset[str]
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any
    warnings: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every part of the request, sent or absent, and where it came from."""
        return tuple(_provenance(self))


def plan(
    connector: Connector,
    action: Action,
    inputs: Mapping[str, Any],
    *,
    today: date,
    settings: Mapping[str, Any] | None = None,
    route: str | None = None,
    strict: bool = False,
) -> Plan:
    """Check the inputs and fill the request.

    Args:
        connector: whose action it is.
        action: the action.
        inputs: by name. A null stands for an input that is not given.
        today: retired routes are warned of from their day on.
        settings: the connection's settings; one of them may choose the route.
        route: the route to take, whatever the connection says.
        strict: an input that the route cannot carry is an error, not a warning.

    Raises:
        InputError: with every problem; nothing was sent.
    """
    route_id = _chosen(action, settings or {}, route)
    chosen = action.routes[route_id]
    if not isinstance(inputs, Mapping):
        message = f"The inputs are {type_name(inputs)}."
        raise InputError([Problem("inputs", message, "Give an object: name and value of each input.")])
    complete, defaulted = _complete(action, inputs)
    problems = action.input_checker.problems(complete)
    wrong = {problem.where.split(".")[0].split("[")[0] for problem in problems}
    for rule in (*action.rules, *chosen.rules):
        problems.extend(_broken(rule, complete, wrong))
    unsupported = list(_unsupported(chosen, complete))
    if strict:
        problems.extend(
            Problem(name, f"The route {route_id} cannot carry it: {why}.", "Leave it out.")
            for name, why in unsupported
        )
    if problems:
        raise InputError(problems, action=action.id)
    complete = normalised(complete, action.inputs)
    scope = {"inputs": complete}
    request = chosen.request
    warnings = [f"{name} is not sent: {why} (route {route_id})." for name, why in unsupported]
    if (retired := _retired(route_id, chosen, today)) is not None:
        warnings.append(retired)
    return Plan(
        connector=connector,
        action=action,
        route_id=route_id,
        route=chosen,
        inputs=complete,
        defaulted=defaulted,
        method=request.method,
        path=_filled_path(request.path.piece, scope, action.id),
        query=tuple(_filled_query(request.query, scope)),
        headers={
            name: text_of(value) for name, template in request.headers.items()
            if (value := template.fill(scope)) is not None
        },
        body=request.body.fill(scope) if request.body else None,
        warnings=tuple(warnings),
    )  # fmt: skip


def _chosen(action: Action, settings: Mapping[str, Any], route: str | None) -> str:
    name = route or (settings.get(action.route_from) if action.route_from else None)
    if name is None:
        return next(iter(action.routes))
    if name not in action.routes:
        hint = did_you_mean(str(name), action.routes)
        raise InputError([Problem("route", f"{action.id} has no route {name!r}.", hint)])
    return str(name)


def _complete(action: Action, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The inputs without nulls that stand for nothing, and with the manifest's defaults."""
    given = {
        name: value
        for name, value in inputs.items()
        if value is not None or _allows_null(action.input_fields.get(name, {}))
    }
    defaults = {
        name: schema["default"]
        for name, schema in action.input_fields.items()
        if "default" in schema and name not in given
    }
    return {**given, **defaults}, frozenset(defaults)


def _allows_null(schema: Schema) -> bool:
    kinds = schema.get("type", ())
    return "null" in ([kinds] if isinstance(kinds, str) else kinds)


def _broken(rule: Rule, inputs: Mapping[str, Any], wrong: set[str]) -> Iterator[Problem]:
    """The problem, if the rule is broken. Inputs that are wrong in themselves are not judged."""
    names: tuple[str, ...] = ()
    if rule.when is not None:
        names = tuple(dict.fromkeys(path[1] for path in rule.when.references if len(path) > 1))
        if wrong.isdisjoint(names) and _holds(rule.when, inputs):
            yield Problem(", ".join(names) or "inputs", rule.say, "")
    elif rule.exclusive:
        names = tuple(name for name in rule.exclusive if name in inputs)
        if len(names) > 1:
            yield Problem(", ".join(names), rule.say, "")
    elif rule.order is not None and rule.order.input in inputs and rule.order.input not in wrong:
        turns, position = rule.order.turns, 0
        for index, item in enumerate(inputs[rule.order.input]):
            value = item.get(rule.order.field)
            if position == 0 and value in rule.order.first:
                continue
            if value not in turns[position % len(turns)]:
                yield Problem(f"{rule.order.input}[{index}].{rule.order.field}", rule.say, "")
                return
            position += 1
    for name, needed in rule.requires.items():
        if name in inputs and needed not in inputs:
            yield Problem(name, rule.say, "")


def _holds(condition: Expression, inputs: Mapping[str, Any]) -> bool:
    try:
        return is_true(condition.evaluate({"inputs": inputs}))
    except Drift:
        return False


def _unsupported(route: Route, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, entry in route.unsupported.items():
        reason = entry if isinstance(entry, Unsupported) else Unsupported(why=entry)
        if any(value not in reason.harmless for value in _values_at(inputs, path.split("."))):
            yield path, reason.why


def _values_at(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _values_at(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values_at(value[path[0]], path[1:])


def _retired(name: str, route: Route, today: date) -> str | None:
    if route.retired is None or today < route.retired:
        return None
    instead = f" Use the route {route.replaced_by}." if route.replaced_by else ""
    note = f" {route.note}" if route.note else ""
    return f"The route {name} was retired on {route.retired}.{note}{instead}"


def _filled_path(piece: Piece, scope: Mapping[str, Any], action: str) -> str:
    """The path, each expression percent-encoded as one segment that cannot climb or end the path."""
    if isinstance(piece, Static):
        return str(piece.value)
    parts: tuple[str | Expression, ...] = piece.parts if isinstance(piece, Text) else ()
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        value = part.evaluate(scope)
        segment = "" if value is None else text_of(value)
        if segment in {"", ".", ".."}:
            name = ".".join(part.references[0][1:]) if part.references else "inputs"
            message = (
                "It cannot stand in the request's path." if segment else "It is needed in the request's path."
            )
            raise InputError([Problem(name, message, "Give an id.")], action=action)
        text += quote(segment, safe="")
    return text


def _filled_query(query: Mapping[str, Any], scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, template in query.items():
        value = template.fill(scope)
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                yield name, text_of(item)


def _provenance(plan: Plan) -> Iterator[Field]:
    request = plan.route.request
    yield from _traced(request.path.piece, ("path",), plan)
    for name, template in request.query.items():
        yield from _traced(template.piece, ("query", name), plan)
    for name, template in request.headers.items():
        yield from _traced(template.piece, ("headers", name), plan)
    if request.body is not None:
        yield from _traced(request.body.piece, ("body",), plan)
    for name, why in _unsupported(plan.route, plan.inputs):
        yield Field(f"inputs.{name}", None, f"not sent: {why}")


def _traced(piece: Piece, path: tuple[str | int, ...], plan: Plan) -> Iterator[Field]:
    match piece:
        case Entries(entries):
            for name, inner in entries:
                yield from _traced(inner, (*path, name), plan)
        case Items(items):
            for index, inner in enumerate(items):
                yield from _traced(inner, (*path, index), plan)
        case Static(value):
            yield Field(path_text(path), value, "written in the manifest")
        case Insert(expression):
            value = expression.evaluate({"inputs": plan.inputs})
            yield Field(path_text(path), value, _source(expression, value, plan))
        case Text(parts):
            value = fill(piece, {"inputs": plan.inputs})
            sources = [_source(part, value, plan) for part in parts if isinstance(part, Expression)]
            yield Field(path_text(path), value, "; ".join(sources))


def _source(expression: Expression, value: Any, plan: Plan) -> str:
    names = list(dict.fromkeys(path[1] for path in expression.references if len(path) > 1))
    missing = [name for name in names if name not in plan.inputs]
    if value is None:
        if missing == names:
            return f"{', '.join(missing)}: not given"
        return f"${{{{ {expression.text} }}}} gives nothing for the inputs"
    simple = ".".join(expression.references[0]) if expression.references else ""
    note = " (the manifest's default)" if plan.defaulted.intersection(names) else ""
    if simple == expression.text:
        return f"{simple}{note}"
    return f"${{{{ {expression.text} }}}}{note}"


def input_behind(plan: Plan, parameter: str) -> str | None:
    """The input that feeds a parameter of the request, as the service names it; None if none does.

    `max_output_tokens` -> `max_tokens`; `tools[0].filters.search_recency_filter` -> `search_recency_filter`.
    """
    wanted = parameter.removeprefix("body.")
    if plan.route.request.body is None or not wanted:
        return None
    for path, expression, _ in plan.route.request.body.expressions():
        text = path_text(path)
        inner = wanted.startswith((f"{text}.", f"{text}["))
        if expression.references and (inner or text == wanted or text.endswith(f".{wanted}")):
            return ".".join(expression.references[0][1:]) or None
    return None
