"""Server-sent events from bytes, however they are cut.

Lines end with LF, CR or CRLF, and with nothing else: U+2028 inside data is text. A BOM at the start is
skipped, comments are skipped, several data lines are joined. Libraries that split text into lines lose
events here; this splits bytes and leaves decoding to whoever reads the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_EVENT: Final = 4 * 1024 * 1024
"""The longest event, in bytes."""

_BOM = b"\xef\xbb\xbf"


class EventTooLongError(ValueError):
    """An event, or a line without an end, that is longer than MAX_EVENT."""


class ServerEvent(NamedTuple):
    """One event: its name ("" if it has none) and its data, not decoded."""

    name: str
    data: bytes


class EventParser:
    """Fed with bytes as they arrive; gives the events that are complete."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of a line that has not ended
        self._size = 0  # of those pieces and of the event's data so far
        self._start = True
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """The events that the chunk completes.

        Raises:
            EventTooLongError: and the stream cannot be read any further.
        """
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF that was cut in two
            self._after_cr = False
        if b"\n" not in chunk and b"\r" not in chunk:
            self._pieces.append(chunk)
            self._grow(len(chunk))
            return
        text = b"".join(self._pieces) + chunk
        if b"\r" in chunk:
            self._after_cr = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._start:
            text = text.removeprefix(_BOM)
            self._start = False
        *lines, rest = text.split(b"\n")
        self._pieces = [rest]
        for line in lines:
            if line.startswith(b"data: "):
                self._data.append(line[6:])
            elif line:
                self._field(line)
            else:
                if self._data:
                    yield ServerEvent(self._name, b"\n".join(self._data))
                self._name, self._data = "", []
        self._size = sum(map(len, self._data))
        self._grow(len(rest))

    def end(self) -> Iterator[ServerEvent]:
        """The last event, if the stream ended without the blank line after it."""
        return self.feed(b"\n\n")

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT:
            raise EventTooLongError(f"an event is longer than {MAX_EVENT // 1024 // 1024} MiB")

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        elif name == b"data":
            self._data.append(value.removeprefix(b" "))
