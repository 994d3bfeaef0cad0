"""Find an author's mistakes before anything runs, each with its line, a caret and a way out.

Loading already refuses what cannot be read. Lint derives the type of every expression from the schemas on
both ends and adds: misspelt references and response fields, inputs that a route neither sends nor declares
unsupported, lists inside text, projections that drop nulls, secrets outside auth, outputs that do not fit
their declaration, schemas with misspelt words, examples that would be refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from connector.document import Document
from connector.errors import InputError, ManifestError, Problem, did_you_mean
from connector.loading import Manifest, read, shipped_folder, shipped_names
from connector.manifest import Action, Connector, Route, Rule
from connector.plan import plan
from connector.schema import checker
from connector.shape import Inference, Shape, mismatch, of_schema
from connector.template import Expression, Insert, Template
from connector.template import Path as YamlPath

_OBJECT = frozenset({"object"})
_SECRET_NAME = re.compile(
    r"(?i)((api|access|auth|bearer|private|secret)_?(key|token)|secret|password|passphrase)\Z"
)
_SECRET_TEXT = re.compile(r"\b(pplx|sk|pk|ghp|xox[abp])[-_][A-Za-z0-9_-]{8,}|\bBearer\s+[A-Za-z0-9._-]{12,}")


def lint(path: str | Path | None = None) -> list[Problem]:
    """Everything that is wrong with a connector; all shipped ones if none is named.

    Args:
        path: a shipped name or a folder that holds a connector.yaml.
    """
    if path is None:
        return [problem for name in shipped_names() for problem in lint(shipped_folder() / name)]
    try:
        manifest = read(path)
    except ManifestError as error:
        return list(error.problems)
    problems = list(_connector(manifest.document, manifest.connector))
    for action_id, document in manifest.actions.items():
        problems.extend(_Action(manifest, manifest.connector.actions[action_id], document).problems())
    return sorted(dict.fromkeys(problems), key=_place)


def _place(problem: Problem) -> tuple[str, int, int]:
    file, line, column = [*problem.where.rsplit(":", 2), "0", "0"][:3]
    return (file, int(line), int(column)) if line.isdigit() and column.isdigit() else (problem.where, 0, 0)


def _connector(document: Document, connector: Connector) -> Iterator[Problem]:
    form = connector.connection
    yield from _schema_words(document, ("connection", "fields"), form.fields)
    for name, schema in form.form.items():
        path = ("connection", "fields", "properties", name)
        if _SECRET_NAME.search(name) and not schema.get("writeOnly"):
            yield document.problem(
                path, f"{name!r} looks like a secret.", "Add `writeOnly: true`.", at_key=True
            )
    auth = form.auth
    for key, template in (("value", auth.value), ("username", auth.username), ("password", auth.password)):
        yield from _connection_references(document, ("connection", "auth", key), template, connector)
    yield from _connection_references(document, ("connection", "base_url"), form.base_url, connector)
    for _, expression, _ in form.base_url.expressions():
        for reference in expression.references:
            if reference[-1] in form.secrets:
                message = f"The secret {reference[-1]!r} would stand in the URL."
                yield document.problem(
                    ("connection", "base_url"), message, "Use it in auth.", word=reference[-1]
                )


def _connection_references(
    document: Document, path: YamlPath, template: Template | None, connector: Connector
) -> Iterator[Problem]:
    for inner, expression, _ in template.expressions() if template else ():
        for reference in expression.references:
            if len(reference) > 1 and reference[1] not in connector.connection.form:
                hint = did_you_mean(reference[1], connector.connection.form)
                message = f"The connection has no field {reference[1]!r}."
                yield document.problem((*path, *inner), message, hint, word=reference[1])


class _Action:
    """The checks of one action."""

    def __init__(self, manifest: Manifest, action: Action, document: Document) -> None:
        self.connector = manifest.connector
        self.action = action
        self.document = document
        self.inputs = of_schema(action.inputs, ("inputs",))

    def problems(self) -> Iterator[Problem]:
        """Every problem of the action."""
        action, document = self.action, self.document
        yield from _schema_words(document, ("inputs",), action.inputs)
        yield from _schema_words(document, ("outputs",), action.outputs)
        if action.inputs.get("additionalProperties") is not False:
            message = "A misspelt input would be dropped in silence."
            yield document.problem(("inputs",), message, "Add `additionalProperties: false`.", at_key=True)
        for name in action.input_fields:
            if _SECRET_NAME.search(name):
                message = f"The input {name!r} looks like a secret."
                path = ("inputs", "properties", name)
                yield document.problem(path, message, "Make it a field of the connection.", at_key=True)
        yield from self._flat_outputs()
        yield from self._rules(action.rules, ("rules",))
        yield from self._route_choice()
        for name, route in action.routes.items():
            yield from self._route(name, route)
        for name in action.output_fields:
            if not any(name in route.outputs for route in action.routes.values()):
                path = ("outputs", "properties", name)
                yield document.problem(
                    path, f"No route gives the output {name!r}.", "Map it, or remove it.", at_key=True
                )
        yield from self._examples()

    def _route(self, name: str, route: Route) -> Iterator[Problem]:
        here: YamlPath = ("routes", name)
        yield from _schema_words(self.document, (*here, "response"), route.response)
        if route.replaced_by is not None and route.replaced_by not in self.action.routes:
            hint = did_you_mean(route.replaced_by, self.action.routes)
            message = f"There is no route {route.replaced_by!r}."
            yield self.document.problem((*here, "replaced_by"), message, hint)
        yield from self._rules(route.rules, (*here, "rules"))
        yield from self._request(name, route)
        answer = Shape(
            _OBJECT,
            {
                "inputs": self.inputs,
                "response": Shape(
                    _OBJECT,
                    {
                        "body": of_schema(route.response),
                        "status": Shape(frozenset({"integer"})),
                        "headers": Shape(_OBJECT),
                    },
                ),
            },
        )
        for index, failed in enumerate(route.failures):
            path = (*here, "failures", index)
            yield from self._typed((*path, "when"), failed.when, answer)
            if failed.message is not None:
                yield from self._typed((*path, "message"), failed.message, answer)
        yield from self._outputs(name, route, answer)

    def _request(self, name: str, route: Route) -> Iterator[Problem]:
        scope = Shape(_OBJECT, {"inputs": self.inputs})
        inference = Inference(self.connector.tables)
        here: YamlPath = ("routes", name, "request")
        request = route.request
        templates: list[tuple[YamlPath, Template]] = [((*here, "path"), request.path)]
        templates += [((*here, "query", key), template) for key, template in request.query.items()]
        templates += [((*here, "headers", key), template) for key, template in request.headers.items()]
        if request.body is not None:
            templates.append(((*here, "body"), request.body))
        for path, template in templates:
            for inner, expression, in_text in template.expressions():
                place = (*path, *inner)
                shape, problems = self._inferred(place, expression, scope, inference)
                yield from problems
                if in_text and shape.kinds and shape.can_be("array", "object"):
                    message = f"A {shape.without('null').describe()} cannot stand inside text."
                    hint = "Let the expression be the whole value, or use join()."
                    yield self.document.problem(place, message, hint, word=expression.text)
                elif place[-1] == "path" and "null" in shape.kinds:
                    message = "The path needs a value, and this input is optional."
                    yield self.document.problem(place, message, "Make it required.", word=expression.text)
        for key in request.headers:
            if key.lower() in {"authorization", "cookie", "proxy-authorization"}:
                path = (*here, "headers", key)
                message = f"The header {key} carries credentials."
                yield self.document.problem(
                    path, message, "Declare it under auth in connector.yaml.", at_key=True
                )
        yield from self._literal_secrets(here)
        yield from self._coverage(name, route, inference.used)

    def _literal_secrets(self, here: YamlPath) -> Iterator[Problem]:
        value: Any = self.document.value
        for part in here:
            value = value[part]
        for path, text in _texts(value, here):
            found = _SECRET_TEXT.search(text)
            if found:
                hint = "Remove it, revoke the key, and take it from the connection under auth."
                yield self.document.problem(path, "This looks like a secret.", hint, word=found.group())

    def _coverage(self, name: str, route: Route, used: set[tuple[str, ...]]) -> Iterator[Problem]:
        declared = {("inputs", *path.split(".")) for path in route.unsupported}
        for path in declared:
            if not self._exists(path):
                shown = ".".join(path[1:])
                hint = did_you_mean(path[1], self.action.input_fields)
                where: YamlPath = ("routes", name, "unsupported", shown)
                yield self.document.problem(where, f"There is no input {shown!r}.", hint, at_key=True)
        covered = used | declared
        for leaf in _leaves(self.inputs):
            if not any(leaf[: len(path)] == path for path in covered):
                shown = ".".join(leaf[1:])
                place: YamlPath = ("inputs", *_schema_place(self.action.inputs, leaf[1:]))
                message = f"The route {name!r} neither sends {shown!r} nor says why it cannot."
                hint = f"Send it in the request, or add it to `unsupported` of the route {name!r}."
                yield self.document.problem(place, message, hint, at_key=True)

    def _exists(self, path: tuple[str, ...]) -> bool:
        shape: Shape | None = self.inputs
        for part in path[1:]:
            while shape is not None and shape.fields is None and shape.item is not None:
                shape = shape.item
            shape = (shape.fields or {}).get(part) if shape is not None else None
        return shape is not None

    def _outputs(self, name: str, route: Route, answer: Shape) -> Iterator[Problem]:
        here: YamlPath = ("routes", name, "outputs")
        required = self.action.outputs.get("required", ())
        for key in required:
            if key not in route.outputs:
                message = f"The route {name!r} does not give the required output {key!r}."
                yield self.document.problem(here, message, f"Add `{key}: ${{{{ ... }}}}`.", at_key=True)
        for key, template in route.outputs.items():
            place = (*here, key)
            schema = self.action.output_fields.get(key)
            if schema is None:
                hint = did_you_mean(key, self.action.output_fields)
                yield self.document.problem(place, f"The action has no output {key!r}.", hint, at_key=True)
            inference = Inference(self.connector.tables)
            for inner, expression, in_text in template.expressions():
                shape, problems = self._inferred((*place, *inner), expression, answer, inference)
                found = list(problems)
                yield from found
                if in_text and shape.kinds and shape.can_be("array", "object"):
                    message = f"A {shape.without('null').describe()} cannot stand inside text."
                    yield self.document.problem(place, message, "Use join().", word=expression.text)
                elif schema is not None and not found and isinstance(template.piece, Insert):
                    wrong = mismatch(shape, schema, key)
                    if wrong:
                        yield self.document.problem(place, wrong, "Change the type, or the expression.")

    def _inferred(
        self, place: YamlPath, expression: Expression, scope: Shape, inference: Inference
    ) -> tuple[Shape, list[Problem]]:
        inference.findings.clear()
        shape = inference.shape(expression.node, scope)
        found = [self.document.problem(place, f.message, f.hint, word=f.word) for f in inference.findings]
        return shape, found

    def _typed(self, place: YamlPath, expression: Expression, scope: Shape) -> list[Problem]:
        return self._inferred(place, expression, scope, Inference(self.connector.tables))[1]

    def _rules(self, rules: tuple[Rule, ...], here: YamlPath) -> Iterator[Problem]:
        scope = Shape(_OBJECT, {"inputs": self.inputs})
        for index, rule in enumerate(rules):
            place: YamlPath = (*here, index)
            if rule.when is not None:
                yield from self._typed((*place, "when"), rule.when, scope)
            given = [rule.when is not None, bool(rule.exclusive), bool(rule.requires), rule.order is not None]
            if sum(given) != 1:
                message = "A rule has exactly one of when, exclusive, requires and order."
                yield self.document.problem(place, message, "Split it into several rules.")
            names = [("exclusive", name) for name in rule.exclusive]
            names += [("requires", name) for pair in rule.requires.items() for name in pair]
            names += [("order", rule.order.input)] if rule.order else []
            for key, name in names:
                if name not in self.action.input_fields:
                    hint = did_you_mean(name, self.action.input_fields)
                    message = f"There is no input {name!r}."
                    yield self.document.problem((*place, key), message, hint, word=name)

    def _route_choice(self) -> Iterator[Problem]:
        chooser = self.action.route_from
        form = self.connector.connection.form
        if chooser is None:
            return
        if chooser not in form:
            message = f"The connection has no field {chooser!r}."
            yield self.document.problem(("route_from",), message, did_you_mean(chooser, form))
            return
        for choice in form[chooser].get("enum", ()):
            if choice not in self.action.routes:
                message = f"{chooser} may be {choice!r}, and there is no such route."
                yield self.document.problem(("routes",), message, f"Add the route {choice!r}.", at_key=True)

    def _flat_outputs(self) -> Iterator[Problem]:
        scalars = {"string", "integer", "number", "boolean"}
        for name, schema in self.action.output_fields.items():
            items = schema.get("items", {}) if schema.get("type") == "array" else None
            columns = items.get("properties", {}) if items and items.get("type") == "object" else None
            leaves = columns.values() if columns else [items if items is not None else schema]
            if not all(isinstance(leaf, Mapping) and leaf.get("type") in scalars for leaf in leaves):
                message = f"The output {name!r} is not flat."
                hint = "Make it text, a number, true or false, a list of those, or a list of flat rows."
                yield self.document.problem(("outputs", "properties", name), message, hint, at_key=True)

    def _examples(self) -> Iterator[Problem]:
        if not self.action.examples:
            message = "The action has no example: nothing tests it."
            yield self.document.problem((), message, "Add `examples: [{id: ..., inputs: {...}}]`.")
        for index, example in enumerate(self.action.examples):
            settings = {
                name: schema["default"]
                for name, schema in self.connector.connection.form.items()
                if "default" in schema
            }
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
                    yield self.document.problem(path, message, problem.hint)


def _yaml_path(where: str) -> YamlPath:
    parts = re.findall(r"[^.\[\]]+", where)
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _texts(value: Any, path: YamlPath) -> Iterator[tuple[YamlPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def _leaves(shape: Shape) -> Iterator[tuple[str, ...]]:
    """The paths of the inputs that have no fields of their own, through the items of lists."""
    inside = shape
    while not inside.fields and inside.item is not None:
        inside = inside.item
    if inside.fields:
        for inner in inside.fields.values():
            yield from _leaves(inner)
    elif shape.path is not None and len(shape.path) > 1:
        yield shape.path


def _schema_place(schema: Any, names: tuple[str, ...]) -> YamlPath:
    """Where the schema of an input stands in the schema of all inputs."""
    path: list[str | int] = []
    for name in names:
        while name not in schema.get("properties", {}) and "items" in schema:
            path.append("items")
            schema = schema["items"]
        path += ["properties", name]
        schema = schema["properties"][name]
    return tuple(path)


_WORDS = frozenset(
    [
        "$id",
        "$schema",
        "$comment",
        "$defs",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "contains",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "deprecated",
        "description",
        "else",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "if",
        "items",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "patternProperties",
        "prefixItems",
        "properties",
        "propertyNames",
        "readOnly",
        "required",
        "then",
        "title",
        "type",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
        "writeOnly",
    ]
)


def _schema_words(document: Document, path: YamlPath, schema: Any) -> Iterator[Problem]:
    """Misspelt words of JSON Schema, which a validator would pass over; and values that do not fit."""
    if not isinstance(schema, Mapping):
        return
    for word, value in schema.items():
        if word not in _WORDS and not word.startswith("x-"):
            hint = did_you_mean(word, _WORDS)
            message = f"{word!r} is not a word of JSON Schema."
            yield document.problem(
                (*path, word), message, hint if hint.startswith("Did") else "Remove it.", at_key=True
            )
        elif word in {"properties", "patternProperties"} and isinstance(value, Mapping):
            for name, inner in value.items():
                yield from _schema_words(document, (*path, word, name), inner)
        elif word in {"items", "not", "if", "then", "else", "contains", "additionalProperties"}:
            yield from _schema_words(document, (*path, word), value)
        elif word in {"anyOf", "oneOf", "allOf", "prefixItems"} and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _schema_words(document, (*path, word, index), inner)
        elif word == "required" and isinstance(value, list) and "properties" in schema:
            for index, name in enumerate(value):
                if name not in schema["properties"]:
                    hint = did_you_mean(str(name), schema["properties"])
                    yield document.problem((*path, word, index), f"There is no property {name!r}.", hint)
        elif word in {"default", "examples"}:
            samples = [(("default",), value)] if word == "default" else list(_samples(value))
            for inner_path, sample in samples:
                for problem in checker(schema).problems(sample):
                    message = f"It does not fit its own schema: {problem.message}"
                    yield document.problem((*path, *inner_path), message, problem.hint)


def _samples(value: Any) -> Iterator[tuple[YamlPath, Any]]:
    for index, sample in enumerate(value if isinstance(value, list) else ()):
        yield ("examples", index), sample
