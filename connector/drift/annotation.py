"""The vendor's Python types, read as values."""

from __future__ import annotations

import enum
import os
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date
from typing import IO, Any, Final

from connector.drift.value import ANYTHING, NOTHING, Form, Member, Value, union

_KINDS: Final[Mapping[Any, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    bytes: "bytes",
    date: "string",
}
_BYTES: Final = (IO, os.PathLike, tuple)  # the ways in which a file is given in Python
_NOT_SENT: Final = {"Omit", "NotGiven"}  # the SDK's marks for "leave it out"


def of_annotation(annotation: Any, inside: tuple[type, ...] = ()) -> Value:
    """What a value of this type may be in JSON.

    `inside` are the models on the way here: a model inside itself is not followed.

    Raises:
        TypeError: for a type that has no form in JSON.
    """
    if annotation in {Any, object}:
        return ANYTHING
    if annotation in {None, types.NoneType}:
        return NOTHING
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return of_annotation(arguments[0], inside)
    if origin in {typing.Union, types.UnionType}:
        return _of_union(arguments, inside)
    if origin is typing.Literal:
        return _of_literals(arguments)
    kind = origin or annotation
    if kind in _BYTES:
        return Value(frozenset({"bytes"}))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _of_literals([member.value for member in kind])
    if isinstance(kind, type) and hasattr(kind, "model_fields"):
        form = () if kind in inside else (_of_model(kind, (*inside, kind)),)
        return Value(frozenset({"object"}), forms=form)
    if kind in _KINDS:
        return Value(frozenset({_KINDS[kind]}))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        entries = of_annotation(arguments[1], inside) if arguments else None
        return Value(frozenset({"object"}), entries=entries)
    if isinstance(kind, type) and issubclass(kind, Sequence):
        item = of_annotation(arguments[0], inside) if arguments else None
        return Value(frozenset({"array"}), item=item)
    raise TypeError(f"{annotation!r} has no form in JSON")


def _of_union(alternatives: Sequence[Any], inside: tuple[type, ...]) -> Value:
    sent = [one for one in alternatives if getattr(one, "__name__", "") not in _NOT_SENT]
    values = [of_annotation(one, inside) for one in sent]
    if any(value.forms for value in values):  # `Model | Mapping[str, object]`: the model says what is in it
        free = Value(frozenset({"object"}), entries=ANYTHING)
        values = [value for value in values if value != free]
    return union(values)


def _of_literals(values: Sequence[Any]) -> Value:
    texts = frozenset(value for value in values if isinstance(value, str))
    kinds = {_KINDS.get(type(value), "null") for value in values}
    return Value(frozenset(kinds), texts or None)


def _of_model(model: Any, inside: tuple[type, ...]) -> Form:
    written: dict[str, Any] = {}
    for parent in reversed(model.__mro__):
        written.update(vars(parent).get("__annotations__", {}))
    form = {}
    for name, field in model.model_fields.items():
        value = of_annotation(field.annotation, inside)
        required = field.is_required()
        # the generator writes Optional[X] for a field that may be absent and Union[X, None] for one that
        # may be null; only the text of the annotation still tells the two apart
        if not required and str(written.get(name, "")).startswith("Optional["):
            value = value.without("null")
        form[field.alias or name] = Member(value, required, required)
    return form
