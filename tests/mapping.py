"""What a manifest says a request is, worked out a second time: jmespath's own engine on the YAML as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath import functions

from connector.evaluate import text_of
from connector.loading import read

MANIFEST = read("perplexity")
TABLES = MANIFEST.document.value["tables"]
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class _Functions(functions.Functions):
    """jmespath's functions, with ours: each gives null for null."""

    @functions.signature({"types": []}, {"types": []})
    def _func_lookup(self, table: Any, key: Any) -> Any:
        return TABLES[table].get(key) if isinstance(key, str) else None

    @functions.signature({"types": []}, {"types": []})
    def _func_contains(self, whole: Any, part: Any) -> Any:
        return None if whole is None else part in whole

    @functions.signature({"types": []})
    def _func_length(self, value: Any) -> Any:
        return None if value is None else len(value)

    @functions.signature({"types": []}, {"types": []})
    def _func_join(self, glue: Any, parts: Any) -> Any:
        return None if parts is None else glue.join(parts)

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> Any:
        return None if value is None else text_of(value)


def found(expression: str, inputs: Mapping[str, Any]) -> Any:
    """What an expression gives, null columns of its rows left out."""
    text = re.sub(r"(?<![`_\w])null\b(?!`)", "`null`", expression)
    value = jmespath.search(text, {"inputs": inputs}, jmespath.Options(custom_functions=_Functions()))
    return _without_nulls(value) if "{" in expression else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def filled(written: Any, inputs: Mapping[str, Any]) -> Any:
    """The YAML value for inputs; None where nothing is left."""
    if isinstance(written, str):
        if whole := _EXPRESSION.fullmatch(written.strip()):
            return found(whole[1], inputs)
        parts = [found(part[1], inputs) for part in _EXPRESSION.finditer(written)]
        if None in parts:
            return None
        texts = iter(parts)
        return _EXPRESSION.sub(lambda _: text_of(next(texts)), written)
    if isinstance(written, dict):
        left = {key: value for key, inner in written.items() if (value := filled(inner, inputs)) is not None}
        return left if left or not written else None
    if isinstance(written, list):
        items = list(_items(written, inputs))
        return items if items or not written else None
    return written


def _items(written: list[Any], inputs: Mapping[str, Any]) -> Iterator[Any]:
    for item in written:
        if isinstance(item, dict) and set(item) == {"..."}:
            yield from filled(item["..."], inputs) or ()
        elif (value := filled(item, inputs)) is not None:
            yield value
