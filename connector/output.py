"""From a Reply to flat, typed outputs: the same names and types whichever route carried the action out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.errors import OutputError
from connector.evaluate import Drift
from connector.output_types import Mismatch, type_word
from connector.plan import Plan
from connector.response import Reply


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
    action, fillers = plan.action, plan.route.output_fillers
    required = action.outputs.get("required", ())
    outputs: dict[str, Any] = {}
    name = ""
    try:
        for name, (exact, give) in action.typed_outputs.items():
            fill = fillers.get(name)
            value = None if fill is None else fill(scope)
            if value is None and name in required:
                raise _error(reply, name, type_word(action.output_fields[name]), "nothing")
            outputs[name] = value if value is None or type(value) is exact else give(value)
    except Drift as drift:
        raise _error(reply, name, drift.expected, drift.got, f"at {drift.step}") from None
    except Mismatch as mismatch:
        raise _error(reply, f"{name}{mismatch.path}", mismatch.expected, mismatch.got) from None
    return Result(outputs, plan.warnings, action.id, plan.route_id, attempts, reply.status, reply.request_id)


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
