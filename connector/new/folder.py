"""The files of a new connector: texts with places in them, filled and written as a whole folder, or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from connector.errors import InputError, Problem
from connector.importing.names import title_of
from connector.importing.yaml_text import yaml_text
from connector.new.wish import Wish

_PLACE: Final = re.compile(r"%([A-Z_]+)%")

_SECRETS: Final[dict[str, dict[str, Any]]] = {
    "api_key": {
        "type": "string",
        "title": "API Key",
        "description": "Your key for the API.",
        "minLength": 1,
        "writeOnly": True,
    },
    "user_name": {
        "type": "string",
        "title": "User Name",
        "description": "The name you log in with.",
        "minLength": 1,
    },
    "password": {
        "type": "string",
        "title": "Password",
        "description": "The password that belongs to it.",
        "minLength": 1,
        "writeOnly": True,
    },
    "client_id": {
        "type": "string",
        "title": "Client ID",
        "description": "Of the registered client.",
        "minLength": 1,
    },
    "client_secret": {
        "type": "string",
        "title": "Client Secret",
        "description": "The secret of the registered client.",
        "minLength": 1,
        "writeOnly": True,
    },
}
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "bearer": ("api_key",),
    "header": ("api_key",),
    "query": ("api_key",),
    "basic": ("user_name", "password"),
    "oauth2_client_credentials": ("client_id", "client_secret"),
}
_AUTHS: Final = {
    "none": "kind: none",
    "bearer": "kind: bearer # sent as `Authorization: Bearer <key>`\nvalue: ${{ connection.api_key }}",
    "header": "kind: header\nname: %AUTH_NAME%\nvalue: ${{ connection.api_key }} # text around it is sent too: Token ${{ ... }}",
    "query": "kind: query # a header is safer, where the service takes one: URLs end up in logs\nname: %AUTH_NAME%\nvalue: ${{ connection.api_key }}",
    "basic": "kind: basic\nusername: ${{ connection.user_name }}\npassword: ${{ connection.password }}",
    "oauth2_client_credentials": (
        "kind: oauth2_client_credentials # the token is fetched, kept in memory, and renewed before it expires\n"
        "token_url: /oauth2/token # below base_url; a whole URL where tokens come from another host\n"
        "client_id: ${{ connection.client_id }}\n"
        "client_secret: ${{ connection.client_secret }}\n"
        "# scopes: [items.read]\n"
        "send_as: basic # or form: the id and the secret among the fields of the request for the token"
    ),
}
_ITEM: Final[dict[str, Any]] = {
    "id": {"type": "string", "title": "ID", "description": "Of the item at the service."},
    "name": {"type": "string", "title": "Name", "description": "What people call it."},
    "created_at": {
        "type": "string",
        "title": "Created At",
        "description": "When it was made, as the service writes it.",
    },
}
_ANSWERED: Final[dict[str, Any]] = {
    "id": {"type": "string"},
    "name": {"type": "string"},
    "created_at": {"type": ["string", "null"], "format": "date-time"},
}


def files_of(wish: Wish) -> dict[str, str]:
    """The files of a new connector, by their paths in its folder."""
    return {
        "connector.yaml": _filled("connector.yaml.txt", _connector(wish)),
        f"actions/{wish.action}.yaml": _filled("action.yaml.txt", _action(wish)),
    }


def write_new(wish: Wish, parent: Path) -> Path:
    """Write a new connector into a folder of its name, and give that folder.

    Args:
        wish: the connector.
        parent: where the folder is made.

    Raises:
        InputError: there is something of that name.
        OSError: it cannot be written; nothing is left behind.
    """
    folder = parent / wish.name
    if os.path.lexists(folder):
        hint = "Choose another name, or another place with --in; nothing there was touched."
        raise InputError([Problem(str(folder), "It is there already.", hint)])
    texts = files_of(wish)
    parent.mkdir(parents=True, exist_ok=True)
    staging = parent / f".{wish.name}.{os.getpid()}-{os.urandom(8).hex()}.new"
    try:
        for name, text in texts.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _connector(wish: Wish) -> dict[str, str]:
    fields = _FIELDS[wish.auth]
    secrets = [name for name in fields if _SECRETS[name].get("writeOnly")]
    variables = " and ".join(f"the {_SECRETS[name]['title']}" for name in fields)
    return {
        "ID": wish.name,
        "NAME": _scalar(title_of(wish.name)),
        "DESCRIPTION": _scalar(f"What people can do with {title_of(wish.name)}, in one sentence."),
        "BASE_URL": _scalar(wish.base_url),
        "ENV": wish.name.upper(),
        "REQUIRED": f"[{', '.join(['connection_name', *fields])}]",
        "FIELDS": yaml_text({name: _SECRETS[name] for name in fields}) if fields else "",
        "AUTH": _AUTHS[wish.auth].replace("%AUTH_NAME%", _scalar(wish.auth_name)),
        "CREDENTIAL_HINT": _scalar(
            f"Check {variables} of the connection."
            if secrets
            else "The service wants to know who asks: choose another auth."
        ),
    }


def _action(wish: Wish) -> dict[str, str]:
    title = title_of(wish.action)
    inputs: dict[str, Any] = {
        name: {
            "type": "string",
            "title": title_of(name),
            "description": "Which one: it stands in the path.",
            "minLength": 1,
        }
        for name in wish.path_inputs
    }
    required = list(inputs)
    example: dict[str, Any] = dict.fromkeys(inputs, "example-1")
    request, response, outputs, taken = _by_kind(wish, inputs, required, example)
    schema: dict[str, Any] = {"type": "object", "additionalProperties": False}
    schema |= {"required": required} if required else {}
    reads = "reads_only: true # it changes nothing at the service"
    return {
        "ID": wish.action,
        "NAME": _scalar(title),
        "DESCRIPTION": _scalar("What it does, in one sentence for people."),
        "READS_ONLY": reads if wish.method == "GET" else "",
        "INPUTS": yaml_text({**schema, "properties": inputs}),
        "OUTPUTS": yaml_text(outputs),
        "METHOD": wish.method,
        "PATH": _scalar(wish.template),
        "REQUEST": yaml_text(request) if request else "",
        "RESPONSE": yaml_text(response),
        "TAKEN": yaml_text(taken),
        "EXAMPLE_TITLE": _scalar("The usual case"),
        "EXAMPLE": yaml_text(example).strip() if not example else "\n" + yaml_text(example),
    }


_Parts = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]


def _by_kind(wish: Wish, inputs: dict[str, Any], required: list[str], example: dict[str, Any]) -> _Parts:
    """The request's further parts, the response schema, the outputs and their expressions; inputs are added."""

    def add(name: str, schema: Mapping[str, Any], value: Any) -> str:
        name = name if name not in inputs else f"{name}_value"
        inputs[name], example[name] = schema, value
        return f"${{{{ inputs.{name} }}}}"

    one = {"type": "object", "required": ["id"], "properties": _ANSWERED}
    if wish.kind == "lists":
        limit = {
            "type": "integer",
            "title": "Limit",
            "description": "How many to give.",
            "minimum": 1,
            "maximum": 100,
        }
        query = {"limit": add("limit", {**limit, "default": 20}, 5)}
        response = {
            "type": "object",
            "required": ["items"],
            "properties": {"items": {"type": "array", "items": one}},
        }
        count = {"type": "integer", "title": "Count", "description": "How many there are here."}
        rows = {
            "type": "array",
            "title": "Items",
            "items": {"type": "object", "required": ["id"], "properties": _ITEM},
        }
        outputs = {
            "type": "object",
            "required": ["items", "count"],
            "properties": {"items": rows, "count": count},
        }
        row = "${{ response.body.items[].{id: id, name: name, created_at: created_at} }}"
        return (
            {"query": query},
            response,
            outputs,
            {"items": row, "count": "${{ length(response.body.items) }}"},
        )
    if wish.kind == "deletes":
        status = {"type": "integer", "title": "Status", "description": "The HTTP status of the answer."}
        outputs = {"type": "object", "required": ["status"], "properties": {"status": status}}
        return {}, {"type": ["object", "null"]}, outputs, {"status": "${{ response.status }}"}
    outputs = {"type": "object", "required": ["id"], "properties": _ITEM}
    taken = {name: f"${{{{ response.body.{name} }}}}" for name in _ITEM}
    if wish.kind == "reads":
        return {}, one, outputs, taken
    text = {"type": "string", "minLength": 1}
    body = {
        "name": add("name", {**text, "title": "Name", "description": "What people call it."}, "A first item")
    }
    required.append(next(reversed(inputs)))
    body["note"] = add(
        "note", {"type": "string", "title": "Note", "description": "A few words about it."}, "Made by hand"
    )
    return {"body": body}, one, outputs, taken


def _scalar(text: str) -> str:
    """A text as YAML writes it in one line."""
    return yaml_text(text).strip()


def _filled(name: str, given: Mapping[str, str]) -> str:
    """The text of a file. What has several lines stands at the depth of its place; a line left empty is left out."""
    template = files("connector.new").joinpath("templates", name).read_text(encoding="utf-8")
    lines = []
    for line in template.splitlines():
        if (alone := _PLACE.fullmatch(line.strip())) is not None:
            indent = line[: len(line) - len(line.lstrip())]
            block = given[alone[1]].rstrip().split("\n")
            lines += [f"{indent}{part}".rstrip() for part in block if part]
        elif line.rstrip().endswith(": %EXAMPLE%") and given["EXAMPLE"].startswith("\n"):
            indent = line[: len(line) - len(line.lstrip())] + "  "
            lines.append(line.replace(" %EXAMPLE%", ""))
            lines += [f"{indent}{part}" for part in given["EXAMPLE"].strip("\n").split("\n")]
        else:
            lines.append(_PLACE.sub(lambda found: given[found[1]], line))
    return "\n".join(lines) + "\n"
