"""The network: the only module that touches it. One request out, one complete answer in.

httpx's transport is called directly: no redirects are followed, no cookies kept, no proxy or netrc is read
from the environment, so a key goes to the connection's own host and to nobody else. Errors of httpx
become ours in network_errors.

A request is never sent twice here. A kept connection is used again within 5 seconds only, and not if the
server has closed it meanwhile; should it break all the same, nobody can tell whether the service has read
the request, and a POST that it has read is paid for. Only where none of it was sent is that known.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import suppress
from typing import Final, cast

from connector import messages
from connector.deadline import EXTENSION, Patience, Sending, within
from connector.errors import CutOff
from connector.http import httpx
from connector.messages import Pairs, pairs_of
from connector.network_errors import FAILURES, PERHAPS_DONE, of_another_loop, place, translated
from connector.wire import AsyncLines, Lines

Transport = httpx.BaseTransport
AsyncTransport = httpx.AsyncBaseTransport
Request = httpx.Request
Response = httpx.Response

MAX_BYTES: Final = 32 * 1024 * 1024
"""The longest answer that is read as a whole, decompressed."""

_PART = 1024 * 1024  # decompressed at once
_FOR_THE_END = 0.05  # seconds for what follows the event that ends a stream


def open_transport() -> Transport:
    """The connections of one connection."""
    return Lines()


def open_async_transport() -> AsyncTransport:
    """As open_transport, for asyncio."""
    return AsyncLines()


def send(transport: Transport, request: httpx.Request, sending: Sending | None = None) -> httpx.Response:
    """Send a request and read the whole answer.

    Args:
        transport: what sends it.
        request: it goes once.
        sending: by when the answer has to be complete, and what becomes of the request.

    Raises:
        Timeout, Unreachable, CutOff: with the method and URL, and what to do.
    """
    answer = open_answer(transport, request, sending)
    try:
        return answer.whole()
    finally:
        answer.close()


async def send_async(
    transport: AsyncTransport, request: httpx.Request, sending: Sending | None = None
) -> httpx.Response:
    """As send, for asyncio."""
    answer = await open_answer_async(transport, request, sending)
    try:
        return await answer.whole()
    finally:
        await answer.aclose()


def open_answer(transport: Transport, request: httpx.Request, sending: Sending | None = None) -> Answer:
    """Send a request and read the head of the answer; whoever asks closes it.

    Raises:
        Timeout, Unreachable, CutOff.
    """
    sending = _patient(transport, request, sending)
    try:
        head = transport.handle_request(request)
    except FAILURES as error:
        failed = translated(error, request, sending)
    else:
        sending.has_sent()
        return Answer(head, request, sending)
    raise failed  # outside: httpx's error, which may quote a header, does not become its context


async def open_answer_async(
    transport: AsyncTransport, request: httpx.Request, sending: Sending | None = None
) -> AsyncAnswer:
    """As open_answer, for asyncio."""
    sending = _patient(transport, request, sending)
    try:
        head = await transport.handle_async_request(request)
    except FAILURES as error:
        failed = translated(error, request, sending)
    except RuntimeError as error:
        failed = of_another_loop(error, request)
    else:
        sending.has_sent()
        return AsyncAnswer(head, request, sending)
    raise failed


def _patient(
    transport: Transport | AsyncTransport, request: httpx.Request, sending: Sending | None
) -> Sending:
    """Have every step of a request end with its deadline."""
    sending = sending or Sending()
    limits = request.extensions.get("timeout", {})
    request.extensions = {"timeout": limits, EXTENSION: Patience(sending, limits)}
    if not isinstance(transport, (Lines, AsyncLines)):  # another reads numbers, which are true for a moment
        left = max(sending.deadline.left(), 0.001)
        request.extensions["timeout"] = {
            step: min(left, seconds) for step, seconds in limits.items() if seconds is not None
        }
    return sending


class _Begun:
    """An answer whose body is still to come: in pieces, or as a whole."""

    def __init__(self, head: httpx.Response, request: httpx.Request, sending: Sending) -> None:
        self.head = head
        self._request = request
        self._sending = sending

    def expect_pieces(self, longest_silence: float) -> None:
        """From here on, so many seconds without a byte are too many."""
        self._sending.longest_silence = longest_silence

    def expect_the_end(self) -> None:
        """What was waited for is here. The rest is only read so that the connection can be kept."""
        self._sending.deadline = within(_FOR_THE_END)

    def check_time(self) -> None:
        """The network is not all that takes time: one packet may hold a million events.

        Raises:
            Timeout: if the deadline is over.
        """
        if self._sending.deadline.left() <= 0:
            raise translated(httpx.ReadTimeout(""), self._request, self._sending)


class Answer(_Begun):
    """See _Begun."""

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives, decompressed."""
        decoder = _Decoder(self.head, self._request)
        try:
            for piece in cast("httpx.SyncByteStream", _stream_of(self.head)):
                for decoded in decoder.decoded(piece):
                    self.check_time()
                    yield decoded
            decoder.end()
        except FAILURES as error:
            failed = translated(error, self._request, self._sending)
        else:
            return
        raise failed

    def whole(self) -> httpx.Response:
        """The complete answer."""
        body = _Body(self.head, self._request)
        try:
            for piece in cast("httpx.SyncByteStream", _stream_of(self.head)):
                self.check_time()
                body.add(piece)
            return body.answer()
        except FAILURES as error:
            failed = translated(error, self._request, self._sending)
        raise failed

    def close(self) -> None:
        """Free the connection; what has not arrived is given up."""
        with suppress(*FAILURES):
            self.head.close()


class AsyncAnswer(_Begun):
    """As Answer, for asyncio."""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """See Answer.pieces."""
        decoder = _Decoder(self.head, self._request)
        try:
            async for piece in cast("httpx.AsyncByteStream", _stream_of(self.head)):
                for decoded in decoder.decoded(piece):
                    self.check_time()
                    yield decoded
            decoder.end()
        except FAILURES as error:
            failed = translated(error, self._request, self._sending)
        except RuntimeError as error:
            failed = of_another_loop(error, self._request)
        else:
            return
        raise failed

    async def whole(self) -> httpx.Response:
        """See Answer.whole."""
        body = _Body(self.head, self._request)
        try:
            async for piece in cast("httpx.AsyncByteStream", _stream_of(self.head)):
                self.check_time()
                body.add(piece)
            return body.answer()
        except FAILURES as error:
            failed = translated(error, self._request, self._sending)
        except RuntimeError as error:
            failed = of_another_loop(error, self._request)
        raise failed

    async def aclose(self) -> None:
        """See Answer.close."""
        with suppress(*FAILURES):
            await self.head.aclose()


def _was_read(head: httpx.Response) -> bool:
    """Whether the transport that was given, or a recorder, has read the answer already: its stream is used up."""
    is_read = head.is_stream_consumed and hasattr(head, "_content")
    return is_read and not isinstance(head.stream, httpx.ByteStream)


def _stream_of(head: httpx.Response) -> httpx.SyncByteStream | httpx.AsyncByteStream:
    """The body that is to come; of an answer that was read, what httpx has kept of it, decompressed."""
    return httpx.ByteStream(head.content) if _was_read(head) else head.stream


class _Decoder:
    """Takes the compression off, piece by piece; no piece grows beyond MAX_BYTES.

    Attributes:
        is_coded: whether the answer names a coding, be it none.
    """

    def __init__(self, response: httpx.Response, request: httpx.Request) -> None:
        self._request = request
        self._received = 0
        named = _codings(response)
        self.is_coded = bool(named)
        is_gzip = named and not _was_read(response) and _is_gzip(named, request)
        self._gunzip = zlib.decompressobj(wbits=31) if is_gzip else None

    def decoded(self, piece: bytes) -> Iterable[bytes]:
        """What a piece holds, in bounded parts."""
        return (piece,) if self._gunzip is None else self._unzipped(piece)

    def _unzipped(self, piece: bytes) -> Iterator[bytes]:
        self._received += len(piece)
        part = b""
        while piece or len(part) == _PART:
            assert self._gunzip is not None
            if self._gunzip.eof:  # gzip files may follow one another
                self._gunzip = zlib.decompressobj(wbits=31)
            if part := self._gunzip.decompress(piece, _PART):
                yield part
            piece = self._gunzip.unconsumed_tail or self._gunzip.unused_data

    def end(self) -> None:
        """A gzip text that ends too early is not one, whatever its length."""
        if self._received and self._gunzip is not None and not self._gunzip.eof:
            message = "The answer ends before its compressed text does."
            raise CutOff(message, where=place(self._request), hint=PERHAPS_DONE)


class _Body:
    """A whole body, bounded."""

    def __init__(self, head: httpx.Response, request: httpx.Request) -> None:
        self._head = head
        self._request = request
        self._pieces: list[bytes] = []
        self._size = 0
        self._decoder = _Decoder(head, request)

    def __repr__(self) -> str:
        return f"<{self._size} bytes>"

    def add(self, piece: bytes) -> None:
        """Take what has come."""
        for part in self._decoder.decoded(piece):
            self._pieces.append(part)
            self._size += len(part)
            if self._size > MAX_BYTES:
                message = f"The answer is longer than {MAX_BYTES // 1024 // 1024} MiB."
                hint = "Ask for less, such as fewer or shorter results."
                raise CutOff(message, where=place(self._request), hint=hint)

    def answer(self) -> httpx.Response:
        """The answer with this body, which has ended."""
        self._decoder.end()
        pairs = pairs_of(self._head)
        if self._decoder.is_coded:
            pairs = [pair for pair in pairs if pair[0].lower() != b"content-encoding"]
        return _Whole(self._head.status_code, pairs, self._request, b"".join(self._pieces))


_CODINGS: Final = {"gzip", "x-gzip", "deflate", "compress", "br", "zstd"}


def _codings(response: httpx.Response) -> list[bytes]:
    """The values of Content-Encoding."""
    return [
        value for name, value in pairs_of(response) if len(name) == 16 and name.lower() == b"content-encoding"
    ]


def _is_gzip(named: list[bytes], request: httpx.Request) -> bool:
    codings = b" ".join(named).decode("latin-1").lower().replace(",", " ").split()
    applied = [coding for coding in codings if coding != "identity"]
    if applied and applied not in (["gzip"], ["x-gzip"]):
        known = [coding for coding in applied if coding in _CODINGS]  # anything else may be a key, echoed
        message = (
            f"The answer is compressed in a way that was not asked for ({' '.join(known) or 'unknown'!a})."
        )
        raise CutOff(
            message, where=place(request), hint="Check base_url: a proxy or gateway may have done it."
        )
    return bool(applied)


class _Whole(messages.Response):
    """An answer that has been read and decompressed."""

    def __init__(self, status: int, pairs: Pairs, request: httpx.Request, body: bytes) -> None:
        super().__init__(status, pairs, _NOTHING, request=request)
        self._whole = body

    @property
    def content(self) -> bytes:
        return self._whole


_NOTHING: Final = httpx.ByteStream(b"")  # it is never read, as the body is here already
