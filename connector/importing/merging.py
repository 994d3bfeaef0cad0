"""Schemas of a document without `$ref` and `allOf`: what a reader of one level needs to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.importing.spec import Inexpressible, Node, Spec, items, mapping, text

LEFT_OUT: Final = "x-left-out"
"""In a merged schema: what of it could not be read, a list of texts."""

_STRICTER: Final[dict[str, Any]] = {
    **dict.fromkeys(("minimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "maxLength", "maxItems", "maxProperties"), min),
}


class Flattening:
    """Makes schemas of one level, each once: what it gave for a node, it gives again."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._known: dict[int, tuple[Any, Node]] = {}
        self._under_way: set[int] = set()
        self._alternatives: dict[int, tuple[Node, list[Any]]] = {}
        self._told_ones: dict[tuple[str, str, str], Any] = {}

    def of(self, node: Any) -> Node:
        """The schema with its references followed and its parts merged. A boolean or nonsense is an empty one."""
        if not isinstance(node, Mapping):
            return {}
        if "$ref" not in node and "allOf" not in node:
            return node
        if id(node) in self._known:
            return self._known[id(node)][1]
        if id(node) in self._under_way:  # it is a part of itself
            return {}
        self._under_way.add(id(node))
        try:
            made = self._made(node)
        finally:
            self._under_way.discard(id(node))
        self._known[id(node)] = (node, made)
        return made

    def alternatives(self, flat: Node) -> list[Any]:
        """The schemas of oneOf or anyOf, each with the value by which a discriminator tells it."""
        if id(flat) not in self._alternatives:
            branches = items(flat.get("oneOf")) or items(flat.get("anyOf"))
            self._alternatives[id(flat)] = (flat, self._told_apart(flat, branches))
        return self._alternatives[id(flat)][1]

    def _made(self, node: Node) -> Node:
        parts: list[Node] = []
        reference = node.get("$ref")
        if isinstance(reference, str):
            try:
                parts.append(self.of(self._spec.target(reference)))
            except Inexpressible as error:
                parts.append({LEFT_OUT: [str(error)]})
        parts += [self.of(part) for part in items(node.get("allOf"))]
        own = {word: value for word, value in node.items() if word not in {"$ref", "allOf"}}
        if not own and len(parts) == 1:
            return parts[0]
        return merged([*parts, own])

    def _told_apart(self, flat: Node, branches: list[Any]) -> list[Any]:
        discriminator = mapping(flat.get("discriminator"))
        name = text(discriminator.get("propertyName"))
        if not name:
            return branches
        values = mapping(discriminator.get("mapping"))
        return [self._told(branch, name, values) for branch in branches]

    def _told(self, branch: Any, name: str, values: Node) -> Any:
        reference = branch.get("$ref") if isinstance(branch, Mapping) else None
        if not isinstance(reference, str):
            return branch
        word = reference.rsplit("/", maxsplit=1)[-1]
        named = [str(value) for value, leads_to in values.items() if leads_to in (reference, word)]
        key = (reference, name, "\0".join(named))
        if key not in self._told_ones:  # one node for each, or alternatives in each other would have no end
            self._told_ones[key] = self._with_value(branch, name, named or [word])
        return self._told_ones[key]

    def _with_value(self, branch: Any, name: str, values: list[str]) -> Any:
        field = self.of(mapping(self.of(branch).get("properties")).get(name))
        own = {"required": [name]}
        if "enum" not in field and "const" not in field:
            return {"allOf": [branch, {**own, "properties": {name: {"type": "string", "enum": values}}}]}
        return {"allOf": [branch, own]}


def merged(parts: list[Node]) -> Node:
    """What holds if all of some flat schemas do; a later one has the last word where they differ."""
    whole: dict[str, Any] = {}
    for part in parts:
        for word, value in part.items():
            whole[word] = _joined(word, whole[word], value) if word in whole else value
    several = sum("properties" in part or "additionalProperties" in part for part in parts)
    if several > 1 and whole.get("additionalProperties") is False:
        del whole["additionalProperties"]  # it was said of a part
    alternatives = [word for part in parts for word in ("oneOf", "anyOf") if word in part]
    if len(alternatives) > 1:
        whole[LEFT_OUT] = [*whole.get(LEFT_OUT, ()), "all but one of several lists of alternatives"]
    return whole


def _joined(word: str, one: Any, other: Any) -> Any:
    if word == "properties" and isinstance(one, Mapping) and isinstance(other, Mapping):
        both = {
            name: {"allOf": [one[name], other[name]]}
            for name in one
            if name in other and one[name] is not other[name]
        }
        return {**one, **other, **both}
    if word in {"required", LEFT_OUT}:
        return list(dict.fromkeys([*map(str, items(one)), *map(str, items(other))]))
    if word == "enum":
        return [value for value in items(one) if value in items(other)] or other
    if word in {"description", "title"}:
        return other or one
    if word in _STRICTER and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in (one, other)
    ):
        return _STRICTER[word](one, other)
    return other
