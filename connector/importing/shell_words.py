r"""The words of a cURL command, as the shell that it was copied for would give them. No shell runs.

Read are a POSIX shell (quotes, `$'..'`, `\` at the end of a line, here-documents), the `^` of Windows' cmd, as
browsers copy it, and PowerShell's backtick at the end of a line. A variable stays one: what a shell would put in
its place is not asked for. What only a shell can know (`$(...)`, other commands, files) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn

from connector.errors import InputError, Problem

VARIABLE: Final = re.compile("\0([A-Za-z_][A-Za-z0-9_]*)\0")
"""A variable within a word: its name between two NULs, which no command line can hold."""

LONGEST: Final = 1_000_000
_PLACE: Final = "the command"
_QUOTE_IT: Final = "Put the whole value in single quotes if it belongs to the command."


@dataclass(frozen=True)
class Words:
    """A command as curl would see it.

    Attributes:
        arguments: what stands after `curl`; variables in it as VARIABLE has them.
        stdin: the text of a here-document, or None.
        notes: sentences about what stood beside the command.
    """

    arguments: tuple[str, ...]
    stdin: str | None = None
    notes: tuple[str, ...] = ()


def words(text: str) -> Words:
    """The words of the one curl command in a text.

    Raises:
        InputError: it is none, it is several, or only a shell could say what it means. Nothing of the text is in
            the error but names of options and variables: it may hold a key.
    """
    if len(text) > LONGEST:
        _refuse(_PLACE, f"It has more than {LONGEST:,} characters.", "Give one curl command.")
    if "\0" in text:
        _refuse(_PLACE, "It holds a NUL character, which no command line can.", "Copy it again.")
    lexer = _Cmd(text) if _is_of_cmd(text) else _Posix(text)
    commands = [command for command in lexer.commands() if command.words]
    curls = [command for command in commands if command.is_curl]
    if not curls:
        _refuse(_PLACE, "It is no curl command.", "Give one that begins with `curl`.")
    if len(curls) > 1:
        _refuse(_PLACE, f"There are {len(curls)} curl commands.", "Import one after the other, with --add-to.")
    notes = ["What stands beside the curl command was left out."] if len(commands) > 1 else []
    return Words(tuple(curls[0].arguments), curls[0].stdin, tuple(notes))


@dataclass
class _Command:
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


_PLAIN: Final = re.compile(r"[^\s|&;()<>\\'\"$`{#]+")
_BRACES: Final = re.compile(r"\{[^\s{}'\"]*(?:,|\.\.)[^\s{}'\"]*\}")
_NAME: Final = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)|\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")
_LINE_GOES_ON: Final = re.compile(r"\\[ \t]*\n|\\\Z")
_OPTION_BELOW: Final = re.compile(r"\n[ \t]*(?=--?[A-Za-z])")
_PLACEHOLDER: Final = re.compile(r"<[A-Za-z_][\w .-]*>")
_DOCUMENT: Final = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([^\s'\"\\;|&<>()]+))")
_FILE: Final = re.compile(r"(?:&?>>?|>&)[ \t]*(?:&?[0-9-]|'[^'\n]*'|\"[^\"\n]*\"|[^\s;|&<>()]+)")
_ANSI: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_ANSI_CODE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([ntrabeEfv\\'\"?]))"
)


class _Shell:
    """What both readings share: a place in the text, the word that grows there, and the commands so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found = [_Command()]
        self.word: list[str] | None = None

    def add(self, part: str) -> None:
        self.word = [*(self.word or ()), part] if self.word is None else self.word + [part]

    def end_word(self) -> None:
        if self.word is not None:
            self.found[-1].words.append("".join(self.word))
            self.word = None

    def end_command(self) -> None:
        self.end_word()
        self.found.append(_Command())

    def refuse(self, message: str, hint: str) -> NoReturn:
        before = self.text[: self.at].split("\n")
        _refuse(f"{_PLACE}, line {len(before)}, column {len(before[-1]) + 1}", message, hint)


class _Posix(_Shell):
    """A POSIX shell's reading, and bash's `$'..'`."""

    def __init__(self, text: str) -> None:
        text = text.replace("\r\n", "\n")
        super().__init__(re.sub(r"`[ \t]*\n", "\\\\\n", text))  # PowerShell's way to let a line go on
        self.documents: list[tuple[_Command, str, bool, bool]] = []

    def commands(self) -> list[_Command]:
        while self.at < len(self.text):
            self._step()
        if self.documents:
            self.refuse(f"The text up to `{self.documents[0][1]}` has no end.", "Give the command with all of it.")
        self.end_word()
        return self.found

    def _step(self) -> None:
        char = self.text[self.at]
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
            self._refuse_shell("A command between backticks")
        elif char == "{":
            if _BRACES.match(self.text, self.at):
                self.refuse("A shell would make several words of what stands between these braces.", _QUOTE_IT)
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
            self._in_double('"$`\\')
        if self.at >= len(self.text):
            self.at = opened
            self.refuse("The quotes that open here are not closed.", "Copy the whole command.")
        self.at += 1

    def _in_double(self, signs: str) -> None:
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
            end = next((i for i in range(self.at + 1, len(self.text)) if self.text[i] in '"$`\\'), len(self.text))
            self._take(self.text[self.at : end])

    def _dollar(self, *, in_quotes: bool) -> None:
        rest = self.text[self.at + 1 : self.at + 2]
        if rest == "'" and not in_quotes:
            self._ansi()
        elif rest == '"' and not in_quotes:
            self.at += 1
        elif rest == "(":
            self._refuse_shell("`$(...)`")
        elif found := _NAME.match(self.text, self.at + 1):
            self.add(f"\0{found[1] or found[2]}\0")
            self.at = found.end()
        elif rest == "{":
            self._refuse_shell("What `${...}` computes")
        elif rest and (rest.isdigit() or rest in "@*#?$!-"):
            self._refuse_shell(f"The value of `${rest}`")
        else:
            self._take("$")

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
            text = raw.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeError:
            self.at = start
            self.refuse("What stands in these quotes is not UTF-8 text.", "Files and raw bytes cannot be imported.")
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
        elif (char == ">" or (char == "&" and following == ">")) and (file := _FILE.match(self.text, self.at)):
            if self.word is not None and "".join(self.word).isdigit():
                self.word = None  # the number of a stream, as in 2>
            self.end_word()
            self.at = file.end()
        elif char in "()":
            self.refuse(f"A `{char}` that is not in quotes has a meaning of its own to a shell.", _QUOTE_IT)
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
            self.refuse("A file would be read with `<`.", "Files are never read: give the text itself, with --data.")

    def _read_document(self, command: _Command, end: str, is_literal: bool, strips_tabs: bool) -> None:
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
        self.refuse(f"{what} is known to a shell only, and none is run.", "Write the value out, or a name: $NAME.")


def _expanded(text: str) -> str:
    """A here-document in which variables count."""
    shell = _Posix(text)
    while shell.at < len(shell.text):
        if shell.text[shell.at] == '"':
            shell.add('"')
            shell.at += 1
        else:
            shell._in_double("$`\\")
    return "".join(shell.word or ())


_OF_CMD: Final = re.compile(r"\^[ \t]*\r?\n|\A[^'\"]*\^\"")
_ENVIRONMENT: Final = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")


def _is_of_cmd(text: str) -> bool:
    return _OF_CMD.search(text) is not None


class _Cmd(_Shell):
    """cmd takes carets away, outside of its quotes; then the program splits the line at blanks, outside of its own."""

    def commands(self) -> list[_Command]:
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
                self.refuse(f"A `{char}` that is not in quotes ends the command for cmd.", f"Write `^{char}`.")
            if char == "%" and (variable := _ENVIRONMENT.match(text, at)):
                kept.append(f"\0{variable[1]}\0")
                at = variable.end()
                continue
            is_quoted ^= char == '"'
            kept.append(char)
            at += 1
        return "".join(kept)


def _refuse(where: str, message: str, hint: str) -> NoReturn:
    raise InputError([Problem(where, message, hint)])
