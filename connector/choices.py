"""The choices of an input that the service itself lists, such as models: proposed to people, never enforced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from connector.errors import InputError, Problem, did_you_mean
from connector.manifest import Action, Connector, Options


@dataclass(frozen=True)
class Choices:
    """What an input may be.

    Attributes:
        values: in the service's order.
        source: the service itself, the connector's snapshot of its list, or the input's schema.
    """

    values: tuple[Any, ...]
    source: Literal["service", "snapshot", "schema"]


def declared(action: Action, name: str) -> Choices | Options:
    """What the manifest says of an input's choices: the choices, or where to ask for them.

    Raises:
        InputError: if the action has no such input.
    """
    schema = action.input_fields.get(name) if isinstance(name, str) else None
    if schema is None:
        text = str(name)[:60]
        hint = did_you_mean(text, action.input_fields)
        raise InputError([Problem(text, f"{action.id} has no such input.", hint)])
    if name in action.options:
        return action.options[name]
    values = schema.get("enum") or schema.get("examples") or ()
    return Choices(tuple(values), "schema")


def snapshot(connector: Connector, options: Options) -> Choices:
    """The choices when the service cannot be asked: those of the connector's table."""
    return Choices(tuple(connector.tables.get(options.fallback, {})), "snapshot")
