"""The shape of what a template gives, and what is wrong in its expressions, at their places in the YAML."""

from __future__ import annotations

import re

from connector.document import Document
from connector.errors import Problem
from connector.evaluate import Tables
from connector.inference import Inference
from connector.shape import UNKNOWN, Path, Shape, of_value, union_of
from connector.template import (
    SPREAD,
    Entries,
    Expression,
    Insert,
    Items,
    Piece,
    Spread,
    Static,
    Template,
    Text,
)
from connector.template import Path as YamlPath

_OTHER_BRACES = re.compile(
    r"(?<!\$)\{\{\s*(?:inputs|response|connection)\b|\$\{\s*(?:inputs|response|connection)\b"
)


class TemplateLint:
    """Derives shapes, and collects problems until they are taken."""

    def __init__(self, document: Document, tables: Tables) -> None:
        self.document = document
        self._inference = Inference(tables)
        self._problems: list[Problem] = []

    @property
    def used(self) -> set[Path]:
        """The paths that have flowed into what the templates give."""
        return self._inference.used

    def take_problems(self) -> list[Problem]:
        """The problems noted since the last call."""
        problems, self._problems = self._problems, []
        return problems

    def shape(self, path: YamlPath, template: Template | Expression, scope: Shape) -> Shape:
        """The shape of what stands at a path of the document, read in a scope."""
        if isinstance(template, Expression):
            return self._inferred(path, template, scope)
        return self._shape(path, template.piece, scope)

    def _shape(self, path: YamlPath, piece: Piece, scope: Shape) -> Shape:
        match piece:
            case Insert(expression):
                return self._inferred(path, expression, scope)
            case Spread(expression):
                return self._inferred((*path, SPREAD), expression, scope).item or UNKNOWN
            case Text(parts):
                for part in parts:
                    if isinstance(part, Expression):
                        self._in_text(path, part, self._inferred(path, part, scope))
                    else:
                        self._braces(path, part)
                return Shape(frozenset({"string"}))
            case Entries(entries):
                fields = {name: self._shape((*path, name), inner, scope) for name, inner in entries}
                return Shape(frozenset({"object"}), fields)
            case Items(items):
                shapes = [self._shape((*path, index), inner, scope) for index, inner in enumerate(items)]
                return Shape(frozenset({"array"}), item=union_of(shapes))
            case Static(value):
                if isinstance(value, str):
                    self._braces(path, value)
                return of_value(value)

    def _inferred(self, path: YamlPath, expression: Expression, scope: Shape) -> Shape:
        self._inference.findings.clear()
        shape = self._inference.shape(expression.node, scope)
        for found in self._inference.findings:
            self._note(path, found.message, found.hint, found.word, expression.text)
        return shape

    def _in_text(self, path: YamlPath, expression: Expression, shape: Shape) -> None:
        if shape.kinds and shape.can_be("array", "object"):
            message = f"{shape.describe().capitalize()} cannot stand inside text."
            hint = "Let the expression be the whole value, or use join()."
            self._note(path, message, hint, expression.text)

    def _braces(self, path: YamlPath, text: str) -> None:
        if found := _OTHER_BRACES.search(text):
            message = f"`{found.group()}` is no expression: it would be sent as it stands."
            self._note(path, message, "Write `${{ ... }}`.", found.group())

    def _note(self, path: YamlPath, message: str, hint: str, word: str, within: str | None = None) -> None:
        self._problems.append(self.document.problem(path, message, hint, word=word, within=within))
