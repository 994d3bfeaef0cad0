"""From inputs to a Plan: the exact request before it is sent, and where each part of it came from.

Nothing here touches the network, the clock or the environment.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import quote

from connector.checks import aged, completed, input_problems, names_in, unsupported
from connector.errors import InputError, Problem, did_you_mean
from connector.evaluate import Drift, is_true, text_of, type_name
from connector.manifest import Action, Connector, FilePart, Poll, RawBody, Request, Route, Stream
from connector.relevant import relevant
from connector.schema import path_text
from connector.secret import Redactor, Secret
from connector.template import Entries, Expression, Insert, Items, Piece, Spread, Static, Template, Text, fill


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
class File:
    """A file of a multipart form. `field` is the form's name for it."""

    field: str
    name: str
    content: bytes
    type: str


@dataclass(frozen=True)
class Plan:
    """A request in the action's terms: inputs checked, defaults in, route chosen, templates filled."""

    connector: Connector = field(repr=False)
    action: Action = field(repr=False)
    route_id: str
    route: Route = field(repr=False)
    inputs: Mapping[str, Any]
    defaulted: frozenset[str]
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any
    form: tuple[tuple[str, str], ...]
    files: tuple[File, ...]
    warnings: tuple[str, ...]
    content: bytes | None = field(default=None, repr=False)
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    """The texts of inputs that are marked as secrets, with `writeOnly`."""

    @property
    def streams(self) -> bool:
        """Whether the answer is asked for in pieces."""
        return _asked(self.route.stream, self.inputs)

    @property
    def polls(self) -> bool:
        """Whether an answer that is not final is asked for again."""
        return _asked(self.route.poll, self.inputs)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every part of the request, sent or absent, and where it came from."""
        found = _provenance(self)
        if not self.secrets:
            return tuple(found)
        hide = Redactor(self.secrets, cut=False).value
        return tuple(replace(one, value=hide(one.value)) for one in found)


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
    route_id = chosen_route(action, settings or {}, route)
    chosen = action.routes[route_id]
    if not isinstance(inputs, Mapping):
        message = f"The inputs are {type_name(inputs)}."
        raise InputError([Problem("inputs", message, "Give an object: name and value of each input.")])
    complete, defaulted = completed(action, inputs)
    here = relevant(action, route_id, complete)
    problems = input_problems(action, here.rules, complete)
    sound = complete
    if problems:
        wrong = names_in(problems)
        if "inputs" in wrong:  # all of them, such as too many: look no further
            raise InputError(problems, action=action.id)
        sound = {name: value for name, value in complete.items() if name not in wrong}
    not_carried = unsupported(here.not_carried, sound)
    if strict:
        problems.extend(
            Problem(name, f"The route {route_id} cannot carry it: {why}.", "Leave it out.")
            for name, why in not_carried
        )
    if problems:
        raise InputError(problems, action=action.id)
    complete = action.input_checker.normalised(complete)
    scope = {"inputs": complete}
    request = chosen.request
    warnings = [f"{name} is not sent: {why} (route {route_id})." for name, why in not_carried]
    warnings.extend(aged(action, route_id, complete, today))
    try:
        return Plan(
            connector=connector,
            action=action,
            route_id=route_id,
            route=chosen,
            inputs=complete,
            defaulted=defaulted,
            method=request.method,
            path=_filled_path(request.path.piece, scope, action.id),
            query=tuple(_filled_query(request.query, scope, request.nested)) if request.query else (),
            headers={
                name: text_of(value) for name, template in request.headers.items()
                if (value := template.fill(scope)) is not None
            },
            body=here.body(scope) if here.body else None,
            form=tuple(_filled_query(request.form, scope, request.nested)) if request.form else (),
            files=tuple(_filled_files(request.files, scope, action.id)) if request.files else (),
            warnings=tuple(warnings),
            content=_filled_content(request.content, scope, action.id) if request.content else None,
            secrets=secrets_among(action, complete) if action.has_secrets else (),
        )  # fmt: skip
    except Drift:
        misfits = list(_misfits(chosen, scope, f"routes.{route_id}.request"))
    raise InputError(misfits, action=action.id)


def secrets_among(action: Action, inputs: Any) -> tuple[Secret, ...]:
    """The texts of inputs that are marked as secrets; the inputs may be anything."""
    return tuple(map(Secret, dict.fromkeys(_marked(action.inputs, inputs))))


def _marked(schema: Any, value: Any, *, is_marked: bool = False) -> Iterator[str]:
    schema = schema if isinstance(schema, Mapping) else {}
    is_marked = is_marked or schema.get("writeOnly") is True
    if isinstance(value, Mapping):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            yield from _marked(fields.get(name, others), inner, is_marked=is_marked)
    elif isinstance(value, list):
        for inner in value:
            yield from _marked(schema.get("items"), inner, is_marked=is_marked)
    elif is_marked and isinstance(value, str):
        yield value


def _misfits(route: Route, scope: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """What the expressions of the request cannot take: lint sees wrong types, but not text that is no base64."""
    names = ((("files", name), part.name) for name, part in route.request.files.items())
    for path, template in (*_templates(route.request), *names):
        for inner, expression, _ in template.expressions():
            try:
                expression.evaluate(scope)
            except Drift as drift:
                inputs = list(dict.fromkeys(".".join(found[1:]) for found in expression.references))
                message = (
                    f"It cannot be put into the request: {drift}, at {place}.{path_text((*path, *inner))}."
                )
                hint = "Give another value, or tell the author of the manifest to run `connector lint`."
                yield Problem(", ".join(filter(None, inputs)) or "inputs", message, hint)


def _asked(way: Stream | Poll | None, inputs: Mapping[str, Any]) -> bool:
    try:
        return way is not None and is_true(way.when.evaluate({"inputs": inputs}))
    except Drift:  # as in a rule, what cannot be asked does not hold
        return False


def asking_to_stream(action: Action, inputs: Mapping[str, Any], route: str) -> Mapping[str, Any]:
    """The inputs with the one set on which the route's stream depends, unless the caller has set it."""
    stream = action.routes[route].stream
    name = stream.when.references[0][-1] if stream and stream.when.references else None
    return inputs if name is None or name in inputs else {**inputs, name: True}


def follow_up_path(plan: Plan, template: Template, response: Mapping[str, Any]) -> str:
    """The path of a request that follows an answer, such as the one that asks for it again."""
    return _filled_path(template.piece, {"inputs": plan.inputs, "response": response}, plan.action.id)


def chosen_route(action: Action, settings: Mapping[str, Any], route: str | None) -> str:
    """The route that is asked for, else the one the connection is set to, else the first.

    Raises:
        InputError: if the action has no such route.
    """
    name = route or (settings.get(action.route_from) if action.route_from else None)
    if name is None:
        return next(iter(action.routes))
    if not isinstance(name, str) or name not in action.routes:
        text = str(name)[:60]
        hint = did_you_mean(text, action.routes)
        raise InputError([Problem("route", f"{action.id} has no route {text!r}.", hint)])
    return name


def _filled_path(piece: Piece, scope: Mapping[str, Any], action: str) -> str:
    """The path, each expression percent-encoded as one segment that cannot climb or end the path.

    It begins with a slash, whatever the manifest says: it must not lengthen the host that it is put behind.
    """
    if isinstance(piece, Static):  # most are
        return _rooted(str(piece.value))
    text = ""
    for part in path_parts(piece):
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
    return _rooted(text)


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def path_parts(piece: Piece) -> tuple[str | Expression, ...]:
    """The texts and the expressions that a path is made of."""
    match piece:
        case Text(parts):
            return parts
        case Insert(expression):
            return (expression,)
        case Static(value):
            return (str(value),)
        case _:
            return ()


def _filled_query(
    query: Mapping[str, Any], scope: Mapping[str, Any], nested: str | None
) -> Iterator[tuple[str, str]]:
    for name, template in query.items():
        value = template.fill(scope)
        if nested is not None and _has_objects(value):
            yield from _in_brackets(name, value)
            continue
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                yield name, text_of(item)


def _has_objects(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _in_brackets(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _in_brackets(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        numbered = _has_objects(value)
        for index, inner in enumerate(value):
            yield from _in_brackets(f"{name}[{index}]" if numbered else f"{name}[]", inner)
    elif value is not None:
        yield name, text_of(value)


def _filled_files(files: Mapping[str, FilePart], scope: Mapping[str, Any], action: str) -> Iterator[File]:
    for field_name, part in files.items():
        name, value = part.name.fill(scope), part.content.fill(scope)
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                content = _bytes(one, part.content, action, is_base64=part.is_base64)
                yield File(field_name, text_of(name if name is not None else field_name), content, part.type)


def _filled_content(raw: RawBody, scope: Mapping[str, Any], action: str) -> bytes | None:
    value = raw.value.fill(scope)
    return None if value is None else _bytes(value, raw.value, action, is_base64=raw.is_base64)


def _bytes(value: Any, template: Template, action: str, *, is_base64: bool) -> bytes:
    """The text's own bytes, or those that it stands for."""
    text = text_of(value)
    if not is_base64:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        pass
    read = [path for _, expression, _ in template.expressions() for path in expression.references]
    name = ".".join(read[0][1:]) if read else "inputs"
    problem = Problem(name, "It is not base64 text.", "Give the file's bytes, encoded as base64.")
    raise InputError([problem], action=action)


def _templates(request: Request) -> Iterator[tuple[tuple[str, ...], Template]]:
    """Everything that is filled, with its place in the request."""
    yield ("path",), request.path
    yield from ((("query", name), template) for name, template in request.query.items())
    yield from ((("headers", name), template) for name, template in request.headers.items())
    if request.body is not None:
        yield ("body",), request.body
    yield from ((("form", name), template) for name, template in request.form.items())
    yield from ((("files", name), part.content) for name, part in request.files.items())
    if request.content is not None:
        yield ("content",), request.content.value


def _provenance(plan: Plan) -> Iterator[Field]:
    for path, template in _templates(plan.route.request):
        yield from _traced(template.piece, path, plan)
    for name, why in unsupported(plan.route.not_carried, plan.inputs):
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
        case Insert(expression) | Spread(expression):
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
    request = plan.route.request
    named = request.form.get(wanted) or request.query.get(parameter.removeprefix("query."))
    if named is not None:
        read = [path for _, expression, _ in named.expressions() for path in expression.references]
        return ".".join(read[0][1:]) or None if read else None
    if request.body is None or not wanted:
        return None
    for path, expression, _ in request.body.expressions():
        text = path_text(path)
        inner = wanted.startswith((f"{text}.", f"{text}["))
        if expression.references and (inner or text == wanted or text.endswith(f".{wanted}")):
            return ".".join(expression.references[0][1:]) or None
    return None
