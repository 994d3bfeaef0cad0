"""One answer of HTTP/1.1, from its bytes as they arrive: head, then pieces of the body, then its end.

httptools reads them: the parser of Node, in C, at a thirtieth of what one in Python costs. It is strict. What
could be read in two ways - two lengths, a coding that is not known, a bare CR - is no answer.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from connector.http import httpx

MAX_HEAD: Final = 100 * 1024
"""Bytes that are no body, for a start: heads, the lines between chunks, trailers."""

_PER_BYTE: Final = 16  # the lines around a chunk of one byte are shorter
_NO_BODY: Final = frozenset({204, 304})


class _Refused(Exception):
    """Stops the parser, which reports it."""


class Incoming:
    """What has arrived of an answer. That to a HEAD has no body, whatever length it tells.

    Attributes:
        status, reason, headers: of its head, once `has_head`.
        is_complete: all of it is here.
    """

    __slots__ = (
        "_body",
        "_has_more",
        "_is_interim",
        "_is_over",
        "_is_plain",
        "_may_be_kept",
        "_may_have_body",
        "_parser",
        "_pieces",
        "_spare",
        "_until_the_end",
        "has_head",
        "headers",
        "is_complete",
        "reason",
        "status",
    )

    def __init__(self, *, may_have_body: bool = True) -> None:
        self.status = 0
        self._may_have_body = may_have_body
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_complete = False
        self._pieces: list[bytes] = []
        self._is_over = self._has_more = self._may_be_kept = False
        self._is_interim = self._is_plain = self._until_the_end = False
        self._spare = MAX_HEAD
        self._body = 0
        self._parser = HttpResponseParser(self)
        # a fold in a header, lines that end with LF alone and spaces behind a chunk's length are old customs
        # without a second reading; of a length beside chunks the chunks count, and the connection is not used
        # again; a note that says `close`, or HTTP/1.0, is not the end: the answer is paid for, and follows
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_chunked_length=True,
            lenient_spaces_after_chunk_size=True,
            lenient_keep_alive=True,
        )

    def feed(self, data: bytes) -> None:
        """Take what has come; nothing: it has ended."""
        if not data:
            self._is_over = True
            self.is_complete = self._until_the_end
            return
        self._body = 0
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            cause = error.__context__
            if cause is not None and not isinstance(cause, Exception):  # Ctrl-C while the parser was calling
                raise cause from None
            self._is_over = True
            self._has_more = self.is_complete
            return
        if self.has_head and not self._may_have_body:  # the parser waits for one: its connection is not kept
            self.is_complete = True
        self._spare = min(self._spare + (_PER_BYTE + 1) * self._body - len(data), MAX_HEAD)
        self._is_over = self._spare < 0 and not self.is_complete

    def taken(self) -> bytes:
        """What has come of the body since this was asked last."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def expect_more(self) -> None:
        """Not all of it is here.

        Raises:
            httpx.RemoteProtocolError: and nothing more will be: it is not HTTP, or has ended too early.
        """
        if self._is_over:
            raise httpx.RemoteProtocolError("")

    @property
    def leaves_nothing(self) -> bool:
        """Whether the connection can take another request: all of the answer has come, and nothing behind it."""
        return self.is_complete and self._may_be_kept and not self._has_more

    # what the parser calls

    def on_message_begin(self) -> None:
        """The first byte of an answer, or of what follows it."""
        if self.is_complete:
            raise _Refused
        self.headers, self.reason = [], b""

    def on_status(self, reason: bytes) -> None:
        """The words behind the status, perhaps in pieces."""
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head, or of the trailers, which say nothing."""
        if self.has_head:
            _checked(value)
        else:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        values = b"".join([value for _, value in self.headers])
        if not values.isascii() or not values.decode("ascii").isprintable():
            self.headers = [(name, _checked(value)) for name, value in self.headers]
        self.status = self._parser.get_status_code()
        self._is_interim = 100 <= self.status < 200
        if self._is_interim:
            return
        if self.status < 200:
            raise _Refused
        self.has_head = True
        has_length = is_chunked = False
        for name, value in self.headers:
            if len(name) == 14 and name.lower() == b"content-length":
                has_length = True
            elif len(name) == 17 and name.lower() == b"transfer-encoding":
                if is_chunked or value.strip().lower() != b"chunked":
                    raise _Refused
                is_chunked = True
        self._is_plain = not (has_length and is_chunked)
        self._until_the_end = not (has_length or is_chunked or self.status in _NO_BODY)

    def on_body(self, piece: bytes) -> None:
        """Bytes of the body."""
        self._pieces.append(piece)
        self._body += len(piece)

    def on_message_complete(self) -> None:
        """The end, or that of a note on the way, such as 100 Continue."""
        if not self._is_interim:
            self.is_complete = True
            self._may_be_kept = self._is_plain and self._parser.should_keep_alive()


def _checked(value: bytes) -> bytes:
    """A header's value in one line."""
    text = value.replace(b"\r\n ", b"  ").replace(b"\r\n\t", b"  ")
    if b"\r" in text or b"\n" in text or b"\0" in text:
        raise _Refused
    return text
