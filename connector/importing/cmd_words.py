"""Words as Windows' cmd and the program that it starts give them, as browsers copy commands for it."""

from __future__ import annotations

import re
from typing import Final

from connector.importing.shell_text import Shell, ShellCommand

_OF_CMD: Final = re.compile(r"\A[^']*\^[ \t]*\r?\n|\A[^'\"]*\^\"")
_ENVIRONMENT: Final = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")
_CARET: Final = re.compile(r"\^(?:\n(.?)|[ \t]+\n|(.?))", re.DOTALL)
_OTHER_COMMAND: Final = re.compile(r"[|>]|&(?=[&\s]|\Z)")
_SLASHES: Final = re.compile(r'(\\+)("?)')


def is_of_cmd(text: str) -> bool:
    """Whether a command is written for cmd: a caret ends a line, or stands before the first quote."""
    return _OF_CMD.search(text) is not None


class Cmd(Shell):
    """cmd takes carets away, outside of its quotes; then the program splits the line at blanks, outside of its own."""

    def commands(self) -> list[ShellCommand]:
        self.text = self._without_carets(self.text.replace("\r\n", "\n"))
        self.at, opened = 0, -1
        while self.at < len(self.text):
            char, at = self.text[self.at], self.at
            if found := _SLASHES.match(self.text, at):
                self._slashes(*found.groups())
            elif char == '"' and opened >= 0 and self.text.startswith('""', at):
                self.add('"')
                self.at += 2
            elif char == '"':
                self.add("")
                opened = at if opened < 0 else -1
                self.at += 1
            elif char.isspace() and opened < 0:
                self.end_word()
                self.at += 1
            else:
                self.add(char)
                self.at += 1
        if opened >= 0:
            self.at = opened
            self.refuse("The quotes that open here are not closed.", "Copy the whole command.")
        self.end_word()
        return self.found

    def _slashes(self, slashes: str, quote: str) -> None:
        """Backslashes count before a quote only: two are one, and one makes the quote a sign like others."""
        self.at += len(slashes)
        if not quote:
            self.add(slashes)
            return
        self.add(slashes[: len(slashes) // 2])
        if len(slashes) % 2:
            self.add('"')
            self.at += 1

    def _without_carets(self, text: str) -> str:
        """What the program gets: each caret's next character as it stands, and variables in cmd's spelling."""
        kept: list[str] = []
        is_quoted, self.at = False, 0
        while self.at < len(text):
            char = text[self.at]
            found: re.Match[str] | None = None
            if not is_quoted and (found := _CARET.match(text, self.at)):
                kept.append(found[1] or found[2] or "")
            elif not is_quoted and _OTHER_COMMAND.match(text, self.at):
                self.found.insert(0, ShellCommand(["..."]))  # what stands beside it
                break
            elif not is_quoted and char in "&<":
                message = f"A `{char}` that is not in quotes has a meaning of its own to cmd."
                self.refuse(message, f"Write `^{char}`, or put the whole value in quotes.")
            elif char == "%" and (found := _ENVIRONMENT.match(text, self.at)):
                kept.append(f"\0{found[1]}\0")
            else:
                is_quoted ^= char == '"'
                kept.append(char)
            self.at = found.end() if found else self.at + 1
        return "".join(kept)
