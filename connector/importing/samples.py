"""Values that fit a schema, always the same ones: what an example is made of where the document has none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.lint_pattern import example
from connector.pattern import TooSlow, matches, tokens_of

_BY_FORMAT: Final = {
    "date": "2024-05-17",
    "date-time": "2024-05-17T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "P1D",
    "email": "person@example.com",
    "idn-email": "person@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/page",
    "url": "https://example.com/page",
    "uri-reference": "/page",
    "iri": "https://example.com/page",
    "uuid": "3f2b8a54-6c1d-4e0f-9a7b-2d5c8e1f4a60",
    "guid": "3f2b8a54-6c1d-4e0f-9a7b-2d5c8e1f4a60",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "ZXhhbXBsZQ==",
    "int64": "1",
    "int32": "1",
    "decimal": "1.5",
    "json-pointer": "/a",
    "regex": "^a$",
}
_WORDS: Final = (
    *(
        "example",
        "Example",
        "EXAMPLE",
        "a",
        "A",
        "1",
        "12",
        "123",
        "1234567890",
        "en",
        "EN",
        "us",
        "USD",
        "en-US",
    ),
    *(
        "example-1",
        "abc123",
        "1.0.0",
        "1.5",
        "0",
        "2024-05-17",
        "2024-05-17T09:30:00Z",
        "09:30",
        "+15551234567",
    ),
    *(
        "3f2b8a54-6c1d-4e0f-9a7b-2d5c8e1f4a60",
        "https://example.com/page",
        "http://example.com",
        "example.com",
    ),
    *(
        "person@example.com",
        "192.0.2.1",
        "192.0.2.0/24",
        "#a1b2c3",
        "/example",
        "a/b",
        "a:b",
        "true",
        "P1D",
        "",
    ),
    *("a1b2c3d4e5f60718293a4b5c6d7e8f90", "a1b2c3d4e5f60718293a4b5c", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
)


def text_for(schema: Mapping[str, Any]) -> str | None:
    """A text that fits `format`, `pattern` and the lengths; None if none was found."""
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    pattern = schema.get("pattern")
    for candidate in _candidates(schema, pattern):
        said = _padded(candidate, least, most) if pattern is None else candidate
        if least <= len(said) <= most and (pattern is None or _fits(pattern, said)):
            return said
    return None


def _candidates(schema: Mapping[str, Any], pattern: str | None) -> Iterator[str]:
    if known := _BY_FORMAT.get(str(schema.get("format"))):
        yield known
    if schema.get("contentEncoding") == "base64":
        yield _BY_FORMAT["byte"]
    if pattern is None:
        yield "example"
        return
    least = int(schema.get("minLength", 0))
    yield from _WORDS
    made = example(tokens_of(pattern))
    yield made
    if made:
        yield made * math.ceil(least / len(made))
        yield made + made[-1] * (least - len(made))
        yield made[0] * (least - len(made)) + made
    yield from (char * least for char in "aA1")
    yield from (word * 8 for word in ("a", "A", "1", "f"))


def _padded(word: str, least: int, most: float) -> str:
    if len(word) > most:
        return word[: int(most)]
    return (word * math.ceil(least / len(word)))[: int(least)] if len(word) < least else word


def _fits(pattern: str, said: str) -> bool:
    try:
        return matches(pattern, said)
    except TooSlow:
        return False


def number_for(schema: Mapping[str, Any]) -> int | float:
    """A number within the bounds of a schema that has some; 1 if that is one."""
    step: int | float = schema.get("multipleOf", 1)
    low: int | float
    high: int | float
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    low = max(low, schema.get("exclusiveMinimum", -math.inf))
    high = min(high, schema.get("exclusiveMaximum", math.inf))
    is_low, is_high = low == schema.get("exclusiveMinimum"), high == schema.get("exclusiveMaximum")
    if low < 1 < high and step == 1:
        return 1
    if low == -math.inf:
        low, is_low = (high - step if high < math.inf else 0), False
    found: int | float = math.ceil(low / step) * step
    if found == low and is_low:
        found += step
    if found > high or (found == high and is_high):
        found = (low + min(high, low + 1)) / 2 if is_low or is_high else low
    if schema.get("type") == "integer" and float(found).is_integer():
        return int(found)
    return found
