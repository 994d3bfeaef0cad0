"""Faults of answers that stream: what a server sends as events, and how much of the text is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loopback import Answer, close, http, reset

from faults.mode import RIGHT
from faults.wire import BOM, CHUNKED, GZIP, SSE, bomb, chunked, drip, failed, head, ok, zipped

PIECES = ("One ", "stär ", "shines\u2028on")
TEXT = "".join(PIECES)
CUT = "cut_off"
OUTPUT = "unexpected_output"
FAULT = "server_fault"
ENDED = "ended before it was complete"
START = head(f"Content-Type: {SSE}", "Connection: close")


@dataclass(frozen=True)
class Talk:
    """A route's stream of PIECES: the events before the last, and the last, with the whole answer."""

    first: dict[str, Any]
    pieces: tuple[dict[str, Any], ...]
    last: dict[str, Any]

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """All of them."""
        return (self.first, *self.pieces, self.last)

    @property
    def unfinished(self) -> bytes:
        """All but the last, as bytes."""
        return sse(self.first, *self.pieces)

    @property
    def whole(self) -> bytes:
        """All, as bytes."""
        return sse(*self.events)


def _choice(content: str, so_far: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"delta": {"content": content}, "message": {"content": so_far}, "finish_reason": finish}
    return {"id": "s1", "object": "chat.completion.chunk", "model": "sonar", "choices": [choice]}


def _delta(text: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text}


ANSWER = {
    "id": "resp_1",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}],
}
TALKS = {
    "agent": Talk(
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
        tuple(_delta(piece) for piece in PIECES),
        {"type": "response.completed", "response": ANSWER},
    ),
    "sonar": Talk(
        _choice("", ""),
        tuple(_choice(piece, "".join(PIECES[: i + 1])) for i, piece in enumerate(PIECES)),
        _choice("", TEXT, "stop"),
    ),
}


def sse(*events: Any, end: str = "\n", name: str = "") -> bytes:
    """Events as bytes; an event is JSON unless it is text."""
    texts = (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in events)
    return "".join(f"{name}data: {text}{end}{end}" for text in texts).encode()


@dataclass(frozen=True)
class StreamMode:
    """What a server streams, and what is right then.

    Attributes:
        name, hazards, right, said: see faults.mode.Mode.
        answer: from the events of a right answer to what is sent.
        kept: how many of PIECES the result, or the error's partial_text, has.
    """

    name: str
    hazards: str
    answer: Callable[[Talk], Answer]
    right: str = RIGHT
    said: str = ""
    kept: int = 3


def _sent(*parts: bytes) -> Answer:
    return (START, *parts, close)


def _after_two(t: Talk, *parts: bytes) -> Answer:
    return (START, sse(t.first, *t.pieces[:2]), *parts, close)


def _named(t: Talk, end: str = "\n") -> bytes:
    return b"".join(sse(one, end=end, name=f"event: {one.get('type', 'x')}{end}") for one in t.events)


def _lines(t: Talk) -> bytes:
    """Each event in several data lines, as JSON with line breaks."""
    texts = (json.dumps(one, indent=1, ensure_ascii=False) for one in t.events)
    return "".join("".join(f"data:{line}\n" for line in text.split("\n")) + "\n" for text in texts).encode()


def _split(text: bytes) -> tuple[bytes, ...]:
    return tuple(text[i : i + 1] for i in range(len(text)))


FORMS = (
    StreamMode("stream", "F4", lambda t: _sent(t.whole)),
    StreamMode("bom=1", "F1", lambda t: _sent(BOM + sse(*t.pieces, t.last))),
    StreamMode("bom=1,split", "F1", lambda t: _sent(*_split(BOM + sse(*t.pieces, t.last)))),
    StreamMode("eol=cr", "F2", lambda t: _sent(sse(*t.events, end="\r"))),
    StreamMode("eol=crlf", "F2", lambda t: _sent(sse(*t.events, end="\r\n"))),
    StreamMode("eol=mixed", "F2", lambda t: _sent(*(sse(e, end=end) for e, end in zip(t.events, ["\n", "\r", "\r\n"] * 2, strict=False)))),
    StreamMode("split", "F2", lambda t: _sent(*_split(t.whole))),
    StreamMode("split,eol=crlf", "F2", lambda t: _sent(*_split(sse(*t.events, end="\r\n")))),
    StreamMode("split,chunked", "F2", lambda t: (ok(chunked(*_split(t.whole)), CHUNKED, form=SSE, length=False), close)),
    StreamMode("tcp=7", "F2", lambda t: _sent(*(t.whole[i : i + 7] for i in range(0, len(t.whole), 7)))),
    StreamMode("tcp=1000", "F2", lambda t: _sent(t.whole)),
    StreamMode("length", "F2", lambda t: ok(t.whole, form=SSE)),
    StreamMode("ls=1", "F3", lambda t: _sent(b": a\x0bb\x0cc\x1cd\xc2\x85data: 1\xe2\x80\xa8data: 2\n\n" + t.whole)),
    StreamMode("lines", "F4", lambda t: _sent(_lines(t))),
    StreamMode("comments", "F4", lambda t: _sent(b": hi\n\n", t.unfinished, b":\n\n: data: x\n\n", sse(t.last))),
    StreamMode("ids", "F4", lambda t: _sent(t.whole.replace(b"data: ", b"id: 7\nretry: 10\nodd\ndata: "))),
    StreamMode("nospace", "F4", lambda t: _sent(t.whole.replace(b"data: ", b"data:"))),
    StreamMode("names", "F4", lambda t: _sent(_named(t))),
    StreamMode("blanks", "F4", lambda t: _sent(t.whole.replace(b"\n\n", b"\n\n\n\n\n"))),
    StreamMode("noblank", "F5", lambda t: _sent(t.whole.rstrip(b"\n"))),
    StreamMode("done=after", "F5", lambda t: _sent(t.whole, sse("[DONE]"))),
    StreamMode("done=before", "F5", lambda t: _sent(t.unfinished, sse("[DONE]", t.last))),
    StreamMode("late", "F5", lambda t: _sent(t.whole, sse(t.pieces[0], "oops"), b"\xff\xff")),
    StreamMode("done,reset", "F5", lambda t: (START, t.whole, 0.1, reset)),
    StreamMode("done,hang", "F5", lambda t: (START, t.whole, 30.0)),
    StreamMode("unknown", "F4", lambda t: _sent(sse(t.first, {"type": "response.odd", "object": "odd", "x": [1]}), sse(*t.events[1:]))),
    StreamMode("gzip", "F13", lambda t: ok(zipped(t.whole), GZIP, form=SSE)),
    StreamMode("gzip,split", "F13", lambda t: (head("Content-Encoding: gzip", f"Content-Type: {SSE}"), *_split(zipped(t.whole)), close)),
    StreamMode("gzip,members", "F13", lambda t: ok(b"".join(zipped(sse(e)) for e in t.events), GZIP, form=SSE)),
    StreamMode("gzip,bad=notrailer", "E5", lambda t: ok(zipped(t.whole)[:-8], GZIP, form=SSE)),
    StreamMode("ct=none", "F10", lambda t: (head("Connection: close") + t.whole, close)),
    StreamMode("ct=text", "F10", lambda t: (head("Content-Type: text/plain; charset=latin-1") + t.whole, close)),
    StreamMode("ct=charset", "F10", lambda t: (head(f"Content-Type: {SSE}; charset=utf-16") + t.whole, close)),
    StreamMode("whole=json", "F10", lambda t: ok(t.last.get("response", t.last)), kept=0),
)  # fmt: skip

CUTS = (
    StreamMode("empty", "F5", lambda t: _sent(), CUT, ENDED, kept=0),
    StreamMode("pings", "F5", lambda t: _sent(b": ping\n\n" * 9), CUT, kept=0),
    StreamMode("nodone", "F5", lambda t: _sent(t.unfinished), CUT, ENDED),
    StreamMode("nodone,[DONE]", "F5", lambda t: _sent(t.unfinished, sse("[DONE]")), CUT, ENDED),
    StreamMode("nodone,length", "F5", lambda t: ok(t.unfinished, form=SSE), CUT, ENDED),
    StreamMode("nodone,chunked", "F5", lambda t: ok(chunked(t.unfinished), CHUNKED, form=SSE, length=False), CUT, ENDED),
    StreamMode("midtrunc", "F5", lambda t: _after_two(t, sse(t.pieces[2])[:20]), CUT, kept=2),
    StreamMode("midtrunc,last", "F5", lambda t: _sent(t.unfinished, sse(t.last)[:-20]), CUT),
    StreamMode("midtrunc,char", "F5", lambda t: _after_two(t, b'data: {"type": "\xc3'), CUT, kept=2),
    StreamMode("trunc,length", "F11", lambda t: (ok(t.whole, form=SSE)[: -len(sse(t.last))], close), CUT),
    StreamMode("trunc,chunked", "F11", lambda t: (ok(chunked(t.unfinished, end=b"")[:-2], CHUNKED, form=SSE, length=False), close), CUT),
    StreamMode("reset", "F11", lambda t: (START, sse(t.first, *t.pieces[:2]), 0.2, reset), CUT, "broke", kept=2),
    StreamMode("reset,at=first", "F11", lambda t: (START, reset), CUT, kept=0),
    StreamMode("reset,at=head", "F11", lambda t: (START[:30], reset), CUT, kept=0),
    StreamMode("reset,at=request", "F11", lambda t: (reset,), CUT, kept=0),
    StreamMode("badchunk", "F11", lambda t: (ok(chunked(t.unfinished, end=b"zz\r\n"), CHUNKED, form=SSE, length=False), close), CUT),
    StreamMode("gzip,bad=trunc", "E5", lambda t: ok(zipped(t.unfinished)[:-8], GZIP, form=SSE), CUT),
    StreamMode("gzip,bad=members", "E5", lambda t: ok(zipped(t.unfinished) + zipped(sse(t.last))[:-40], GZIP, form=SSE), CUT),
    StreamMode("gzip,bad=crc", "E5", lambda t: ok(zipped(t.unfinished)[:-8] + b"12345678", GZIP, form=SSE), CUT, "compressed wrongly", kept=0),
    StreamMode("gzip,bad=plain", "E5", lambda t: ok(t.whole, GZIP, form=SSE), CUT, "compressed wrongly", kept=0),
    StreamMode("br", "E7", lambda t: ok(b"\x0b", {"Content-Encoding": "br"}, form=SSE), CUT, "not asked for", kept=0),
    StreamMode("junk", "F7", lambda t: _after_two(t, sse("oops")), CUT, "not JSON", kept=2),
    StreamMode("junk,nan", "F7", lambda t: _after_two(t, sse('{"x": NaN}')), CUT, "not JSON", kept=2),
    StreamMode("junk,half", "F7", lambda t: _after_two(t, sse('{"type": ')), CUT, "not JSON", kept=2),
    StreamMode("junk,deep", "F7", lambda t: _after_two(t, sse("[" * 50_000)), CUT, "not JSON", kept=2),
    StreamMode("junk,hugeint", "F7", lambda t: _after_two(t, sse("9" * 5000)), CUT, "not JSON", kept=2),
    StreamMode("junk,dupkey", "F7", lambda t: _after_two(t, sse('{"a": 1, "a": 2}')), CUT, "not JSON", kept=2),
    StreamMode("badutf8", "F7", lambda t: _after_two(t, b'data: {"x": "\xff\xfe"}\n\n'), CUT, "not UTF-8", kept=2),
    StreamMode("nul", "F7", lambda t: _after_two(t, b"data: \0\n\n"), CUT, "not JSON", kept=2),
    StreamMode("list", "F7", lambda t: _after_two(t, sse([1])), CUT, kept=2),
    StreamMode("null", "F7", lambda t: _after_two(t, sse("null")), CUT, kept=2),
    StreamMode("text", "F7", lambda t: _after_two(t, sse('"text"')), CUT, kept=2),
    StreamMode("delta=number", "F7", lambda t: _after_two(t, sse(_delta(5), _choice(5, ""))), CUT, kept=2),  # type: ignore[arg-type]
    StreamMode("delta=object", "F7", lambda t: _after_two(t, sse(_delta({}), _choice({}, ""))), CUT, kept=2),  # type: ignore[arg-type]
    StreamMode("choices=null", "F7", lambda t: _after_two(t, sse({"choices": None})), CUT, kept=2),
    StreamMode("choices=empty", "F7", lambda t: _after_two(t, sse({"choices": []})), CUT, kept=2),
    StreamMode("choices=text", "F7", lambda t: _after_two(t, sse({"choices": "x", "type": 5})), CUT, kept=2),
    StreamMode("html", "F6", lambda t: _sent(b"<html>\n<body>Sign in</body></html>"), CUT, "no stream", kept=0),
    StreamMode("error=text", "F6", lambda t: _sent(b"upstream connect error"), CUT, "no stream", kept=0),
    StreamMode("error=html", "F6", lambda t: _after_two(t, b"<html>\n\n<p>502\n\n"), CUT, kept=2),
    StreamMode("flood", "F9", lambda t: _after_two(t, *[b": " + b"x" * 1_000_000 + b"\n"] * 3), CUT, kept=2),
    StreamMode("nonl", "F9", lambda t: _after_two(t, b"data: ", *[b"x" * 1_000_000] * 5), CUT, "longer than 4 MiB", kept=2),
    StreamMode("nonl,comment", "F9", lambda t: _after_two(t, b": ", *[b"x" * 1_000_000] * 5), CUT, "longer than 4 MiB", kept=2),
    StreamMode("bigevent", "F9", lambda t: _after_two(t, *[b"data: " + b"x" * 1_000_000 + b"\n"] * 5), CUT, "longer than 4 MiB", kept=2),
    StreamMode("gzipbomb", "F9", lambda t: ok(zipped(t.unfinished + b"data: ") + bomb(40), GZIP, form=SSE), CUT, "longer"),
)  # fmt: skip

TOLD = (
    StreamMode("error=event", "F6", lambda t: _after_two(t, b"event: error\n" + sse(failed("Overloaded"))), "bad_input", "Overloaded", kept=2),
    StreamMode("error=data", "F6", lambda t: _after_two(t, sse(failed("Overloaded"))), "bad_input", "Overloaded", kept=2),
    StreamMode("error=503", "F6", lambda t: _after_two(t, sse({"error": {"message": "Busy", "code": 503}})), FAULT, "Busy", kept=2),
    StreamMode("error=401", "F6", lambda t: _after_two(t, sse({"error": {"message": "No", "code": 401}})), "bad_credential", "No", kept=2),
    StreamMode("error=null", "F6", lambda t: _sent(sse({**t.first, "error": None}), sse(*t.events[1:]))),
    StreamMode("error=string", "F6", lambda t: _after_two(t, sse({"error": "Overloaded"})), FAULT, "Overloaded", kept=2),
    StreamMode("error=json", "F6", lambda t: _sent(json.dumps(failed("No more")).encode()), "bad_input", "No more", kept=0),
    StreamMode("error=json,indent", "F6", lambda t: _sent(json.dumps(failed("No more"), indent=1).encode()), "bad_input", "No more", kept=0),
    StreamMode("error=json,after", "F6", lambda t: _after_two(t, json.dumps(failed("No more")).encode()), CUT, kept=2),
    StreamMode("status=401", "F10", lambda t: http(401, t.whole, form=SSE), "bad_credential", kept=0),
    StreamMode("status=400", "F10", lambda t: (http(400, sse(failed("bad")), form=SSE), close), "bad_input", kept=0),
    StreamMode("status=500", "F10", lambda t: http(500, failed("It broke")), FAULT, "It broke", kept=0),
    StreamMode("status=302", "F10", lambda t: http(302, t.whole, {"Location": "http://127.0.0.1:9/"}, form=SSE), "unexpected", kept=0),
    StreamMode("ct=html", "F10", lambda t: http(200, b"<html>Sign in</html>"), OUTPUT, "not JSON", kept=0),
    StreamMode("ct=json", "F10", lambda t: http(200, t.whole, form="application/json"), OUTPUT, "not JSON", kept=0),
    StreamMode("ct=json,empty", "F10", lambda t: http(200, b"", form="application/json"), OUTPUT, kept=0),
    StreamMode("ct=image", "F10", lambda t: http(200, b"\x89PNG\r\n\x1a\n" + bytes(99), form="image/png"), CUT, "no stream", kept=0),
)  # fmt: skip

SLOW = (
    StreamMode("stall", "F8", lambda t: (START, sse(t.first, *t.pieces[:2]), 30.0), "timeout", kept=2),
    StreamMode("stall,at=first", "F8", lambda t: (START, 30.0), "timeout", kept=0),
    StreamMode("ping", "F8", lambda t: (START, sse(t.first, *t.pieces[:2]), *(0.05, b": ping\n\n") * 99), "timeout", kept=2),
    StreamMode("drip", "E1", lambda t: (START, sse(t.first, *t.pieces[:2]), *drip(sse(t.last), 0.05)), "timeout", kept=2),
    StreamMode("pieces", "E1", lambda t: (START, t.unfinished, *(0.05, sse({"type": "odd", "object": "odd"})) * 99), "timeout"),
)  # fmt: skip

STREAMS = (*FORMS, *CUTS, *TOLD)
