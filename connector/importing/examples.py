"""The examples and the default that a document gives for a schema, where they fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.importing.cleaning import Unusable, shown, usable
from connector.importing.kinds import of_kind
from connector.importing.spec import Node
from connector.schema import Checker

_FORMS: Final = {
    "date": r"\d{4}-\d\d-\d\d",
    "date-time": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d.*",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


def with_own(flat: Node, made: dict[str, Any], sample: Any, left_out: set[str]) -> tuple[Any, dict[str, Any]]:
    """The sample, or the document's own where it fits; and the schema, with the default where that fits."""
    said: list[tuple[str, Any]] = [("default", flat["default"])] if "default" in flat else []
    said += [("example", value) for value in _said_examples(flat)]
    default_kept = False
    found: Any = None
    has_found = False
    for word, value in said:
        if value is None or (word == "default" and value in ("", [], {})):
            continue  # such a default says that there is none
        try:
            usable_value = usable(value)
        except Unusable:
            fits = False
        else:
            usable_value = _in_kind(usable_value, made)
            fits = fit(made, usable_value)
        if fits and word == "default":
            made["default"], default_kept = usable_value, True
        elif fits and not has_found and in_form(made, usable_value):
            found, has_found = usable_value, True
        elif word == "default" and not default_kept:
            left_out.add(f"the default {shown(value)}, which does not fit its own schema")
    if has_found and not _is_bulky(found):
        return found, made
    return (made["default"] if default_kept else sample), made


def _said_examples(flat: Node) -> Iterator[Any]:
    for word in ("example", "x-example"):
        if word in flat:
            yield flat[word]
    listed = flat.get("examples")
    yield from listed[:3] if isinstance(listed, list) else ()


def _in_kind(value: Any, made: Mapping[str, Any]) -> Any:
    kinds = made.get("type", [])
    try:
        return of_kind(value, [kinds] if isinstance(kinds, str) else kinds)
    except Unusable:
        return value


def _is_bulky(value: Any) -> bool:
    return isinstance(value, (list, dict)) and len(repr(value)) > 2000


def in_form(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a text has the format that a schema names: services check it, and documents' examples may not keep it."""
    form = _FORMS.get(schema.get("format", ""))
    return form is None or not isinstance(value, str) or re.fullmatch(form, value, re.DOTALL) is not None


def fit(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value fits a schema of a manifest."""
    return not Checker(schema).problems(value)
