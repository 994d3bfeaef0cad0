"""The part of a connector's page on its connection: every field, where the auth puts it, the free check."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields as attributes
from typing import Any, Final

from connector.connection import NAME_FIELD
from connector.documenting.markdown import block, code, link, table, text
from connector.documenting.samples import literal, variable
from connector.documenting.schema_words import fields
from connector.documenting.wording import filled_in
from connector.manifest import Auth, Connector
from connector.template import Template

_IN_LOGS: Final = "Addresses end up in logs: keep those of this service to yourself."


def setup(connector: Connector, place: str) -> Iterator[str]:
    """The lines of the section.

    Args:
        connector: whose connection it is.
        place: the name or the folder that commands use.
    """
    form = connector.connection
    yield from ("## Set up a connection", "", "### 1. Have these ready", "")
    headings = ("field", "title", "required", "default", "description", "environment variable")
    yield from table(headings, _rows(connector))
    yield f"Requests go to {code(filled_in(form.base_url))}."
    yield from _auth(form.auth)
    yield ""
    yield from ("### 2. Give them to the connector", "")
    if exports := list(_exports(connector)):
        yield "In the environment (or the path of a file that holds it, in a variable that ends in `_FILE`):"
        yield from ("", block("\n".join(exports), "sh"), "")
    yield "Saved, with secrets in the system's keyring, or in an encrypted file where there is none:"
    yield from ("", block(f"connector connections add {shlex.quote(place)}", "sh"), "")
    yield "In a program:"
    arguments = [literal(place), *(f'{name}="..."' for name in form.form if name in form.secrets)]
    program = f"import connector\n\n{variable(connector)} = connector.connect({', '.join(arguments)})"
    yield from ("", block(program, "python"), "")
    if form.check is not None:
        yield from ("### 3. Test it", "")
        yield f"This sends {code(f'{form.check.method} {form.check.path}')}, which is free, and says what is wrong."
        where = "" if place == "perplexity" else f" --connector {shlex.quote(place)}"
        yield from ("", block(f"connector connections test{where}", "sh"), "")


def _rows(connector: Connector) -> Iterator[tuple[str, ...]]:
    form = connector.connection
    for field in fields(form.fields):
        if field.depth:
            continue
        is_name = field.name == NAME_FIELD
        about = text(field.about)
        if field.name in form.secrets:
            about = f"{about} A secret: it is never shown.".strip()
        yield (
            code(field.name),
            text(form.form[field.name].get("title", "")),
            "yes" if field.is_required and not is_name and field.default is None else "",
            code(field.default or ""),
            about,
            "" if is_name else code(_variable(connector, field.name)),
        )


def _variable(connector: Connector, field: str) -> str:
    """The environment variable that holds a field."""
    return f"{connector.id}_{field}".upper()


def _exports(connector: Connector) -> Iterator[str]:
    form = connector.connection
    for name in form.fields.get("required", ()):
        if name in form.form and name != NAME_FIELD and name not in form.defaults:
            yield f"export {shlex.quote(_variable(connector, name))}=..."


def _auth(auth: Auth) -> Iterator[str]:
    """Where the fields go in a request."""
    value = filled_in(auth.value) if auth.value is not None else ""
    if auth.kind == "header":
        yield f"Each has the header {code(f'{auth.name}: {value}')}."
    elif auth.kind == "query":
        yield f"Each has {code(f'{auth.name}={value}')} in its query. {_IN_LOGS}"
    elif auth.kind == "bearer":
        yield f"Each has the header {code(f'Authorization: Bearer {value}')}."
    elif auth.kind == "basic":
        pair = [filled_in(part) for part in (auth.username, auth.password) if part is not None]
        yield f"Each has HTTP basic authentication, {code(':'.join(pair))}."
    elif auth.kind == "none":
        yield "The service is open to all: there is nothing to prove."
    elif auth.fetches_token:
        yield (
            f"Each has the header {code('Authorization: Bearer <token>')}. The token is fetched with the client's id "
            "and secret, kept in memory until shortly before it expires, and fetched anew where it is refused:"
        )
        yield ""
        yield from table(("key", "value"), _keys(auth))
    else:
        yield f"Each proves who sends it by {code(auth.kind)}:"
        yield ""
        yield from table(("key", "value"), _keys(auth))


def _keys(auth: Auth) -> Iterator[tuple[str, str]]:
    """What a kind of auth is made of, whatever keys it has; those that say nothing are left out."""
    for attribute in attributes(auth):
        value = getattr(auth, attribute.name)
        if attribute.name not in {"kind", "name"} and value:
            for name, inner in value.items() if isinstance(value, Mapping) else (("", value),):
                yield code(f"{attribute.name}.{name}".rstrip(".")), code(_shown(inner))


def _shown(value: Any) -> str:
    return filled_in(value) if isinstance(value, Template) else str(value)


def links(connector: Connector) -> str:
    """The pages for people, in a line."""
    return ", ".join(link(name.replace("_", " "), url) for name, url in connector.links.items())
