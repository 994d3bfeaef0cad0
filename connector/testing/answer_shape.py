"""What answers look like, without what they say: their fields with their types, and how two such looks differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from connector.sse import EventParser, EventTooLongError, ServerEvent
from connector.strict_json import parse

AnswerShape = Mapping[str, frozenset[str]]
"""A place in an answer, such as `results[].url` -> the types that were seen there."""

_WORDS: Final = {
    str: "text",
    bool: "true or false",
    int: "number",
    float: "number",
    type(None): "null",
    dict: "object",
    list: "list",
}
_MOST_SHOWN: Final = 30


def shape_of(requests: Iterable[Any], responses: Iterable[Any]) -> AnswerShape:
    """The shape of recorded answers.

    Answers to requests of one method are taken together: how often something is asked for again differs from
    one time to the next.

    Args:
        requests: of a cassette.
        responses: the answer to each.
    """
    pairs = list(zip(requests, responses, strict=True))
    several = len({request.method for request, _ in pairs}) > 1
    found: dict[str, set[str]] = defaultdict(set)
    for request, response in pairs:
        prefix = f"{request.method} " if several else ""
        found[f"{prefix}status"].add(str(response["status"]["code"]))
        for place, kind in _places(response):
            found[f"{prefix}{place}"].add(kind)
    return {place: frozenset(kinds) for place, kinds in found.items()}


def _places(response: Any) -> Iterator[tuple[str, str]]:
    content = response["body"]["string"]
    types = [
        value
        for name, values in response["headers"].items()
        if name.lower() == "content-type"
        for value in values
    ]
    if any("event-stream" in str(kind) for kind in types):
        for event in _events(content):
            yield f"event {event.name}".rstrip(), "event"
            yield from _of_content(event.data, "event")
    else:
        yield from _of_content(content, "body")


def _events(content: bytes) -> Iterator[ServerEvent]:
    parser = EventParser()
    try:
        yield from parser.feed(content)
        yield from parser.end()
    except EventTooLongError:
        return


def _of_content(content: bytes, name: str) -> Iterator[tuple[str, str]]:
    try:
        value = parse(content)
    except ValueError:
        yield name, "text" if content else "nothing"
        return
    yield from _of_value(value, name)


def _of_value(value: Any, place: str) -> Iterator[tuple[str, str]]:
    yield place, _WORDS[type(value)]
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _of_value(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _of_value(inner, f"{place}[]")


def differences(before: AnswerShape, after: AnswerShape) -> list[str]:
    """How the answers' shapes differ, a line for each place: `+` is new, `-` is gone, `~` has other types."""
    lines = []
    for place in sorted({*before, *after}):
        if place not in after:
            lines.append(f"- {place}: {_said(before[place])}")
        elif place not in before:
            lines.append(f"+ {place}: {_said(after[place])}")
        elif before[place] != after[place]:
            lines.append(f"~ {place}: {_said(before[place])} -> {_said(after[place])}")
    return _bounded(lines)


def drifted(before: AnswerShape, after: AnswerShape) -> list[str]:
    """As differences, of another day's answer: what another answer to the same question need not have is left out.

    Null stands for any type, a list may be empty, and a field may be new. What is told is a field that is gone
    from objects that are still there, and a value of a type that was never seen there.
    """
    lines = []
    for place in sorted(before):
        had, has = before[place] - {"null"}, after.get(place, frozenset()) - {"null"}
        if place not in after:
            owner = place.rpartition(".")[0]
            if not place.endswith("[]") and "object" in after.get(owner, ()):
                lines.append(f"- {place}: {_said(before[place])}")
        elif had and has and not has <= had:
            lines.append(f"~ {place}: {_said(had)} -> {_said(has)}")
    return _bounded(lines)


def _said(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))


def _bounded(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_SHOWN
    return lines if more <= 0 else [*lines[:_MOST_SHOWN], f"and {more} more"]
