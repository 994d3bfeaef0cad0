"""Server-sent events: any form of line end, any cut, nothing lost."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sse import MAX_EVENT, EventParser, EventTooLongError, ServerEvent


def events(*chunks: bytes) -> list[tuple[str, str]]:
    parser = EventParser()
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    found += parser.end()
    return [(event.name, event.data.decode()) for event in found]


CASES = {
    "LF": (b"data: a\n\ndata: b\n\n", [("", "a"), ("", "b")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", "a"), ("", "b")]),
    "CR": (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
    "mixed line ends": (b"data: a\r\n\ndata: b\n\rdata: c\r\r\n", [("", "a"), ("", "b"), ("", "c")]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
    "BOM before a comment": (b"\xef\xbb\xbf: hi\ndata: a\n\n", [("", "a")]),
    "comments": (b": ping - 2026-06-01\r\n\r\ndata: a\n: between\ndata: b\n\n", [("", "a\nb")]),
    "several data lines": (b"data: a\ndata:  b\ndata\ndata: c\n\n", [("", "a\n b\n\nc")]),
    "no space after the colon": (b"data:a\nevent:x\n\n", [("x", "a")]),
    "a name": (b"event: done\ndata: {}\n\ndata: {}\n\n", [("done", "{}"), ("", "{}")]),
    "id and retry are passed over": (b"id: 1\nretry: 5\ndata: a\nother: x\n\n", [("", "a")]),
    "an event without data is none": (b"event: x\n\ndata: a\n\n", [("", "a")]),
    "no blank line at the end": (b"data: a\n\ndata: b\n", [("", "a"), ("", "b")]),
    "no line end at the end": (b"data: a\n\ndata: b", [("", "a"), ("", "b")]),
    "U+2028, NEL, VT and FF inside data": (
        "data: a\u2028b\u0085c\x0bd\x0ce\n\n".encode(),
        [("", "a\u2028b\u0085c\x0bd\x0ce")],
    ),
    "a BOM later is text": (b"data: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n", [("", "a"), ("", "c")]),
    "a BOM after an empty line is text": (b"\n\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("", "b")]),
    "a BOM and nothing else": (b"\xef\xbb\xbf", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(stream: bytes, expected: list[tuple[str, str]]) -> None:
    """Whole, the stream gives what the specification says."""
    assert events(stream) == expected


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_a_stream_cut_at_every_byte_gives_the_same(stream: bytes, expected: list[tuple[str, str]]) -> None:
    """A byte at a time changes nothing."""
    assert events(*(bytes([byte]) for byte in stream)) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "x", "done"]), st.text(st.characters(blacklist_characters="\r\n")))
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 400)),
)
def test_any_cut_of_any_stream_gives_the_same_events(
    sent: list[tuple[str, str]], line_end: bytes, cuts: list[int]
) -> None:
    """Wherever the network cuts the bytes, the events are those that were sent."""
    stream = b"".join(
        (b"event: " + name.encode() + line_end if name else b"")
        + b"data: "
        + json.dumps(text).encode()
        + line_end * 2
        for name, text in sent
    )
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    chunks = [stream[one:other] for one, other in pairwise(places)]
    assert events(*chunks) == [(name, json.dumps(text)) for name, text in sent]


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_read_without_an_error(chunks: list[bytes]) -> None:
    """What is not an event stream gives events or none, and no exception."""
    parser = EventParser()
    for chunk in chunks:
        assert all(isinstance(event, ServerEvent) for event in parser.feed(chunk))


@pytest.mark.parametrize(
    "unit", [b"x" * 65536, b"data: " + b"x" * 65530 + b"\n"], ids=["a line", "data lines"]
)
def test_an_event_without_end_is_refused(unit: bytes) -> None:
    """It stops at the bound, not at the end of memory."""
    with pytest.raises(EventTooLongError):
        events(*[unit] * (2 * MAX_EVENT // len(unit)))
