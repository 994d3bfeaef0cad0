"""The operations of a document, in one form whatever its version."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connector.importing.names import has_words, id_of, unique
from connector.importing.spec import Inexpressible, Node, Spec, items, mapping, mappings, text

Place = Literal["path", "query", "header", "cookie"]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace", "query")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter. `style` and `explode` are OpenAPI 3's words, defaults put in."""

    name: str
    place: Place
    schema: Any
    is_required: bool = False
    style: str = "form"
    explode: bool = True
    is_json: bool = False
    """Its value is JSON text."""
    description: str = ""
    is_deprecated: bool = False
    examples: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Media:
    """A body in one of its forms. `encoding` is OpenAPI 3's, by property."""

    type: str
    schema: Any
    encoding: Node = field(default_factory=dict)
    examples: tuple[Any, ...] = ()

    @property
    def is_json(self) -> bool:
        """Whether it is JSON, under that name or a vendor's own."""
        return is_json(self.type)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that the document names. `status` is a number, `2XX` or `default`."""

    status: str
    media: tuple[Media, ...]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    Attributes:
        id: unique among all operations of the document, in the form of an action's id.
        said_id: its operationId; empty where it has none.
        security: which schemes it takes, each a choice of schemes that go together; None: those of the document.
        servers: its own; empty: those of the document.
        left_out: what of it could not be read, each as a sentence.
    """

    id: str
    said_id: str
    method: str
    path: str
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    is_deprecated: bool = False
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[Media, ...] = ()
    is_body_required: bool = False
    body_description: str = ""
    answers: tuple[Answer, ...] = ()
    security: tuple[tuple[str, ...], ...] | None = None
    servers: tuple[Node, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """As people find it in the document."""
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True)
class Unread:
    """An operation of which no action can be made."""

    id: str
    said_id: str
    label: str
    tags: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Found:
    """An operation where it stands in the document, before it is read."""

    id: str
    said_id: str
    method: str
    path: str
    tags: tuple[str, ...]
    node: Node
    beside: Node
    """The path item, which may hold parameters and servers for all its operations."""

    @property
    def label(self) -> str:
        """As people find it in the document."""
        return f"{self.method.upper()} {self.path}"


def found(spec: Spec) -> Iterator[Found | Unread]:
    """Every operation, in the order of the document, each with an id of its own."""
    taken: set[str] = set()
    for path, item in mapping(spec.root.get("paths")).items():
        if str(path).startswith("x-"):
            continue
        try:
            beside = spec.at(item)
        except Inexpressible as error:
            yield Unread(id_of(str(path)), "", str(path), (), str(error))
            continue
        for method in METHODS:
            node = beside.get(method)
            if isinstance(node, Mapping):
                said = text(node.get("operationId"))
                name = _name(said, f"{method} {path}", taken)
                taken.add(name)
                tags = tuple(filter(None, map(text, items(node.get("tags")))))
                yield Found(name, said, method, str(path), tags, node, beside)


def _name(said: str, where: str, taken: Container[str]) -> str:
    """The id that the document gives; or, where that says nothing or is another's, one of the method and path."""
    name = id_of(said) if has_words(said) else id_of(where)
    return name if name not in taken else unique(id_of(where), taken)


def security_of(node: Node) -> tuple[tuple[str, ...], ...] | None:
    """The choices of schemes that an operation, or the document, names."""
    if not isinstance(node.get("security"), list):
        return None
    return tuple(tuple(map(str, choice)) for choice in mappings(node["security"]))


def is_json(media_type: str) -> bool:
    """Whether a media type is JSON, under that name or a vendor's own."""
    word = media_type.partition(";")[0].strip().lower()
    return word in {"application/json", "text/json", "application/*", "*/*"} or word.endswith("+json")


def is_text(media_type: str) -> bool:
    """Whether a body of the media type is a text for people or programs, not the bytes of a file."""
    word = media_type.partition(";")[0].strip().lower()
    ends = (
        "+xml",
        "/xml",
        "yaml",
        "ndjson",
        "jsonl",
        "json-lines",
        "/jwt",
        "csv",
        "graphql",
        "javascript",
        "sql",
    )
    return word.startswith("text/") or word.endswith(ends)


def is_file(flat: Node) -> bool:
    """Whether a flat schema is that of a file's bytes."""
    kinds = flat.get("type", "string")
    binary = flat.get("format") == "binary" or ("contentMediaType" in flat and "contentEncoding" not in flat)
    return kinds == "file" or (kinds == "string" and binary)
