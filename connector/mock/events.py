"""The events of a stream, such that the route's `stream` reads the pieces of a text and then the whole answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connector.evaluate import Drift, Tables, is_true
from connector.expression import Node
from connector.manifest import Stream
from connector.mock.places import NOTHING, Place, changed, results
from connector.mock.search import Cost, Move, improved
from connector.mock.sought import clues
from connector.template import Expression

PIECES: Final = ("This ", "text ", "comes ", "in ", "pieces.")
TEXT: Final = "".join(PIECES)
_ANOTHER: Final = "another"  # a word that nothing is compared with


def events_for(stream: Stream, answer: Any, tables: Tables) -> list[dict[str, Any]] | None:
    """The events of a stream that ends with an answer; None where the expressions are too involved to be met.

    Args:
        stream: how the route reads events.
        answer: what `stream.body` is to give in the end.
        tables: of the connector.
    """
    begin = [_piece(stream, tables, piece) for piece in PIECES]
    last = _last(stream, tables, answer)
    if last is None or None in begin:
        return None
    return [*(event for event in begin if event is not None), last]


def _piece(stream: Stream, tables: Tables, text: str) -> dict[str, Any] | None:
    def wrong(event: Any) -> int:
        value = _given(stream.delta, event)
        return sum((value != text, _is(stream.done, event), _is(stream.failed, event)))

    starts = [changed({}, place, text) for place in _places(stream.delta.node)]
    return _best(starts, _moves(stream, tables), wrong)


def _last(stream: Stream, tables: Tables, answer: Any) -> dict[str, Any] | None:
    def wrong(event: Any) -> int:
        value, delta = _given(stream.body, event), _given(stream.delta, event)
        ends = [not _is(stream.done, event), _is(stream.failed, event), not _has(value, answer)]
        return sum(ends) + (delta is not None and delta != "")

    starts = [changed({}, place, answer) for place in _places(stream.body.node)]
    return _best(starts, _moves(stream, tables), wrong)


def _best(starts: Sequence[Any], moves: Sequence[Move], wrong: Any) -> dict[str, Any] | None:
    def cost(event: Any) -> Cost:
        return wrong(event), 0

    for start in starts:
        if isinstance(start, dict):
            event, (left, _) = improved(start, lambda _: moves, cost)
            if not left:
                return dict(event)
    return None


def _moves(stream: Stream, tables: Tables) -> list[Move]:
    moves: list[Move] = []
    for expression in filter(None, (stream.done, stream.delta, stream.body, stream.failed)):
        for clue in clues(expression.node, tables):
            if clue.place[:1] == ("event",) and len(clue.place) > 1:
                place = clue.place[1:]
                moves += [(place, value) for value in (*clue.values, _ANOTHER, True, {}, NOTHING)]
    return moves


def _places(node: Node) -> list[Place]:
    return [spot.place[1:] for spot in results(node) if spot.place[:1] == ("event",)]


def _given(expression: Expression, event: Mapping[str, Any]) -> Any:
    try:
        return expression.evaluate({"event": event})
    except Drift:
        return NOTHING


def _is(expression: Expression | None, event: Mapping[str, Any]) -> bool:
    value = None if expression is None else _given(expression, event)
    return value is not NOTHING and is_true(value)


def _has(value: Any, answer: Any) -> bool:
    """Whether it is the answer, or an event that holds all of it."""
    if isinstance(value, dict) and isinstance(answer, dict):
        return all(name in value for name in answer)
    return bool(value == answer)
