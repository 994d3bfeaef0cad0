"""Faults in how a connection ends, what a service refuses, and where it points."""

from __future__ import annotations

import socket

from leaks import KEY
from loopback import close, http, reset

from faults.mode import Mode, always
from faults.wire import JSON, failed, head, in_chunks, ok

CUT = "cut_off"
EITHER = "cut_off unreachable"  # the end may come before the request has gone out, or after
BROKE = "connection broke"
LOGIN = b"<!doctype html><html><title>Sign in</title></html>"


def half_close(connection: socket.socket) -> None:
    """Nothing more is sent; what comes is still read."""
    connection.shutdown(socket.SHUT_WR)


ENDS = (
    Mode("close,at=accept", "E4", lambda b: [(close,)], EITHER, first=(close,), reads=False),
    Mode("reset,at=accept", "E4", lambda b: [(close,)], EITHER, first=(reset,), reads=False),
    Mode("close", "E4", lambda b: [(close,)], CUT, BROKE),
    Mode("reset", "E4", lambda b: [(reset,)], CUT, BROKE),
    Mode("halfclose", "E4", lambda b: [(half_close,)], CUT, BROKE),
    Mode("close,at=status", "E4", lambda b: [(b"HTTP/1.", close)], CUT, BROKE),
    Mode("reset,at=status", "E4", lambda b: [(b"HTTP/1.", reset)], CUT, BROKE),
    Mode("close,at=head", "E4", lambda b: [(ok(b)[:40], close)], CUT, BROKE),
    Mode("reset,at=head", "E4", lambda b: [(ok(b)[:40], reset)], CUT, BROKE),
    Mode("close,at=body", "E4", lambda b: [(head(f"Content-Length: {len(b)}"), close)], CUT, BROKE),
    Mode("reset,at=body", "E4", lambda b: [(head(f"Content-Length: {len(b)}"), reset)], CUT, BROKE),
    Mode("trunc", "E4", lambda b: [(ok(b)[:-9], close)], CUT, BROKE),
    Mode("trunc,reset", "E4", lambda b: [(ok(b)[:-9], reset)], CUT, BROKE),
    Mode("trunc,halfclose", "E4", lambda b: [(ok(b)[:-9], half_close)], CUT, BROKE),
    Mode("reset,nolength", "E4", lambda b: [(head(), 0.05, b, 0.05, reset)], CUT, BROKE),
    Mode("reset,chunked", "E4", lambda b: [(in_chunks(b"%x\r\n%s\r\n" % (len(b), b)), 0.05, reset)], CUT, BROKE),
    Mode("done,close", "E4", lambda b: [(ok(b), close)]),
    Mode("done,halfclose", "E4", lambda b: [(ok(b), half_close)]),
    Mode("done,says-close", "E4", lambda b: [ok(b, {"Connection": "close"})]),
)  # fmt: skip


def _refusals() -> tuple[Mode, ...]:
    """Failures that a service tells, in every form that it is known to tell them."""
    told = (
        ("400", 400, failed("bad"), "bad_input", "bad"),
        ("400,text", 400, {"error": "bad"}, "bad_input", "bad"),
        ("400,null", 400, {"error": None}, "bad_input", "400"),
        ("400,list", 400, [1, 2], "bad_input", "400"),
        ("400,numbers", 400, {"error": {"message": 5, "type": [], "code": {}}}, "bad_input", "400"),
        ("400,long", 400, failed("x" * 100_000), "bad_input", "..."),
        ("400,control", 400, failed("\x1b[31m\u202ered\x00\r\n"), "bad_input", "red"),
        ("401", 401, failed(), "bad_credential", "401"),
        ("401,body=secret", 401, failed(f"Bearer {KEY} is wrong"), "bad_credential", "is wrong"),
        ("401,html", 401, LOGIN, "bad_credential", "not JSON"),
        ("401,nocredit", 401, failed(kind="insufficient_quota"), "no_credit", "401"),
        ("402", 402, failed(), "no_credit", "402"),
        ("403", 403, failed(), "not_allowed", "403"),
        ("403,html", 403, LOGIN, "not_allowed", "not JSON"),
        ("403,retired", 403, failed(kind="chat_completions_not_available"), "retired", "403"),
        ("404", 404, failed(), "not_found", "404"),
        ("404,html", 404, b"<h1>Not Found</h1>", "not_found", "not JSON"),
        ("405", 405, b"", "bad_input", "empty"),
        ("407", 407, LOGIN, "bad_input", "not JSON"),
        ("409", 409, failed(), "server_fault", "409"),
        ("413", 413, b"", "bad_input", "empty"),
        ("418", 418, failed("teapot"), "bad_input", "teapot"),
        ("422,list", 422, {"detail": [{"loc": ["body", "x"], "msg": "required"}]}, "bad_input", "required"),
        ("431", 431, b"", "bad_input", "empty"),
        ("451", 451, b"", "not_allowed", "empty"),
        ("500", 500, failed(), "server_fault", "It failed"),
        ("500,empty", 500, b"", "server_fault", "empty"),
        ("500,html", 500, b"<h1>Oops</h1>", "server_fault", "not JSON"),
        ("500,badjson", 500, b'{"error": {"mess', "server_fault", "not JSON"),
        ("500,badutf8", 500, b'{"error": "\xff"}', "server_fault", "not JSON"),
        ("500,deep", 500, b"[" * 100_000, "server_fault", "not JSON"),
        ("501", 501, failed(), "server_fault", "501"),
        ("505", 505, b"", "server_fault", "empty"),
        ("520,html", 520, b"<h1>Web server is returning an unknown error</h1>", "server_fault", "520"),
        ("529", 529, failed("Overloaded"), "server_fault", "Overloaded"),
        ("300", 300, b"", "unexpected", "300"),
    )
    return tuple(
        Mode(name, "E9 D2" if "secret" in name else "E9", always(http(status, body)), kind, said)
        for name, status, body, kind, said in told
    )


REFUSALS = (
    *_refusals(),
    Mode("401,header=secret", "D2", always(http(401, failed(), {"X-Request-Id": KEY})), "bad_credential"),
    Mode("401,reason=secret", "D2", lambda b: [head("Content-Length: 0", first=f"HTTP/1.1 401 {KEY}")], "bad_credential"),
    Mode("200,body=secret", "D2", lambda b: [ok(f"{KEY}".encode(), form="text/html")], "unexpected_output"),
    Mode("200,type=secret", "D2", lambda b: [ok(b"<p>", form=KEY)], "unexpected_output"),
    Mode("500,trunc", "E4", lambda b: [(http(500, failed())[:-9], close)], CUT, BROKE),
    Mode("setcookie", "E16", lambda b: [ok(b, {"Set-Cookie": "session=1; Path=/"})]),
    Mode("setcookie,bad", "E16", lambda b: [ok(b, {"Set-Cookie": "\xff=;;;\t=, =; Expires=never"})]),
    Mode("refresh", "E10", lambda b: [ok(b, {"Refresh": "0; url=http://127.0.0.1:9/", "Location": "/other"})]),
)  # fmt: skip

NOW = {"Retry-After": "0"}


def _again() -> tuple[Mode, ...]:
    """Failures after which a request is sent again, as the service did nothing with it."""
    kinds = {
        408: "server_fault",
        429: "rate_limited",
        502: "server_fault",
        503: "server_fault",
        504: "server_fault",
    }
    return tuple(
        Mode(str(status), "G1 G2", always(http(status, failed(), NOW)), kind, str(status), requests=3)
        for status, kind in kinds.items()
    )


AGAIN = (
    *_again(),
    Mode("503x1", "G1", lambda b: [http(503, b"", NOW), ok(b)], requests=2),
    Mode("429x1", "G1", lambda b: [http(429, failed(), NOW), ok(b)], requests=2),
    Mode("flap", "G1", lambda b: [http(502, LOGIN, NOW), http(504, b"", {**NOW, "Connection": "close"}), ok(b)], requests=3),
    Mode("seq=503,reset", "G1", lambda b: [http(503, b"", NOW), (reset,), ok(b)], CUT, requests=2),
    Mode("seq=503,trunc", "G1", lambda b: [http(503, b"", NOW), (ok(b)[:-9], close), ok(b)], CUT, requests=2),
    Mode("seq=429,500", "G1", lambda b: [http(429, b"", NOW), http(500, b""), ok(b)], "server_fault", requests=2),
)  # fmt: skip

LOCATIONS = {
    "same": "/elsewhere",
    "loop": "",
    "other": "http://localhost:9/",
    "https": "https://127.0.0.1:9/",
    "relative": "../x?y#z",
    "noscheme": "//evil.test/",
    "file": "file:///etc/passwd",
    "secret": f"https://{KEY}@evil.test/?key={KEY}",
    "badloc": "http://[",
    "badport": "http://a.test:99999999/",
    "badbytes": "http://\xff\xfe/",
    "long": "http://a.test/" + "x" * 60_000,
    "spaces": "http://a b c/\t",
}


def _redirect(status: int, to: str) -> Mode:
    moved = http(status, b"", {"Location": LOCATIONS[to]})
    name = f"redirect={status},to={to}"
    return Mode(name, "E11" if to.startswith("bad") else "E10", always(moved), "unexpected", str(status))


REDIRECTS = (
    *(_redirect(status, "other") for status in (301, 302, 303, 307, 308)),
    *(_redirect(307, to) for to in LOCATIONS if to != "other"),
    Mode("redirect=302,to=badloc", "E11", lambda b: [http(302, b"", {"Location": "http://["})], "unexpected"),
    Mode("redirect=302,to=none", "E11", lambda b: [http(302, b"", form=JSON)], "unexpected", "redirect"),
    Mode("redirect=302,body", "E10", lambda b: [http(302, b, {"Location": "/y"})], "unexpected"),
)
