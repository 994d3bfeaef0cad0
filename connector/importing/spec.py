"""An OpenAPI document whose references are followed where they lead within it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

Node = Mapping[str, Any]

_MOST_HOPS: Final = 50


class Inexpressible(Exception):
    """Something of the document that a manifest cannot say. `str()` ends the sentence "Left out: ..."."""


@dataclass(frozen=True)
class Spec:
    """The document.

    Attributes:
        root: as it was read.
        version: `2.0`, `3.0` or `3.1`.
    """

    root: Node
    version: str
    _found: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def at(self, node: Any) -> Node:
        """The mapping that stands there, or that the reference there leads to; an empty one for anything else.

        Raises:
            Inexpressible: if a reference leads out of the document, to nothing, or in a circle.
        """
        for _ in range(_MOST_HOPS):
            if not isinstance(node, Mapping):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self.target(reference)
        raise Inexpressible(f"its references lead in a circle ({reference})")

    def target(self, reference: str) -> Any:
        """What a reference leads to.

        Raises:
            Inexpressible: if that is not in the document.
        """
        if reference in self._found:
            return self._found[reference]
        if not reference.startswith("#"):
            raise Inexpressible(f"{reference} is another document, which is not read; bundle them into one")
        if reference not in {"#", "#/"} and not reference.startswith("#/"):
            raise Inexpressible(f"{reference} names a part by an anchor, which is not followed")
        value: Any = self.root
        for step in reference[2:].split("/") if len(reference) > 2 else ():
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(value, Mapping) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            else:
                raise Inexpressible(f"{reference} leads to nothing in the document")
        self._found[reference] = value
        return value


def mapping(value: Any) -> Node:
    """The value if it is a mapping, else an empty one: documents are not always what they should be."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> Iterator[Node]:
    """The mappings in a list."""
    return (item for item in items(value) if isinstance(item, Mapping))


def text(value: Any) -> str:
    """The value if it is a text, with what no file can hold replaced; numbers as text; else an empty one."""
    if isinstance(value, str):
        return whole(value).strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def whole(value: str) -> str:
    """The text with halves of surrogate pairs replaced."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
