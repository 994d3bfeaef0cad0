"""Words as Windows' cmd and the program that it starts give them, as browsers copy commands for it."""

from __future__ import annotations

import re
from typing import Final

from connector.importing.shell_text import Shell, ShellCommand

_OF_CMD: Final = re.compile(r"\^[ \t]*\r?\n|\A[^'\"]*\^\"")
_ENVIRONMENT: Final = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")


def is_of_cmd(text: str) -> bool:
    """Whether a command is written for cmd: a caret ends a line, or stands before the first quote."""
    return _OF_CMD.search(text) is not None


class Cmd(Shell):
    """cmd takes carets away, outside of its quotes; then the program splits the line at blanks, outside of its own."""

    def commands(self) -> list[ShellCommand]:
        line = self._without_carets(self.text.replace("\r\n", "\n"))
        self.text, self.at, is_quoted = line, 0, False
        while self.at < len(line):
            char = line[self.at]
            slashes = len(line) - self.at - len(line[self.at :].lstrip("\\")) if char == "\\" else 0
            if slashes:
                is_before_quote = line[self.at + slashes : self.at + slashes + 1] == '"'
                self.add("\\" * (slashes // 2 if is_before_quote else slashes))
                self.at += slashes
                if is_before_quote and slashes % 2:
                    self.add('"')
                    self.at += 1
            elif char == '"':
                if is_quoted and line.startswith('""', self.at):
                    self.add('"')
                    self.at += 1
                else:
                    self.add("")
                    is_quoted = not is_quoted
                self.at += 1
            elif char.isspace() and not is_quoted:
                self.end_word()
                self.at += 1
            else:
                self.add(char)
                self.at += 1
        self.end_word()
        return self.found

    def _without_carets(self, text: str) -> str:
        """What the program gets: each caret's next character as it stands, and variables in cmd's spelling."""
        kept: list[str] = []
        is_quoted, at = False, 0
        while at < len(text):
            char = text[at]
            if char == "^" and not is_quoted:
                if text[at + 1 : at + 2] == "\n":  # the break goes, and what follows it counts as it stands
                    kept.append(text[at + 2 : at + 3])
                    at += 3
                    continue
                if found := re.match(r"\^[ \t]+\n", text[at:]):
                    at += found.end()
                    continue
                kept.append(text[at + 1 : at + 2])
                at += 2
                continue
            self.at = at
            if char in "&|<>" and not is_quoted:
                self.refuse(
                    f"A `{char}` that is not in quotes ends the command for cmd.", f"Write `^{char}`."
                )
            if char == "%" and (variable := _ENVIRONMENT.match(text, at)):
                kept.append(f"\0{variable[1]}\0")
                at = variable.end()
                continue
            is_quoted ^= char == '"'
            kept.append(char)
            at += 1
        return "".join(kept)
