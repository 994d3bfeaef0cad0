"""Refusals in the shape that the connector's `errors` read, so that its own mapping shows the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connector.evaluate import Drift
from connector.manifest import Connector, ErrorKind
from connector.mock.places import Place, changed, results
from connector.template import Expression

USUAL: Final[dict[ErrorKind, int]] = {
    "bad_input": 400,
    "bad_credential": 401,
    "not_found": 404,
    "server_fault": 500,
}
"""The status that a refusal of a kind has, unless the connector knows another one."""

_BODY: Final = ("response", "body")


def status_of(connector: Connector, kind: ErrorKind) -> int:
    """The status with which a service of this connector refuses."""
    known = [status for rule in connector.errors.kinds if rule.kind == kind for status in rule.status]
    failures = [status for status in known if 400 <= status < 600]
    return USUAL[kind] if USUAL[kind] in failures or not failures else failures[0]


def refusal_body(connector: Connector, status: int, message: str, word: str, param: str | None = None) -> Any:
    """The body of a refusal.

    Args:
        connector: whose `errors` read it.
        status: of the refusal.
        message: for people.
        word: the service's word for the failure, where the connector names none for this status.
        param: what is complained about.
    """
    errors = connector.errors
    rules = [rule for rule in errors.kinds if status in rule.status]
    # the rule that asks for no word of the service, else the first: its word has to be there
    rule = next((one for one in rules if not one.types), rules[0] if rules else None)
    kind = rule.types[0] if rule is not None and rule.types else word
    taken = {other for one in rules if one is not rule for other in one.types}
    kind = f"{kind}_here" if kind in taken else kind
    made: Any = None
    for place in _places(errors.message)[:1]:
        made = changed(made, place, message)
    for place in _places(errors.type)[:1]:
        # where both are read in one place, the word decides if a rule asks for it
        is_asked = rule is not None and bool(rule.types)
        made = changed(made, place, kind) if is_asked else _beside(made, place, kind)
    for place in _places(errors.input)[:1]:
        made = _beside(made, place, param)
    if _said(errors.message, made, status) is None:
        made = made or {"error": {"message": message, "type": kind}}
    return made


def _beside(made: Any, place: Place, value: Any) -> Any:
    """With a value at a place where nothing stands, nor around it."""
    if value is None:
        return made
    for end in range(len(place) + 1):
        here = _at(made, place[:end])
        if here is None:
            return changed(made, place, value)
        if not isinstance(here, (dict, list)):
            return made
    return made


def _at(value: Any, place: Place) -> Any:
    for step in place:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _places(expression: Expression | None) -> list[Place]:
    return list(_found(expression)) if expression is not None else []


def _found(expression: Expression) -> Iterator[Place]:
    """Where the expression reads, places of whole lists last: one of them would hold the text in an item."""
    spots = [spot.place for spot in results(expression.node) if spot.place[:2] == _BODY]
    yield from sorted((place[2:] for place in spots), key=lambda place: None in place)


def _said(expression: Expression, body: Any, status: int) -> Any:
    try:
        return expression.evaluate({"response": {"body": body, "status": status}})
    except Drift:
        return None
