"""An example of an action in other words: YAML, Python, cURL."""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from connector import request
from connector.connection import Connection, resolve
from connector.errors import ConnectorError
from connector.importing.yaml_text import yaml_text
from connector.manifest import Action, Connector, Example
from connector.plan import plan
from connector.secret import Secret

_WIDTH: Final = 100
_LONG_AGO: Final = date(1970, 1, 1)  # what is old gives a warning, and nothing here shows it


def yaml_sample(place: str, action: Action, example: Example) -> str:
    """The example as a step of a workflow would say it."""
    step: dict[str, Any] = {"action": f"{place}.{action.id}"}
    if example.route is not None:
        step["route"] = example.route
    return yaml_text({**step, "inputs": example.inputs})


def python_sample(place: str, connector: Connector, action: Action, example: Example) -> str:
    """The example as a program."""
    name = variable(connector)
    arguments = [literal(action.id), literal(dict(example.inputs), room=_WIDTH - 8)]
    if example.route is not None:
        arguments.append(f"route={literal(example.route)}")
    call = f"{name}.run({', '.join(arguments)})"
    if "\n" in call or len(call) > _WIDTH - 13:
        lines = "".join(f"{argument},\n" for argument in arguments)
        call = indent(f"{name}.run(\n{indent(lines)})").lstrip()
    return (
        f"import connector\n\nwith connector.connect({literal(place)}) as {name}:\n    result = {call}\n"
        "print(result.outputs)\n"
    )


def literal(value: Any, room: int = _WIDTH) -> str:
    """A JSON value in Python, over several lines where one has no room."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)):
        return repr(value)
    opens, closes = "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, dict):
        parts = [f"{literal(str(name))}: {literal(inner, room - 4)}" for name, inner in value.items()]
    else:
        parts = [literal(inner, room - 4) for inner in value]
    line = f"{opens}{', '.join(parts)}{closes}"
    if "\n" not in line and len(line) <= room:
        return line
    lines = "".join(f"{part},\n" for part in parts)
    return f"{opens}\n{indent(lines)}{closes}"


def variable(connector: Connector) -> str:
    """What a program calls the open connection."""
    is_taken = keyword.iskeyword(connector.id) or connector.id in {"connector", "result", "print"}
    return f"{connector.id}_" if is_taken else connector.id


def curl_sample(connector: Connector, action: Action, example: Example) -> str | None:
    """The example as a cURL command that takes secrets from the environment; None where none can be made."""
    try:
        looked_at = stand_in(connector)
        settings = looked_at.settings
        planned = plan(
            connector, action, example.inputs, today=_LONG_AGO, settings=settings, route=example.route
        )
        return request.curl(planned, looked_at)
    except ConnectorError:  # lint says why
        return None


def stand_in(connector: Connector) -> Connection:
    """A connection with a value for every field that it needs, none of them real.

    Raises:
        CredentialError: if the form takes none of them.
    """
    form = connector.connection
    required = [name for name in form.fields.get("required", ()) if name not in form.defaults]
    needed = {name: _value(name, form.form.get(name, {})) for name in required if name not in form.secrets}
    secrets = {name: Secret("test-not-a-key") for name in form.secrets}
    return resolve(connector, {**needed, **secrets}, environ={})


def _value(name: str, schema: Mapping[str, Any]) -> Any:
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    if "url" in name or schema.get("format") == "uri":
        return "https://api.example.com"
    return f"your-{name.replace('_', '-')}"


def indent(lines: str) -> str:
    """Four spaces to the right; a text may hold what other functions take for the end of a line."""
    return "\n".join(f"    {line}" if line else line for line in lines.split("\n"))
