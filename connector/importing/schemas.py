"""Schemas of OpenAPI as schemas of a manifest: JSON Schema 2020-12 without references, of bounded size.

What a document says of a value is kept as far as a manifest can say it: references are written out to a depth,
below which any JSON fits; what is dropped is told. A schema is never stricter than the document's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from connector.importing.bounds import counts, numbers, texts
from connector.importing.cleaning import prose
from connector.importing.examples import fit, with_own
from connector.importing.kinds import choices_of, kinds_of
from connector.importing.merging import LEFT_OUT, Flattening
from connector.importing.shaped import MAX_SIZE, Shaped, size_of, sum_of, weight_of
from connector.importing.spec import Inexpressible, Node, items, mapping, whole

DEPTHS: Final = (8, 6, 5, 4, 3, 2, 1, 0)
"""How many levels are written out: the first that keeps to the size."""

_MOST_WAYS: Final = 100  # of alternatives in each other; the reader takes 256 of a whole manifest's schema
_MOST_BRANCHES: Final = 60
_MOST_STEPS: Final = 40_000  # for one operation
_HEAVIEST: Final = 4000  # characters of a list that is made as a sample
_LONGEST_PROSE: Final = 600
_SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})
_UNSAID: Final = (
    *("not", "if", "then", "else", "contains", "propertyNames", "patternProperties", "dependentSchemas"),
    *("prefixItems", "unevaluatedItems", "$dynamicRef", "$recursiveRef"),
)


class Shaping:
    """Makes the schemas of values that are sent: fields that only answers have are left out."""

    def __init__(self, flattening: Flattening) -> None:
        self.flat = flattening.of
        self._alternatives = flattening.alternatives
        self._known: dict[tuple[int, int], tuple[Any, Shaped]] = {}
        self._steps = 0

    def begin(self) -> None:
        """Begin with another operation: each may take so many steps."""
        self._steps = 0

    def fitting(self, node: Any, size: int = MAX_SIZE) -> Shaped:
        """The schema, written out as deep as the size allows."""
        for depth in DEPTHS:
            made = self.shaped(node, depth)
            if made.size <= size:
                return made
        return Shaped({}, left_out=frozenset({"the schema, which is too large"}))

    def shaped(self, node: Any, depth: int) -> Shaped:
        """The schema, written out so many levels deep."""
        key = (id(node), depth)
        if key not in self._known:  # the node is kept too: another one could get its id
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise Inexpressible("its schemas hold each other in too many ways")
            self._known[key] = (node, self._made(self.flat(node), depth))
        return self._known[key][1]

    def is_read_only(self, node: Any) -> bool:
        """Whether only answers have it."""
        return self.flat(node).get("readOnly") is True

    def may_be(self, node: Any, *kinds: str) -> bool:
        """Whether a value of it, or of one of its alternatives, may be of one of the types."""
        flat = self.flat(node)
        found = set(kinds_of(flat)).union(
            *(kinds_of(self.flat(branch)) for branch in self._alternatives(flat))
        )
        return bool(found.intersection(kinds))

    @staticmethod
    def plain_part(part: Shaped) -> Shaped | None:
        """The alternatives that are no objects and no lists; None if there are none."""
        branches = [one for one in part.schema.get("anyOf", ()) if one.get("type") in _SCALARS]
        if not branches:
            return None
        schema = {
            **{word: value for word, value in part.schema.items() if word != "default"},
            "anyOf": branches,
        }
        return replace(
            part, schema=schema, sample=next((v for one in branches for v in one.get("enum", ())), "example")
        )

    def alternatives(self, flat: Node) -> list[Node]:
        """The flat schemas of which it is one."""
        return [self.flat(branch) for branch in self._alternatives(flat)]

    def _made(self, flat: Node, depth: int) -> Shaped:
        kinds = kinds_of(flat)
        left_out = set(map(str, items(flat.get(LEFT_OUT))))
        left_out |= {f"`{word}`" for word in _UNSAID if word in flat}
        made: dict[str, Any] = {}
        parts: list[Shaped] = []
        samples: list[Any] = []
        if kinds:
            made["type"] = kinds[0] if len(kinds) == 1 else kinds
        made |= _words_for_people(flat)
        choices = choices_of(flat, kinds, left_out)
        if choices:
            made["enum"] = choices
            samples.append(next((choice for choice in choices if choice is not None), None))
        if "string" in kinds:
            samples.append(texts(flat, made, left_out))
        if "integer" in kinds or "number" in kinds:
            samples.append(numbers(flat, made, kinds))
        if "boolean" in kinds:
            samples.append(True)
        if "array" in kinds:
            samples.append(self._list(flat, made, parts, depth, left_out))
        if "object" in kinds:
            samples.append(self._object(flat, made, parts, depth, left_out))
        if sum_of(parts) > MAX_SIZE:
            return Shaped({}, size=sum_of(parts))
        branches = self._alternatives(flat)
        if branches and not choices:
            branch = self._union(flat, branches, made, parts, depth, left_out)
            own = samples[-1] if samples and isinstance(samples[-1], dict) else {}
            samples.insert(0, {**own, **branch} if isinstance(branch, dict) else branch)
        size = sum_of(parts) + sum(size_of(word, value) for word, value in made.items())
        if size > MAX_SIZE:
            return Shaped({}, size=size)  # nor is anything that holds it: it need not be made
        sample = samples[0] if samples else ("example" if not kinds else None)
        if weight_of(sample) > MAX_SIZE:
            return Shaped({}, size=MAX_SIZE + 1)
        sample, made = with_own(flat, made, sample, left_out)
        weight = weight_of(sample)
        return Shaped(
            made,
            sample,
            size + weight + weight_of(made.get("default")),
            max((part.ways for part in parts), default=1) * max(1, len(made.get("anyOf", ()))),
            frozenset(left_out).union(*(part.left_out for part in parts)),
            weight,
        )

    def _list(
        self, flat: Node, made: dict[str, Any], parts: list[Shaped], depth: int, left_out: set[str]
    ) -> list[Any]:
        node = flat.get("items")
        least, _ = counts(flat, made, "minItems", "maxItems")
        if flat.get("uniqueItems") is True:
            made["uniqueItems"] = True
        if not isinstance(node, Mapping) or (depth <= 0 and not self._is_plain(node)):
            if least > 100:
                left_out.add(f"that it has {least:,} items or more")
                del made["minItems"]
            return ["example"] * min(least, 100)
        part = self.shaped(node, max(depth - 1, 0))
        parts.append(part)
        made["items"] = part.schema
        wanted = min(max(least, 1), made.get("maxItems", least + 1))
        if wanted * (part.weight + 1) > _HEAVIEST:
            left_out.add(f"that it has {least:,} items or more")
            del made["minItems"]
            return [part.sample]
        if made.get("uniqueItems") and wanted > 1:
            return _different(part, wanted)
        return [part.sample] * wanted

    def _object(
        self, flat: Node, made: dict[str, Any], parts: list[Shaped], depth: int, left_out: set[str]
    ) -> dict[str, Any]:
        said = mapping(flat.get("properties"))
        if depth <= 0 and said:
            left_out.add("the fields at its greatest depths")
            return {}
        counts(flat, made, "minProperties", "maxProperties")
        fields: dict[str, Any] = {}
        sample: dict[str, Any] = {}
        required = set(map(str, items(flat.get("required"))))
        for said_name, node in said.items():
            name = whole(str(said_name))
            if self.is_read_only(node):
                continue
            part = self.shaped(node, depth - 1)
            parts.append(part)
            fields[name] = part.schema
            if name in required:
                sample[name] = part.sample
            if sum_of(parts) > MAX_SIZE:
                return {}
        if fields:
            made["properties"] = fields
            if names := [name for name in fields if name in required]:
                made["required"] = names
        others = flat.get("additionalProperties")
        if isinstance(others, Mapping) and depth > 0 and others:
            part = self.shaped(others, depth - 1)
            parts.append(part)
            made["additionalProperties"] = part.schema
        elif others is False and fields and not self._alternatives(flat) and "patternProperties" not in flat:
            made["additionalProperties"] = False
        least = min(made.get("minProperties", 0), 100)
        for name in list(fields)[:least]:
            sample.setdefault(name, self.shaped(said[name], depth - 1).sample)
        for number in range(len(sample), least):
            sample[f"example_{number + 1}"] = (
                parts[-1].sample if "additionalProperties" in made else "example"
            )
        return sample

    def _union(
        self,
        flat: Node,
        branches: list[Any],
        made: dict[str, Any],
        parts: list[Shaped],
        depth: int,
        left_out: set[str],
    ) -> Any:
        if depth <= 0 and not all(map(self._is_plain, branches)):
            left_out.add("the fields at its greatest depths")
            return {} if all("object" in kinds_of(self.flat(branch)) for branch in branches) else None
        shaped = [self.shaped(branch, max(depth - 1, 0)) for branch in branches]
        if sum_of(shaped) > MAX_SIZE:
            parts.extend(shaped)
            return None
        if flat.get("nullable") is True and "type" not in made:
            shaped.append(Shaped({"type": "null"}))
        if made.get("type") == "object":
            shaped = [
                self._of_base(part, self.flat(branch), flat, depth)
                for part, branch in zip(shaped, [*branches, *[{}] * len(shaped)], strict=False)
            ]
        different = list({repr(part.schema): part for part in shaped}.values())
        ways = len(different) * max(part.ways for part in different)
        sample = _distinct([part for part in shaped if part.sample is not None] or shaped)
        if ways > _MOST_WAYS or len(different) > _MOST_BRANCHES or any(not p.schema for p in different):
            if all(part.schema for part in different):
                left_out.add(f"alternatives that multiply to {ways}")
            return sample
        if len(different) == 1 and not {"type", "properties", "items"} & made.keys():
            parts.append(different[0])
            for word, value in different[0].schema.items():
                made.setdefault(word, value)
            return sample
        parts.extend(different)
        made["anyOf"] = [part.schema for part in different]
        return sample

    def _of_base(self, part: Shaped, branch: Node, flat: Node, depth: int) -> Shaped:
        """An alternative that only says which fields of the object are needed: its sample has them."""
        said = mapping(flat.get("properties"))
        if kinds_of(branch) or not said:
            return part
        needed = [name for name in map(str, items(branch.get("required"))) if name in said]
        sample = {name: self.shaped(said[name], max(depth - 1, 0)).sample for name in needed}
        schema = {**part.schema, **({"required": needed} if needed else {})}
        return replace(part, schema=schema, sample=sample, size=part.size + len(repr(needed)))

    def _is_plain(self, node: Any) -> bool:
        """Whether it has no schemas in it."""
        flat = self.flat(node)
        words = ("properties", "items", "oneOf", "anyOf", "additionalProperties")
        return not any(isinstance(flat.get(word), (Mapping, list)) for word in words)


def _words_for_people(flat: Node) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if description := prose(flat.get("description"), _LONGEST_PROSE):
        made["description"] = description
    if flat.get("deprecated") is True:
        made["deprecated"] = True
    return made


def _different(part: Shaped, wanted: int) -> list[Any]:
    """So many different values that fit."""
    choices = part.schema.get("enum")
    if choices:
        return list(choices[:wanted])
    if isinstance(part.sample, str):
        return [part.sample, *(f"{part.sample}{number}" for number in range(2, wanted + 1))]
    if isinstance(part.sample, int) and not isinstance(part.sample, bool):
        return [part.sample + number for number in range(wanted)]
    return [part.sample] * wanted


def _distinct(parts: list[Shaped]) -> Any:
    """The sample of an alternative that fits no other one, if there is such a sample."""
    for part in parts[:10]:
        others = (other for other in parts[:10] if other is not part)
        if not any(fit(other.schema, part.sample) for other in others):
            return part.sample
    return parts[0].sample if parts else None
