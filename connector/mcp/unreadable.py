"""Lines on stdin that are no message: whoever waits for an answer gets one, and stderr is told of the others."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextvars import Context
from typing import Any, Final

import mcp_types as types
from anyio.abc import ObjectReceiveStream
from mcp.shared.message import SessionMessage

_LONGEST_NUMBER: Final = 400
"""Digits; a longer one is 0 here, where only the id is looked for."""
_BATCH: Final = "Several messages in one line are not taken: send each in a line of its own."

_log = logging.getLogger(__name__)


class Readable(ObjectReceiveStream[SessionMessage]):
    """The messages among what the SDK reads from stdin. It drops all else without a word, and a client would wait.

    Args:
        reading: messages, and exceptions for lines that are none.
        writing: takes the answers.
    """

    def __init__(self, reading: Any, writing: Any) -> None:
        self._reading = reading
        self._writing = writing

    @property
    def last_context(self) -> Context | None:
        """The context in which the last message was sent, as the SDK asks for it."""
        context: Context | None = self._reading.last_context
        return context

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            anyio.EndOfStream: there will be no more.
        """
        while isinstance(item := await self._reading.receive(), Exception):
            answers = list(_answers(item))
            for answer in answers:
                await self._writing.send(SessionMessage(answer))
            if not answers:
                _log.warning(
                    "A line on stdin is no message of the protocol, and nothing in it can be answered."
                )
        message: SessionMessage = item
        return message

    async def aclose(self) -> None:
        """Read no more."""
        await self._reading.aclose()


def _answers(error: Exception) -> Iterator[types.JSONRPCError]:
    """An error for each request in a line that could not be read as a message."""
    details = getattr(error, "errors", None)  # pydantic's account, which the SDK passes on
    if details is None:
        return
    line, told = _line(details(include_url=False))
    for one in line if isinstance(line, list) else [line]:
        if not isinstance(one, dict) or {"result", "error"} & one.keys():
            continue  # it asks for nothing
        if isinstance(id_ := one.get("id"), str | int) and not isinstance(id_, bool):
            yield types.JSONRPCError(jsonrpc="2.0", id=id_, error=told)


def _line(details: list[Any]) -> tuple[Any, types.ErrorData]:
    """What stands in the line, as far as it is JSON, and what is wrong with it."""
    if details[0]["type"] == "json_invalid":
        told = types.ErrorData(
            code=types.PARSE_ERROR, message=f"The line cannot be read: {details[0]['msg']}."
        )
        try:
            return json.loads(details[0]["input"], parse_int=_number), told
        except (ValueError, RecursionError):
            return None, told
    # of each form that a message can have it says what is missing, and where: in the message itself
    whole = (one["input"] for one in details if one["type"] == "model_type" or _is_missing(one))
    line = next(whole, None)
    message = _BATCH if isinstance(line, list) else f"This is no message of the protocol. {_first(details)}"
    return line, types.ErrorData(code=types.INVALID_REQUEST, message=message)


def _is_missing(detail: Any) -> bool:
    form_and_field = 2
    return detail["type"] == "missing" and len(detail["loc"]) == form_and_field


def _first(details: list[Any]) -> str:
    """Of a request, whose form comes first."""
    return f"{'.'.join(map(str, details[0]['loc'][1:]))}: {details[0]['msg']}."


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else 0
