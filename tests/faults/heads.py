"""Faults in the head of an answer, and in how its length is told."""

from __future__ import annotations

from loopback import close

from faults.mode import RIGHT, Mode
from faults.wire import JSON, chunked, head, in_chunks, ok, raw

CUT = "cut_off"
API = "unexpected"
OUTPUT = "unexpected_output"
NOT_HTTP = "not HTTP"
TYPE = f"Content-Type: {JSON}"

HEADS = (
    Mode("plain", "E4", lambda b: [ok(b)]),
    Mode("split", "E4", lambda b: [tuple(bytes([byte]) for byte in ok(b))]),
    Mode("eol=lf", "E4", lambda b: [raw(b, end="\n")]),
    Mode("noreason", "E4", lambda b: [raw(b, first="HTTP/1.1 200")]),
    Mode("longreason", "E4", lambda b: [raw(b, first="HTTP/1.1 200 " + "O" * 5000)]),
    Mode("http10", "E4", lambda b: [(raw(b, first="HTTP/1.0 200 OK"), close)]),
    Mode("http10,keep", "E4", lambda b: [raw(b, "Connection: keep-alive", first="HTTP/1.0 200 OK")]),
    Mode("http10,nolength", "E4", lambda b: [(head(TYPE, first="HTTP/1.0 200 OK") + b, close)]),
    Mode("nolength", "E4", lambda b: [(head(TYPE) + b, close)]),
    Mode("notype", "E9", lambda b: [head(f"Content-Length: {len(b)}") + b]),
    Mode("100", "E4", lambda b: [b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b)]),
    Mode("103", "E4", lambda b: [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(b)]),
    Mode("100 x 50", "E4", lambda b: [b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + ok(b)]),
    Mode("obsfold", "E4", lambda b: [raw(b, "X-Long: one\r\n two")]),
    Mode("latin1header", "E4", lambda b: [raw(b, "X-Name: caf\xe9")]),
    Mode("twice", "E4", lambda b: [raw(b, "X-A: 1", "X-A: 2", TYPE)]),
    Mode("badid", "E4", lambda b: [raw(b, "X-Request-Id: \xff\xfe", "X-RateLimit-Limit: many")]),
    Mode("headers=64k", "E4", lambda b: [raw(b, "X-Big: " + "a" * 65_000)]),
    Mode("headers=200k", "E4", lambda b: [(raw(b, "X-Big: " + "a" * 200_000), close)], CUT, NOT_HTTP),
    Mode("headers=10k", "E4", lambda b: [(raw(b, *["X-Many-Of-Them: 1"] * 10_000), close)], CUT, NOT_HTTP),
    Mode("headers=endless", "E4", lambda b: [(head()[:-2], *[b"X-Endless: 1\r\n" * 1000] * 50, close)], CUT),
    Mode("nocolon", "E4", lambda b: [(raw(b, "what is this"), close)], CUT, NOT_HTTP),
    Mode("noname", "E4", lambda b: [(raw(b, ": value"), close)], CUT, NOT_HTTP),
    Mode("spacecolon", "E4", lambda b: [(raw(b, "X-A : 1"), close)], CUT, NOT_HTTP),
    Mode("foldfirst", "E4", lambda b: [(b"HTTP/1.1 200 OK\r\n X: 1\r\n\r\n" + b, close)]),
    Mode("nulheader", "E4", lambda b: [(raw(b, "X-A: a\0b"), close)], CUT, NOT_HTTP),
    Mode("crheader", "E12", lambda b: [(raw(b, "X-A: a\rb"), close)], CUT, NOT_HTTP),
    Mode("garbage", "E4", lambda b: [(b"\x00\x01\xffgarbage\r\n\r\n", close)], CUT, NOT_HTTP),
    Mode("garbagefirst", "E4", lambda b: [(b"oops\r\n" + ok(b), close)], CUT, NOT_HTTP),
    Mode("blankfirst", "E4", lambda b: [(b"\r\n\r\n" + ok(b), close)]),
    Mode("http09", "E4", lambda b: [(b, close)], CUT, NOT_HTTP),
    Mode("http09,html", "E4", lambda b: [(b"<html>hello</html>", close)], CUT, NOT_HTTP),
    Mode(
        "http2", "E4", lambda b: [(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18), close)], CUT, NOT_HTTP
    ),
    Mode("h2line", "E4", lambda b: [(raw(b, first="HTTP/2 200 OK"), close)], CUT, NOT_HTTP),
    Mode("http3.0", "E4", lambda b: [(raw(b, first="HTTP/3.0 200 OK"), close)], CUT, NOT_HTTP),
    Mode("tlsalert", "E15", lambda b: [(b"\x15\x03\x01\x00\x02\x02\x46", close)], CUT, NOT_HTTP),
    Mode("ssh", "E4", lambda b: [(close,)], CUT, NOT_HTTP, first=(b"SSH-2.0-OpenSSH_9.6\r\n",)),
    Mode("status=abc", "E4", lambda b: [(raw(b, first="HTTP/1.1 abc OK"), close)], CUT, NOT_HTTP),
    Mode("status=", "E4", lambda b: [(raw(b, first="HTTP/1.1"), close)], CUT, NOT_HTTP),
    Mode("status=20", "E4", lambda b: [(raw(b, first="HTTP/1.1 20 OK"), close)], CUT, NOT_HTTP),
    Mode("status=2000", "E4", lambda b: [(raw(b, first="HTTP/1.1 2000 OK"), close)], CUT, NOT_HTTP),
    Mode("status=000", "E4", lambda b: [(raw(b, first="HTTP/1.1 000 OK"), close)], CUT, NOT_HTTP),
    Mode("status=-200", "E4", lambda b: [(raw(b, first="HTTP/1.1 -200 OK"), close)], CUT, NOT_HTTP),
    Mode(
        "status=101", "E4", lambda b: [(head("Upgrade: h2c", first="HTTP/1.1 101 No"), close)], CUT, NOT_HTTP
    ),
    Mode("status=600", "E4", lambda b: [raw(b, first="HTTP/1.1 600 Odd")], API, "600"),
    Mode("status=999", "E4", lambda b: [raw(b, first="HTTP/1.1 999 Odd")], API, "999"),
)

LENGTHS = (
    Mode("cl=0", "E9", lambda b: [ok(b"")], OUTPUT),
    Mode("cl=0,body", "E12", lambda b: [ok(b"") + b], OUTPUT),
    Mode("cl=short", "E12", lambda b: [head(TYPE, f"Content-Length: {len(b) - 9}") + b], OUTPUT, "not JSON"),
    Mode("cl=long", "E4", lambda b: [(head(TYPE, f"Content-Length: {len(b) + 9}") + b, close)], CUT),
    Mode("cl=-1", "E4", lambda b: [(head(TYPE, "Content-Length: -1") + b, close)], CUT, NOT_HTTP),
    Mode("cl=abc", "E4", lambda b: [(head(TYPE, "Content-Length: abc") + b, close)], CUT, NOT_HTTP),
    Mode("cl=+5", "E4", lambda b: [(head(TYPE, f"Content-Length: +{len(b)}") + b, close)], CUT, NOT_HTTP),
    Mode("cl=0x10", "E4", lambda b: [(head(TYPE, f"Content-Length: {len(b):#x}") + b, close)], CUT, NOT_HTTP),
    Mode("cl=1e3", "E4", lambda b: [(head(TYPE, "Content-Length: 1e3") + b, close)], CUT, NOT_HTTP),
    Mode("cl=", "E4", lambda b: [(head(TYPE, "Content-Length:") + b, close)], CUT, NOT_HTTP),
    Mode("cl=10**25", "E6", lambda b: [(head(TYPE, f"Content-Length: {10**25}") + b, close)], CUT),
    Mode(
        "cl=10**5000",
        "E6",
        lambda b: [(head(TYPE, "Content-Length: 1" + "0" * 5000) + b, close)],
        CUT,
        NOT_HTTP,
    ),
    Mode("dupcl,same", "E12", lambda b: [(raw(b, f"Content-Length: {len(b)}"), close)], CUT, NOT_HTTP),
    Mode("dupcl", "E12", lambda b: [(raw(b, f"Content-Length: {len(b) - 9}"), close)], CUT, NOT_HTTP),
    Mode("dupcl,list", "E12", lambda b: [(head(f"Content-Length: {len(b)}, 3") + b, close)], CUT, NOT_HTTP),
    Mode("chunked", "E4", lambda b: [in_chunks(chunked(b[:7], b[7:]))]),
    Mode("chunked,bytes", "E4", lambda b: [in_chunks(chunked(*(b[i : i + 1] for i in range(len(b)))))]),
    Mode("chunked,ext", "E4", lambda b: [in_chunks(b'%x;a="b"\r\n%s\r\n0;c\r\n\r\n' % (len(b), b))]),
    Mode("chunked,zeros", "E4", lambda b: [in_chunks(b"%08x\r\n%s\r\n00000\r\n\r\n" % (len(b), b))]),
    Mode(
        "trailers", "E4", lambda b: [in_chunks(chunked(b, end=b"0\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\n"))]
    ),
    Mode("trailers,cut", "E4", lambda b: [(in_chunks(chunked(b, end=b"0\r\nX-Su")), close)], CUT),
    Mode(
        "trailers,bad",
        "E4",
        lambda b: [(in_chunks(chunked(b, end=b"0\r\nbad\r\n\r\n")), close)],
        CUT,
        NOT_HTTP,
    ),
    Mode(
        "trailers,big",
        "E4",
        lambda b: [(in_chunks(chunked(b, end=b"0\r\nX: " + b"a" * 200_000)), close)],
        CUT,
    ),
    Mode("chunked,noend", "E4", lambda b: [(in_chunks(chunked(b, end=b"")), close)], CUT),
    Mode("chunked,halfend", "E4", lambda b: [(in_chunks(chunked(b, end=b"0\r\n")), close)], CUT),
    Mode("chunked,cut", "E4", lambda b: [(in_chunks(b"%x\r\n%s" % (len(b), b[:-5])), close)], CUT),
    Mode(
        "chunked,badsize", "E4", lambda b: [(in_chunks(b"zz\r\n%s\r\n0\r\n\r\n" % b), close)], CUT, NOT_HTTP
    ),
    Mode("chunked,nosize", "E4", lambda b: [(in_chunks(b"\r\n%s\r\n0\r\n\r\n" % b), close)], CUT, NOT_HTTP),
    Mode("chunked,-1", "E4", lambda b: [(in_chunks(b"-1\r\n%s\r\n0\r\n\r\n" % b), close)], CUT, NOT_HTTP),
    Mode("chunked,0x", "E4", lambda b: [(in_chunks(b"0x5\r\nhello\r\n0\r\n\r\n"), close)], CUT, NOT_HTTP),
    Mode("chunked,huge", "E6", lambda b: [(in_chunks(b"f" * 19 + b"\r\n" + b), close)], CUT),
    Mode(
        "chunked,long", "E12", lambda b: [(in_chunks(b"%x\r\n%s\r\n0\r\n\r\n" % (len(b) - 3, b)), close)], CUT
    ),
    Mode(
        "chunked,short",
        "E12",
        lambda b: [(in_chunks(b"%x\r\n%s\r\n0\r\n\r\n" % (len(b) + 3, b)), close)],
        CUT,
    ),
    Mode("chunked,bigext", "E6", lambda b: [(in_chunks(b"5;" + b"a" * 200_000), close)], CUT),
    Mode("te=gzip", "E12", lambda b: [(ok(b, {"Transfer-Encoding": "gzip"}), close)], CUT, NOT_HTTP),
    Mode(
        "te=twice", "E12", lambda b: [(ok(chunked(b), {"Transfer-Encoding": "chunked, chunked"}), close)], CUT
    ),
    Mode("te=xchunked", "E12", lambda b: [(ok(b, {"Transfer-Encoding": "xchunked"}), close)], CUT, NOT_HTTP),
    Mode("te=identity", "E12", lambda b: [(ok(b, {"Transfer-Encoding": "identity"}), close)], CUT, NOT_HTTP),
    Mode("clte", "E12", lambda b: [(ok(chunked(b), {"Transfer-Encoding": "chunked"}), close)], RIGHT),
    Mode("204", "E9", lambda b: [head(first="HTTP/1.1 204 No Content")], OUTPUT),
    Mode("204,body", "E12", lambda b: [raw(b, first="HTTP/1.1 204 No Content")], OUTPUT),
    Mode("205", "E9", lambda b: [head("Content-Length: 0", first="HTTP/1.1 205 Reset")], OUTPUT),
    Mode("304", "E9", lambda b: [head(first="HTTP/1.1 304 Not Modified")], API, "304"),
    Mode("304,body", "E12", lambda b: [raw(b, first="HTTP/1.1 304 Not Modified")], API, "304"),
)
