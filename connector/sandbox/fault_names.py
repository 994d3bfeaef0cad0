"""The faults that can be rehearsed: the one table behind `--fault`, `X-Sandbox-Fault`, the help and the docs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

STATUS = "400..599"
"""The name in the table of all faults that are just a status; people write the status itself."""


@dataclass(frozen=True)
class FaultName:
    """A row of the table. `arguments` are its own, with their defaults; None: there is none."""

    name: str
    about: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Argument:
    """What can follow a name: `read` takes its text and raises ValueError, saying what it must be."""

    name: str
    about: str
    read: Callable[[str], Any]


_TIMES = {"times": None, "skip": 0, "every": 1, "rate": 1.0, "seed": 0, "on": None}
"""The arguments that say which requests a fault is for; every fault has them."""

FAULTS = (
    FaultName(
        STATUS, "refuse with this status, in the API's envelope", {"retry-after": None, "body": "json"}
    ),
    FaultName("expired-key", "401, as for a key that is no longer good"),
    FaultName("no-credit", "401, as for an account that has used up its credit"),
    FaultName("not-allowed", "403, as for a key without the right to this endpoint"),
    FaultName("retired", "403, as an endpoint that was switched off"),
    FaultName("slow", "wait before the answer begins", {"seconds": 5.0}),
    FaultName("drip", "give the body a few bytes at a time", {"seconds": 10.0}),
    FaultName("hang", "take the request and never answer"),
    FaultName("stall", "stop in the middle of the answer and stay connected", {"after": 2}),
    FaultName("pings", "after some events, give a stream only comments, for ever", {"after": 2}),
    FaultName("close", "close the connection instead of answering"),
    FaultName("reset", "reset the connection instead of answering"),
    FaultName("cut", "close the connection in the middle of the answer", {"after": 2}),
    FaultName("early-end", "end a stream in good order before its last event", {"after": 2}),
    FaultName("bad-chunk", "send a chunk whose size is not a number"),
    FaultName("garbage", "answer with something that is not HTTP"),
    FaultName("bad-json", "break off the JSON: of the answer, or of one event of a stream", {"after": 2}),
    FaultName("html", "200 with a login page instead of the answer"),
    FaultName("empty", "200 without a body"),
    FaultName("gzip-cut", "compress the answer and lose its end"),
    FaultName("wrong-type", "send the right answer as text/html"),
    FaultName("redirect", "point to another host", {"to": "https://elsewhere.example", "status": "307"}),
    FaultName("error-event", "break a stream off with an event that says so", {"after": 2, "code": 500}),
    FaultName("failed", "200 with an answer that says it failed (Agent API)"),
    FaultName("missing-field", "leave a field out of the answer", {"field": None}),
    FaultName("wrong-field", "give a field of the answer another type", {"field": None}),
    FaultName("nan", "put NaN, which is not JSON, into a field of the answer", {"field": None}),
    FaultName("duplicate-key", "name the first field of the answer twice, with two values"),
    FaultName("huge", "put so many megabytes into the answer", {"mb": 64}),
)
BY_NAME = MappingProxyType({fault.name: fault for fault in FAULTS})


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if (
            not re.fullmatch(r"\d{1,6}(\.\d{1,6})?|\.\d{1,6}", text, re.ASCII)
            or not least <= float(text) <= most
        ):
            raise ValueError(f"a number from {least:g} to {most:g}")
        return float(text)

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return read


def _like(pattern: str, sentence: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(sentence)
        return text

    return read


ARGUMENTS = (
    Argument("times", "only the first so many requests", _whole(1, 1_000_000)),
    Argument("skip", "leave the first so many requests alone", _whole(0, 1_000_000)),
    Argument("every", "only each N-th request: 3 for the third, the sixth, ...", _whole(1, 1_000_000)),
    Argument("rate", "only this share of the requests, drawn at random", _number(0, 1)),
    Argument("seed", "another draw; the same seed draws the same requests", _whole(0, 1_000_000)),
    Argument(
        "on",
        "only this path; a * at its end stands for any rest",
        _like(r"/[\x21-\x7e]*", "a path, as /search"),
    ),
    Argument(
        "retry-after",
        "when to come back: 2 (seconds), 1500ms, or date+2 (as a date, in 2 seconds)",
        _like(r"\d{1,9}(ms)?|date\+\d{1,9}", "2, 1500ms or date+2"),
    ),
    Argument("body", "json, html (as a proxy answers) or empty", _one_of("json", "html", "empty")),
    Argument("seconds", "how long", _number(0, 3600)),
    Argument(
        "after", "how many events of a stream come first; of a whole answer, half comes", _whole(0, 1000)
    ),
    Argument("to", "where to", _like(r"https?://[\x21-\x7e]+", "a URL, as https://elsewhere.example")),
    Argument("status", "301, 302, 303, 307 or 308", _one_of("301", "302", "303", "307", "308")),
    Argument("code", "the status that the event names", _whole(400, 599)),
    Argument(
        "field",
        "which one, as results or results[0].url; without it, the one that holds the answer",
        _like(r"[\w-]+([.\[][\w-]+\]?)*", "a field, as results[0].url"),
    ),
    Argument("mb", "how many", _whole(1, 4096)),
)
READ = MappingProxyType({argument.name: argument.read for argument in ARGUMENTS})


def described(fault: FaultName) -> str:
    """What a fault does, with the arguments that are its own."""
    own = (
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in _own(fault)
    )
    return f"{fault.about} ({', '.join(own)})" if fault.arguments else fault.about


def _own(fault: FaultName) -> list[tuple[str, Any]]:
    return [(name, "..." if value is None else value) for name, value in fault.arguments.items()]


def arguments_of(fault: FaultName) -> dict[str, Any]:
    """All that can follow a name, with the defaults: what is its own, then which requests it is for."""
    return {**fault.arguments, **_TIMES}


def shared_arguments() -> list[Argument]:
    """Those that every fault has."""
    return [argument for argument in ARGUMENTS if argument.name in _TIMES]


def own_arguments() -> list[Argument]:
    """Those that only some faults have."""
    return [argument for argument in ARGUMENTS if argument.name not in _TIMES]
