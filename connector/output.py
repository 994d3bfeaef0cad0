"""From a Reply to flat, typed outputs: the same names and types whichever route carried the action out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.errors import OutputError
from connector.evaluate import Drift, type_name
from connector.plan import Plan
from connector.response import Reply
from connector.schema import Schema


@dataclass(frozen=True)
class Result:
    """What an action gives.

    Attributes:
        outputs: every output of the action by name; null where the answer has none.
        warnings: what the caller should know, such as an input that the route cannot carry.
        action, route: what was run.
        attempts: how many requests it took.
        status, request_id: of the answer.
    """

    outputs: Mapping[str, Any]
    warnings: tuple[str, ...]
    action: str
    route: str
    attempts: int
    status: int
    request_id: str | None


@dataclass(frozen=True)
class Event:
    """A piece of an answer that streams, or of one that is waited for.

    Attributes:
        type: the service's word for it, such as `response.output_text.delta`; for an answer that is asked
            for again, its status.
        delta: the piece of text, or None.
        result: None but in the last event, where it is what `run` gives.
    """

    type: str
    delta: str | None = None
    result: Result | None = None


def pick(plan: Plan, reply: Reply, *, attempts: int = 1) -> Result:
    """Evaluate the route's outputs on the reply.

    Raises:
        OutputError: if the answer does not give what the action promises.
    """
    scope = {
        "inputs": plan.inputs,
        "response": {
            "body": reply.body,
            "status": reply.status,
            "headers": reply.headers,
            "text": reply.text,
        },
    }
    required = plan.action.outputs.get("required", ())
    outputs: dict[str, Any] = {}
    for name, schema in plan.action.output_fields.items():
        template = plan.route.outputs.get(name)
        try:
            value = template.fill(scope) if template else None
        except Drift as drift:
            raise _error(reply, name, drift.expected, drift.got, f"at {drift.step}") from None
        if value is None:
            if name in required:
                raise _error(reply, name, _word(schema), "nothing")
            outputs[name] = None
        else:
            outputs[name] = _typed(reply, name, value, schema)
    return Result(
        outputs, plan.warnings, plan.action.id, plan.route_id, attempts, reply.status, reply.request_id
    )


def _typed(reply: Reply, path: str, value: Any, schema: Schema) -> Any:
    """The value, if it is of the declared type; rows get every declared column."""
    kind = schema.get("type")
    if kind == "array" and isinstance(value, list):
        return [_typed(reply, f"{path}[{i}]", item, schema.get("items", {})) for i, item in enumerate(value)]
    if kind == "object" and isinstance(value, dict) and "properties" in schema:
        columns: Mapping[str, Schema] = schema.get("properties", {})
        return {
            name: None
            if (inner := value.get(name)) is None
            else _typed(reply, f"{path}.{name}", inner, column)
            for name, column in columns.items()
        }
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    accepted = _ACCEPTED.get(str(kind))
    if accepted and (not isinstance(value, accepted) or (isinstance(value, bool) and kind != "boolean")):
        raise _error(reply, path, _word(schema), type_name(value))
    return value


_ACCEPTED: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _word(schema: Schema) -> str:
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}
    kind = str(schema.get("type", "a value"))
    return words.get(kind, kind)


def _error(reply: Reply, field: str, expected: str, got: str, at: str = "") -> OutputError:
    place = f" {at}" if at else ""
    return OutputError(
        f"The output {field!r} should be {expected}, but the answer has {got}{place}.",
        field=field,
        expected=expected,
        got=got,
        where=reply.where,
        hint="The API may have changed, or something else answered: check base_url, and for a newer connector.",
        request_id=reply.request_id,
    )
