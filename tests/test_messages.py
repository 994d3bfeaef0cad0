"""Messages of ours are httpx's for everybody: the same attributes, the same headers, made when somebody looks."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from connector.messages import Pairs, Request, Response, pairs_of

PAIRS: Pairs = [(b"Host", b"127.0.0.1"), (b"X-Twice", b"a"), (b"x-twice", b"b"), (b"Odd", "é".encode())]


def request() -> Request:
    return Request("POST", httpx.URL("http://127.0.0.1/x?key=k"), PAIRS, b"{}", {"read": 5.0})


def response() -> Response:
    return Response(200, PAIRS, httpx.ByteStream(b"{}"), request=request())


MESSAGES = [
    (request, httpx.Request("POST", "http://127.0.0.1", stream=httpx.ByteStream(b""))),
    (response, httpx.Response(200, stream=httpx.ByteStream(b""))),
]


@pytest.mark.parametrize(("made", "theirs"), MESSAGES, ids=["request", "response"])
def test_all_that_httpx_sets_is_there(made: Any, theirs: Any) -> None:
    """A version of httpx that sets more attributes fails here."""
    assert [name for name in vars(theirs) if not hasattr(made(), name)] == []


@pytest.mark.parametrize("made", [request, response])
def test_headers_are_those_of_httpx(made: Any) -> None:
    """Read by name, they are what httpx would have made of the pairs."""
    assert made().headers == httpx.Headers(PAIRS)
    assert made().headers["x-twice"] == "a, b"


@pytest.mark.parametrize("made", [request, response])
def test_a_changed_header_is_sent(made: Any) -> None:
    """Whoever changes a header, as a recorder may, changes what goes out."""
    message = made()
    assert pairs_of(message) == PAIRS
    message.headers["Odd"] = "even"
    assert (b"Odd", b"even") in pairs_of(message)
    message.headers = httpx.Headers({"Only": "this"})
    assert pairs_of(message) == [(b"Only", b"this")]


def test_pairs_of_other_peoples_messages() -> None:
    """A transport that was given answers with messages of httpx itself."""
    assert pairs_of(httpx.Response(200, headers=PAIRS)) == [*PAIRS]


def test_an_answer_is_closed_in_the_way_of_its_stream() -> None:
    """In the other way it is refused, and can still be closed in its own."""

    class AsyncStream(httpx.AsyncByteStream):
        is_closed = False

        async def aclose(self) -> None:
            self.is_closed = True

    stream = AsyncStream()
    answer = Response(200, PAIRS, stream)
    with pytest.raises(RuntimeError, match="aclose"):
        answer.close()
    asyncio.run(answer.aclose())
    assert (answer.is_closed, stream.is_closed) == (True, True)
    with pytest.raises(RuntimeError, match="close"):
        asyncio.run(Response(200, PAIRS, OnlySync()).aclose())


class OnlySync(httpx.SyncByteStream):
    pass


def test_a_request_prints_without_its_query() -> None:
    """A key may be in it."""
    assert repr(request()) == "<Request('POST', 'http://127.0.0.1/x')>"
    assert request().content == b"{}"


def test_an_answer_can_be_read_as_httpx_does() -> None:
    """A hook that reads it finds the body, the words of the status and the request."""
    found = response()
    assert (found.read(), found.json(), found.is_success) == (b"{}", {}, True)
    assert (found.reason_phrase, found.request.method, found.is_closed) == ("OK", "POST", True)
