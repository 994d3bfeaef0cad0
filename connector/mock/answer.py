"""The answer that a route expects: made from its response schema, so that its outputs can be read and it is no failure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from connector.connection import is_header_value
from connector.evaluate import Drift, Tables, is_true, text_of
from connector.manifest import Action, Route
from connector.mock.places import NOTHING, Place, found
from connector.mock.search import Cost, Move, improved
from connector.mock.sought import SOUGHT, Clue, clues, declared, enriched
from connector.mock.value import choices, is_required, schema_at, value_for
from connector.output_types import Mismatch
from connector.schema import Checker, Schema
from connector.template import Expression, Insert, Text

_OWN_HEADERS: Final = {"content-type", "content-length", "transfer-encoding", "connection", "x-request-id"}
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_BODIES: Final[dict[str, Schema]] = {
    "json": {},
    "text": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}
_NO_BODY: Final = {204, 205, 206}
_MOST_MOVES: Final = 150


@dataclass(frozen=True)
class Made:
    """An answer. `headers` are those that the outputs read; `wrong` says in sentences what could not be met."""

    body: Any
    status: int
    headers: Mapping[str, str]
    wrong: tuple[str, ...] = ()

    def scope(self, inputs: Mapping[str, Any], text: str | None = None) -> dict[str, Any]:
        """What the route's expressions see."""
        answer = {"body": self.body, "status": self.status, "headers": self.headers, "text": text}
        return {"inputs": inputs, "response": answer}


@dataclass(frozen=True)
class Wanted:
    """What is wanted of the answers of one route.

    Attributes:
        action, route: whose answers.
        tables: of the connector.
        final: whether an answer that is waited for is there; False: it takes its time.
    """

    action: Action
    route: Route
    tables: Tables
    final: bool = True

    def wrong(self, made: Made, inputs: Mapping[str, Any], text: str | None = None) -> list[str]:
        """What makes a run fail with the answer, as sentences."""
        scope = made.scope(inputs, text)
        sentences = [
            f"failures[{number}] calls it a failure"
            for number, failure in enumerate(self.route.failures)
            if _holds(failure.when, scope)
        ]
        if self.route.poll is not None and _holds(self.route.poll.until, scope) is not self.final:
            sentences.append("poll.until takes it for " + ("not final" if self.final else "final"))
        sentences += [f"the output {name} {what}" for name, _, what in self._misread(scope) if what]
        return sentences

    def empty(self, made: Made, inputs: Mapping[str, Any]) -> list[str]:
        """The outputs that have no value with the answer."""
        return [name for name, value, _ in self._misread(made.scope(inputs)) if value is None]

    def _misread(self, scope: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
        """The outputs, each with its value and with what is wrong with it."""
        required = self.action.outputs.get("required", ())
        for name, (_, typed) in self.action.typed_outputs.items():
            template = self.route.outputs.get(name)
            if template is None:
                continue
            try:
                value = template.fill(scope)
                value = None if value is None else typed(value)
            except (Drift, Mismatch) as error:
                yield name, None, f"cannot be read: {error}"
                continue
            yield name, value, "has no value" if value is None and name in required else ""

    @cached_property
    def schema(self) -> Schema:
        """Of the whole answer: its body, status and headers, with what the expressions look for."""
        body = {**_BODIES[self.route.answer], **self.route.response}
        whole = {
            "type": "object",
            "required": ["body", "status", "headers"],
            "properties": {
                "body": body,
                "status": {"const": 200},
                "headers": {"type": "object", "properties": {}},
            },
        }
        known = (clue for clue in self._clues() if clue.place[:1] == ("response",) and len(clue.place) > 1)
        shifted = (Clue(clue.place[1:], clue.schema, clue.values) for clue in known)
        return enriched(whole, shifted)

    def _clues(self) -> Iterator[Clue]:
        yield from _of_outputs(self.action, self.route, self.tables)
        for expression in self._conditions:
            yield from clues(expression.node, self.tables)

    @property
    def _conditions(self) -> list[Expression]:
        poll = [self.route.poll.until] if self.route.poll else []
        paths = [self.route.poll.path] if self.route.poll else []
        inner = [expression for path in paths for _, expression, _ in path.expressions()]
        return [*(failure.when for failure in self.route.failures), *poll, *inner]

    def places(self) -> list[Place]:
        """Where the conditions and the outputs look, and what stands around these places."""
        found: dict[Place, None] = {}
        for clue in (*(c for e in self._conditions for c in clues(e.node, self.tables)), *self._clues()):
            if clue.place[:1] == ("response",):
                for end in range(len(clue.place), 2, -1):
                    found[clue.place[1:end]] = None
        return list(found)


def _of_outputs(action: Action, route: Route, tables: Tables) -> Iterator[Clue]:
    for name, template in route.outputs.items():
        schema = action.output_fields.get(name, {})
        piece = template.piece
        nodes = [piece.expression.node] if isinstance(piece, Insert) else []
        if isinstance(piece, Text):
            nodes, schema = [part.node for part in piece.parts if isinstance(part, Expression)], {}
        for node in nodes:
            yield from clues(node, tables)
            yield from declared(node, schema)


def answer_for(wanted: Wanted, inputs: Mapping[str, Any], others: tuple[Wanted, ...] = ()) -> Made:
    """The answer to a request.

    Args:
        wanted: what its route wants.
        inputs: as far as the request shows them.
        others: what else may read the same answer; they are satisfied as far as that costs nothing.

    Raises:
        CannotMakeError: the schema asks for more than a mock gives.
    """
    value = value_for(wanted.schema, wanted.action.id)
    for other in others:
        value = _filled_up(value, value_for(other.schema, other.action.id))
    checker = Checker(wanted.route.response)

    def cost(value: Any) -> Cost:
        made = _made(value)
        wrong = len(wanted.wrong(made, inputs))
        soft = len(wanted.empty(made, inputs)) + sum(len(other.wrong(made, inputs)) for other in others)
        return wrong, soft + bool(checker.problems(made.body, "field"))

    value, _ = improved(value, lambda _: _moves(wanted), cost)
    made = _made(value)
    misfits = [f"{one.where}: {one.message}" for one in checker.problems(made.body, "field")[:3]]
    return Made(made.body, made.status, made.headers, (*wanted.wrong(made, inputs), *misfits))


def _moves(wanted: Wanted) -> list[Move]:
    moves: list[Move] = []
    for place in wanted.places():
        schema = schema_at(wanted.schema, place)
        if place[0] == "status":
            moves += [(place, value) for value in schema.get(SOUGHT, ()) if _is_success(value)]
        elif place[0] == "body":
            moves += [(place, value) for value in choices(schema)]
            moves += [] if is_required(wanted.schema, place) or len(place) < 2 else [(place, NOTHING)]
    return moves[:_MOST_MOVES]


def _is_success(value: Any) -> bool:
    return isinstance(value, int) and 200 <= value < 300 and value not in _NO_BODY


def _made(value: Any) -> Made:
    status = found(value, ("status",))
    given = found(value, ("headers",)) or {}
    headers = {name: text_of(text) for name, text in given.items() if _can_be_sent(name, text)}
    return Made(found(value, ("body",)), status if _is_success(status) else 200, headers)


def _can_be_sent(name: str, value: Any) -> bool:
    return name not in _OWN_HEADERS and bool(_HEADER_NAME.match(name)) and is_header_value(text_of(value))


def _filled_up(value: Any, other: Any) -> Any:
    """An object with the fields of another one that it has not."""
    if not (isinstance(value, dict) and isinstance(other, dict)):
        return value
    return {
        **{name: _filled_up(inner, other.get(name)) for name, inner in value.items()},
        **{name: inner for name, inner in other.items() if name not in value},
    }


def _holds(expression: Expression, scope: Mapping[str, Any]) -> bool:
    try:
        return is_true(expression.evaluate(scope))
    except Drift:
        return False
