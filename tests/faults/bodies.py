"""Faults in what the body of an answer is: compressed, JSON, text, of what kind."""

from __future__ import annotations

import zlib

from loopback import close, http

from faults.mode import Mode
from faults.wire import (
    BOM,
    GZIP,
    MIB,
    bomb,
    changed,
    chunked,
    head,
    in_chunks,
    nested,
    ok,
    zipped,
)

CUT = "cut_off"
OUTPUT = "unexpected_output"
ENDS = "ends before its compressed text"
WRONGLY = "compressed wrongly"
NOT_ASKED = "compressed in a way that was not asked for"
NOT_JSON = "not JSON"
LONGER = "longer than 32 MiB"
BOMB, SPACES = bomb(33), b" " * (33 * MIB)

COMPRESSED = (
    Mode("gzip", "E5", lambda b: [ok(zipped(b), GZIP)]),
    Mode("gzip,X-GZip", "E5", lambda b: [ok(zipped(b), {"Content-Encoding": "X-GZip"})]),
    Mode("gzip,chunked", "E5", lambda b: [in_chunks(chunked(zipped(b)[:9], zipped(b)[9:]), GZIP)]),
    Mode("gzip,members", "E5", lambda b: [ok(zipped(b[:5]) + zipped(b[5:]), GZIP)]),
    Mode("gzip,empty", "E5", lambda b: [ok(zipped(b"") + zipped(b), GZIP)]),
    Mode("gzip,nolength", "E5", lambda b: [(head("Content-Encoding: gzip") + zipped(b), close)]),
    Mode("gzip,bad=trunc", "E5", lambda b: [ok(zipped(b)[:-9], GZIP)], CUT, ENDS),
    Mode("gzip,bad=half", "E5", lambda b: [ok(zipped(b)[: len(zipped(b)) // 2], GZIP)], CUT, ENDS),
    Mode("gzip,bad=notrailer", "E5", lambda b: [ok(zipped(b)[:-8], GZIP)], CUT, ENDS),
    Mode("gzip,bad=lastbyte", "E5", lambda b: [ok(zipped(b)[:-1], GZIP)], CUT, ENDS),
    Mode("gzip,bad=header", "E5", lambda b: [ok(zipped(b)[:5], GZIP)], CUT, ENDS),
    Mode("gzip,bad=chunked", "E5", lambda b: [in_chunks(chunked(zipped(b)[:-9]), GZIP)], CUT, ENDS),
    Mode(
        "gzip,bad=nolength",
        "E5",
        lambda b: [(head("Content-Encoding: gzip") + zipped(b)[:-9], close)],
        CUT,
        ENDS,
    ),
    Mode("gzip,bad=member", "E5", lambda b: [ok(zipped(b[:5]) + zipped(b[5:])[:-3], GZIP)], CUT, ENDS),
    Mode("gzip,bad=crc", "E5", lambda b: [ok(zipped(b)[:-8] + b"12345678", GZIP)], CUT, WRONGLY),
    Mode("gzip,bad=middle", "E5", lambda b: [ok(zipped(b)[:20] + b"\xff\xff" + zipped(b)[22:], GZIP)], CUT),
    Mode("gzip,bad=trailing", "E5", lambda b: [ok(zipped(b) + b"trailing", GZIP)], CUT, WRONGLY),
    Mode("gzip,bad=plain", "E5", lambda b: [ok(b, GZIP)], CUT, WRONGLY),
    Mode("gzip,bad=deflated", "E5", lambda b: [ok(zlib.compress(b), GZIP)], CUT, WRONGLY),
    Mode("gzip,bad=nothing", "E5", lambda b: [ok(b"", GZIP)], OUTPUT),
    Mode("gzip,bad=undeclared", "E9", lambda b: [ok(zipped(b))], OUTPUT, NOT_JSON),
    Mode("gzip,bad=twice", "E5", lambda b: [ok(zipped(zipped(b)), GZIP)], OUTPUT, NOT_JSON),
    Mode(
        "gzip,gzip",
        "E7",
        lambda b: [ok(zipped(zipped(b)), {"Content-Encoding": "gzip, gzip"})],
        CUT,
        NOT_ASKED,
    ),
    Mode("gzip,te", "E7", lambda b: [(ok(zipped(b), {"Transfer-Encoding": "gzip, chunked"}), close)], CUT),
    Mode("identity", "E7", lambda b: [ok(b, {"Content-Encoding": "identity"})]),
    Mode("coding=", "E7", lambda b: [ok(b, {"Content-Encoding": ""})]),
    Mode("br", "E7", lambda b: [ok(b"\x0b\x02\x80{}\x03", {"Content-Encoding": "br"})], CUT, NOT_ASKED),
    Mode("zstd", "E7", lambda b: [ok(b"\x28\xb5\x2f\xfd", {"Content-Encoding": "zstd"})], CUT, NOT_ASKED),
    Mode("deflate", "E7", lambda b: [ok(zlib.compress(b), {"Content-Encoding": "deflate"})], CUT, NOT_ASKED),
    Mode("coding=odd", "E7", lambda b: [ok(b, {"Content-Encoding": "rot13"})], CUT, NOT_ASKED),
    Mode("gzipbomb", "E6", lambda b: [ok(BOMB, GZIP)], CUT, LONGER),
    Mode("gzipbomb,chunked", "E6", lambda b: [in_chunks(chunked(BOMB), GZIP)], CUT, LONGER),
    Mode("gzipbomb,500", "E6", lambda b: [http(500, BOMB, GZIP)], CUT, LONGER),
    Mode("big", "E6", lambda b: [ok(b + SPACES)], CUT, LONGER),
    Mode("big,says", "E6", lambda b: [(head(f"Content-Length: {10**12}") + b, SPACES, close)], CUT, LONGER),
    Mode(
        "endless",
        "E6",
        lambda b: [(in_chunks(b""), *[b"100000\r\n" + bytes(MIB) + b"\r\n"] * 40)],
        CUT,
        LONGER,
    ),
)

FORMS = (
    Mode("json=bom", "E8", lambda b: [ok(BOM + b)]),
    Mode("json=spaces", "E8", lambda b: [ok(b"\r\n\t " * 10_000 + b + b"\n" * 10_000)]),
    Mode("json=extra", "E8", lambda b: [ok(changed(b, __proto__={"x": 1}, constructor=[1], more=None))]),
    Mode("json=escaped", "E8", lambda b: [ok(b.replace(b"https://", b"https:\\/\\/"))]),
    Mode("json=bigint", "E8", lambda b: [ok(changed(b, more=10**4000))]),
    Mode("json=nul", "E8", lambda b: [ok(changed(b, more="\0"))]),
    Mode("json=surrogate", "E8", lambda b: [ok(changed(b, more="\ud83d"))]),
    Mode("json=100levels", "E8", lambda b: [ok(b[:-1] + b', "more": ' + nested(100) + b"}")]),
    Mode("json=trunc", "E8", lambda b: [ok(b[:-9])], OUTPUT, NOT_JSON),
    Mode("json=half", "E8", lambda b: [(head() + b[: len(b) // 2], close)], OUTPUT, NOT_JSON),
    Mode("json=nan", "E8", lambda b: [ok(b[:-1] + b', "more": NaN}')], OUTPUT, NOT_JSON),
    Mode("json=inf", "E8", lambda b: [ok(b[:-1] + b', "more": -Infinity}')], OUTPUT, NOT_JSON),
    Mode("json=1e999", "E8", lambda b: [ok(b[:-1] + b', "more": 1e999}')], OUTPUT, NOT_JSON),
    Mode("json=hugeint", "E8", lambda b: [ok(b[:-1] + b', "more": ' + b"9" * 5000 + b"}")], OUTPUT, NOT_JSON),
    Mode("json=500levels", "E8", lambda b: [ok(b[:-1] + b', "more": ' + nested(500) + b"}")], OUTPUT, NOT_JSON),
    Mode("json=deep", "E8", lambda b: [ok(b[:-1] + b', "more": ' + nested(100_000) + b"}")], OUTPUT, NOT_JSON),
    Mode("json=deepopen", "E8", lambda b: [ok(b'{"a":' * 100_000)], OUTPUT, NOT_JSON),
    Mode("json=dupkey", "E8", lambda b: [ok(b[:-1] + b', "a": 1, "a": 2}')], OUTPUT, NOT_JSON),
    Mode("json=two", "E8", lambda b: [ok(b + b"\n" + b)], OUTPUT, NOT_JSON),
    Mode("json=trailing", "E8", lambda b: [ok(b + b"x")], OUTPUT, NOT_JSON),
    Mode("json=comma", "E8", lambda b: [ok(b[:-1] + b",}")], OUTPUT, NOT_JSON),
    Mode("json=comment", "E8", lambda b: [ok(b"/* a */" + b)], OUTPUT, NOT_JSON),
    Mode("json=quotes", "E8", lambda b: [ok(b.replace(b'"', b"'"))], OUTPUT, NOT_JSON),
    Mode("json=prefix", "E8", lambda b: [ok(b")]}',\n" + b)], OUTPUT, NOT_JSON),
    Mode("json=callback", "E8", lambda b: [ok(b"f(" + b + b")")], OUTPUT, NOT_JSON),
    Mode("json=control", "E8", lambda b: [ok(b[:-1] + b', "more": "a\nb"}')], OUTPUT, NOT_JSON),
    Mode("json=nulbytes", "E8", lambda b: [ok(b + b"\0" * 20)], OUTPUT, NOT_JSON),
    Mode("json=badutf8", "E8", lambda b: [ok(b[:-1] + b', "more": "\xff\xfe"}')], OUTPUT, NOT_JSON),
    Mode("json=overlong", "E8", lambda b: [ok(b[:-1] + b', "more": "\xc0\xaf"}')], OUTPUT, NOT_JSON),
    Mode("json=array", "E9", lambda b: [ok(b"[" + b + b"]")], OUTPUT),
    Mode("json=string", "E9", lambda b: [ok(b'"text"')], OUTPUT),
    Mode("json=number", "E9", lambda b: [ok(b"5")], OUTPUT),
    Mode("json=true", "E9", lambda b: [ok(b"true")], OUTPUT),
    Mode("json=null", "E9", lambda b: [ok(b"null")], OUTPUT),
    Mode("json=empty", "E9", lambda b: [ok(b"{}")], OUTPUT),
    Mode("json=other", "E9", lambda b: [ok(b'{"hello": "world"}')], OUTPUT),
    Mode("blank", "E9", lambda b: [ok(b" \r\n\t ")], OUTPUT),
    Mode("html", "E9", lambda b: [http(200, b"<!doctype html><title>Sign in</title>")], OUTPUT, NOT_JSON),
    Mode("html,type=json", "E9", lambda b: [ok(b"<html>Sign in</html>")], OUTPUT, NOT_JSON),
    Mode("text", "E9", lambda b: [ok(b"upstream connect error", form="text/plain")], OUTPUT, NOT_JSON),
    Mode("type=html", "E9", lambda b: [ok(b, form="text/html")]),
    Mode("type=octets", "E9", lambda b: [ok(b, form="application/octet-stream")]),
    Mode("type=odd", "E9", lambda b: [ok(b, form=";;;=\xff")]),
    Mode("201", "E9", lambda b: [http(201, b)]),
    Mode("206", "E9", lambda b: [http(206, b[: len(b) // 2], {"Content-Range": "bytes 0-9/99"})], OUTPUT, "a part of one (206)"),
    Mode("charset=latin-1", "E17", lambda b: [ok(b, form="application/json; charset=latin-1")]),
    Mode("charset=utf-16", "E17", lambda b: [ok(b, form="application/json; charset=utf-16")]),
    Mode("charset=odd", "E17", lambda b: [ok(b, form="application/json; charset=klingon")]),
    Mode("charset=base64", "E17", lambda b: [ok(b, form='application/json; charset="base64"')]),
    Mode("utf16", "E17", lambda b: [ok(b.decode().encode("utf-16"))], OUTPUT, NOT_JSON),
    Mode("utf16,charset=utf-16", "E17", lambda b: [ok(b.decode().encode("utf-16"), form="application/json; charset=utf-16")], OUTPUT, NOT_JSON),
    Mode("utf32", "E17", lambda b: [ok(b.decode().encode("utf-32"))], OUTPUT, NOT_JSON),
    Mode("latin1", "E17", lambda b: [ok(b[:-1] + b', "more": "\xe9"}', form="application/json; charset=latin-1")], OUTPUT, NOT_JSON),
)  # fmt: skip
