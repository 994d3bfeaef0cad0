"""Words as a POSIX shell gives them, with bash's `$'..'`, here-documents, and PowerShell's end of a line."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from connector.importing.shell_text import OUTPUT, QUOTE_IT, Shell, ShellCommand

_PLAIN: Final = re.compile(r"[^\s|&;()<>\\'\"$`{#]+")
_BRACES: Final = re.compile(r"\{([^\s{}'\"]{0,1000})\}")
_NAME: Final = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)|\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")
_LINE_GOES_ON: Final = re.compile(r"\\[ \t]*\n|\\\Z|(?<!\S)\\[ \t]+(?=-)")  # at the end of what was a line
_BACKTICK_ENDS: Final = re.compile(r"`[ \t]*\n")  # PowerShell's way to let a line go on
_OPTION_BELOW: Final = re.compile(r"\n[ \t]*(?=--?[A-Za-z])")
_PLACEHOLDER: Final = re.compile(r"<[A-Za-z_][\w .-]*>")
_OUTPUT: Final = re.compile(r"\$\((?!\()(?:[^()'\"\\]|'[^']*'|\"[^\"]*\"|\([^()'\"]*\))*\)")
_TYPOGRAPHIC: Final = {
    **dict.fromkeys("\u201c\u201d\u201e\u2018\u2019\u00ab", ("quote", "a shell knows only ' and \"")),
    **dict.fromkeys("\u2013\u2014\u2212", ("dash", "an option begins with -")),
}
_DOCUMENT: Final = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([^\s'\"\\;|&<>()]+))")
_FILE: Final = re.compile(r"(?:&?>>?|>&)[ \t]*(?:&?[0-9-]|'[^'\n]*'|\"[^\"\n]*\"|[^\s;|&<>()]+)")
_ANSI: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}
_ANSI_CODE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([ntrabeEfv\\'\"?]))"
)


class Posix(Shell):
    """A POSIX shell's reading, and bash's `$'..'`."""

    def __init__(self, text: str) -> None:
        super().__init__(text.replace("\r\n", "\n"))
        self.documents: list[tuple[ShellCommand, str, bool, bool]] = []

    def commands(self) -> list[ShellCommand]:
        while self.at < len(self.text):
            self._step()
        if self.documents:
            self.refuse(
                f"The text up to `{self.documents[0][1]}` has no end.", "Give the command with all of it."
            )
        self.end_word()
        return self.found

    def _step(self) -> None:
        char = self.text[self.at]
        if self.word is None and char in _TYPOGRAPHIC:
            what, instead = _TYPOGRAPHIC[char]
            self.refuse(f"This is a {what} of printed text: {instead}.", "Type it anew, as a shell has it.")
        if found := _PLAIN.match(self.text, self.at):
            self._take(found.group())
        elif char == "\n":
            self._line_break()
        elif char.isspace():
            self.end_word()
            self.at += 1
        elif char == "\\":
            self._backslash()
        elif char == "'":
            self._take_until("'", self.at + 1)
        elif char == '"':
            self._double()
        elif char == "$":
            self._dollar(in_quotes=False)
        elif char == "#":
            self._hash()
        elif char == "`":
            self._backtick()
        elif char == "{":
            found = _BRACES.match(self.text, self.at)
            if found and ("," in found[1] or ".." in found[1]):
                self.refuse("A shell would make several words of what stands between these braces.", QUOTE_IT)
            self._take(char)
        else:
            self._operator(char)

    def _take(self, part: str) -> None:
        self.add(part)
        self.at += len(part)

    def _take_until(self, quote: str, start: int) -> None:
        end = self.text.find(quote, start)
        if end < 0:
            self.refuse("The quotes that open here are not closed.", "Copy the whole command.")
        self.add(self.text[start:end])
        self.at = end + 1

    def _backslash(self) -> None:
        if found := _LINE_GOES_ON.match(self.text, self.at):
            self.at = found.end()
        else:
            self.add(self.text[self.at + 1])
            self.at += 2

    def _backtick(self) -> None:
        if found := _BACKTICK_ENDS.match(self.text, self.at):
            self.at = found.end()
        else:
            self._refuse_shell("A command between backticks")

    def _hash(self) -> None:
        if self.word is not None:
            self._take("#")
            return
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _double(self) -> None:
        opened = self.at
        self.add("")
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            self.in_double('"$`\\')
        if self.at >= len(self.text):
            self.at = opened
            self.refuse("The quotes that open here are not closed.", "Copy the whole command.")
        self.at += 1

    def in_double(self, signs: str) -> None:
        """A step in text where variables count, and a backslash before `signs`."""
        char, after = self.text[self.at], self.text[self.at + 1 : self.at + 2]
        if char == "\\" and after and after in signs:
            self.add(after)
            self.at += 2
        elif char == "\\" and after == "\n":
            self.at += 2
        elif char == "$":
            self._dollar(in_quotes=True)
        elif char == "`":
            self._refuse_shell("A command between backticks")
        else:
            end = next(
                (i for i in range(self.at + 1, len(self.text)) if self.text[i] in '"$`\\'), len(self.text)
            )
            self._take(self.text[self.at : end])

    def _dollar(self, *, in_quotes: bool) -> None:
        rest = self.text[self.at + 1 : self.at + 2]
        if rest == "'" and not in_quotes:
            self._ansi()
        elif rest == '"' and not in_quotes:
            self.at += 1
        elif rest == "(":
            self._output()
        elif found := _NAME.match(self.text, self.at + 1):
            self.add(f"\0{found[1] or found[2]}\0")
            self.at = found.end()
        elif rest == "{":
            self._refuse_shell("What `${...}` computes")
        elif rest and (rest.isdigit() or rest in "@*#?$!-"):
            self._refuse_shell(f"The value of `${rest}`")
        else:
            self._take("$")

    def _output(self) -> None:
        """`$(...)`, up to the bracket that closes it. What stands in it is not looked at."""
        found = _OUTPUT.match(self.text, self.at)
        if found is None:
            self._refuse_shell("`$(...)`")
        self.add(OUTPUT)
        self.at = found.end()

    def _ansi(self) -> None:
        raw, start = bytearray(), self.at
        self.at += 2
        while self.text[self.at : self.at + 1] != "'":
            if self.at >= len(self.text):
                self.at = start
                self.refuse("The quotes that open here are not closed.", "Copy the whole command.")
            if found := _ANSI_CODE.match(self.text, self.at):
                raw += self._ansi_bytes(found)
                self.at = found.end()
            else:
                raw += self.text[self.at].encode("utf-8", "surrogatepass")
                self.at += 1
        self.at += 1
        try:  # two escapes may be the halves of one character
            text = (
                raw.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le")
            )
        except UnicodeError:
            self.at = start
            self.refuse(
                "What stands in these quotes is not UTF-8 text.", "Files and raw bytes cannot be imported."
            )
        if "\0" in text:
            self.refuse("It holds a NUL character, which no command line can.", "Copy it again.")
        self.add(text)

    def _ansi_bytes(self, found: re.Match[str]) -> bytes:
        code, octal, short, long, sign = found.groups()
        if code or octal:
            return bytes([int(code, 16) if code else int(octal, 8) & 0xFF])
        if sign:
            return _ANSI.get(sign, sign).encode()
        number = int(short or long, 16)
        if number > 0x10FFFF:
            self.refuse("This escape names no character.", "Copy the command again.")
        return chr(number).encode("utf-8", "surrogatepass")

    def _line_break(self) -> None:
        if self.documents:
            self.end_word()
            self.at += 1
            for document in self.documents:
                self._read_document(*document)
            self.documents.clear()
            self.end_command()
        elif found := _OPTION_BELOW.match(self.text, self.at):  # a command never begins with an option
            self.end_word()
            self.at = found.end()
        else:
            self.end_command()
            self.at += 1

    def _operator(self, char: str) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if char == "<":
            self._less_than(following)
        elif (char == ">" or (char == "&" and following == ">")) and (
            file := _FILE.match(self.text, self.at)
        ):
            if self.word is not None and "".join(self.word).isdigit():
                self.word = None  # the number of a stream, as in 2>
            self.end_word()
            self.at = file.end()
        elif char in "()":
            self.refuse(f"A `{char}` that is not in quotes has a meaning of its own to a shell.", QUOTE_IT)
        elif char in "&;|" and self.word is not None and following.strip() and following not in "&|;":
            message = f"A `{char}` that is not in quotes ends the command for a shell."
            self.refuse(message, "Put the whole URL, or value, in quotes; or put spaces around it.")
        else:
            self.end_command()
            self.at += 1

    def _less_than(self, following: str) -> None:
        if placeholder := _PLACEHOLDER.match(self.text, self.at):
            self._take(placeholder.group())
        elif self.text.startswith("<<<", self.at):
            self.refuse("A text that goes into the command with `<<<` is not read.", "Give it with --data.")
        elif document := _DOCUMENT.match(self.text, self.at):
            dash, single, double, bare = document.groups()
            is_literal = single is not None or double is not None or "\\" in document.group()
            self.end_word()
            self.documents.append((self.found[-1], single or double or bare, is_literal, bool(dash)))
            self.at = document.end()
        elif following == "(":
            self._refuse_shell("`<(...)`")
        else:
            self.refuse(
                "A file would be read with `<`.", "Files are never read: give the text itself, with --data."
            )

    def _read_document(self, command: ShellCommand, end: str, is_literal: bool, strips_tabs: bool) -> None:
        lines: list[str] = []
        position = self.at
        while position < len(self.text):
            stop = self.text.find("\n", position)
            stop = len(self.text) if stop < 0 else stop
            line = self.text[position:stop].lstrip("\t") if strips_tabs else self.text[position:stop]
            position = stop + 1
            if line == end:
                self.at = min(position, len(self.text))
                command.stdin = "".join(lines) if is_literal else _expanded("".join(lines))
                return
            lines.append(f"{line}\n")
        self.refuse(f"The text up to `{end}` has no end.", "Give the command with all of it.")

    def _refuse_shell(self, what: str) -> NoReturn:
        self.refuse(
            f"{what} is known to a shell only, and none is run.", "Write the value out, or a name: $NAME."
        )


def _expanded(text: str) -> str:
    """A here-document in which variables count."""
    shell = Posix(text)
    while shell.at < len(shell.text):
        if shell.text[shell.at] == '"':
            shell.add('"')
            shell.at += 1
        else:
            shell.in_double("$`\\")
    return "".join(shell.word or ())
