"""Results for people, on stdout: aligned columns without lines, long text folded, colour only on a terminal.

Whatever is shown is plain text: no markup is read, and characters that could steer a terminal are escaped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Final, NoReturn

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from connector.cli.visible import visible

_GAP: Final = 2
_BETWEEN: Final = 3  # two columns of a page
_NARROWEST: Final = 40
_LEAST_FOR_PROSE: Final = 24
_LONGEST: Final = 200_000  # characters of one text: folding millions takes minutes, and nobody reads them


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # main() ends every command, this way of ending included


class Page:
    """Stdout, as wide as it is."""

    def __init__(self) -> None:
        self._console = _Console(file=sys.stdout, markup=False, emoji=False, highlight=False)
        self.width = max(self._console.width, _NARROWEST)

    def title(self, text: str, about: str = "") -> None:
        """A heading, with more about it behind."""
        line = Text(visible(text, one_line=True), style="bold")
        if about:
            line.append(f"  {visible(about, one_line=True)}", style="not bold")
        for piece in line.wrap(self._console, self.width, overflow="fold"):
            self._print(piece)

    def line(self, text: str = "", *, style: str = "", indent: int = 0) -> None:
        """A paragraph, folded at the page's width."""
        for line in self._folded(text, style, self.width - indent):
            self._print(Text(" " * indent) + line)

    def points(self, sentences: Sequence[str]) -> None:
        """A list of sentences."""
        self.table(("", ""), [("-", sentence) for sentence in sentences])

    def whole(self, text: str, *, indent: int = 0) -> None:
        """One line that is not folded here, so that it can be copied as it is."""
        self._print(Text(" " * indent + visible(_begin(text))))

    def cut(self, label: str, text: str, *, indent: int = 0) -> None:
        """A label and one line, cut where the page ends."""
        line = Text(" " * indent).append(f"{label}  ", style="dim").append(visible(text, one_line=True))
        line.truncate(self.width, overflow="ellipsis" if self._console.encoding.startswith("utf") else "crop")
        self._print(line)

    def table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 2, keys: int = 1
    ) -> None:
        """Columns under headings. Where the last has no room, it stands below its row.

        Args:
            headings: one for each column; empty ones for a table without.
            rows: the cells; line breaks in them are kept. A column without any text is left out.
            indent: how far to the right it begins.
            keys: how many columns, from the left, are not folded to make room for the others.
        """
        used = [index for index, column in enumerate(zip(*rows, strict=True)) if any(column)]
        if not used:
            return
        headings, rows = [headings[i] for i in used], [[row[i] for i in used] for row in rows]
        shown = [headings, *rows] if any(headings) else rows
        natural = [max(map(_width, column)) for column in zip(*shown, strict=True)]
        room = self.width - indent - _GAP * (len(natural) - 1)
        widths = _shared(natural, room, keys)
        below = len(natural) > 2 and widths[-1] < min(natural[-1], _LEAST_FOR_PROSE)
        if below:
            widths = _shared(natural[:-1], room + _GAP, keys)
        styles = ["cyan"] * keys + [""] * (len(natural) - keys)
        if any(headings):
            self._row(headings[: len(widths)], widths, ["dim"] * len(widths), indent)
        for cells in rows:
            self._row(cells[: len(widths)], widths, styles[: len(widths)], indent)
            if below and cells[-1]:
                self.line(cells[-1], indent=indent + 4)

    def fits(self, rows: Sequence[Sequence[str]], *, indent: int = 2) -> bool:
        """Whether the rows stand side by side without folding."""
        natural = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        one_line = not any("\n" in cell for row in rows for cell in row)
        return one_line and indent + sum(natural) + _GAP * (len(natural) - 1) <= self.width

    def halves(self) -> tuple[Column, Column]:
        """Two columns that share the page: see beside."""
        width = (self.width - _BETWEEN) // 2
        return Column(self._console, width), Column(self._console, width)

    def beside(self, left: Column, right: Column) -> None:
        """Two columns, side by side."""
        for one, other in zip_longest(left.lines, right.lines, fillvalue=Text()):
            room = left.width + _BETWEEN - one.cell_len
            self._print(Text().append_text(one).append(" " * room).append_text(other))

    def clear(self) -> None:
        """Begin the screen anew, where there is one."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._console.clear()

    def _row(self, cells: Sequence[str], widths: Sequence[int], styles: Sequence[str], indent: int) -> None:
        folded = [self._folded(*column) for column in zip(cells, styles, widths, strict=True)]
        for pieces in zip_longest(*folded, fillvalue=Text()):
            line, end = Text(" " * indent), indent
            for piece, width in zip(pieces, widths, strict=True):
                line.append(" " * (end - line.cell_len)).append_text(piece)
                end += width + _GAP
            self._print(line)

    def _folded(self, text: str, style: str, width: int) -> list[Text]:
        folded = Text(visible(_begin(text)), style=style).wrap(
            self._console, max(width, 2), overflow="fold", tab_size=4
        )
        return list(folded) or [Text()]

    def _print(self, line: Text) -> None:
        line.rstrip()
        self._console.print(line, soft_wrap=True)


class Column(Page):
    """A part of a page, as wide as it is told; it is kept until the page shows it beside another."""

    def __init__(self, console: _Console, width: int) -> None:
        self._console = console
        self.width = width
        self.lines: list[Text] = []

    def _print(self, line: Text) -> None:
        line.rstrip()
        self.lines += line.wrap(self._console, self.width, overflow="fold") if line.plain else [line]


def _width(text: str) -> int:
    return max((cell_len(line.expandtabs(4)) for line in visible(_begin(text)).split("\n")), default=0)


def _begin(text: str) -> str:
    more = len(text) - _LONGEST
    return (
        text if more <= 0 else f"{text[:_LONGEST]}... ({more:,} more characters; --format json has them all)"
    )


def _shared(natural: Sequence[int], room: int, keys: int) -> list[int]:
    """Widths that fit into the room: what a narrow column does not need goes to the wider ones."""
    widths = [0] * len(natural)
    left = room
    for index in range(keys):
        widths[index] = min(natural[index], max(left - _LEAST_FOR_PROSE, left // 2))
        left -= widths[index]
    others = sorted(range(keys, len(natural)), key=lambda index: natural[index])
    for position, index in enumerate(others):
        widths[index] = max(min(natural[index], left // (len(others) - position)), 1)
        left -= widths[index]
    return widths


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """While a request is under way, say so on a terminal; the line is gone afterwards."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    with console.status(Text(visible(what, one_line=True)), spinner="line"):
        yield
