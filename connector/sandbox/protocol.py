"""uvicorn's HTTP/1.1, made safe against clients that send nothing, too slowly, too often, or no HTTP."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

TRANSPORT = "sandbox.transport"
"""Where a request's state has the connection that it came on: faults break it."""

SECONDS_TO_ASK = 30.0
MOST_CONNECTIONS = 900
"""A little below the number of open files that a process may commonly have."""

_ASKED = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)


class Protocol(H11Protocol):
    """A connection. One that has not sent a whole request in time is closed, and makes room when it is full."""

    seconds_to_ask = SECONDS_TO_ASK
    most_connections = MOST_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
        self.since = self.loop.time()
        self._due: asyncio.TimerHandle | None = None
        self._make_room()
        self._watch()

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP; in the middle of an answer there is no way to say it."""
        if self.conn.our_state is h11.IDLE:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    @property
    def has_asked(self) -> bool:
        return self.conn.their_state in _ASKED

    def _watch(self) -> None:
        if self.has_asked:
            self._stop_watching()
        elif self._due is None:
            self._due = self.loop.call_later(self.seconds_to_ask, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _make_room(self) -> None:
        there = [
            one for one in self.connections if isinstance(one, Protocol) and not one.transport.is_closing()
        ]
        if len(there) > self.most_connections:
            waiting = [one for one in there if one is not self and not one.has_asked]
            longest = min(waiting, key=lambda one: one.since, default=self)
            longest.transport.abort()
