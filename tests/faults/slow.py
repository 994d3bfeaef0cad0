"""Faults of time: servers that never finish, though every single wait for them is short."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

from faults.mode import Mode
from faults.wire import CHUNKED, drip, head, ok, zipped

LATE = "timeout"
COMPLETE = "before the answer was complete"


def ignore(seconds: float) -> Callable[[socket.socket], None]:
    """Read nothing for so long, or until the other side is gone."""

    def wait(connection: socket.socket) -> None:
        gone = select.poll()
        gone.register(connection, getattr(select, "POLLRDHUP", select.POLLHUP))
        gone.poll(seconds * 1000)

    return wait


SLOW = (
    Mode("hang", "E1 E2", lambda b: [(30.0,)], LATE, COMPLETE),
    Mode("hang,at=head", "E1", lambda b: [(ok(b)[:20], 30.0)], LATE, COMPLETE),
    Mode("hang,at=body", "E1", lambda b: [(ok(b)[:-9], 30.0)], LATE, COMPLETE),
    Mode("hang,nolength", "E1", lambda b: [(head() + b, 30.0)], LATE, COMPLETE),
    Mode("hang,1xx", "E1", lambda b: [(b"HTTP/1.1 100 Continue\r\n\r\n", 30.0)], LATE, COMPLETE),
    Mode("slowhead", "E1", lambda b: [drip(ok(b, {"X-Pad": "a" * 300}), 0.05)], LATE, COMPLETE),
    Mode("slowbody=3", "E1", lambda b: [(ok(b)[: -len(b)], *drip(b, 0.05))], LATE, COMPLETE),
    Mode("drip", "E1", lambda b: [(head(), *drip(b" " * 300 + b, 0.05))], LATE, COMPLETE),
    Mode("drip,chunked", "E1", lambda b: [(ok(b"", CHUNKED, length=False), *(0.05, b"1\r\n \r\n") * 200)], LATE, COMPLETE),
    Mode("drip,gzip", "E1", lambda b: [(head("Content-Encoding: gzip"), *drip(zipped(b) * 9, 0.05))], LATE, COMPLETE),
    Mode("drip,1xx", "E1", lambda b: [(0.05, b"HTTP/1.1 102 Processing\r\n\r\n") * 200], LATE, COMPLETE),
    Mode("drip,headers", "E1", lambda b: [(head()[:-2], *(0.05, b"X-More: 1\r\n") * 200)], LATE, COMPLETE),
    Mode("drip,trailers", "E1", lambda b: [(ok(b"0\r\n", CHUNKED, length=False), *(0.05, b"X-More: 1\r\n") * 200)], LATE, COMPLETE),
    Mode("drip,500", "E1", lambda b: [(ok(b).replace(b"200", b"500", 1)[:-20], *drip(b"x" * 300, 0.05))], LATE, COMPLETE),
    Mode("hang,gzip", "E1", lambda b: [(head("Content-Encoding: gzip") + zipped(b), 30.0)], LATE, COMPLETE),
    Mode("noread", "E2", lambda b: [b""], LATE, "before the request was sent", first=(ignore(30.0),), reads=False),
)  # fmt: skip
