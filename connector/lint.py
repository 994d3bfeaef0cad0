"""Find an author's mistakes before anything runs, each with its line, a caret and a way out.

Loading already refuses what cannot be read. Lint derives the type of every expression from the schemas on
both ends and adds: misspelt references and response fields, inputs that a route neither sends nor declares
unsupported, lists inside text, projections that drop nulls, secrets outside auth, outputs that do not fit
their declaration, schemas with misspelt words, examples that would be refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from connector.checks import aged
from connector.document import Document
from connector.errors import ManifestError, Problem
from connector.excerpt import in_order
from connector.lint_action import ActionLint
from connector.lint_schema import schema_problems
from connector.lint_template import TemplateLint
from connector.lint_values import connector_values, empty_sentences
from connector.loading import read, shipped_folder, shipped_names
from connector.manifest import Action, ConnectionForm, Connector
from connector.plan import chosen_route
from connector.shape import Shape, of_schema
from connector.template import Path as YamlPath
from connector.template import Piece, Static, Template, Text

SECRET_NAME: Final = re.compile(
    r"(?i)((api|access|auth|bearer|private|secret)_?(key|token)|secret|password|passphrase)\Z"
)
SECRET_TEXT: Final = re.compile(
    # eight letters and digits in a row, with a digit: a key, not a name such as pplx-embed-v1
    r"\b(?:pplx|sk|pk|ghp|xox[abp])[-_](?:[A-Za-z0-9]+[-_])*(?=[A-Za-z]*[0-9])[A-Za-z0-9]{8,}"
    r"|\b(?:Bearer|Basic)\s+(?=[A-Za-z._-]*[0-9])[A-Za-z0-9._-]{12,}"
)


def lint(path: str | Path | None = None) -> list[Problem]:
    """Everything that is wrong with a connector, in the order of the files; all shipped ones if none is named.

    Args:
        path: a shipped name or a folder that holds a connector.yaml.
    """
    if path is None:
        return [problem for name in shipped_names() for problem in lint(shipped_folder() / name)]
    try:
        manifest = read(path)
    except ManifestError as error:
        return list(error.problems)
    problems = list(_form_problems(manifest.document, manifest.connector.connection))
    problems += _auth_problems(manifest.document, manifest.connector, told=bool(problems))
    problems += connector_values(manifest.document, manifest.connector)
    for action_id, document in manifest.actions.items():
        problems += ActionLint(manifest.connector, manifest.connector.actions[action_id], document).problems()
        problems += _input_secrets(document, manifest.connector.actions[action_id])
    for document in (manifest.document, *manifest.actions.values()):
        problems += _written_secrets(document)
        problems += empty_sentences(document, document.value)
    return sorted(dict.fromkeys(problems), key=in_order)


def ages(connector: Connector, today: date) -> list[str]:
    """What the examples use that the vendor has deprecated or retired by today, a sentence for each.

    It is no mistake - a gateway may still serve it - and the day is the vendor's.
    """
    settings = connector.connection.defaults
    return list(
        dict.fromkeys(
            f"{action.id}: {sentence}"
            for action in connector.actions.values()
            for example in action.examples
            for sentence in aged(action, chosen_route(action, settings, example.route), example.inputs, today)
        )
    )


def _form_problems(document: Document, form: ConnectionForm) -> Iterator[Problem]:
    yield from schema_problems(document, ("connection", "fields"), form.fields)
    for name, schema in form.form.items():
        path = ("connection", "fields", "properties", name)
        if SECRET_NAME.search(name) and not schema.get("writeOnly"):
            message = f"{name!r} looks like a secret."
            yield document.problem(path, message, "Add `writeOnly: true`.", at_key=True)
        if schema.get("writeOnly") and "default" in schema:
            message = f"The secret {name!r} is written in the manifest."
            yield document.problem((*path, "default"), message, "Remove the default.", at_key=True)


def _input_secrets(document: Document, action: Action) -> Iterator[Problem]:
    for name, schema in action.input_fields.items():
        place: YamlPath = ("inputs", "properties", name)
        is_marked = isinstance(schema, dict) and schema.get("writeOnly") is True
        if SECRET_NAME.search(name) and not is_marked:
            message = f"The input {name!r} looks like a secret."
            hint = "Make it a field of the connection; or mark it with `writeOnly: true`, if each run has its own."
            yield document.problem(place, message, hint, at_key=True)
        if is_marked and "default" in schema:
            message = f"The secret {name!r} is written in the manifest."
            yield document.problem((*place, "default"), message, "Remove the default.", at_key=True)
        for route_id, route in action.routes.items() if is_marked else ():
            urls: dict[tuple[str, ...], Template] = {("path",): route.request.path}
            urls.update({("query", key): value for key, value in route.request.query.items()})
            for path, template in urls.items():
                read = {
                    found[1]
                    for _, one, _ in template.expressions()
                    for found in one.references
                    if len(found) > 1
                }
                if name in read:
                    message = f"The secret {name!r} would stand in the URL, which logs keep."
                    where: YamlPath = ("routes", route_id, "request", *path)
                    yield document.problem(where, message, "Send it in the body or in a header.", word=name)


def _auth_problems(document: Document, connector: Connector, *, told: bool) -> Iterator[Problem]:
    form = connector.connection
    fields = of_schema(form.fields, ("connection",), filled=True)
    scope = Shape(frozenset({"object"}), {"connection": fields})
    lint = TemplateLint(document, connector.tables)
    url = lint.shape(("connection", "base_url"), form.base_url, scope)
    if not url.can_be("string"):
        message = f"The base URL is {url.describe()}."
        yield document.problem(("connection", "base_url"), message, "Give it a text.")
    yield from lint.take_problems()
    for path in sorted(lint.used):
        if path[-1] in form.secrets:
            message = f"The secret {path[-1]!r} would stand in the URL."
            yield document.problem(("connection", "base_url"), message, "Use it in auth.", word=path[-1])
    sent: set[str] = set()
    for place, template in form.auth.templates.items():
        found = list(_auth_text_problems(document, connector, place, template, scope, sent))
        told |= bool(found) or any(SECRET_TEXT.search(text) for text in _literals(template.piece))
        yield from found
    if not (told or sent) and form.auth.kind != "none":
        message = "auth sends no secret of the connection."
        hint = (
            "Take it from a field with `writeOnly: true`, such as ${{ connection.api_key }}; "
            "or write `{kind: none}` for an API that is open to all."
        )
        yield document.problem(("connection", "auth"), message, hint, at_key=True)


def _auth_text_problems(
    document: Document,
    connector: Connector,
    path: YamlPath,
    template: Template,
    scope: Shape,
    sent: set[str],
) -> Iterator[Problem]:
    """What is wrong with one text of auth; the secrets in it are added to `sent`."""
    place = ("connection", "auth", *path)
    lint = TemplateLint(document, connector.tables)
    shape = lint.shape(place, template, scope)
    if path[0] in {"scopes", "parameters"} and shape.item is not None:
        shape = shape.item
    if not shape.without("null").can_be("string", "integer", "number", "boolean"):
        yield document.problem(place, f"`{path[-1]}` would be {shape.describe()}.", "Give it a text.")
    found = lint.take_problems()
    yield from found
    secrets = sorted(used[-1] for used in lint.used if used[-1] in connector.connection.secrets)
    sent.update(secrets)
    if path == ("token_url",) and secrets:
        message = f"The secret {secrets[0]!r} would stand in the URL."
        yield document.problem(place, message, "Use it as client_secret.", word=secrets[0])
    elif path == ("client_secret",) and not secrets and not found:
        message = "The client's secret is no secret of the connection."
        hint = "Take it from a field with `writeOnly: true`, such as ${{ connection.client_secret }}."
        yield document.problem(place, message, hint)


def _literals(piece: Piece) -> Iterator[str]:
    parts = piece.parts if isinstance(piece, Text) else (piece.value,) if isinstance(piece, Static) else ()
    yield from (part for part in parts if isinstance(part, str))


def _written_secrets(document: Document) -> Iterator[Problem]:
    for path, text in _texts(document.value, ()):
        if found := SECRET_TEXT.search(text):
            hint = "Remove it, revoke the key, and take it from the connection under auth."
            yield document.problem(path, "This looks like a secret.", hint, word=found.group())


def _texts(value: Any, path: YamlPath) -> Iterator[tuple[YamlPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
