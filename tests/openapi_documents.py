"""Small OpenAPI documents, each with one operation, for the tests of the import."""

from __future__ import annotations

import json
from typing import Any

from connector.importing.openapi import Imported, Wanted, imported

OK: dict[str, Any] = {
    "200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
}


def three(paths: dict[str, Any], version: str = "3.0.3", **parts: Any) -> dict[str, Any]:
    """A document of OpenAPI 3."""
    return {
        "openapi": version,
        "info": {"title": "Acme", "version": "1"},
        "servers": [{"url": "https://api.acme.example/v1"}],
        "paths": paths,
        **parts,
    }


def two(paths: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A document of Swagger 2.0."""
    return {
        "swagger": "2.0",
        "info": {"title": "Acme", "version": "1"},
        "host": "api.acme.example",
        "basePath": "/v1",
        "paths": paths,
        **parts,
    }


def get(path: str = "/things", **parts: Any) -> dict[str, Any]:
    """A document whose one operation is a GET."""
    return three({path: {"get": {"operationId": "getThing", "responses": OK, **parts}}})


def post(
    schema: Any, kind: str = "application/json", *, required: bool = True, **parts: Any
) -> dict[str, Any]:
    """A document whose one operation sends a body of a schema."""
    body = {"required": required, "content": {kind: {"schema": schema}}}
    return three(
        {"/things": {"post": {"operationId": "addThing", "requestBody": body, "responses": OK, **parts}}}
    )


def answering(
    schema: Any, kind: str = "application/json", status: str = "200", **parts: Any
) -> dict[str, Any]:
    """A document whose one operation answers with a schema."""
    answer = {status: {"description": "", "content": {kind: {"schema": schema}}}}
    return three({"/things": {"get": {"operationId": "getThing", "responses": answer}}}, **parts)


def read(document: Any, wanted: Wanted | None = None) -> Imported:
    """What becomes of a document."""
    return imported(json.dumps(document).encode(), "acme.json", wanted or Wanted())


def action(document: Any) -> dict[str, Any]:
    """The action that a document's one operation becomes."""
    (made,) = read(document).draft.actions.values()
    return dict(made)


def inputs(document: Any) -> dict[str, Any]:
    """The schemas of its inputs by name."""
    properties: dict[str, Any] = action(document)["inputs"]["properties"]
    return properties


def request(document: Any) -> dict[str, Any]:
    """The request of its one route."""
    made: dict[str, Any] = action(document)["routes"]["main"]["request"]
    return made


def remarks(document: Any) -> tuple[str, ...]:
    """What its operation says beyond the action."""
    (said,) = read(document).remarks.values()
    return said
