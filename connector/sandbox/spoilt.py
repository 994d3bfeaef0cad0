"""Answers made wrong: a right answer in, another answer out, as a gateway or a changed API would give it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from connector.sandbox.fault import Fault
from connector.sandbox.fault_refusal import refused_with

_LOGIN = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n"
# The fields that an answer is asked for; the first that is there is spoilt unless one is named.
_MAIN_FIELDS = ("output", "choices", "results", "answers", "data", "id")
_PADDING = b"x" * 65_536
_EVENT = re.compile(rb"(.*?data: )(\{.*\})(\r?\n\r?\n)", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """An answer, complete. `pieces` are sent one after the other; of a stream, each is an event or a comment."""

    status: int
    headers: Mapping[str, str]
    pieces: Sequence[bytes]

    @property
    def streams(self) -> bool:
        return "event-stream" in self.headers.get("content-type", "")

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def begun(self, events: int) -> Answer:
        """The first events of a stream, with the comments among them; of a whole answer, its first half."""
        if not self.streams:
            body = self.body
            return replace(self, pieces=(body[: len(body) // 2],))
        return replace(self, pieces=self.pieces[: self.place_after(events)])

    def place_after(self, events: int) -> int:
        """The place among the pieces behind so many events; never behind the last one."""
        places = [place for place, piece in enumerate(self.pieces) if not piece.startswith(b":")]
        return places[min(events, len(places) - 1)] if places else 0


def spoilt(answer: Answer, fault: Fault) -> Answer | None:
    """The answer as the fault makes it; None where there is nothing to spoil: a whole answer has no last event.

    Faults of the way in which an answer is given leave it as it is.
    """
    if fault.name in _OF_STREAMS and not answer.streams:
        return None
    return _SPOILERS[fault.name](answer, fault) if fault.name in _SPOILERS else answer


def _bad_json(answer: Answer, fault: Fault) -> Answer:
    if not answer.streams:
        body = answer.body
        return replace(answer, pieces=(body[: len(body) * 2 // 3],))
    pieces = list(answer.pieces)
    place = answer.place_after(fault["after"])
    pieces[place] = _EVENT.sub(
        lambda event: event[1] + event[2][: len(event[2]) * 2 // 3] + event[3], pieces[place]
    )
    return replace(answer, pieces=pieces)


def _html(answer: Answer, fault: Fault) -> Answer:
    return Answer(200, {"content-type": "text/html; charset=utf-8"}, (_LOGIN,))


def _empty(answer: Answer, fault: Fault) -> Answer:
    return Answer(200, answer.headers, (b"",))


def _gzip_cut(answer: Answer, fault: Fault) -> Answer:
    packed = gzip.compress(answer.body, mtime=0)
    headers = {**answer.headers, "content-encoding": "gzip"}
    return replace(answer, headers=headers, pieces=(packed[: len(packed) * 2 // 3],))


def _wrong_type(answer: Answer, fault: Fault) -> Answer:
    return replace(answer, headers={**answer.headers, "content-type": "text/html; charset=utf-8"})


def _redirect(answer: Answer, fault: Fault) -> Answer:
    return Answer(int(fault["status"]), {"location": fault["to"]}, (b"",))


def _early_end(answer: Answer, fault: Fault) -> Answer:
    return answer.begun(fault["after"])


def _error_event(answer: Answer, fault: Fault) -> Answer:
    begun = answer.begun(fault["after"])
    error = refused_with(fault["code"]).envelope()
    if answer.pieces[0].startswith(b"event:"):
        event = f"event: error\ndata: {json.dumps({'type': 'error', **error, 'sequence_number': fault['after']})}\n\n"
    else:
        event = f"data: {json.dumps(error)}\r\n\r\n"
    return replace(begun, pieces=[*begun.pieces, event.encode()])


def _failed(answer: Answer, fault: Fault) -> Answer | None:
    def fail(value: dict[str, Any]) -> bool:
        if value.get("object") != "response":
            return False
        said = refused_with(500)
        error = {"message": said.message, "code": said.type, "type": said.type}
        value |= {"status": "failed", "output": [], "error": error}
        return True

    changed = _with_value(answer, fail)
    if changed is None or not answer.streams:
        return changed
    last = changed.pieces[-1].replace(b"response.completed", b"response.failed", 2)
    return replace(changed, pieces=[*changed.pieces[:-1], last])


def _with_field(change: Callable[[Any, Any], None]) -> Callable[[Answer, Fault], Answer | None]:
    """A spoiler of one field: `change` gets what holds the field, and the field's name or place."""

    def spoil(answer: Answer, fault: Fault) -> Answer | None:
        def at_field(value: dict[str, Any]) -> bool:
            found = _find(value, fault["field"])
            if found is not None:
                change(*found)
            return found is not None

        return _with_value(answer, at_field)

    return spoil


def _find(value: dict[str, Any], path: str | None) -> tuple[Any, Any] | None:
    """What holds the field at a path, and its name or place in there; None if it is not there."""
    if path is None:
        name = next((field for field in _MAIN_FIELDS if field in value), None)
        return None if name is None else (value, name)
    holder: Any = None
    last: Any = None
    here: Any = value
    for step in re.findall(r"[\w-]+", path, re.ASCII):
        holder, last = here, int(step) if isinstance(here, list) and step.isdigit() else step
        try:
            here = holder[last]
        except (LookupError, TypeError):
            return None
    return holder, last


def _drop(holder: Any, name: Any) -> None:
    del holder[name]


def _retype(holder: Any, name: Any) -> None:
    others = {str: 7, bool: "seven", int: "seven", float: "seven", list: "text", dict: ["text"]}
    holder[name] = others.get(type(holder[name]), {"unexpected": True})


def _to_nan(holder: Any, name: Any) -> None:
    holder[name] = float("nan")


def _with_value(answer: Answer, change: Callable[[dict[str, Any]], bool]) -> Answer | None:
    """The answer with its JSON changed in place; of a stream, that of the last event.

    None if there is none, or `change` says that it found nothing to change.
    """
    event = _EVENT.fullmatch(answer.pieces[-1]) if answer.streams else None
    start, text, end = event.groups() if event else (b"", answer.body, b"")
    try:
        whole = json.loads(text)
    except ValueError:
        return None
    if not isinstance(whole, dict) or not change(whole.get("response", whole)):
        return None
    written = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    pieces = answer.pieces[:-1] if event else ()
    return replace(answer, pieces=[*pieces, start + written + end])


def _duplicate_key(answer: Answer, fault: Fault) -> Answer | None:
    pattern = re.compile(rb'(data: |\A)\{("[^"]*":)')
    changed, count = pattern.subn(rb"\1{\2null,\2", answer.pieces[-1], count=1)
    return replace(answer, pieces=[*answer.pieces[:-1], changed]) if count else None


def _huge(answer: Answer, fault: Fault) -> Answer | None:
    # The same piece over and over: it takes no memory here.
    padding = [_PADDING] * (fault["mb"] * 1_000_000 // len(_PADDING) + 1)
    if answer.streams:
        return replace(answer, pieces=[b'data: {"padding":"', *padding, b'"}\n\n', *answer.pieces])
    body = answer.body
    if not body.startswith(b"{"):
        return None
    return replace(answer, pieces=[b'{"padding":"', *padding, b'",', body[1:]])


_OF_STREAMS = ("pings", "early-end", "error-event")
_SPOILERS = MappingProxyType(
    {
        "bad-json": _bad_json,
        "html": _html,
        "empty": _empty,
        "gzip-cut": _gzip_cut,
        "wrong-type": _wrong_type,
        "redirect": _redirect,
        "early-end": _early_end,
        "error-event": _error_event,
        "failed": _failed,
        "missing-field": _with_field(_drop),
        "wrong-field": _with_field(_retype),
        "nan": _with_field(_to_nan),
        "duplicate-key": _duplicate_key,
        "huge": _huge,
    }
)
