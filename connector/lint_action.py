"""Mistakes in one action: its inputs, rules, routes and examples against one another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from connector.destination import checked_base_url
from connector.document import Document
from connector.errors import CredentialError, InputError, Problem, did_you_mean
from connector.lint_schema import schema_problems
from connector.lint_template import TemplateLint
from connector.manifest import Action, Connector, Route, Rule, Unsupported
from connector.plan import plan
from connector.schema import Schema, checker
from connector.schema_sentences import ON_THE_COMMAND_LINE
from connector.shape import UNKNOWN, Path, Shape, mismatch, of_schema
from connector.template import Path as YamlPath
from connector.template import Template

_OBJECT = frozenset({"object"})
_SCALARS = ("string", "integer", "number", "boolean")


class ActionLint:
    """The checks of one action."""

    def __init__(self, connector: Connector, action: Action, document: Document) -> None:
        self.connector = connector
        self.action = action
        self.document = document
        self.inputs = of_schema(action.inputs, ("inputs",), filled=True)
        self.scope = Shape(_OBJECT, {"inputs": self.inputs})

    def problems(self) -> list[Problem]:
        """Every problem of the action."""
        action = self.action
        found = [*self._inputs(), *self._rules(action.rules, ("rules",)), *self._route_choice()]
        found += self._deadline()
        for name, route in action.routes.items():
            found += self._rules(route.rules, ("routes", name, "rules"))
            found += self._request(name, route)
        if not found:  # else an example may be refused for what has been told
            found += self._examples()
        found += schema_problems(self.document, ("outputs",), action.outputs)
        for name, route in action.routes.items():
            found += self._answer(name, route)
        found += self._contract()
        return found

    def _problem(self, path: YamlPath, message: str, hint: str) -> Problem:
        return self.document.problem(path, message, hint)

    def _key_problem(self, path: YamlPath, message: str, hint: str) -> Problem:
        return self.document.problem(path, message, hint, at_key=True)

    def _no_input(self, path: YamlPath, name: str, *, at_key: bool = False) -> Iterator[Problem]:
        if name not in self.action.input_fields:
            message, hint = f"There is no input {name!r}.", did_you_mean(name, self.action.input_fields)
            yield self.document.problem(path, message, hint, at_key=at_key)

    def _inputs(self) -> Iterator[Problem]:
        action = self.action
        yield from schema_problems(self.document, ("inputs",), action.inputs)
        if action.inputs.get("additionalProperties") is not False:
            message = "A misspelt input would be dropped in silence."
            yield self._key_problem(("inputs",), message, "Add `additionalProperties: false`.")

    def _rules(self, rules: tuple[Rule, ...], here: YamlPath) -> Iterator[Problem]:
        lint = TemplateLint(self.document, self.connector.tables)
        for index, rule in enumerate(rules):
            place: YamlPath = (*here, index)
            if rule.when is not None:
                lint.shape((*place, "when"), rule.when, self.scope)
                yield from lint.take_problems()
            if len(rule.exclusive) == 1:
                message = "One input alone excludes nothing."
                yield self._problem((*place, "exclusive"), message, "Name the other, or remove the rule.")
            for number, name in enumerate(rule.exclusive):
                yield from self._no_input((*place, "exclusive", number), name)
            for name, needed in rule.requires.items():
                yield from self._no_input((*place, "requires", name), name, at_key=True)
                yield from self._no_input((*place, "requires", name), needed)
            if rule.order is not None:
                fits = checker(_schema_at(self.action.inputs, [rule.order.input, rule.order.field]))
                named: list[tuple[YamlPath, str]] = [
                    (("first", number), value) for number, value in enumerate(rule.order.first)
                ]
                for turn, values in enumerate(rule.order.turns):
                    named += [(("turns", turn, number), value) for number, value in enumerate(values)]
                for path, value in named:
                    for problem in fits.problems(value, "value"):
                        yield self._problem((*place, "order", *path), problem.message, problem.hint)

    def _deadline(self) -> Iterator[Problem]:
        template = self.action.deadline
        if template is None:
            return
        lint = TemplateLint(self.document, self.connector.tables)
        shape = lint.shape(("deadline",), template, self.scope)
        found = lint.take_problems()
        yield from found
        if not found and not shape.without("null").kinds <= {"integer", "number"}:
            message = f"A deadline is a number of seconds; this is {shape.describe()}."
            yield self._problem(("deadline",), message, "Write a number, or look one up in a table.")

    def _route_choice(self) -> Iterator[Problem]:
        chooser = self.action.route_from
        form = self.connector.connection.form
        if chooser is None:
            return
        if chooser not in form:
            message = f"The connection has no field {chooser!r}."
            yield self._problem(("route_from",), message, did_you_mean(chooser, form))
            return
        for choice in form[chooser].get("enum", ()):
            if not isinstance(choice, str) or choice not in self.action.routes:
                message = f"The connection's {chooser} may be {choice!r}, and there is no such route."
                yield self._key_problem(("routes",), message, f"Add the route {choice!r}.")

    def _request(self, name: str, route: Route) -> Iterator[Problem]:
        here: YamlPath = ("routes", name, "request")
        request = route.request
        if request.base_url is not None:
            yield from self._own_url((*here, "base_url"), request.base_url)
        lint = TemplateLint(self.document, self.connector.tables)
        lint.shape((*here, "path"), request.path, self.scope)
        found = lint.take_problems() or list(self._optional_in_path((*here, "path"), request.path))
        for word, what, templates in (
            ("query", "A query holds text, numbers, true or false, or a list of them", request.query),
            ("form", "A form holds text, numbers, true or false, or a list of them", request.form),
            ("headers", "A header holds text, a number, or true or false", request.headers),
        ):
            for key, template in templates.items():
                shape = lint.shape((*here, word, key), template, self.scope)
                item = shape.item if word != "headers" and shape.can_be("array") else None
                is_nested = request.nested is not None and word != "headers"
                if not is_nested and not (item or shape).without("null").can_be(*_SCALARS):
                    is_list = f"a list, each item {item.describe()}" if item else shape.describe()
                    hint = "Take the parts of it that are."
                    if word != "headers" and shape.can_be("object", "array"):
                        hint += " Or add `nested: brackets`, if the service takes a[b]=c."
                    found.append(self._problem((*here, word, key), f"{what}; this is {is_list}.", hint))
        for key, file in request.files.items():
            lint.shape((*here, "files", key, "name"), file.name, self.scope)
            shape = lint.shape((*here, "files", key, "content"), file.content, self.scope)
            found += self._no_text((*here, "files", key, "content"), shape.item or shape)
        if request.body is not None:
            lint.shape((*here, "body"), request.body, self.scope)
        if request.content is not None:
            shape = lint.shape((*here, "content", "value"), request.content.value, self.scope)
            found += self._no_text((*here, "content", "value"), shape)
        found += lint.take_problems()
        yield from found
        yield from self._places(here, route)
        if not found:  # else what is misspelt would be told twice
            yield from self._coverage(name, route, lint.used)

    def _own_url(self, place: YamlPath, template: Template) -> Iterator[Problem]:
        form = self.connector.connection
        scope = Shape(_OBJECT, {"connection": of_schema(form.fields, ("connection",), filled=True)})
        lint = TemplateLint(self.document, self.connector.tables)
        shape = lint.shape(place, template, scope)
        found = lint.take_problems()
        if not shape.can_be("string"):
            found.append(self._problem(place, f"The base URL is {shape.describe()}.", "Give it a text."))
        for path in sorted(lint.used):
            if path[-1] in form.secrets:
                message = f"The secret {path[-1]!r} would stand in the URL."
                found.append(self.document.problem(place, message, "Use it in auth.", word=path[-1]))
            elif path[-1] not in form.fields.get("required", ()) and path[-1] not in form.defaults:
                message = f"The request needs {path[-1]!r}, and the form does not ask for it."
                hint = "Give it a default, or add it to `required` in connector.yaml."
                found.append(self.document.problem(place, message, hint, word=path[-1]))
        url = template.fill({"connection": form.defaults})
        if url is not None and not found:
            try:
                checked_base_url(url, where="")
            except CredentialError as error:
                found.append(self._problem(place, error.message, error.hint))
        yield from found

    def _no_text(self, place: YamlPath, shape: Shape) -> Iterator[Problem]:
        if not shape.without("null").can_be(*_SCALARS):
            hint = "Take a part of it that is, or send JSON with `body`."
            yield self._problem(place, f"It is sent as text; this is {shape.describe()}.", hint)

    def _optional_in_path(self, path: YamlPath, template: Template) -> Iterator[Problem]:
        for _, expression, _ in template.expressions():
            lint = TemplateLint(self.document, self.connector.tables)
            if "null" in lint.shape(path, expression, self.scope).kinds:
                message = "The path needs a value, and this input is optional."
                hint = "Make it required, or give it a default."
                yield self.document.problem(path, message, hint, word=expression.text)

    def _places(self, here: YamlPath, route: Route) -> Iterator[Problem]:
        request, auth = route.request, self.connector.connection.auth
        sent = {"authorization", "cookie", "proxy-authorization"}
        sent |= {key.name.lower() for key in auth.also if key.kind == "header"}
        sent |= {auth.name.lower()} if auth.kind == "header" else set()
        for key in request.headers:
            if key.lower() in sent:
                message = f"The header {key} carries credentials."
                yield self._key_problem(
                    (*here, "headers", key), message, "Declare it under auth in connector.yaml."
                )
        named = {key.name for key in auth.also if key.kind == "query"}
        named |= {auth.name} if auth.kind == "query" else set()
        for name in request.query:
            if name in named:
                message = f"The parameter {name} carries credentials."
                yield self._key_problem((*here, "query", name), message, "Remove it: auth sends it.")
        words = ("body", "form", "files", "content")
        body = next((word for word in words if getattr(request, word)), None)
        if request.method in {"GET", "HEAD"} and body is not None:
            message = f"A {request.method} request has no body: servers pass over it."
            yield self._key_problem((*here, body), message, "Put it under `query`, or use POST.")

    def _coverage(self, name: str, route: Route, used: set[Path]) -> Iterator[Problem]:
        here: YamlPath = ("routes", name)
        leaves = list(_leaves(self.inputs))
        known = {".".join(leaf[1:cut]) for leaf in leaves for cut in range(2, len(leaf) + 1)}
        misspelt = False
        for index, local in enumerate(route.local):
            wrong = list(self._no_input((*here, "local", index), local))
            misspelt |= bool(wrong)
            yield from wrong
        for path, entry in route.unsupported.items():
            place = (*here, "unsupported", path)
            if path not in known:
                misspelt = True
                yield self._key_problem(place, f"There is no input {path!r}.", did_you_mean(path, known))
            elif isinstance(entry, Unsupported):
                fits = checker(_schema_at(self.action.inputs, path.split(".")))
                for index, value in enumerate(entry.harmless):
                    for problem in fits.problems(value, "value"):
                        message = f"The input cannot have this value: {problem.message}"
                        yield self._problem((*place, "harmless", index), message, problem.hint)
        covered = used | {("inputs", *path.split(".")) for path in (*route.unsupported, *route.local)}
        for leaf in leaves if not misspelt else ():
            if not any(leaf[: len(path)] == path for path in covered):
                shown = ".".join(leaf[1:])
                place = ("inputs", *_schema_place(self.action.inputs, leaf[1:]))
                message = f"The route {name!r} neither sends {shown!r} nor says why it cannot."
                hint = f"Send it in the request, or add it to `unsupported` of the route {name!r}."
                yield self._key_problem(place, message, hint)

    def _answer(self, name: str, route: Route) -> Iterator[Problem]:
        here: YamlPath = ("routes", name)
        yield from schema_problems(self.document, (*here, "response"), route.response)
        if route.replaced_by is not None and route.replaced_by not in self.action.routes:
            message, hint = (
                f"There is no route {route.replaced_by!r}.",
                did_you_mean(route.replaced_by, self.action.routes),
            )
            yield self._problem((*here, "replaced_by"), message, hint)
        elif route.replaced_by == name:
            yield self._problem(
                (*here, "replaced_by"), "A route cannot replace itself.", "Name another, or remove it."
            )
        body = Shape(frozenset({"string"})) if route.answer != "json" else of_schema(route.response)
        response = {
            "body": body,
            "status": Shape(frozenset({"integer"})),
            "headers": Shape(_OBJECT),
            "text": Shape(frozenset({"string", "null"})),
        }
        scope = Shape(_OBJECT, {"inputs": self.inputs, "response": Shape(_OBJECT, response)})
        lint = TemplateLint(self.document, self.connector.tables)
        for index, failed in enumerate(route.failures):
            path = (*here, "failures", index)
            lint.shape((*path, "when"), failed.when, scope)
            if failed.message is not None:
                lint.shape((*path, "message"), failed.message, scope)
        if route.stream is not None:
            events = Shape(_OBJECT, {"event": UNKNOWN})
            lint.shape((*here, "stream", "when"), route.stream.when, self.scope)
            for word in ("delta", "body", "done", "failed"):
                if (expression := getattr(route.stream, word)) is not None:
                    lint.shape((*here, "stream", word), expression, events)
            if route.stream.cancel is not None:
                lint.shape((*here, "stream", "cancel", "path"), route.stream.cancel.path, scope)
        if route.poll is not None:
            lint.shape((*here, "poll", "when"), route.poll.when, self.scope)
            lint.shape((*here, "poll", "until"), route.poll.until, scope)
            lint.shape((*here, "poll", "path"), route.poll.path, scope)
            if route.poll.cancel is not None:
                lint.shape((*here, "poll", "cancel", "path"), route.poll.cancel.path, scope)
        yield from lint.take_problems()
        yield from self._outputs(name, route, scope)

    def _outputs(self, name: str, route: Route, scope: Shape) -> Iterator[Problem]:
        here: YamlPath = ("routes", name, "outputs")
        fields = self.action.output_fields
        lint = TemplateLint(self.document, self.connector.tables)
        for key, template in route.outputs.items():
            place = (*here, key)
            if key not in fields:
                message = f"The action has no output {key!r}."
                yield self._key_problem(place, message, did_you_mean(key, fields))
            shape = lint.shape(place, template, scope)
            found = lint.take_problems()
            yield from found
            wrong = mismatch(shape, fields[key], key) if key in fields and not found else None
            if wrong:
                yield self.document.problem(place, wrong.message, wrong.hint, word=wrong.word)
        if route.outputs.keys() <= fields.keys():  # else one is misspelt, and has been told
            for key in self.action.outputs.get("required", ()):
                if key in fields and key not in route.outputs:
                    message = f"The route {name!r} does not give the required output {key!r}."
                    yield self._key_problem(here, message, f"Add `{key}: ${{{{ ... }}}}`.")

    def _contract(self) -> Iterator[Problem]:
        given = {key for route in self.action.routes.values() for key in route.outputs}
        fields = self.action.output_fields
        for name in fields if given <= fields.keys() else ():
            if name not in given:
                place = ("outputs", "properties", name)
                yield self._key_problem(
                    place, f"No route gives the output {name!r}.", "Map it, or remove it."
                )
        for name, options in self.action.options.items():
            path = ("options", name)
            yield from self._no_input(path, name, at_key=True)
            other = self.connector.actions.get(options.action)
            if other is None:
                hint = did_you_mean(options.action, self.connector.actions)
                yield self._problem((*path, "action"), f"There is no action {options.action!r}.", hint)
            elif options.output not in other.output_fields:
                message = f"The action {options.action!r} has no output {options.output!r}."
                yield self._problem(
                    (*path, "output"), message, did_you_mean(options.output, other.output_fields)
                )
            if options.fallback not in self.connector.tables:
                hint = did_you_mean(options.fallback, self.connector.tables)
                yield self._problem((*path, "fallback"), f"There is no table {options.fallback!r}.", hint)
        for word in ("inputs", "values"):
            for name in getattr(self.action.lifecycle, word):
                yield from self._no_input(("lifecycle", word, name), name, at_key=True)

    def _examples(self) -> Iterator[Problem]:
        if not self.action.examples:
            message = "The action has no example: nothing tests it."
            yield self._problem((), message, "Add `examples: [{id: ..., inputs: {...}}]`.")
        known = [
            f"{action.id}.{example.id}"
            for action in self.connector.actions.values()
            for example in action.examples
        ]
        form = self.connector.connection.form
        settings = {
            name: schema["default"] for name, schema in form.items() if isinstance(schema.get("default"), str)
        }
        for index, example in enumerate(self.action.examples):
            for position, name in enumerate(example.after):
                if name not in known:
                    hint = did_you_mean(name, known)
                    place: YamlPath = ("examples", index, "after", position)
                    yield self.document.problem(place, f"There is no example {name!r}.", hint)
                elif name == f"{self.action.id}.{example.id}":
                    place = ("examples", index, "after", position)
                    yield self.document.problem(place, "The example would run before itself.", "Remove it.")
            try:
                plan(
                    self.connector,
                    self.action,
                    example.inputs,
                    today=date.min,
                    settings=settings,
                    route=example.route,
                )
            except InputError as error:
                for problem in error.problems:
                    path = ("examples", index, "inputs", *_yaml_path(problem.where))
                    message = f"The example would be refused: {problem.where}: {problem.message}"
                    hint = (
                        problem.hint.removesuffix(ON_THE_COMMAND_LINE) or "Change the example, or the rule."
                    )
                    yield self._problem(path, message, hint)


def _yaml_path(where: str) -> YamlPath:
    first = where.split(", ", maxsplit=1)[0]
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", first))


def _leaves(shape: Shape) -> Iterator[Path]:
    """The paths of the inputs that have no fields of their own, through the items of lists."""
    inside = shape
    while not inside.fields and inside.item is not None:
        inside = inside.item
    if inside.fields:
        for inner in inside.fields.values():
            yield from _leaves(inner)
    elif shape.path is not None and len(shape.path) > 1:
        yield shape.path


def _schema_at(schema: Any, names: list[str]) -> Schema:
    found: Any = schema
    for part in _schema_place(schema, tuple(names)):
        found = found[part]
    return found if isinstance(found, Mapping) else {}


def _schema_place(schema: Any, names: tuple[str, ...]) -> YamlPath:
    """Where the schema of an input stands in the schema of all inputs, as far as it can be followed."""
    path: YamlPath = ()
    for name in names:
        while name not in schema.get("properties", {}) and isinstance(schema.get("items"), Mapping):
            path, schema = (*path, "items"), schema["items"]
        if not isinstance(schema.get("properties", {}).get(name), Mapping):
            return path
        path, schema = (*path, "properties", name), schema["properties"][name]
    return path
