"""Serving the sandbox on this computer: in a thread for tests and demos, or until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn

from connector.sandbox.app import create_app

_HOST = "127.0.0.1"
_BACKLOG = 128


def serve(*, port: int, sonar: bool, ready: Callable[[str], None]) -> None:
    """Serve in the main thread until Ctrl-C.

    Args:
        port: 0 for any free port.
        sonar: serve the retired chat endpoint.
        ready: called with the base URL as soon as the server listens.

    Raises:
        OSError: the port is taken, or may not be used.
    """
    with _listen(port) as listener:
        server = _Server(sonar=sonar, on_ready=lambda: ready(_url(listener)))
        # uvicorn shuts down in good order and then raises the interrupt again.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


class Sandbox:
    """A running sandbox: `with Sandbox() as sandbox: ... sandbox.url`.

    Each key may send 50 requests within a second, as at the real API; tests that send more use several
    keys (any text that starts with `pplx-`).

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(self, *, sonar: bool = False, port: int = 0) -> None:
        self._sonar = sonar
        self._port = port
        self._url = ""

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:8321`; empty before it is entered."""
        return self._url

    def __enter__(self) -> Self:
        self._listener = _listen(self._port)
        self._url = _url(self._listener)
        started = threading.Event()
        self._server = _Server(sonar=self._sonar, on_ready=started.set)
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="perplexity-sandbox", daemon=True
        )
        self._thread.start()
        started.wait()
        if not self._server.started:
            self._listener.close()
            raise OSError(f"the sandbox could not start at {self._url}")
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


class _Server(uvicorn.Server):
    def __init__(self, *, sonar: bool, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            create_app(sonar=sonar),
            # Nothing is logged: stdout belongs to the caller. The headers that would differ from run
            # to run are left out.
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=False,
            server_header=False,
            lifespan="off",
            ws="none",
            http="h11",
            loop="asyncio",
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets that say they are TCP; with it on, every
    # answer comes 40 ms late.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows this option would let two servers share a port.
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
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
