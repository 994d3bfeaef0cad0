"""Templates: YAML values with `${{ expression }}` in them, compiled once and filled for every request.

1. A scalar that is exactly one `${{ }}` becomes the value itself, with its type: the text "2024" stays text.
   With text around it, it becomes text.
2. A mapping entry or list item whose value is absent or null is left out, and so is a mapping or list that
   this leaves empty. "", 0, false, {} and [] are values and stay.
3. One pass: what an expression gives is never read again, whatever it contains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connector.compiling import Evaluator, Mode, compile_node
from connector.evaluate import Drift, Tables, text_of
from connector.expression import Node, references

Scope = Mapping[str, Any]
Filler = Callable[[Scope], Any]
SPREAD = "..."
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Expression:
    """One `${{ }}`, compiled when it is first evaluated. `text` is what stands between the braces.

    `tables` are those it looks up in. Pickled, it is these four; what is compiled stays behind.
    """

    text: str
    node: Node
    mode: Mode = field(default=Mode(), repr=False, compare=False)
    tables: Tables = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def evaluate(self) -> Evaluator:
        """The value for a scope such as {"inputs": {...}}."""
        return compile_node(self.node, self.tables, self.mode)

    @cached_property
    def references(self) -> tuple[tuple[str, ...], ...]:
        """The paths it reads, such as ("inputs", "model")."""
        return tuple(references(self.node))

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.text, self.node, self.mode, self.tables)


@dataclass(frozen=True)
class Static:
    """A value without expressions."""

    value: Any


@dataclass(frozen=True)
class Insert:
    """Exactly one expression: its value, with its type."""

    expression: Expression


@dataclass(frozen=True)
class Text:
    """Expressions with text around them."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True)
class Entries:
    entries: tuple[tuple[str, Piece], ...]


@dataclass(frozen=True)
class Spread:
    """In a list, an item `"...": ${{ }}`: the items of the expression's list stand here, if there is one."""

    expression: Expression


@dataclass(frozen=True)
class Items:
    items: tuple[Piece, ...]


Piece = Static | Insert | Text | Entries | Spread | Items


@dataclass(frozen=True)
class Template:
    """A YAML value, compiled when it is first filled."""

    piece: Piece

    @cached_property
    def fill(self) -> Filler:
        """The value for a scope such as {"inputs": {...}}; None where nothing is left."""
        return _filler(self.piece)

    def given(self, names: frozenset[str]) -> Template:
        """The same for inputs of these names only: what the others would give is filled already."""
        return Template(_given(self.piece, names))

    def expressions(self) -> Iterator[tuple[Path, Expression, bool]]:
        """Every expression with its path in the YAML value, and whether text stands around it."""
        yield from _expressions(self.piece, ())

    def __reduce__(self) -> tuple[Any, ...]:
        return Template, (self.piece,)


def fill(piece: Piece, scope: Scope) -> Any:
    """One pass over a value that is filled once only. None means: leave it out."""
    return _filler(piece)(scope)


def _given(piece: Piece, names: frozenset[str]) -> Piece:
    """See Template.given."""
    match piece:
        case Insert(expression):
            return _without_inputs(piece) if _is_idle(expression, names) else piece
        case Text(parts):
            read = [part for part in parts if isinstance(part, Expression)]
            return _without_inputs(piece) if all(_is_idle(part, names) for part in read) else piece
        case Entries(entries):
            kept = [(name, left) for name, inner in entries if (left := _given(inner, names)) != _LEFT_OUT]
            return Entries(tuple(kept)) if kept or not entries else _LEFT_OUT
        case Items(items):
            rest = [left for inner in items if (left := _given(inner, names)) != _LEFT_OUT]
            return Items(tuple(rest)) if rest or not items else _LEFT_OUT
        case Static() | Spread():
            return piece


def _is_idle(expression: Expression, names: frozenset[str]) -> bool:
    """Whether it reads inputs, and none of these names."""
    read = expression.references
    return bool(read) and all(path[0] == "inputs" and len(path) > 1 and path[1] not in names for path in read)


def _without_inputs(piece: Piece) -> Piece:
    try:
        value = fill(piece, {"inputs": {}})
    except Drift:  # told where it is filled
        return piece
    # a list or an object is made anew for each request: whoever changes one changes no other
    return piece if isinstance(value, (list, dict)) else Static(value)


_LEFT_OUT = Static(None)


def _filler(piece: Piece) -> Filler:
    """The function that fills a value."""
    match piece:
        case Insert(expression) | Spread(expression):
            return expression.evaluate
        case Static(value):
            return lambda scope: value
        case Entries(entries):
            return _fill_entries(tuple((name, _filler(inner)) for name, inner in entries))
        case Items(items):
            return _fill_items(tuple((_filler(inner), isinstance(inner, Spread)) for inner in items))
        case Text(parts):
            return _fill_text(tuple(part if isinstance(part, str) else part.evaluate for part in parts))


def _fill_entries(entries: tuple[tuple[str, Filler], ...]) -> Filler:
    def fill(scope: Scope) -> Any:
        filled = {name: value for name, inner in entries if (value := inner(scope)) is not None}
        return filled if filled or not entries else None

    return fill


def _fill_items(items: tuple[tuple[Filler, bool], ...]) -> Filler:
    def fill(scope: Scope) -> Any:
        values = []
        for inner, is_spread in items:
            value = inner(scope)
            if is_spread and isinstance(value, list):
                values += value
            elif value is not None:
                values.append(value)
        return values if values or not items else None

    return fill


def _fill_text(parts: tuple[str | Filler, ...]) -> Filler:
    def fill(scope: Scope) -> Any:
        texts = [part if isinstance(part, str) else part(scope) for part in parts]
        return None if None in texts else "".join(map(text_of, texts))

    return fill


def _expressions(piece: Piece, path: Path) -> Iterator[tuple[Path, Expression, bool]]:
    match piece:
        case Insert(expression):
            yield path, expression, False
        case Spread(expression):
            yield (*path, SPREAD), expression, False
        case Text(parts):
            yield from ((path, part, True) for part in parts if isinstance(part, Expression))
        case Entries(entries):
            for name, inner in entries:
                yield from _expressions(inner, (*path, name))
        case Items(items):
            for index, inner in enumerate(items):
                yield from _expressions(inner, (*path, index))
