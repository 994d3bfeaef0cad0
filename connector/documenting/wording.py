"""What a manifest says, as short texts for people: a route's days, its path, an example's command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from connector.manifest import Lifecycle, Route
from connector.template import Expression, Piece, Static, Template, Text


def lifecycle_words(lifecycle: Lifecycle) -> str:
    """`retired 2026-09-27, use agent. A sentence.`; empty for what just is."""
    days = (
        ("since", lifecycle.since),
        ("deprecated", lifecycle.deprecated),
        ("retired", lifecycle.retired),
    )
    words = [f"{word} {day}" for word, day in days if day is not None]
    if lifecycle.replaced_by:
        words.append(f"use {lifecycle.replaced_by}")
    text = ", ".join(words)
    return f"{text}. {lifecycle.note}" if lifecycle.note and text else text or lifecycle.note or ""


def path_words(piece: Piece) -> str:
    """A path with the expression in braces for each segment that is filled in."""
    if isinstance(piece, Static):
        return str(piece.value)
    parts = piece.parts if isinstance(piece, Text) else (getattr(piece, "expression", ""),)
    return "".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in parts)


def not_sent(route: Route) -> Iterator[tuple[str, str]]:
    """Each input that a route cannot carry, with the reason."""
    for path, reason in route.unsupported.items():
        yield path, reason if isinstance(reason, str) else reason.why


def filled_in(template: Template) -> str:
    """A text that a connection's fields fill, with their names: `Bearer <api_key>`."""
    return _shown(template.piece)


def _shown(piece: Any) -> str:
    if isinstance(piece, Static):
        return piece.value if isinstance(piece.value, str) else json.dumps(piece.value, ensure_ascii=False)
    parts = piece.parts if isinstance(piece, Text) else (getattr(piece, "expression", ""),)
    return "".join(_named(part) if isinstance(part, Expression) else str(part) for part in parts)


def _named(expression: Expression) -> str:
    """`<api_key>` for a field as it stands; the expression for anything made of fields."""
    is_field = expression.text.removeprefix("connection.").isidentifier()
    return f"<{expression.text.removeprefix('connection.')}>" if is_field else f"<{expression.text}>"


def command_line(action: str, inputs: Mapping[str, Any], route: str | None = None) -> str:
    """`connector run` with these inputs, for a POSIX shell."""
    words = ["connector", "run", shlex.quote(action)]
    for name, value in inputs.items():
        is_text = isinstance(value, str)
        text = value if is_text else json.dumps(value, ensure_ascii=False)
        words.append(f"{name}{'=' if is_text else ':='}{shlex.quote(text)}")
    if route is not None:
        words.append(f"--route {shlex.quote(route)}")
    return " ".join(words)
