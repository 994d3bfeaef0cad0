r"""The words of a cURL command, as the shell that it was copied for would give them. No shell runs.

Read are a POSIX shell (quotes, `$'..'`, `\` at the end of a line, here-documents), the `^` of Windows' cmd, as
browsers copy it, and PowerShell's backtick at the end of a line. A variable stays one: what a shell would put in
its place is not asked for. What only a shell can know (`$(...)`, other commands, files) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connector.importing.cmd_words import Cmd, is_of_cmd
from connector.importing.posix_words import Posix
from connector.importing.refusal import refusal
from connector.importing.shell_text import PLACE
from connector.scalars import is_encodable

LONGEST: Final = 1_000_000
_FENCE: Final = re.compile(r"\A\s*(?:```|~~~)[ \t]*[\w-]*[ \t]*\r?(\n.*\n)[ \t]*(?:```|~~~)\s*\Z", re.DOTALL)
"""Around a command that was copied from a page in Markdown, with its lines."""


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
        raise refusal(PLACE, f"It has more than {LONGEST:,} characters.", "Give one curl command.")
    if not is_encodable(text):
        raise refusal(PLACE, "It holds half of a character, which is no text.", "Copy it again.")
    if "\0" in text:
        raise refusal(PLACE, "It holds a NUL character, which no command line can.", "Copy it again.")
    text = _FENCE.sub(r"\1", text)
    lexer = Cmd(text) if is_of_cmd(text) else Posix(text)
    commands = [command for command in lexer.commands() if command.words]
    curls = [command for command in commands if command.is_curl]
    if not curls:
        raise refusal(PLACE, "It is no curl command.", "Give one that begins with `curl`.")
    if len(curls) > 1:
        raise refusal(
            PLACE, f"There are {len(curls)} curl commands.", "Import one after the other, with --add-to."
        )
    notes = ["What stands beside the curl command was left out."] if len(commands) > 1 else []
    return Words(tuple(curls[0].arguments), curls[0].stdin, tuple(notes))
