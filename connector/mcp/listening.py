"""The server over streamable HTTP, on this computer unless it is told otherwise."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from starlette.requests import ClientDisconnect

from connector.errors import InputError, Problem
from connector.mcp.calls import Calls
from connector.mcp.configuration import PATH, url
from connector.mcp.guard import Guard, hosts
from connector.mcp.logs import to_stderr
from connector.mcp.server import server_of
from connector.mcp.tools import Tool
from connector.sandbox.server import Server, listen
from connector.secret import Secret

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a request."""
MAX_SESSIONS: Final = 1000
_SHORTEST_TOKEN: Final = 16


def serve(
    tools: Mapping[str, Tool],
    calls: Calls,
    *,
    port: int,
    ready: Callable[[str], None],
    host: str = "127.0.0.1",
    names: Iterable[str] = (),
    token: Secret | None = None,
) -> None:
    """Serve in the main thread until Ctrl-C.

    Args:
        tools: by name.
        calls: carries them out.
        port: 0 for any free port.
        ready: called with the server's URL as soon as it listens.
        host: the address to listen on.
        names: further values of the Host header that are this server's, such as a proxy's.
        token: what clients have to send as a bearer token; it is never sent on.

    Raises:
        InputError: an address of other computers without a token, or a token that is too short.
        OSError: the address or the port cannot be listened on.
    """
    if token is not None and len(token.reveal()) < _SHORTEST_TOKEN:
        message = f"It has fewer than {_SHORTEST_TOKEN} characters."
        raise InputError(
            [Problem("the token", message, "Make a longer one, such as `openssl rand -hex 32` gives.")]
        )
    if token is None and not _is_loopback(host):
        message = "Whoever reaches this computer could run the actions and spend the account's credit."
        raise InputError([Problem(f"host {host}", message, "Ask for a token: --auth-token-env NAME.")])
    to_stderr()
    with listen(port, host) as listener:
        bound = listener.getsockname()[1]
        app = server_of(tools, calls).streamable_http_app(
            streamable_http_path=PATH,
            host="",  # Host and Origin are the guard's
            max_request_body_size=MAX_BODY,
            max_sessions=MAX_SESSIONS,
        )
        guarded = Guard(app, hosts(host, bound, names), token)
        server = Server(guarded, on_ready=lambda: ready(url(host, bound)), is_dated=True, has_lifespan=True)
        logging.getLogger("mcp.server.streamable_http").addFilter(_is_fault)
        # uvicorn shuts down in good order and then raises the interrupt again
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _is_fault(record: logging.LogRecord) -> bool:
    """A client that went away in the middle of its request is none, and fills no log with tracebacks."""
    return not (record.exc_info and isinstance(record.exc_info[1], ClientDisconnect))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
