"""What is judged before a request is made: wrong inputs, broken rules, what a route cannot carry, what is old."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from connector.errors import Problem
from connector.manifest import Action, Lifecycle, NotCarried, Rule, Turns
from connector.schema import Schema


def input_problems(action: Action, rules: Iterable[Rule], inputs: Mapping[str, Any]) -> list[Problem]:
    """Every problem of the inputs: with the schema, then with the rules.

    Inputs that are wrong in themselves are not judged by rules.
    """
    problems = action.input_checker.problems(inputs)
    wrong = names_in(problems)
    if "inputs" in wrong:  # all of them, such as too many
        return problems
    for rule in rules:
        if rule.when is None:
            problems += [Problem(where, rule.say, "") for where in _broken(rule, inputs, wrong)]
        elif rule.holds(inputs) and wrong.isdisjoint(rule.names):
            problems.append(Problem(", ".join(rule.names) or "inputs", rule.say, ""))
    return problems


def names_in(problems: Iterable[Problem]) -> set[str]:
    """The inputs that the problems are about."""
    return {problem.where.split(".")[0].split("[")[0] for problem in problems}


def completed(action: Action, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The inputs without nulls that stand for nothing, and with the manifest's defaults."""
    given = {
        name: value
        for name, value in inputs.items()
        if value is not None or _allows_null(action.input_fields.get(name, {}))
    }
    defaults = {name: value for name, value in action.input_defaults.items() if name not in given}
    return {**given, **defaults}, frozenset(defaults)


def _allows_null(schema: Schema) -> bool:
    kinds = schema.get("type", ())
    return "null" in ([kinds] if isinstance(kinds, str) else kinds)


def _broken(rule: Rule, inputs: Mapping[str, Any], wrong: set[str]) -> list[str]:
    """The inputs at which a rule about which of them are given, or in which order, is broken."""
    if rule.exclusive:
        names = [name for name in rule.exclusive if name in inputs]
        return [", ".join(names)] if len(names) > 1 else []
    if rule.order is not None:
        return [] if rule.order.input in wrong else _out_of_turn(rule.order, inputs.get(rule.order.input))
    return [name for name, needed in rule.requires.items() if name in inputs and needed not in inputs]


def _out_of_turn(order: Turns, rows: Any) -> list[str]:
    """The first item out of its turn. What is no list of objects, the schema may not have been asked of."""
    values = [row.get(order.field) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    turns, position = order.turns, 0
    for index, value in enumerate(values):
        if position == 0 and value in order.first:
            continue
        if value not in turns[position % len(turns)]:
            return [f"{order.input}[{index}].{order.field}"]
        position += 1
    return []


def unsupported(not_carried: Iterable[NotCarried], inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The given inputs that a route cannot carry, each with the reason. The inputs fit the schema."""
    return [
        (".".join(path), reason.why)
        for path, reason in not_carried
        if path[0] in inputs and _is_harmful(inputs[path[0]], path[1:], reason.harmless)
    ]


def _is_harmful(value: Any, path: tuple[str, ...], harmless: tuple[Any, ...]) -> bool:
    """Whether a value other than the harmless ones stands at a path, in any item of the lists on the way."""
    if not path:
        return value not in harmless
    if isinstance(value, dict):
        return path[0] in value and _is_harmful(value[path[0]], path[1:], harmless)
    if isinstance(value, list):
        name, rest = path[0], path[1:]
        for item in value:
            if isinstance(item, dict):  # most are: no call for those that lack the name
                if name in item and _is_harmful(item[name], rest, harmless):
                    return True
            elif _is_harmful(item, path, harmless):
                return True
    return False


def aged(action: Action, route_id: str, inputs: Mapping[str, Any], today: date) -> Iterator[str]:
    """A sentence for everything in use that the vendor has deprecated or retired by today."""
    route = action.routes[route_id]
    if sentence := _age(f"The route {route_id}", route, today):
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
