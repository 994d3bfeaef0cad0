"""The words of an answer: plainly synthetic, and with the question in them, so that people see it arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.sandbox.instance import instance_of
from connector.sandbox.ranking import Document
from connector.sandbox.reply import text_of

_LONGEST_ECHO = 500
_SHORTEST_PIECE = 8
_MOST_PIECES = 40


def shorten(text: str, longest: int = _LONGEST_ECHO) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


def prose(question: str, sources: Sequence[Document], turn: int = 1) -> str:
    """An answer in a few sentences that cites the first sources as [1][2]."""
    said = f'Synthetic answer from the sandbox: you asked "{shorten(question)}".'
    if turn > 1:
        said += f" This is turn {turn} of the conversation."
    if not sources:
        return f"{said} No search was made and no model was called."
    cited = " and ".join(f'"{source.title}"[{place}]' for place, source in enumerate(sources[:2], start=1))
    return f"{said} The built-in corpus has {len(sources)} sources for it, such as {cited}."


def structured(schema: Any) -> str:
    """JSON text that fits the schema."""
    return text_of(instance_of(schema))


def pieces(text: str) -> list[str]:
    """The text in the order in which it is streamed: a few characters at a time; joined, it is whole."""
    # Bounded in number, because a Sonar stream repeats all the text so far with each piece.
    size = max(_SHORTEST_PIECE, -(-len(text) // _MOST_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]
