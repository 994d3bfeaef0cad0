"""An answer from bytes: the same however they are cut, and nothing that could be read in two ways."""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.incoming import MAX_HEAD, Incoming

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = (0, b"", False)


def read(chunks: Iterable[bytes], *, ends: bool = True) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection can be used again; REFUSED for what is no answer."""
    incoming, body = Incoming(), b""
    try:
        for chunk in (*chunks, *([b""] if ends else [])):
            incoming.feed(chunk)
            body += incoming.taken()
            if incoming.is_complete:
                return incoming.status, body, incoming.leaves_nothing
            incoming.expect_more()
    except httpx.RemoteProtocolError:
        return REFUSED
    raise AssertionError("neither an answer nor refused")


def cut(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


ANSWERS = {
    "a length": (OK + b"Content-Length: 3\r\n\r\nabc", (200, b"abc", True)),
    "chunks": (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", (200, b"abc", True)),
    "chunks with trailers": (CHUNKED + b"3\r\nabc\r\n0\r\nX: 1\r\n\r\n", (200, b"abc", True)),
    "chunks beside a length": (
        OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        (200, b"abc", False),
    ),
    "until the end": (OK + b"\r\nabc", (200, b"abc", False)),
    "closes": (OK + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc", (200, b"abc", False)),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", (200, b"abc", False)),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True)),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", (200, b"", True)),
    "a note before it": (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", (200, b"", True)),
    "a note that closes": (
        b"HTTP/1.0 100 Go\r\nConnection: close\r\n\r\n" + OK + b"Content-Length: 3\r\n\r\nabc", (200, b"abc", True)
    ),
    "spaces behind a chunk's length": (CHUNKED + b"3  \r\nabc\r\n0 \r\n\r\n", (200, b"abc", True)),
    "lines that end with LF": (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", (200, b"abc", True)),
    "a folded header": (OK + b"X: one\r\n two\r\nContent-Length: 0\r\n\r\n", (200, b"", True)),
    "cut in the head": (OK + b"Content-Le", REFUSED),
    "cut in the body": (OK + b"Content-Length: 3\r\n\r\nab", REFUSED),
    "cut in a chunk": (CHUNKED + b"3\r\nab", REFUSED),
    "cut before the last chunk": (CHUNKED + b"3\r\nabc\r\n", REFUSED),
    "two lengths": (OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", REFUSED),
    "another coding": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", REFUSED),
    "chunked twice": (OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", REFUSED),
    "a CR in a header": (OK + b"X: a\rb\r\n\r\n", REFUSED),
    "a NUL in a header": (OK + b"X: a\0b\r\n\r\n", REFUSED),
    "no HTTP": (b"<html>", REFUSED),
    "nothing": (b"", REFUSED),
    "another protocol": (b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", REFUSED),
    "a status below 100": (b"HTTP/1.1 099 What\r\n\r\n", REFUSED),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_the_same_however_it_is_cut(text: bytes, expected: object) -> None:
    """In one piece, byte by byte, and at every place once."""
    ways = [cut(text, 1), [text], *([text[:at], text[at:]] for at in range(1, len(text)))]
    assert [read(filter(None, way)) for way in ways] == [expected] * len(ways)


def test_an_answer_to_head_has_no_body() -> None:
    """Whatever length it tells; what follows is not waited for."""
    incoming = Incoming(may_have_body=False)
    incoming.feed(OK + b"Content-Length: 3\r\n\r\n")
    assert (incoming.is_complete, incoming.taken(), incoming.leaves_nothing) == (True, b"", False)


@pytest.mark.hazard("E12")
@pytest.mark.parametrize("more", [OK, b"x", b"HTTP/1.1 100 Continue\r\n\r\n", b"\0"], ids=repr)
@pytest.mark.parametrize("text", [ANSWERS["a length"][0], ANSWERS["chunks"][0], ANSWERS["no body"][0]])
def test_what_follows_an_answer_ends_its_connection(text: bytes, more: bytes) -> None:
    """And is no part of it."""
    status, body, leaves_nothing = read([text + more])
    assert (status in {200, 204}, body in {b"abc", b""}, leaves_nothing) == (True, True, False)


@pytest.mark.hazard("E4", "E6")
@pytest.mark.parametrize(
    "endless",
    [OK, b"HTTP/1.1 100 Continue\r\n\r\n", CHUNKED + b"1;", CHUNKED + b"0\r\n"],
    ids=["head", "notes", "extension", "trailers"],
)
def test_what_is_no_body_is_bounded(endless: bytes) -> None:
    """However long a service talks."""
    again = endless if endless.startswith(b"HTTP/1.1 100") else b"X: " + b"a" * 997 + b"\r\n"
    assert read([endless, *[again] * (2 * MAX_HEAD // len(again))], ends=False) == REFUSED


@pytest.mark.hazard("E4")
def test_a_body_of_tiny_chunks_is_no_endless_head() -> None:
    """A megabyte in chunks of one byte, each with six bytes around it."""
    text = CHUNKED + b"1\r\na\r\n" * 1_000_000 + b"0\r\n\r\n"
    assert read(cut(text, 65536)) == (200, b"a" * 1_000_000, True)


@given(st.binary(max_size=200), st.integers(1, 40), st.sampled_from([b"", OK, CHUNKED]))
def test_any_bytes_are_an_answer_or_refused(text: bytes, size: int, head: bytes) -> None:
    """The same, however they are cut."""
    assert read([head + text]) == read(cut(head + text, size))


@pytest.mark.parametrize(
    "step", ["on_status", "on_header", "on_headers_complete", "on_body", "on_message_complete"]
)
def test_ctrl_c_is_not_taken_for_a_wrong_answer(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser, which is in C, makes an error of its own of whatever comes while it calls."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Incoming, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        Incoming().feed(OK + b"Content-Length: 3\r\n\r\nabc")
