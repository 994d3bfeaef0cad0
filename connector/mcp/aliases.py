"""Tools by the names and inputs of other servers, from YAML: `aliases/vendor.yaml`, `aliases/directory.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from connector.document import parse
from connector.manifest import Connector
from connector.mcp.shapes import portable
from connector.mcp.tools import Alias, Refusal, Tool, described
from connector.schema import Checker, Schema
from connector.template_parser import Within

Kind = Literal["vendor", "directory"]
_FOLDER = Path(__file__).with_name("aliases")
_REQUEST = Within("inputs", omit_null=True)


def aliases(kind: Kind, connector: Connector) -> dict[str, Tool]:
    """The tools of one file, by name, each carried out by an action of the connector."""
    file = _FOLDER / f"{kind}.yaml"
    found: Any = parse(file.read_text(encoding="utf-8"), str(file)).value
    entries = found["tools"]
    return {name: _alias(name, _whole(entry, entries), connector) for name, entry in entries.items()}


def _whole(entry: Mapping[str, Any], entries: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry with what it takes from the one that it is like."""
    like = entries[entry["like"]] if "like" in entry else {}
    return {**like, **entry, "sends": {**like.get("sends", {}), **entry.get("sends", {})}}


def _alias(name: str, entry: Mapping[str, Any], connector: Connector) -> Tool:
    action = connector.actions[entry["action"]] if "action" in entry else None
    inputs = {"type": "object", **entry["inputs"]}
    same = entry.get("same", ())
    if action is not None:
        own = {one: action.input_fields[one] for one in same}
        inputs["properties"] = {**inputs.get("properties", {}), **own}
    passed = {one: f"${{{{ inputs.{one} }}}}" for one in same}
    alias = Alias(
        Checker(inputs),
        _REQUEST.template({**passed, **entry.get("sends", {})}, connector.tables),
        entry.get("renamed", {}),
        entry.get("text"),
        frozenset(entry.get("ignored", ())),
    )
    open_world = action is not None and action.open_world
    return Tool(
        name=name,
        title=entry["title"],
        description=described(entry["description"], open_world=open_world),
        connector=connector,
        action=action,
        inputs=portable(inputs),
        outputs=None if action is None else portable(_outputs(action.outputs, alias)),
        reads_only=entry.get("reads_only", action is None or action.reads_only),
        idempotent=action is None or action.idempotent,
        destructive=action is not None and action.destructive,
        open_world=open_world,
        alias=alias if action is not None else None,
        refusal=Refusal(**entry["refusal"]) if action is None else None,
    )


def _outputs(schema: Schema, alias: Alias) -> dict[str, Any]:
    """The action's outputs by the names of that server, and the readable form beside them."""

    def named(names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        return ((alias.renamed.get(name, name), inner) for name, inner in names.items())

    text = {alias.text: {"type": "string", "description": _TEXT}} if alias.text else {}
    required = [alias.renamed.get(name, name) for name in schema.get("required", ())]
    return {
        **schema,
        "required": [*text, *required],
        "properties": {**text, **dict(named(schema["properties"]))},
    }


_TEXT = "The result as text: the answer, then numbered sources."
