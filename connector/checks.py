"""What is judged before a request is made: wrong inputs, broken rules, what a route cannot carry, what is old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from connector.errors import Problem
from connector.evaluate import Drift, is_true
from connector.manifest import Action, Lifecycle, Route, Rule, Unsupported
from connector.schema import Schema
from connector.template import Expression


def input_problems(action: Action, route: Route, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Every problem of the inputs: with the schema, then with the rules of the action and of the route."""
    problems = action.input_checker.problems(inputs)
    yield from problems
    wrong = {problem.where.split(".")[0].split("[")[0] for problem in problems}
    for rule in (*action.rules, *route.rules):
        yield from _broken(rule, inputs, wrong)


def completed(action: Action, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
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


def unsupported(route: Route, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The given inputs that the route cannot carry, each with the reason."""
    for path, entry in route.unsupported.items():
        reason = entry if isinstance(entry, Unsupported) else Unsupported(why=entry)
        if any(value not in reason.harmless for value in _values_at(inputs, path.split("."))):
            yield path, reason.why


def _values_at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _values_at(item, path)
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values_at(value[path[0]], path[1:])


def aged(action: Action, route_id: str, inputs: Mapping[str, Any], today: date) -> Iterator[str]:
    """A sentence for everything in use that the vendor has deprecated or retired by today."""
    route = action.routes[route_id]
    sentence = _age(f"The route {route_id}", route, today)
    if sentence:
        # a route is replaced by a route, and people choose it on the connection
        yield sentence.replace(f" Use {route.replaced_by}.", f" Use the route {route.replaced_by}.")
    for name, lifecycle in action.lifecycle.inputs.items():
        if name in inputs and (sentence := _age(f"The input {name}", lifecycle, today)):
            yield sentence
    for name, values in action.lifecycle.values.items():
        value = inputs.get(name)
        if isinstance(value, str) and value in values:
            sentence = _age(f"The {name} {value}", values[value], today)
            if sentence:
                yield sentence


def _age(what: str, lifecycle: Lifecycle, today: date) -> str | None:
    if lifecycle.retired is not None and today >= lifecycle.retired:
        state = f"was retired on {lifecycle.retired}"
    elif lifecycle.deprecated is not None and today >= lifecycle.deprecated:
        state = f"is deprecated since {lifecycle.deprecated}"
    elif lifecycle.retired is None and lifecycle.deprecated is None and lifecycle.replaced_by:
        state = "is no longer offered"  # the vendor named no day
    else:
        return None
    note = f" {lifecycle.note}" if lifecycle.note else ""
    instead = f" Use {lifecycle.replaced_by}." if lifecycle.replaced_by else ""
    return f"{what} {state}.{note}{instead}"
