"""A command line while it is read: the place in its text, the word that grows there, the commands so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn

from connector.importing.refusal import refusal

VARIABLE: Final = re.compile("\0([A-Za-z_][A-Za-z0-9_]*)\0")
"""A variable within a word: its name between two NULs, which no command line can hold."""

OUTPUT: Final = "\0__output__\0"
"""What another command would write: `$(...)`. It may stand where a secret is, which is asked for anyway."""

PLACE: Final = "the command"
QUOTE_IT: Final = "Put the whole value in single quotes if it belongs to the command."


@dataclass
class ShellCommand:
    words: list[str] = field(default_factory=list)
    stdin: str | None = None

    @property
    def _start(self) -> int:
        """Where the command's name stands: after assignments, a prompt and words such as sudo."""
        before = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=|(sudo|time|command|exec|env|\$|>|#|%)\Z", re.DOTALL)
        return next((i for i, word in enumerate(self.words) if not before.match(word)), len(self.words))

    @property
    def is_curl(self) -> bool:
        name = self.words[self._start] if self._start < len(self.words) else ""
        return re.fullmatch(r"(?:.*[/\\])?curl(?:\.exe)?", name, re.IGNORECASE) is not None

    @property
    def arguments(self) -> list[str]:
        return self.words[self._start + 1 :]


class Shell:
    """What both readings share: a place in the text, the word that grows there, and the commands so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found = [ShellCommand()]
        self.word: list[str] | None = None

    def add(self, part: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(part)

    def end_word(self) -> None:
        if self.word is not None:
            self.found[-1].words.append("".join(self.word))
            self.word = None

    def end_command(self) -> None:
        self.end_word()
        self.found.append(ShellCommand())

    def refuse(self, message: str, hint: str) -> NoReturn:
        before = self.text[: self.at].split("\n")
        raise refusal(f"{PLACE}, line {len(before)}, column {len(before[-1]) + 1}", message, hint)
