"""Who may ask over HTTP: requests for this very address, from no other web page, with the token where one is set."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.secret import Secret

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def hosts(bound: str, port: int, more: Iterable[str] = ()) -> frozenset[str]:
    """The values of Host that are this server's.

    Args:
        bound: the address that it listens on.
        port: its port.
        more: names under which it is reached otherwise, such as those of a proxy: with their port, if any.
    """
    names = {*LOOPBACK, f"[{bound}]" if ":" in bound else bound}
    own = {f"{name}:{port}" for name in names}
    return frozenset({*own, *(names if port == 80 else ()), *more})  # port 80 goes without saying


@dataclass(frozen=True)
class Guard:
    """Refuses what could come from a web page that was led here (DNS rebinding), and who has no token.

    Host and Origin are compared letter by letter: every client writes the address as it was given. A page's
    Origin is that of a host here too; a client that is no browser sends none.
    """

    app: ASGIApp
    hosts: frozenset[str]
    token: Secret | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (self.app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        given: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            given.setdefault(name.lower(), []).append(value.decode("latin-1"))
        if len(host := given.get(b"host", [])) != 1 or host[0] not in self.hosts:
            return _refused(
                421, "The Host header does not name this server.", "Use the address that it printed."
            )
        origins = {f"{scheme}://{name}" for name in self.hosts for scheme in ("http", "https")}
        if any(origin not in origins for origin in given.get(b"origin", ())):
            return _refused(
                403, "A web page of another origin asked.", "Only clients of this server may ask."
            )
        if self.token is not None and not self._has_token(given.get(b"authorization", [])):
            refused = _refused(
                401, "The bearer token is missing or wrong.", "Send Authorization: Bearer <token>."
            )
            refused.headers["www-authenticate"] = "Bearer"
            return refused
        return None

    def _has_token(self, given: list[str]) -> bool:
        assert self.token is not None
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            _digest(token.strip()), _digest(self.token.reveal())
        )


def _digest(text: str) -> bytes:
    """Of one length, so that comparing takes the same time for every text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refused(status: int, message: str, hint: str) -> JSONResponse:
    error = {"code": -32600, "message": f"{message} {hint}"}  # -32600: no valid request
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status)
