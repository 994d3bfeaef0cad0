"""From YAML values to templates: what stands in `${{ }}` is parsed, and held to what may be read at its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from connector.compiling import Mode
from connector.errors import did_you_mean
from connector.evaluate import Tables
from connector.expression import Call, Literal, Node, references
from connector.expression_syntax import ExpressionError
from connector.template import (
    SPREAD,
    Entries,
    Expression,
    Insert,
    Items,
    Path,
    Piece,
    Spread,
    Static,
    Template,
    Text,
    fill,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema


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
