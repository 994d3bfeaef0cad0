"""One value of a manifest against one of the SDK, down to every field; each difference in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from connector.drift.value import Form, Member, Value

Kind = Literal["path", "field", "type", "enum", "required"]
Direction = Literal["sent", "answered"]

_WORDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "bytes": "a file",
}
_ANY_TEXT_HERE: Final = "may be any text here, and has fixed choices in the SDK"
_MAY_BE_ABSENT: Final = "is required here, and may be absent in the SDK"


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that a manifest and the SDK say differently.

    Attributes:
        where: the action, its route, and the field: `execute_search.search body.max_results`.
        what: the rest of the sentence: `is not in the SDK`.
        kind: what sort of thing differs.
    """

    where: str
    what: str
    kind: Kind

    @property
    def id(self) -> str:
        """The sentence: the same as long as the difference is."""
        return f"{self.where} {self.what}"


class Comparison:
    """Compares what is sent with what the SDK sends, or what is read with what the SDK reads.

    What a manifest leaves open is not compared below that point. Of an answer, only what the manifest
    declares is compared: it need not declare everything.
    """

    def __init__(self, direction: Direction) -> None:
        self._sent = direction == "sent"
        self.compared: set[str] = set()

    def form(self, prefix: str, ours: Form, theirs: Form) -> list[Difference]:
        """Two objects, field by field. `prefix` stands before each field: `search.main query.`."""
        return list(self._fields(prefix, ours, [theirs]))

    def value(self, where: str, ours: Value, theirs: Value) -> list[Difference]:
        """Two values, and everything in them."""
        found = [*self._kinds(where, ours, theirs), *self._choices(where, ours, theirs)]
        if ours.item and theirs.item:
            found += self.value(f"{where}[]", ours.item, theirs.item)
        if ours.forms and theirs.forms:
            found += self._objects(where, ours.forms, theirs.forms)
        elif theirs.entries and (ours.forms or ours.entries):
            found += self._free_keys(where, ours, theirs.entries)
        return found

    def _kinds(self, where: str, ours: Value, theirs: Value) -> Iterator[Difference]:
        if not ours.kinds or not theirs.kinds:
            return
        for kind in sorted(ours.kinds - theirs.kinds):
            if kind == "null":
                yield Difference(where, "may be null here, not in the SDK", "type")
            elif not _covered(kind, theirs):
                yield Difference(where, f"may be {_WORDS[kind]} here, not in the SDK", "type")
        for kind in sorted(theirs.kinds - ours.kinds):
            if kind == "null" and not self._sent:
                yield Difference(where, "may be null in the SDK, not here", "type")
            elif kind != "null" and not _covered(kind, ours):
                yield Difference(where, f"may be {_WORDS[kind]} in the SDK, not here", "type")

    def _choices(self, where: str, ours: Value, theirs: Value) -> Iterator[Difference]:
        if "string" not in ours.kinds or "string" not in theirs.kinds:
            return
        if ours.choices is not None and theirs.choices is not None:
            for choice in sorted(ours.choices - theirs.choices):
                yield Difference(where, f"may be {choice!r} here, not in the SDK", "enum")
            for choice in sorted(theirs.choices - ours.choices):
                yield Difference(where, f"may be {choice!r} in the SDK, not here", "enum")
        elif ours.choices is not None:
            yield Difference(where, "has fixed choices here, and may be any text in the SDK", "enum")
        elif theirs.choices is not None and self._sent:
            yield Difference(where, _ANY_TEXT_HERE, "enum")

    def _objects(self, where: str, ours: Sequence[Form], theirs: Sequence[Form]) -> Iterator[Difference]:
        """Objects that may have several forms, told apart by the text in one of their fields."""
        tag = _tag(theirs)
        if tag is None:
            for form in ours:
                yield from self._fields(f"{where}.", form, theirs)
            return
        known = frozenset[str]().union(*(_texts(form, tag) for form in theirs))
        covered: set[str] = set()
        for form in ours:
            choices = form[tag].value.choices if tag in form else None
            meant = [their for their in theirs if choices is None or _texts(their, tag) & choices]
            if self._sent and tag not in form:  # it can be only a form that goes without its tag
                meant = [their for their in theirs if not their[tag].required] or meant
            elif self._sent and choices is None:
                yield Difference(f"{where}.{tag}", _ANY_TEXT_HERE, "enum")
            for choice in sorted((choices or frozenset()) - known):
                yield Difference(f"{where}.{tag}", f"may be {choice!r} here, not in the SDK", "enum")
            covered.update(*(_texts(their, tag) if choices is None else choices for their in meant))
            name = f"{where}({' '.join(sorted(choices))})" if choices and len(ours) > 1 else where
            yield from self._fields(f"{name}.", form, meant, tag)
        if self._sent:
            for choice in sorted(known - covered):
                yield Difference(f"{where}.{tag}", f"may be {choice!r} in the SDK, not here", "enum")

    def _fields(
        self, prefix: str, ours: Form, theirs: Sequence[Form], tag: str | None = None
    ) -> Iterator[Difference]:
        """One form of ours against those of theirs that it may be: each field against the nearest of theirs."""
        one = len(theirs) == 1
        for name, member in ours.items():
            where = prefix + name
            self.compared.add(where)
            having = [form[name] for form in theirs if name in form]
            if theirs and not having:
                yield Difference(where, "is not in the SDK", "field")
            elif having:
                both = [self._member(where, member, their, alone=one, whole=name != tag) for their in having]
                nearest = min(both, key=lambda found: (len(found), [each.id for each in found]))
                if not self._sent and member.required and len(having) < len(theirs):
                    nearest.append(Difference(where, _MAY_BE_ABSENT, "required"))
                yield from nearest
        named = ours.get(tag) if tag is not None else None
        if not self._sent or (named is not None and named.value.choices is None and not one):
            return  # an answer need not be read whole; and here it is left open which form is sent
        for name in sorted({name for form in theirs for name in form} - ours.keys()):
            self.compared.add(prefix + name)
            if one and theirs[0][name].required:
                yield Difference(prefix + name, "is required by the SDK, and never sent", "required")
            elif name != tag:
                yield Difference(prefix + name, "is in the SDK, and never sent", "field")

    def _member(
        self, where: str, ours: Member, theirs: Member, *, alone: bool, whole: bool
    ) -> list[Difference]:
        found = []
        if self._sent and alone:
            if theirs.required and not ours.required:
                found.append(Difference(where, "is required by the SDK, and optional here", "required"))
            elif ours.asked and not theirs.required:
                found.append(Difference(where, "is required here, and optional in the SDK", "required"))
        elif not self._sent and ours.required and not theirs.required:
            found.append(Difference(where, _MAY_BE_ABSENT, "required"))
        return [*found, *self.value(where, ours.value, theirs.value)] if whole else found

    def _free_keys(self, where: str, ours: Value, theirs: Value) -> Iterator[Difference]:
        """An object whose keys are free in the SDK."""
        if ours.entries:
            yield from self.value(f"{where}.*", ours.entries, theirs)
        for form in ours.forms:
            for name, member in form.items():
                self.compared.add(f"{where}.{name}")
                yield from self._member(
                    f"{where}.{name}", member, Member(theirs, required=False), alone=False, whole=True
                )


def _covered(kind: str, by: Value) -> bool:
    """A whole number is a number."""
    return kind == "integer" and "number" in by.kinds


def _texts(form: Form, tag: str) -> frozenset[str]:
    return form[tag].value.choices or frozenset()


def _tag(forms: Sequence[Form]) -> str | None:
    """The field whose text tells the forms apart."""
    if len(forms) < 2:
        return None
    for name in forms[0]:
        texts = [form[name].value.choices for form in forms if name in form]
        known = [text for text in texts if text]
        if len(known) == len(forms) and sum(map(len, known)) == len(frozenset().union(*known)):
            return name
    return None
