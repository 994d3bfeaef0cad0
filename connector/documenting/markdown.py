"""Markdown of texts from elsewhere: whatever they hold is shown, and nothing in them is read as markup.

A manifest may be a stranger's, so its descriptions may hold pipes, backticks, HTML, links and line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_MARKUP: Final = re.compile(r"[\\`*\[\]<>~$&]|(?<![^\W_])_|_(?![^\W_])")
_AT_START: Final = re.compile(r"\A(?:[#+=-]|[0-9]+(?=[.)](?:\s|\Z)))")
_IN_CODE: Final = re.compile(r"[\\`*_\[\]<>~$&|\"']")
_NEEDS_TAGS: Final = re.compile(r"[`|]")
_JOINERS: Final = "\u200c\u200d"  # some scripts and emoji are written with them
_URL: Final = re.compile(r"https?://[!-;=?-~]+\Z")


def text(words: object) -> str:
    """A text as one paragraph, or as the cell of a table."""
    line = " ".join(visible(str(words)).split())
    line = _MARKUP.sub(lambda found: f"\\{found[0]}", line).replace("|", "&#124;")
    start = _AT_START.match(line)
    return line if start is None else _started(line, start.end())


def _started(line: str, end: int) -> str:
    """A line that would begin a heading or a list, and does not."""
    return f"{line[:end]}\\{line[end:]}" if line[0].isdigit() else f"\\{line}"


def code(words: object) -> str:
    """A text as code in a line, also in the cell of a table; nothing for an empty one."""
    line = visible(str(words)).replace("\n", " ").replace("\t", " ")
    if not line.strip():
        return ""
    if not _NEEDS_TAGS.search(line):
        return f"`` {line} ``" if line[0] == " " and line[-1] == " " else f"`{line}`"
    return f"<code>{_IN_CODE.sub(lambda found: f'&#{ord(found[0])};', line)}</code>"


def block(content: str, language: str) -> str:
    """Lines of code, with a fence that nothing in them closes."""
    safe = visible(content).rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", safe)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{safe}\n{fence}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, and an empty one. A column without any text is left out; so is a table without rows."""
    cells = [list(row) for row in rows]
    used = [index for index, column in enumerate(zip(*cells, strict=True)) if any(column)]
    if not used:
        return
    yield _row([headings[index] for index in used])
    yield f"|{'---|' * len(used)}"
    yield from (_row([row[index] for index in used]) for row in cells)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def link(label: str, url: str) -> str:
    """A link to a page of the web; of any other address, its text."""
    return f"[{text(label)}](<{url}>)" if _URL.match(url) else f"{text(label)}: {code(url)}"


def visible(words: str) -> str:
    """Without characters that steer or hide: controls, marks that reorder, halves of surrogate pairs."""
    if words.isprintable():
        return words
    kept = words.replace("\r\n", "\n")
    return "".join(
        char if char.isprintable() or char in "\n\t" or char in _JOINERS else _escape(char) for char in kept
    )


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
