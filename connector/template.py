"""Templates: YAML values with `${{ expression }}` in them, compiled once and filled for every request.

1. A scalar that is exactly one `${{ }}` becomes the value itself, with its type: the text "2024" stays text.
   With text around it, it becomes text.
2. A mapping entry or list item whose value is absent or null is left out, and so is a mapping or list that
   this leaves empty. "", 0, false, {} and [] are values and stay.
3. One pass: what an expression gives is never read again, whatever it contains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connector.compiling import Evaluator, Mode, compile_node
from connector.errors import did_you_mean
from connector.evaluate import Drift, Tables, text_of
from connector.expression import Call, Literal, Node, references
from connector.expression_syntax import ExpressionError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema

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


class TemplateError(ValueError):
    """Everything that is wrong in one template: paths inside it, and what is wrong there."""

    def __init__(self, problems: list[tuple[Path, ExpressionError]]) -> None:
        super().__init__("; ".join(error.message for _, error in problems))
        self.problems = problems


class Within:
    """What the expressions at a place of the manifest may see, and how they treat what is missing.

    Used as an annotation: `Annotated[Template, Within("inputs")]`. pydantic compiles the YAML value there;
    the validation context holds the connector's lookup tables under "tables".
    """

    def __init__(self, *roots: str, strict: bool = False, omit_null: bool = False) -> None:
        self.roots = roots
        self.mode = Mode(strict=strict, omit_null=omit_null)

    def template(self, value: Any, tables: Tables) -> Template:
        """Compile a YAML value.

        Raises:
            TemplateError: with every expression in it that is wrong.
        """
        problems: list[tuple[Path, ExpressionError]] = []
        piece = self._piece(value, tables, (), problems)
        if problems:
            raise TemplateError(problems)
        return Template(piece)

    def expression(self, value: Any, tables: Tables) -> Expression:
        """Compile a YAML scalar that is exactly one `${{ }}`.

        Raises:
            TemplateError: if it is not, or the expression is wrong.
        """
        template = self.template(value, tables)
        if not isinstance(template.piece, Insert):
            hint = "Write one `${{ ... }}` and nothing else."
            if isinstance(template.piece, Static) and isinstance(value, str):
                with suppress(ExpressionError):
                    _parse(value)
                    hint = f"Put braces around it: `${{{{ {value.strip()} }}}}`."
            raise TemplateError([((), ExpressionError("One expression belongs here.", hint, str(value)))])
        return template.piece.expression

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only reading a manifest needs it

        compile_value = self.expression if source is Expression else self.template

        def validate(value: Any, info: ValidationInfo) -> Any:
            return compile_value(value, (info.context or {}).get("tables", {}))

        is_one = source is Expression
        looks: Any = (
            core_schema.str_schema(pattern=r"^\$\{\{[\s\S]*\}\}$") if is_one else core_schema.any_schema()
        )
        return core_schema.with_info_plain_validator_function(validate, json_schema_input_schema=looks)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # for editors: what can be read here
        return {**handler(schema), "x-reads": list(self.roots)}

    def _piece(
        self, value: Any, tables: Tables, path: Path, problems: list[tuple[Path, ExpressionError]]
    ) -> Piece:
        piece: Piece
        if isinstance(value, dict):
            for name in value:
                if "${{" in name:
                    error = ExpressionError("A key cannot hold an expression.", "Write the name out.", name)
                    error.in_key = True
                    problems.append(((*path, name), error))
            piece = Entries(
                tuple((name, self._piece(v, tables, (*path, name), problems)) for name, v in value.items())
            )
            return Static(fill(piece, {})) if _is_static(inner for _, inner in piece.entries) else piece
        if isinstance(value, list):
            piece = Items(tuple(self._item(v, tables, (*path, i), problems) for i, v in enumerate(value)))
            return Static(fill(piece, {})) if _is_static(piece.items) else piece
        if not isinstance(value, str) or "${{" not in value:
            return Static(value)
        parts: list[str | Expression] = []
        try:
            for text, is_expression in _split(value):
                parts.append(self._expression(text, tables, path, problems) if is_expression else text)
        except ExpressionError as error:
            problems.append((path, error))
        if len(parts) == 1 and isinstance(parts[0], Expression):
            return Insert(parts[0])
        return Text(tuple(parts))

    def _item(
        self, value: Any, tables: Tables, path: Path, problems: list[tuple[Path, ExpressionError]]
    ) -> Piece:
        if not isinstance(value, dict) or SPREAD not in value:
            return self._piece(value, tables, path, problems)
        inner = self._piece(value[SPREAD], tables, (*path, SPREAD), problems)
        if isinstance(inner, Insert) and len(value) == 1:
            return Spread(inner.expression)
        hint = 'Write `- "...": ${{ inputs.name }}` and nothing else in this item.'
        problems.append(((*path, SPREAD), ExpressionError("Only one list can stand here.", hint, SPREAD)))
        return inner

    def _expression(
        self, text: str, tables: Tables, path: Path, problems: list[tuple[Path, ExpressionError]]
    ) -> Expression:
        try:
            node = _parse(text)
            for reference in references(node):
                if reference[0] not in self.roots:
                    raise self._out_of_scope(reference[0], text)
            used = list(_tables(node)) if "lookup" in text else ()
            for name in used:
                if name not in tables:
                    hint = (
                        did_you_mean(name, tables)
                        if tables
                        else "Declare it under `tables` in connector.yaml."
                    )
                    raise ExpressionError(f"There is no table {name!r}.", hint, name)
            return Expression(text.strip(), node, self.mode, {name: tables[name] for name in used})
        except ExpressionError as error:  # told together with the others
            error.text = text.strip()
            problems.append((path, error))
            return Expression(text.strip(), Literal(None))

    def _out_of_scope(self, root: str, text: str) -> ExpressionError:
        if root in _READERS:
            return ExpressionError(f"{root!r} cannot be read here.", _READERS[root], root)
        hint = did_you_mean(root, self.roots)
        if f'"{root}"' in text:
            hint = f"Write text in single quotes: '{root}'."
        elif hint.startswith("Known"):
            hint = f"Start the path with {' or '.join(self.roots)}, such as `{self.roots[0]}.{root}`."
        return ExpressionError(f"There is no {root!r} here.", hint, root)


_READERS = {
    "connection": "Only auth and base_url may read the connection.",
    "response": "Only outputs, failures and errors may read the answer.",
    "inputs": "Only requests, rules, outputs and failures may read the inputs.",
    "event": "Only stream may read the events of a stream.",
}


def _parse(text: str) -> Node:
    from connector.expression_parser import parse  # noqa: PLC0415 - only reading a manifest needs it

    return parse(text)


def _is_static(pieces: Iterable[Piece]) -> bool:
    return all(isinstance(piece, Static) for piece in pieces)


def _tables(node: Any) -> Iterator[str]:
    if isinstance(node, Call) and node.name == "lookup" and isinstance(node.arguments[0], Literal):
        yield str(node.arguments[0].value)
    for name in getattr(type(node), "__dataclass_fields__", {}):
        part = getattr(node, name)
        for inner in part if isinstance(part, tuple) else (part,):
            yield from _tables(inner[1] if isinstance(inner, tuple) else inner)


def _split(text: str) -> Iterator[tuple[str, bool]]:
    """Pieces of a scalar: (text, False) and (expression, True)."""
    start = 0
    while (opening := text.find("${{", start)) >= 0:
        if opening > start:
            yield text[start:opening], False
        closing = _closing(text, opening + 3)
        if closing < 0 and "}}" in text[opening:]:
            hint = "Close what opens after `${{`: quotes, backticks or `{`."
            raise ExpressionError("The `}}` stands inside quotes or braces.", hint, text[opening:])
        if closing < 0:
            hint = "Close it with `}}`. If it stands there, put the value in quotes: a bare ` #` starts a comment."
            raise ExpressionError("`${{` is not closed.", hint, "${{")
        yield text[opening + 3 : closing].strip(), True
        start = closing + 2
    if start < len(text):
        yield text[start:], False


_QUOTE_OR_BRACE = re.compile("['\"`{]")


def _closing(text: str, position: int) -> int:
    """Where the `}}` stands that ends the expression: not one in quotes, nor one that closes a row."""
    nearest = text.find("}}", position)
    if not _QUOTE_OR_BRACE.search(text, position, nearest):  # as in most of them
        return nearest
    depth = 0
    quote = ""
    while position < len(text):
        char = text[position]
        if quote:
            if char == "\\":
                position += 1
            elif char == quote:
                quote = ""
        elif char in "'\"`":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif char == "}" and text.startswith("}}", position):
            return position
        position += 1
    return -1
