"""What must hold in a manifest before anything can be run with it; lint asks for more."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final, TypeGuard

from connector.document import Document
from connector.errors import Problem, did_you_mean
from connector.manifest import Action, Auth, Connector, Request, Rule
from connector.schema import Schema
from connector.schema_form import faults
from connector.template import Path, Piece, Static, Text

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+(;[ -~]*[!-~])?")
_ID_HINT = "Use lower-case letters, digits and _, at most 64, beginning with a letter."
AUTH_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "none": (),
    "basic": ("username", "password"),
    "bearer": ("value",),
    "header": ("value",),
    "query": ("value",),
    "oauth2_client_credentials": ("token_url", "client_id", "client_secret"),
}
"""The keys that a kind of auth needs."""
AUTH_OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "oauth2_client_credentials": ("scopes", "parameters", "send_as"),
}
"""The keys that a kind of auth may have besides; any may have `name`."""
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HTTP_OWN: Final = frozenset(
    [
        "host",
        "content-length",
        "connection",
        "accept-encoding",
        "transfer-encoding",
        "expect",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "proxy-connection",
    ]
)
"""Headers in lower case that say where a message goes and where it ends: the runtime's, never a manifest's."""
_OF_THE_TOKEN = ("client_id", "client_secret", "scope")


def connector_problems(document: Document, connector: Connector) -> Iterator[Problem]:
    """What is wrong with connector.yaml."""
    if not _ID.match(connector.id):
        yield document.problem(("id",), f"{connector.id!r} is not an id.", _ID_HINT)
    form = connector.connection
    yield from _object_problems(document, ("connection", "fields"), form.fields)
    yield from _auth_problems(document, form.auth)
    if form.check is not None:
        yield from _path_problems(document, ("connection", "check", "path"), Static(form.check.path))
    if connector.icon is not None:
        # Path.resolve raises for links in a circle
        project = PurePath(os.path.realpath(connector.folder / ".." / ".."))
        icon = "" if "\0" in connector.icon else os.path.realpath(connector.folder / connector.icon)
        if project not in PurePath(icon).parents:
            message = "The icon lies outside the project."
            yield document.problem(("icon",), message, "Put it beside the manifests.")
    yield from _number_problems(document, connector)


def header_name_fault(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a header, and what to do; None if a manifest may send it."""
    if not _HEADER_NAME.fullmatch(name):
        return f"{name!r} cannot be the name of a header.", "Use letters, digits and -."
    if name.lower() in HTTP_OWN:
        return f"The header {name} is HTTP's own.", "Remove it: it is sent where it is needed."
    return None


def _auth_problems(document: Document, auth: Auth) -> Iterator[Problem]:
    where: Path = ("connection", "auth")
    needed = AUTH_KEYS[auth.kind]
    known = {name for names in (*AUTH_KEYS.values(), *AUTH_OPTIONAL.values()) for name in names}
    given = document.value["connection"]["auth"]
    for name in needed:
        if given.get(name) is None:
            hint = f"Add `{name}: ${{{{ connection.<field> }}}}`."
            yield document.problem(where, f"`kind: {auth.kind}` needs `{name}`.", hint, at_key=True)
    for name in given:
        if name in known and name not in (*needed, *AUTH_OPTIONAL.get(auth.kind, ())):
            message = f"`kind: {auth.kind}` has no use for `{name}`."
            taken = " and ".join([", ".join(needed[:-1]), *needed[-1:]] if len(needed) > 1 else needed)
            hint = f"Remove it; {auth.kind} takes {taken or 'nothing'}."
            yield document.problem((*where, name), message, hint, at_key=True)
    if auth.kind == "none" and auth.also:
        message = "`kind: none` sends nothing, and here are further keys."
        hint = "Write the first of them as the auth itself, such as `kind: header`."
        yield document.problem((*where, "also"), message, hint, at_key=True)
    for name in _OF_THE_TOKEN:
        if name in auth.parameters:
            hint = f"Write it as `{'scopes' if name == 'scope' else name}` of auth."
            message = f"{name!r} is none of the further parameters."
            yield document.problem((*where, "parameters", name), message, hint, at_key=True)


def _number_problems(document: Document, connector: Connector) -> Iterator[Problem]:
    retry, timeouts, limits = connector.retry, connector.timeouts, connector.limits
    least: dict[Path, tuple[float, float]] = {
        ("retry", "attempts"): (retry.attempts, 1),
        ("retry", "first_wait"): (retry.first_wait, 0),
        ("retry", "longest_wait"): (retry.longest_wait, 0),
        ("timeouts", "connect"): (timeouts.connect, 0.001),
        ("timeouts", "read"): (timeouts.read, 0.001),
        ("timeouts", "write"): (timeouts.write, 0.001),
        ("timeouts", "idle"): (timeouts.idle, 0.001),
        ("timeouts", "deadline"): (timeouts.deadline, 0.001),
        ("retry", "quota"): (retry.quota, 0),
        ("limits", "requests"): (1 if limits.requests is None else limits.requests, 1),
        ("limits", "seconds"): (limits.seconds, 0.001),
        ("limits", "at_once"): (1 if limits.at_once is None else limits.at_once, 1),
    }
    for path, (number, limit) in least.items():
        if number < limit:
            yield document.problem(path, f"{number} is too little.", f"Write {limit} or more.")
    statuses: list[tuple[Path, int]] = [
        (("retry", "statuses", index), status) for index, status in enumerate(retry.statuses)
    ]
    statuses += [
        (("errors", "kinds", number, "status", index), status)
        for number, rule in enumerate(connector.errors.kinds)
        for index, status in enumerate(rule.status)
    ]
    for place, status in statuses:
        if not 100 <= status <= 599:
            yield document.problem(place, f"{status} is not an HTTP status.", "Write one from 100 to 599.")


def action_problems(document: Document, action: Action) -> Iterator[Problem]:
    """What is wrong with the file of an action."""
    if not _ID.match(action.id):
        yield document.problem(("id",), f"{action.id!r} is not an id.", _ID_HINT)
    inputs = list(_object_problems(document, ("inputs",), action.inputs))
    yield from inputs or _order_problems(document, ("rules",), action.rules, action)
    outputs = list(_object_problems(document, ("outputs",), action.outputs))
    yield from outputs or _flat_problems(document, action)
    yield from _rule_problems(document, ("rules",), action.rules)
    if action.deadline is not None and isinstance(action.deadline.piece, Static):
        seconds = action.deadline.piece.value
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds <= 0:
            message = "A deadline is a number of seconds above 0."
            yield document.problem(("deadline",), message, "Write one, such as 30.")
    if not action.routes:
        yield document.problem(("routes",), "The action has no route.", "Add one: `routes: {main: ...}`.")
    for name, route in action.routes.items():
        here: Path = ("routes", name)
        yield from _schema_problems(document, (*here, "response"), route.response)
        yield from _path_problems(document, (*here, "request", "path"), route.request.path.piece)
        for word in ("query", "headers", "form", "files"):
            for key in getattr(route.request, word):
                if "${{" in key:
                    message = "A key cannot hold an expression."
                    yield document.problem(
                        (*here, "request", word, key), message, "Write the name out.", at_key=True
                    )
        for key in route.request.headers:
            fault = header_name_fault(key) if "${{" not in key else None
            if fault:
                yield document.problem((*here, "request", "headers", key), *fault, at_key=True)
        yield from _body_problems(document, (*here, "request"), route.request)
        yield from _rule_problems(document, (*here, "rules"), route.rules)
        yield from () if inputs else _order_problems(document, (*here, "rules"), route.rules, action)
    for index, example in enumerate(action.examples):
        path = ("examples", index, "id")
        if not _ID.match(example.id):
            yield document.problem(path, f"{example.id!r} is not an id.", _ID_HINT)
        elif example.id in {other.id for other in action.examples[:index]}:
            yield document.problem(path, f"There are two examples {example.id!r}.", "Rename one.")
        if example.route is not None and example.route not in action.routes:
            hint = did_you_mean(example.route, action.routes)
            message = f"There is no route {example.route!r}."
            yield document.problem(("examples", index, "route"), message, hint)


def _schema_problems(document: Document, path: Path, schema: Any) -> Iterator[Problem]:
    for fault in faults(schema):
        at_key = not fault.path or fault.path[-1] in {"$ref", "$dynamicRef"}
        yield document.problem((*path, *fault.path), fault.message, fault.hint, at_key=at_key)


def _object_problems(document: Document, path: Path, schema: Schema) -> Iterator[Problem]:
    """As _schema_problems, for a schema whose properties are inputs, outputs or fields of a form."""
    found = list(_schema_problems(document, path, schema))
    yield from found
    if found:
        return
    if schema.get("type") != "object":
        yield document.problem(path, "It must describe an object.", "Add `type: object`.", at_key=True)
    for name, field in schema.get("properties", {}).items():
        if not isinstance(field, Mapping):
            place = (*path, "properties", name)
            yield document.problem(place, f"{name!r} says nothing of its type.", "Write `{type: ...}`.")


def _path_problems(document: Document, path: Path, piece: Piece) -> Iterator[Problem]:
    """A path that would lead to another host, or that HTTP would read in another way."""
    parts = piece.parts if isinstance(piece, Text) else (piece.value,) if isinstance(piece, Static) else ()
    text = "".join(part if isinstance(part, str) else "{}" for part in parts)
    if not text.startswith("/"):
        message = "The path does not begin with `/`."
        yield document.problem(
            path, message, "Write it from there on: the host is the connection's base_url."
        )
        return
    for sign, hint in (("?", "Write its pairs under `query`."), ("#", "Remove it."), ("\\", "Write `/`.")):
        if sign in text:
            yield document.problem(path, f"The path holds `{sign}`.", hint, word=sign)
    if "//" in text or {".", ".."}.intersection(text.split("/")):
        yield document.problem(path, "The path holds an empty, `.` or `..` segment.", "Write it out.")
    elif not text.isascii() or not text.isprintable() or " " in text:
        message = "The path holds a space, or a character that HTTP does not take."
        yield document.problem(path, message, "Percent-encode it, such as %20.")


def _body_problems(document: Document, here: Path, request: Request) -> Iterator[Problem]:
    """A request has one body, of one kind: what does not fit into it would be dropped in silence."""
    form = "form" if request.form else "files" if request.files else None
    kinds = [
        word for word in ("body", form, "content") if word is not None and getattr(request, word) is not None
    ]
    if len(kinds) > 1:
        message = f"A request has one body, and this has `{kinds[0]}` and `{kinds[1]}`."
        yield document.problem((*here, kinds[1]), message, "Remove one of the two.", at_key=True)
    if request.form_as == "urlencoded" and request.files:
        message = "A form that is `urlencoded` has no files."
        hint = "Remove `form_as`: files go into a multipart form."
        yield document.problem((*here, "files"), message, hint, at_key=True)
    types: dict[Path, str] = {("files", name, "type"): part.type for name, part in request.files.items()}
    if request.content is not None:
        types["content", "type"] = request.content.type
    for place, kind in types.items():
        if not _MEDIA_TYPE.fullmatch(kind):
            message = f"{kind!r} is not a media type."
            yield document.problem((*here, *place), message, "Write one such as application/xml.")


def _rule_problems(document: Document, here: Path, rules: tuple[Rule, ...]) -> Iterator[Problem]:
    for index, rule in enumerate(rules):
        given = [rule.when is not None, bool(rule.exclusive), bool(rule.requires), rule.order is not None]
        if sum(given) != 1:
            message = "A rule has exactly one of when, exclusive, requires and order."
            hint = "Split it into several rules." if sum(given) else "Add one of them."
            yield document.problem((*here, index), message, hint)
        if rule.order is not None and not rule.order.turns:
            message = "Nobody takes a turn."
            yield document.problem(
                (*here, index, "order", "turns"), message, "Write `[[user], [assistant]]`."
            )


def _order_problems(
    document: Document, here: Path, rules: tuple[Rule, ...], action: Action
) -> Iterator[Problem]:
    for index, rule in enumerate(rules):
        place = (*here, index)
        order = rule.order
        if order is None:
            continue
        schema = action.input_fields.get(order.input)
        if schema is None:
            hint = did_you_mean(order.input, action.input_fields)
            yield document.problem((*place, "order", "input"), f"There is no input {order.input!r}.", hint)
            continue
        items = schema.get("items") if schema.get("type") == "array" else None
        columns = items.get("properties", {}) if _is_object(items) else None
        if columns is None:
            message = f"The input {order.input!r} is not a list of objects."
            hint = "Name an input of `type: array` whose items are of `type: object`."
            yield document.problem((*place, "order", "input"), message, hint)
        elif order.field not in columns:
            message = f"The items of {order.input!r} have no field {order.field!r}."
            yield document.problem((*place, "order", "field"), message, did_you_mean(order.field, columns))


def _flat_problems(document: Document, action: Action) -> Iterator[Problem]:
    for name, schema in action.output_fields.items():
        place = ("outputs", "properties", name)
        items = schema.get("items", {}) if schema.get("type") == "array" else None
        columns = items.get("properties") if _is_object(items) else None
        leaves = list(columns.values()) if columns else [schema if items is None else items]
        if _is_unknown(schema) or (items is not None and _is_open(items)):
            continue
        if any(isinstance(leaf, Mapping) and isinstance(leaf.get("type"), list) for leaf in leaves):
            message = f"The output {name!r} has several types."
            hint = "Give it one; an output that the answer lacks is null anyway."
            yield document.problem(place, message, hint, at_key=True)
        elif not (
            _is_open(schema) or all(_is_scalar(leaf) or (columns and _is_vector(leaf)) for leaf in leaves)
        ):
            message = f"The output {name!r} is not flat."
            hint = "Make it text, a number, true or false, a list of those, or a list of flat rows."
            yield document.problem(place, message, hint, at_key=True)


_SCALARS = ("string", "integer", "number", "boolean")


def _is_scalar(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") in _SCALARS


def _is_vector(schema: Any) -> bool:
    """A column of numbers, such as an embedding: a value in itself, not a table in a table."""
    items = schema.get("items") if isinstance(schema, Mapping) and schema.get("type") == "array" else None
    return isinstance(items, Mapping) and items.get("type") in {"integer", "number"}


def _is_open(schema: Any) -> bool:
    """An object without declared fields: JSON in the form that the caller's own schema gives it."""
    return _is_object(schema) and "properties" not in schema


def _is_unknown(schema: Schema) -> bool:
    """Of a form that nobody knows: any JSON value, given as it comes."""
    return (
        not {"type", "enum", "const", "properties", "items", "anyOf", "oneOf", "allOf", "$ref"}
        & schema.keys()
    )


def _is_object(schema: Any) -> TypeGuard[Schema]:
    return isinstance(schema, Mapping) and schema.get("type") == "object"
