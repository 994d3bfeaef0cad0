"""One request and its answer, with a hand on the connection below: to answer in part, or to break it."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import struct
import time
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.sandbox.body import drain
from connector.sandbox.gate import LIMIT, Count
from connector.sandbox.protocol import TRANSPORT
from connector.sandbox.spoilt import Answer

_LINGER_NOT = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Exchange:
    """A request that is answered in an unusual way.

    Args:
        app: what would answer it as usual.
        scope: of the request, as ASGI has it; so are `receive` and `send`.
        receive: gives the request's body.
        send: takes the answer.
    """

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._scope = scope
        self._next = receive
        self._send = send
        self._fault: dict[str, str] = {}
        self._is_read = False

    def say(self, fault: str) -> None:
        """Name the fault in the header `x-sandbox-fault` of the answer; an empty text: say nothing."""
        self._fault = {"x-sandbox-fault": fault} if fault else {}

    async def _receive(self) -> Message:
        message = await self._next()
        self._is_read = not message.get("more_body", False)
        return message

    async def drained(self) -> None:
        """Read the request to its end. A client that is still sending would not see the answer."""
        if not self._is_read:
            with suppress(ClientDisconnect):
                await drain(Request(self._scope, self._receive))

    async def answer(self) -> Answer:
        """What the application answers."""
        status, headers, pieces = 500, {}, []

        async def keep(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {
                    name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]
                }
            elif message.get("body"):
                pieces.append(message["body"])

        await self._app(self._scope, self._receive, keep)
        await self.drained()
        found = Answer(status, headers, pieces)
        return found if found.streams else Answer(status, headers, [found.body])

    def use_up_limit(self) -> None:
        """Let the headers of the rate limit say that nothing is left."""
        self._scope["state"]["count"] = Count(LIMIT, math.ceil(time.time() + 1))

    async def give_response(self, response: Response) -> None:
        """Answer with a response that is ready."""
        response.headers.update(self._fault)
        await response(self._scope, self._receive, self._send)

    async def give(self, answer: Answer) -> None:
        """Answer in good order."""
        await self.begin(answer)
        for piece in answer.pieces:
            await self.more(piece)
        await self.end()

    async def begin(self, answer: Answer) -> None:
        """The status and the headers, with the length of a whole answer."""
        headers = {**answer.headers, **self._fault}
        headers.pop("content-length", None)
        if not answer.streams:
            headers["content-length"] = str(sum(map(len, answer.pieces)))
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})

    async def more(self, piece: bytes) -> None:
        """A piece of the body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        # Others get their turn, and a client that went away is noticed.
        await asyncio.sleep(0)

    async def end(self) -> None:
        """The end of the body."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def close(self) -> None:
        """End the connection in order, as soon as what was sent has left."""
        self._transport.close()

    def reset(self) -> None:
        """Break the connection, so that the client sees a reset."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def write_and_close(self, raw: bytes) -> None:
        """Send bytes as they are, then end the connection."""
        self._transport.write(raw)
        self._transport.close()

    async def gone(self, within: float | None = None) -> bool:
        """Wait until the client has gone, or for so many seconds. True if it has gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
                return True
        return False

    @property
    def _transport(self) -> asyncio.Transport:
        transport = self._scope.get("state", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionAbortedError("a fault breaks the connection")
        assert isinstance(transport, asyncio.Transport)
        return transport
