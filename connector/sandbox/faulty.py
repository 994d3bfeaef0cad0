"""What stands before the sandbox's application and lets it misbehave as its faults say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import InputError
from connector.sandbox.exchange import Exchange
from connector.sandbox.fault import Fault, Turns, parse_fault
from connector.sandbox.fault_refusal import refusal
from connector.sandbox.refusal import Refused
from connector.sandbox.reply import json_reply
from connector.sandbox.spoilt import Answer, spoilt

HEADER = "X-Sandbox-Fault"
_PORTIONS_A_SECOND = 100
_SECONDS_BETWEEN_PINGS = 0.5


class Faulty:
    """The application, with faults. The first whose turn it is decides: the request's own, then the server's.

    Args:
        app: the application.
        faults: of the server.
        told: called with a line for each request that gets a fault.
        envelope: the body of a refusal.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Sequence[Fault] = (),
        told: Callable[[str], None] = lambda _: None,
        envelope: Callable[[Refused], Any] = Refused.envelope,
    ) -> None:
        self.app = app
        self._faults = tuple(faults)
        self._told = told
        self._envelope = envelope
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            asked = [parse_fault(text, f"header {HEADER}") for text in request.headers.getlist(HEADER)]
        except InputError as error:
            answer = json_reply(self._envelope(Refused(str(error), param=HEADER)), 400)
            await answer(scope, receive, send)
            return
        key = request.headers.get("authorization", "")
        for fault in (*asked, *self._faults):
            if self._turns.takes(fault, key, request.url.path):
                line = f"{request.method} {request.url.path}: {fault.text}"
                self._told(line)
                if not await _misbehave(fault, Exchange(self.app, scope, receive, send), self._envelope):
                    self._told(f"{line} found nothing to spoil")
                return
        await self.app(scope, receive, send)


async def _misbehave(fault: Fault, exchange: Exchange, envelope: Callable[[Refused], Any]) -> bool:
    """Answer as the fault wants it, or, where it finds nothing to spoil in the answer, as usual: False."""
    exchange.say(fault.text)
    if (refused := refusal(fault, envelope=envelope)) is not None:
        if refused.status_code == 429:
            exchange.use_up_limit()
        await exchange.drained()
        await exchange.give_response(refused)
    elif fault.name in _UNANSWERED:
        await exchange.drained()
        _UNANSWERED[fault.name](exchange)
        await exchange.gone()
    else:
        answer = await exchange.answer()
        changed = spoilt(answer, fault)
        if changed is None:
            exchange.say("")
            await exchange.give(answer)
            return False
        await _WAYS.get(fault.name, _give)(changed, fault, exchange)
    return True


_UNANSWERED: MappingProxyType[str, Callable[[Exchange], None]] = MappingProxyType(
    {
        "hang": lambda exchange: None,
        "close": Exchange.close,
        "reset": Exchange.reset,
        "garbage": lambda exchange: exchange.write_and_close(b"\x00\x01 this is not HTTP \xff\r\n\r\n"),
    }
)
"""What happens once the request has been read, when nothing is answered."""


async def _give(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    await exchange.give(answer)


async def _slow(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    if not await exchange.gone(within=fault["seconds"]):
        await exchange.give(answer)


async def _drip(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    body = answer.body
    portions = max(1, min(len(body), int(fault["seconds"] * _PORTIONS_A_SECOND)))
    await exchange.begin(answer)
    for number in range(portions):
        await exchange.more(body[len(body) * number // portions : len(body) * (number + 1) // portions])
        if await exchange.gone(within=fault["seconds"] / portions):
            return
    await exchange.end()


async def _stall(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    await _half(answer, fault, exchange)
    await exchange.gone()


async def _pings(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    await _half(answer, fault, exchange)
    while not await exchange.gone(within=_SECONDS_BETWEEN_PINGS):
        await exchange.more(b": ping\n\n")


async def _cut(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    await _half(answer, fault, exchange)
    exchange.close()
    await exchange.gone()


async def _half(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    await exchange.begin(answer)
    for piece in answer.begun(fault["after"]).pieces:
        await exchange.more(piece)


async def _bad_chunk(answer: Answer, fault: Fault, exchange: Exchange) -> None:
    form = answer.headers.get("content-type", "application/json")
    exchange.write_and_close(
        f"HTTP/1.1 200 OK\r\ncontent-type: {form}\r\ntransfer-encoding: chunked\r\n\r\nsize\r\n".encode()
        + answer.body
    )
    await exchange.gone()


_WAYS: MappingProxyType[str, Callable[[Answer, Fault, Exchange], Awaitable[None]]] = MappingProxyType(
    {
        "slow": _slow,
        "drip": _drip,
        "stall": _stall,
        "pings": _pings,
        "cut": _cut,
        "bad-chunk": _bad_chunk,
    }
)
"""Faults of the way in which an answer is given, right as it is."""
