"""The words of a schema that bound texts, numbers and counts, as far as a manifest can say them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from connector.importing.cleaning import Unusable, shown, usable
from connector.importing.samples import number_for, text_for
from connector.importing.spec import Node, text, whole
from connector.lint import SECRET_TEXT
from connector.lint_pattern import is_slow
from connector.schema_form import faults

_LONGEST_TEXT: Final = 2000  # of one that is made as a sample


def texts(flat: Node, made: dict[str, Any], left_out: set[str]) -> str:
    if "enum" in made:  # the choices say how long they are, and documents contradict themselves
        return text_for(made) or ""
    least, _ = counts(flat, made, "minLength", "maxLength")
    if least > _LONGEST_TEXT:
        left_out.add(f"that it has {least:,} characters or more")
        del made["minLength"]
    if (form := text(flat.get("format"))) and not SECRET_TEXT.search(form):
        made["format"] = form
    if form == "byte" or flat.get("contentEncoding") == "base64":
        made["contentEncoding"] = "base64"
    pattern = flat.get("pattern")
    if isinstance(pattern, str) and pattern:
        why = "no example of it is found"
        if wrong := pattern_problem(pattern):
            why = wrong
        elif (said := text_for({**made, "pattern": pattern})) is not None:
            made["pattern"] = pattern
            return said
        left_out.add(f"the pattern {shown(pattern)} ({why})")
    return text_for(made) or ""


@lru_cache(maxsize=4096)
def pattern_problem(pattern: str) -> str:
    """Why a pattern cannot stand in a manifest; empty if it can."""
    if whole(pattern) != pattern or SECRET_TEXT.search(pattern):
        return "it cannot be written in a manifest"
    for fault in faults({"pattern": pattern}):
        return fault.message.rstrip(".")
    return "it takes too long on some texts" if is_slow(pattern) else ""


def numbers(flat: Node, made: dict[str, Any], kinds: list[str]) -> int | float:
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        limit, edge = _number(flat.get(bound)), flat.get(exclusive)
        if edge is True and limit is not None:
            made[exclusive] = limit
        elif limit is not None:
            made[bound] = limit
        if (number := _number(edge)) is not None:
            made[exclusive] = number
    low = max(made.get("minimum", -1e308), made.get("exclusiveMinimum", -1e308))
    high = min(made.get("maximum", 1e308), made.get("exclusiveMaximum", 1e308))
    if low > high:
        for word in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
            made.pop(word, None)
    step = _number(flat.get("multipleOf"))
    if step is not None and step > 0:
        made["multipleOf"] = step
    if (form := text(flat.get("format"))) and "string" not in kinds and not SECRET_TEXT.search(form):
        made["format"] = form
    return number_for(made)


def _number(value: Any) -> int | float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        usable(value)
    except Unusable:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def counts(flat: Node, made: dict[str, Any], low: str, high: str) -> tuple[int, int | None]:
    """The least and the most, where they are counts and leave room."""
    found: dict[str, int] = {}
    for word in (low, high):
        count = _number(flat.get(word))
        if isinstance(count, int) and count >= 0:
            found[word] = count
    if found.get(low, 0) > found.get(high, found.get(low, 0)):
        found = {}
    made |= found
    return found.get(low, 0), found.get(high)
