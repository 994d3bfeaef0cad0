"""The part of a connector's page on one action: what it takes and gives, its routes, its examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from connector.documenting.markdown import block, code, table, text
from connector.documenting.samples import curl_sample, python_sample, yaml_sample
from connector.documenting.schema_words import fields
from connector.documenting.wording import lifecycle_words, not_sent, path_words
from connector.manifest import Action, Connector, Example, Lifecycle, Route, Rule
from connector.schema import Schema
from connector.template import Insert, Static

_UNSENT_HEADING: Final = ("input", "why")


def action_page(connector: Connector, action: Action, place: str, level: int = 3) -> Iterator[str]:
    """The lines of the section.

    Args:
        connector: whose action it is.
        action: the action.
        place: the name or the folder that commands use.
        level: of its heading, from 1.
    """
    below = "#" * (level + 1)
    yield from (f"{'#' * level} {text(action.name)}", "")
    yield from (f"{code(f'{place}.{action.id}')}: {text(action.description)}", "")
    yield from _facts(action, connector)
    yield from (f"{below} Inputs", "")
    yield from _fields(action.inputs, "required") or ("It takes none.", "")
    yield from _rules("Rules:", action.rules)
    yield from _ages(action)
    yield from (f"{below} Outputs", "")
    yield from _fields(action.outputs, "always") or ("It gives none.", "")
    yield from _routes(action, below)
    if action.examples:
        yield from (f"{below} Examples", "")
    for example in action.examples:
        yield from _example(connector, action, example, place)


def _facts(action: Action, connector: Connector) -> Iterator[str]:
    facts = []
    if action.reads_only:
        facts.append("It changes nothing at the service.")
    if action.idempotent:
        facts.append("Running it twice has the effect of once.")
    if action.deadline is None:
        facts.append(f"A run ends after {connector.timeouts.deadline:g} seconds.")
    elif isinstance(action.deadline.piece, Static):
        facts.append(f"A run ends after {action.deadline.piece.value:g} seconds.")
    elif isinstance(action.deadline.piece, Insert):
        seconds = f"{connector.timeouts.deadline:g}"
        words = code(action.deadline.piece.expression.text)
        facts.append(
            f"A run ends after as many seconds as {words} says, or after {seconds} where it says nothing."
        )
    yield from (" ".join(facts), "")


def _fields(schema: Schema, required: str) -> list[str]:
    rows = [
        (
            code(field.path),
            text(field.type),
            "yes" if field.is_required else "",
            code(field.default) if field.default is not None else "",
            text(field.about),
        )
        for field in fields(schema)
    ]
    return list(table(("name", "type", required, "default", "description"), rows))


def _rules(heading: str, rules: Iterable[Rule]) -> Iterator[str]:
    sentences = list(dict.fromkeys(rule.say for rule in rules))
    if sentences:
        yield from (heading, "", *(f"- {text(sentence)}" for sentence in sentences), "")


def _ages(action: Action) -> Iterator[str]:
    """Inputs and values that come and go, and where choices come from."""
    rows = [(code(name), "", text(lifecycle_words(days))) for name, days in action.lifecycle.inputs.items()]
    rows += [
        (code(name), code(value), text(lifecycle_words(days)))
        for name, values in action.lifecycle.values.items()
        for value, days in _by_value(values)
    ]
    if rows:
        yield from ("What comes and goes at the vendor:", "")
        yield from table(("input", "value", "state"), rows)
    for name, options in action.options.items():
        yield f"What to choose for {code(name)} today: {code(f'connector options {action.id} {name}')}, from {code(options.action)}."
        yield ""


def _by_value(values: Mapping[str, Lifecycle]) -> Iterable[tuple[str, Lifecycle]]:
    return values.items()


def _routes(action: Action, below: str) -> Iterator[str]:
    yield from (f"{below} Routes", "")
    if len(action.routes) > 1:
        first = next(iter(action.routes))
        chosen = f"The connection's {code(action.route_from)} chooses. " if action.route_from else ""
        yield from (f"{chosen}Without a choice it is {code(first)}.", "")
    rows = [
        (
            code(name),
            code(f"{route.request.method} {path_words(route.request.path.piece)}"),
            text(lifecycle_words(route)),
        )
        for name, route in action.routes.items()
    ]
    yield from table(("route", "request", "lifecycle"), rows)
    for name, route in action.routes.items():
        yield from _rules(f"Rules of the route {code(name)}:", route.rules)
        yield from _unsent(name, route)
        if route.failures:
            yield from (f"Answers with a status of success that are failures on the route {code(name)}:", "")
            failures = [(code(one.kind), code(one.when.text), text(one.hint)) for one in route.failures]
            yield from table(("kind", "when", "what to do"), failures)


def _unsent(name: str, route: Route) -> Iterator[str]:
    rows = [(code(path), text(why)) for path, why in not_sent(route)]
    if rows:
        yield from (f"What the route {code(name)} cannot carry; a run that is given it says so:", "")
        yield from table(_UNSENT_HEADING, rows)


def _example(connector: Connector, action: Action, example: Example, place: str) -> Iterator[str]:
    after = f" It runs after {', '.join(map(code, example.after))}." if example.after else ""
    yield from (f"**{text(example.title or example.id)}.**{after}", "")
    yield from (block(yaml_sample(place, action, example), "yaml"), "")
    yield from (block(python_sample(place, connector, action, example), "python"), "")
    command = curl_sample(connector, action, example)
    if command is None:
        yield from ("(It cannot be written as cURL: `connector lint` says what is wrong with it.)", "")
    else:
        yield from (block(command, "sh"), "")
