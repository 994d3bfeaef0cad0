"""Operations as Swagger 2.0 says them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connector.importing.operations import Answer, Found, Media, Operation, Parameter, security_of
from connector.importing.spec import Inexpressible, Node, Spec, items, mapping, text

_STYLES: Final = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_NOT_OF_SCHEMA: Final = {"name", "in", "required", "description", "collectionFormat", "allowEmptyValue"}


def read(spec: Spec, at: Found) -> Operation:
    """The operation that stands at a place of the document.

    Raises:
        Inexpressible: if it cannot be read without something that is not in the document.
    """
    node, left_out = at.node, list[str]()
    parameters = _parameters(spec, at)
    by_place = {
        place: [p for p in parameters if text(p.get("in")) == place]
        for place in ("path", "query", "header", "body", "formData")
    }
    left_out.extend(
        f"the parameter {text(p.get('name'))!r} in {text(p.get('in')) or 'no place'} is none that Swagger has"
        for p in parameters
        if text(p.get("in")) not in by_place or not (p.get("name") or text(p.get("in")) == "body")
    )
    takes = _types(node, spec, "consumes")
    body = by_place["body"][0] if by_place["body"] else {}
    form = [parameter for parameter in by_place["formData"] if parameter.get("name")]
    bodies = _form(form, takes) if form else _bodies(body, takes)
    return Operation(
        id=at.id,
        said_id=at.said_id,
        method=at.method,
        path=at.path,
        summary=text(node.get("summary")),
        description=text(node.get("description")),
        tags=at.tags,
        is_deprecated=node.get("deprecated") is True,
        parameters=tuple(
            _parameter(p)
            for place in ("path", "query", "header")
            for p in by_place[place]
            if text(p.get("name"))
        ),
        bodies=tuple(bodies),
        is_body_required=body.get("required") is True or any(p.get("required") is True for p in form),
        body_description=text(body.get("description")),
        answers=tuple(_answers(spec, node, _types(node, spec, "produces"), left_out)),
        security=security_of(node),
        left_out=tuple(left_out),
    )


def _parameters(spec: Spec, at: Found) -> list[Node]:
    found: dict[tuple[str, str], Node] = {}
    for said in (*items(at.beside.get("parameters")), *items(at.node.get("parameters"))):
        node = spec.at(said)
        found[text(node.get("in")), text(node.get("name"))] = node
    return list(found.values())


def _parameter(node: Node) -> Parameter:
    place: Any = text(node.get("in"))
    joined = text(node.get("collectionFormat")) or "csv"
    return Parameter(
        name=text(node.get("name")),
        place=place,
        schema=_schema(node),
        is_required=node.get("required") is True or place == "path",
        style=_STYLES.get(joined, "form" if place == "query" else "simple"),
        explode=joined == "multi",
        description=text(node.get("description")),
        is_deprecated=node.get("deprecated") is True or node.get("x-deprecated") is True,
        examples=(node["x-example"],) if "x-example" in node else (),
    )


def _schema(node: Node) -> Any:
    """The schema of a parameter that is none of JSON: its own words."""
    if "schema" in node:
        return node["schema"]
    return {word: value for word, value in node.items() if word not in _NOT_OF_SCHEMA}


def _types(node: Node, spec: Spec, word: str) -> list[str]:
    own = node.get(word)
    return [str(kind) for kind in items(own if isinstance(own, list) else spec.root.get(word))]


def _bodies(body: Node, takes: list[str]) -> Iterator[Media]:
    if not body:
        return
    examples = (body["x-example"],) if "x-example" in body else ()
    for kind in takes or ["application/json"]:
        yield Media(type=kind, schema=body.get("schema", {}), examples=examples)


def _form(parameters: list[Node], takes: list[str]) -> Iterator[Media]:
    """The fields of a form, as the properties of one object."""
    fields = {
        text(p.get("name")): {**_schema(p), "description": text(p.get("description"))} for p in parameters
    }
    has_file = any(p.get("type") == "file" for p in parameters)
    kind = "multipart/form-data"
    if not has_file and not any(word.startswith("multipart/") for word in takes):
        kind = "application/x-www-form-urlencoded"
    encoding = {
        text(p.get("name")): {"style": "form", "explode": p.get("collectionFormat") == "multi"}
        for p in parameters
        if p.get("type") == "array"
    }
    required = [text(p.get("name")) for p in parameters if p.get("required") is True]
    schema = {"type": "object", "properties": fields, "required": required}
    yield Media(type=kind, schema=schema, encoding=encoding)


def _answers(spec: Spec, node: Node, gives: list[str], left_out: list[str]) -> Iterator[Answer]:
    for status, said in mapping(node.get("responses")).items():
        try:
            answer = spec.at(said)
        except Inexpressible as error:  # of an answer nothing is sent: without it, less is known
            answer = {}
            left_out.append(f"of its answer {status}: {error}")
        schema = answer.get("schema")
        kinds = gives or ["application/json"]
        media = () if schema is None else tuple(Media(type=kind, schema=schema) for kind in kinds)
        yield Answer(status=str(status), media=media)
