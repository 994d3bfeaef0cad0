"""Serving an application on this computer: in a thread for tests and demos, or until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from connector.sandbox.app import create_app
from connector.sandbox.protocol import Protocol

_HOST = "127.0.0.1"
_BACKLOG = 128


def serve(
    *,
    port: int,
    sonar: bool,
    ready: Callable[[str], None],
    faults: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve in the main thread until Ctrl-C.

    Args:
        port: 0 for any free port.
        sonar: serve the retired chat endpoint.
        ready: called with the base URL as soon as the server listens.
        faults: how it misbehaves, such as `429,times=2`.
        told: called with a line for each request that meets a fault.

    Raises:
        InputError: a fault that there is not.
        OSError: the port is taken, or may not be used.
    """
    serve_app(create_app(sonar=sonar, faults=faults, told=told), port=port, ready=ready)


def serve_app(app: Starlette, *, port: int, ready: Callable[[str], None]) -> None:
    """Serve any application in the main thread until Ctrl-C: see serve."""
    with listen(port) as listener:
        server = _Server(app, on_ready=lambda: ready(_url(listener)))
        # uvicorn shuts down in good order and then raises the interrupt again.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


class Served:
    """An application that is served from a thread: `with Served(app, "name") as served: ... served.url`.

    Args:
        app: the application.
        name: of the thread.
        port: 0 for any free port.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(self, app: Starlette, name: str, *, port: int = 0) -> None:
        self._app = app
        self._name = name
        self._port = port
        self._url = ""

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:8321`; empty before it is entered."""
        return self._url

    def __enter__(self) -> Self:
        self._listener = listen(self._port)
        self._url = _url(self._listener)
        started = threading.Event()
        self._server = _Server(self._app, on_ready=started.set)
        self._thread = threading.Thread(target=self._run, args=(started,), name=self._name, daemon=True)
        self._thread.start()
        started.wait()
        if not self._server.started:
            self._listener.close()
            raise OSError(f"the server could not start at {self._url}")
        return self

    def _run(self, started: threading.Event) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            started.set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


class Sandbox(Served):
    """A running sandbox: `with Sandbox() as sandbox: ... sandbox.url`.

    Each key may send 50 requests within a second, as at the real API; tests that send more use several
    keys (any text that starts with `pplx-`).

    Args:
        sonar: serve the retired chat endpoint.
        port: 0 for any free port.
        faults: how it misbehaves, such as `429,times=2`.

    Raises:
        InputError: a fault that there is not.
        OSError: on entering, when the port is taken.
    """

    def __init__(self, *, sonar: bool = False, port: int = 0, faults: Sequence[str] = ()) -> None:
        super().__init__(create_app(sonar=sonar, faults=faults), "perplexity-sandbox", port=port)


class Server(uvicorn.Server):
    """Serves an application. Nothing is logged: stdout belongs to the caller.

    Args:
        app: the application.
        on_ready: called as soon as it listens.
        is_dated: answers have a Date, which differs from run to run.
        has_lifespan: the application is told when serving begins and ends.
    """

    def __init__(
        self, app: ASGIApp, *, on_ready: Callable[[], None], is_dated: bool, has_lifespan: bool
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=is_dated,
            server_header=False,
            lifespan="on" if has_lifespan else "off",
            ws="none",
            http=Protocol,
            loop="asyncio",
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self._on_ready()


class _Server(Server):
    def __init__(self, app: Starlette, *, on_ready: Callable[[], None]) -> None:
        super().__init__(app, on_ready=on_ready, is_dated=False, has_lifespan=False)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Clients that do not read what they asked for hold connections that do not close by themselves.
        for left in list(self.server_state.connections):
            if isinstance(left, Protocol):
                left.transport.abort()
        await asyncio.sleep(0)


def listen(port: int, host: str = _HOST) -> socket.socket:
    """A socket that waits for clients.

    Raises:
        OSError: the address or the port is taken, or may not be used.
    """
    # asyncio turns Nagle's algorithm off only for sockets that say they are TCP; with it on, every
    # answer comes 40 ms late.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows this option would let two servers share a port.
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    except OverflowError:
        listener.close()
        raise OSError(f"there is no port {port}") from None
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://{_HOST}:{listener.getsockname()[1]}"
