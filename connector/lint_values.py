"""Values that can be read and cannot be meant: empty sentences, an URL that is none, a range without a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from connector.destination import checked_base_url, checked_url
from connector.document import Document
from connector.errors import CredentialError, Problem
from connector.manifest import Auth, Connector
from connector.scalars import frozen
from connector.schema import Schema
from connector.soundness import header_name_fault
from connector.template import Path

SENTENCES: Final = frozenset({"name", "title", "description", "hint", "say", "why", "note"})
_RANGES: Final = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)


def empty_sentences(document: Document, value: Any, path: Path = ()) -> Iterator[Problem]:
    """What people are to read, and is empty. Inputs of examples are the author's own."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in SENTENCES and isinstance(inner, str) and not inner.strip():
                yield document.problem(
                    (*path, key), "It is empty, and people read it.", "Write a sentence.", at_key=True
                )
            elif not (path[:1] == ("examples",) and key == "inputs"):
                yield from empty_sentences(document, inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from empty_sentences(document, inner, (*path, index))


def schema_values(document: Document, path: Path, schema: Schema) -> Iterator[Problem]:
    """Bounds and choices that no value can keep to. Of one schema; what stands in it is asked for apart."""
    for low, high in _RANGES:
        least, most = schema.get(low), schema.get(high)
        if isinstance(least, (int, float)) and isinstance(most, (int, float)) and least > most:
            message = f"{low} {least} is above {high} {most}: nothing fits."
            yield document.problem((*path, low), message, "Change one of the two.", at_key=True)
    choices = schema.get("enum")
    if choices == []:
        yield document.problem(
            (*path, "enum"), "There is no choice.", "List the choices, or remove it.", at_key=True
        )
    seen: set[Any] = set()
    for index, choice in enumerate(choices if isinstance(choices, list) else ()):
        same = frozen(choice)
        if same in seen:
            place = (*path, "enum", index)
            yield document.problem(place, f"The choice {choice!r} stands there twice.", "Keep one of them.")
        seen.add(same)


def connector_values(document: Document, connector: Connector) -> Iterator[Problem]:
    """Values of connector.yaml that cannot work with any key."""
    auth = connector.connection.auth
    yield from _names(document, auth)
    for index, status in enumerate(connector.retry.statuses):
        if 200 <= status < 300:
            message = f"{status} is a success: the request would be sent again, and paid for again."
            yield document.problem(("retry", "statuses", index), message, "Remove it.")
    for name, link in connector.links.items():
        if urlsplit(link).scheme not in {"http", "https"} or not urlsplit(link).netloc:
            yield document.problem(("links", name), "It is not a URL.", "Begin it with https://.")
    yield from _base_url(document, connector)
    yield from _token_url(document, connector)
    yield from _required(document, connector)


def _names(document: Document, auth: Auth) -> Iterator[Problem]:
    """Of headers and parameters that auth sends: what can be none, and what would replace another."""
    sent: list[tuple[Path, str, str]] = []
    if auth.kind != "none":
        sent.append((("name",), "query" if auth.kind == "query" else "header", auth.name))
    sent += [(("also", index, "name"), key.kind, key.name) for index, key in enumerate(auth.also)]
    seen: set[tuple[str, str]] = set()
    for path, kind, name in sent:
        place = ("connection", "auth", *path)
        if fault := header_name_fault(name) if kind == "header" else None:
            yield document.problem(place, *fault)
        named = (kind, name.lower() if kind == "header" else name)
        if named in seen:
            yield document.problem(place, f"{name!r} is sent twice.", "Give each key a place of its own.")
        seen.add(named)


def _base_url(document: Document, connector: Connector) -> Iterator[Problem]:
    defaults = connector.connection.defaults
    url = connector.connection.base_url.fill({"connection": defaults})
    if url is None:
        return  # it is asked for
    try:
        checked_base_url(url, where="")
    except CredentialError as error:
        place: Path = ("connection", "base_url")
        if "base_url" in defaults:
            place = ("connection", "fields", "properties", "base_url", "default")
        yield document.problem(place, error.message, error.hint)


def _token_url(document: Document, connector: Connector) -> Iterator[Problem]:
    template = connector.connection.auth.token_url
    url = template.fill({"connection": connector.connection.defaults}) if template else None
    if url is None:
        return
    is_path = isinstance(url, str) and url.startswith("/") and not url.startswith("//")
    try:
        checked_url(f"https://host.test{url}" if is_path else url, what="token_url", where="")
    except CredentialError as error:
        hint = "Write it as https://host/path, or as /path below base_url."
        yield document.problem(("connection", "auth", "token_url"), error.message, hint)


def _required(document: Document, connector: Connector) -> Iterator[Problem]:
    form, auth = connector.connection, connector.connection.auth
    required = form.fields.get("required", ())
    if not form.form.keys() >= set(required):
        return  # one of them is misspelt, and has been told
    needed = [
        template for path, template in auth.templates.items() if path[0] not in {"scopes", "parameters"}
    ]
    for template in (*needed, form.base_url):
        for _, expression, _ in template.expressions():
            for name in (reference[-1] for reference in expression.references):
                if name in form.form and name not in required and "default" not in form.form[name]:
                    message = f"Every request needs {name!r}, and the form does not ask for it."
                    place = ("connection", "fields", "required")
                    yield document.problem(place, message, "Add it to `required`.", at_key=True)
