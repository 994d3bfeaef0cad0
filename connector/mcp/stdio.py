"""The server on stdin and stdout, as a client starts it: frames of the protocol on stdout, all else on stderr."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

from mcp.server.stdio import stdio_server

from connector.mcp.calls import Calls
from connector.mcp.logs import to_stderr
from connector.mcp.server import server_of
from connector.mcp.tools import Tool
from connector.mcp.unreadable import Readable


def serve(tools: Mapping[str, Tool], calls: Calls) -> None:
    """Serve until the client closes stdin. A signal ends the process, once what is under way is cancelled."""
    to_stderr()
    asyncio.run(_serve(tools, calls))


async def _serve(tools: Mapping[str, Tool], calls: Calls) -> None:
    loop = asyncio.get_running_loop()
    for sign, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(sign, _stop, calls, code)
    server = server_of(tools, calls)
    async with stdio_server() as (reading, writing):  # from here on, file descriptor 1 is stderr's
        await server.run(Readable(reading, writing), writing, server.create_initialization_options())


_stopping: set[asyncio.Task[None]] = set()


def _stop(calls: Calls, code: int) -> None:
    if not _stopping:
        _stopping.add(asyncio.get_running_loop().create_task(_stopped(calls, code)))


async def _stopped(calls: Calls, code: int) -> None:
    """End at once: a thread waits for stdin, and nothing but the end of the process ends that."""
    try:
        await calls.close()
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
