"""A request turned round: which inputs of an action it was made of, and what in it no inputs give."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.errors import did_you_mean
from connector.evaluate import equal, text_of
from connector.expression import Field, Node, Then
from connector.manifest import Action, Route
from connector.mock.places import changed
from connector.mock.value import kinds_of
from connector.schema import Checker, Schema
from connector.template import Entries, Expression, Insert, Items, Piece, Spread, Static, Template, Text


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a request. `param` is the place in it, such as `tools[0].type`."""

    param: str
    message: str


@dataclass(frozen=True)
class Sent:
    """A request as it came: texts of the path's expressions, the query, headers in lower case, the body.

    `form` are the fields and files of a form; None where there is none.
    """

    segments: Sequence[str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    form: Mapping[str, list[str]] | None = None


@dataclass
class Asked:
    """What a request says of the inputs. `fitting` counts the parts that were as the manifest writes them."""

    inputs: dict[str, Any] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    fitting: int = 0


def asked(action: Action, route: Route, sent: Sent) -> Asked:
    """Read a request as one of an action's route."""
    reading = _Reading(action)
    request = route.request
    expressions = [part for part in _parts(request.path.piece) if isinstance(part, Expression)]
    for expression, text in zip(expressions, sent.segments, strict=False):
        reading.texts(expression.node, [text], "path")
    reading.pairs(request.query, sent.query, "query")
    for name, template in request.headers.items():
        reading.header(name, template, sent.headers.get(name.lower()))
    if request.form or request.files:
        reading.form(route, sent)
    elif request.body is not None:
        reading.body(request.body.piece, sent.body, "")
    elif sent.body not in (None, {}):
        reading.say("body", "This request takes no body.")
    return reading.asked


def _parts(piece: Piece) -> tuple[str | Expression, ...]:
    match piece:
        case Text(parts):
            return parts
        case Insert(expression):
            return (expression,)
        case _:
            return (str(piece.value),) if isinstance(piece, Static) else ()


class _Reading:
    def __init__(self, action: Action) -> None:
        self._action = action
        self.asked = Asked()

    def say(self, param: str, message: str) -> None:
        self.asked.wrong.append(Wrong(param, message))

    def body(self, piece: Piece, value: Any, place: str) -> None:
        """A part of the body against what the manifest writes there."""
        match piece:
            case Static(wanted):
                self._written(wanted, value, place)
            case Insert(expression):
                self._bind(expression.node, value, place)
            case Entries(entries):
                self._entries(dict(entries), value, place)
            case Items(items):
                self._items(items, value, place)
            case Text(parts):
                self._text(parts, value, place)

    def _written(self, wanted: Any, value: Any, place: str) -> None:
        if equal(wanted, value):
            self.asked.fitting += 1
        else:
            self.say(place or "body", f"It has to be {_short(wanted)}.")

    def _entries(self, entries: Mapping[str, Piece], value: Any, place: str) -> None:
        if value is None and not any(map(self._needed, entries.values())):
            return
        if not isinstance(value, dict):
            self.say(place or "body", "An object belongs here.")
            return
        for name in value:
            if name not in entries:
                where = f"{place}.{name}" if place else name
                self.say(where, f"There is no field {name[:100]!r} here. {did_you_mean(name[:100], entries)}")
        for name, piece in entries.items():
            where = f"{place}.{name}" if place else name
            if name in value:
                self.body(piece, value[name], where)
            elif self._needed(piece):
                self.say(where, "It is missing.")

    def _items(self, items: tuple[Piece, ...], value: Any, place: str) -> None:
        if not isinstance(value, list):
            if value is not None or any(map(self._needed, items)):
                self.say(place or "body", "A list belongs here.")
        elif len(items) == len(value) and not any(isinstance(item, Spread) for item in items):
            for index, (piece, item) in enumerate(zip(items, value, strict=True)):
                self.body(piece, item, f"{place}[{index}]")

    def _text(self, parts: tuple[str | Expression, ...], value: Any, place: str) -> None:
        if not isinstance(value, str):
            self.say(place or "body", "Text belongs here.")
            return
        begin = parts[0] if isinstance(parts[0], str) else ""
        end = parts[-1] if isinstance(parts[-1], str) else ""
        fits = value.startswith(begin) and value.endswith(end) and len(value) >= len(begin) + len(end)
        if not fits:
            self.say(place or "body", f"It has to begin with {begin!r} and end with {end!r}.")
        elif len(parts) == (begin != "") + (end != "") + 1:
            inner = next(part for part in parts if isinstance(part, Expression))
            self.texts(inner.node, [value[len(begin) : len(value) - len(end)]], place)

    def pairs(self, templates: Mapping[str, Template], given: Mapping[str, list[str]], what: str) -> None:
        """The query or the fields of a form."""
        for name in given:
            if name not in templates:
                hint = did_you_mean(name[:100], templates)
                self.say(name, f"There is no {name[:100]!r} in the {what}. {hint}")
        for name, template in templates.items():
            texts = given.get(name)
            if texts is None:
                if self._needed(template.piece):
                    self.say(name, f"It is missing in the {what}.")
            else:
                self._pair(template.piece, texts, name)

    def _pair(self, piece: Piece, texts: list[str], name: str) -> None:
        match piece:
            case Static(value):
                wanted = [text_of(item) for item in (value if isinstance(value, list) else [value])]
                self._written(
                    wanted[0] if len(wanted) == 1 else wanted, texts[0] if len(texts) == 1 else texts, name
                )
            case Insert(expression):
                self.texts(expression.node, texts, name)
            case Text(parts):
                self._text(parts, texts[0], name)

    def header(self, name: str, template: Template, given: str | None) -> None:
        """A header that the manifest writes."""
        if given is None:
            if self._needed(template.piece):
                self.say(name, "This header is missing.")
        else:
            self._pair(template.piece, [given], name)

    def form(self, route: Route, sent: Sent) -> None:
        """A form, multipart or urlencoded."""
        request = route.request
        if sent.form is None:
            self.say("body", "A form belongs here.")
            return
        fields = {name: texts for name, texts in sent.form.items() if name not in request.files}
        self.pairs(request.form, fields, "form")
        for name, part in request.files.items():
            if name in sent.form:
                self._pair(part.content.piece, sent.form[name], name)
            elif self._needed(part.content.piece):
                self.say(name, "The file is missing.")

    def texts(self, node: Node, texts: list[str], place: str) -> None:
        """Values of an input that were written as text."""
        path = _input_path(node)
        if path is None:
            return
        schema = self._schema(path)
        if schema is None:
            return
        kinds = kinds_of(schema)
        if "array" in kinds and "string" not in kinds:
            self._bind(node, [_read(text, schema.get("items", {})) for text in texts], place)
        else:
            self._bind(node, _read(texts[0], schema), place)

    def _bind(self, node: Node, value: Any, place: str) -> None:
        """Take a value for the input that the expression names, if it names one."""
        path = _input_path(node)
        schema = self._schema(path) if path else None
        if path is None or schema is None:
            return
        problems = Checker(schema).problems(value, "field")
        if value is None or problems:
            for problem in problems:
                inner = "" if problem.where in {"inputs", ""} else problem.where
                joined = (
                    f"{place}{inner}" if inner.startswith("[") else ".".join(filter(None, (place, inner)))
                )
                self.say(joined or "body", problem.message)
            return
        self.asked.inputs = changed(self.asked.inputs, path, value)

    def _schema(self, path: tuple[str, ...]) -> Schema | None:
        """What the inputs say of a path; None where they say nothing."""
        schema: Any = self._action.inputs
        for name in path:
            schema = schema.get("properties", {}).get(name) if isinstance(schema, Mapping) else None
        return schema if isinstance(schema, Mapping) else None

    def _needed(self, piece: Piece) -> bool:
        """Whether a request has this part whatever the inputs are."""
        match piece:
            case Static(value):
                return value is not None
            case Insert(expression):
                path = _input_path(expression.node)
                field = self._schema(path) if path else None
                return (
                    path is not None
                    and len(path) == 1
                    and path[0] in self._action.inputs.get("required", ())
                    and field is not None
                    and "null" not in kinds_of(field)
                )
            case Text(parts):
                return all(isinstance(part, str) or self._needed(Insert(part)) for part in parts)
            case Entries(entries):
                return any(self._needed(inner) for _, inner in entries)
            case Items(items):
                return any(map(self._needed, items))
        return False


def _input_path(node: Node) -> tuple[str, ...] | None:
    """`inputs.a.b` as (a, b); None for what is more than a name."""
    names = list(_names(node))
    return (
        tuple(name for name in names[1:] if name) if names[:1] == ["inputs"] and None not in names else None
    )


def _names(node: Node) -> Iterator[str | None]:
    match node:
        case Field(name):
            yield name
        case Then(left, right):
            yield from _names(left)
            yield from _names(right)
        case _:
            yield None


def _read(text: str, schema: Any) -> Any:
    """The value that was written as a text in a query or a path."""
    kinds = kinds_of(schema) if isinstance(schema, Mapping) else []
    if not kinds or "string" in kinds:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."
