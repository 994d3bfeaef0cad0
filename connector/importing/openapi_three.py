"""Operations as OpenAPI 3.0 and 3.1 say them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.importing.operations import Answer, Found, Media, Operation, Parameter, Place, security_of
from connector.importing.spec import Inexpressible, Node, Spec, items, mapping, mappings, text

_PLACES: Final[dict[str, Place]] = {"path": "path", "query": "query", "header": "header", "cookie": "cookie"}
_STYLES: Final[dict[str, str]] = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}


def read(spec: Spec, at: Found) -> Operation:
    """The operation that stands at a place of the document.

    Raises:
        Inexpressible: if it cannot be read without something that is not in the document.
    """
    node, left_out = at.node, list[str]()
    body = spec.at(node.get("requestBody"))
    return Operation(
        id=at.id,
        said_id=at.said_id,
        method=at.method,
        path=at.path,
        summary=text(node.get("summary")) or text(at.beside.get("summary")),
        description=text(node.get("description")) or text(at.beside.get("description")),
        tags=at.tags,
        is_deprecated=node.get("deprecated") is True,
        parameters=tuple(_parameters(spec, at, left_out)),
        bodies=tuple(media(spec, body.get("content"))),
        is_body_required=body.get("required") is True,
        body_description=text(body.get("description")),
        answers=tuple(_answers(spec, node, left_out)),
        security=security_of(node),
        servers=tuple(mappings(node.get("servers"))) or tuple(mappings(at.beside.get("servers"))),
        left_out=tuple(left_out),
    )


def _parameters(spec: Spec, at: Found, left_out: list[str]) -> Iterator[Parameter]:
    by_place: dict[tuple[str, str], Node] = {}
    for said in (*items(at.beside.get("parameters")), *items(at.node.get("parameters"))):
        node = spec.at(said)
        by_place[text(node.get("in")).lower(), text(node.get("name"))] = node
    for (place, name), node in by_place.items():
        if place in _PLACES and name:
            yield _parameter(spec, name, _PLACES[place], node)
        else:
            left_out.append(f"the parameter {name!r} in {place or 'no place'} is none that OpenAPI has")


def _parameter(spec: Spec, name: str, place: Place, node: Node) -> Parameter:
    content = list(media(spec, node.get("content")))
    style = text(node.get("style")) or _STYLES[place]
    explode = node.get("explode")
    return Parameter(
        name=name,
        place=place,
        schema=content[0].schema if content else node.get("schema", {}),
        is_required=node.get("required") is True or place == "path",
        style=style,
        explode=explode if isinstance(explode, bool) else style in {"form", "deepObject"},
        is_json=bool(content) and content[0].is_json,
        description=text(node.get("description")),
        is_deprecated=node.get("deprecated") is True,
        examples=(*examples(spec, node), *(content[0].examples if content else ())),
    )


def _answers(spec: Spec, node: Node, left_out: list[str]) -> Iterator[Answer]:
    for status, said in mapping(node.get("responses")).items():
        try:
            answer = spec.at(said)
        except Inexpressible as error:  # of an answer nothing is sent: without it, less is known
            answer = {}
            left_out.append(f"of its answer {status}: {error}")
        yield Answer(status=str(status), media=tuple(media(spec, answer.get("content"))))


def media(spec: Spec, content: Any) -> Iterator[Media]:
    """The forms of a body."""
    for kind, said in mapping(content).items():
        node = spec.at(said)
        yield Media(
            type=str(kind),
            schema=node.get("schema", {}),
            encoding=mapping(node.get("encoding")),
            examples=tuple(examples(spec, node)),
        )


def examples(spec: Spec, node: Node) -> Iterator[Any]:
    """The values of `example` and `examples`."""
    if "example" in node:
        yield node["example"]
    named = node.get("examples")
    for said in named.values() if isinstance(named, Mapping) else ():
        try:
            example = spec.at(said)
        except Inexpressible:
            continue
        if "value" in example:
            yield example["value"]
