"""`/v1/files`: the input and output of batches, kept in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.sandbox.body import read_bytes
from connector.sandbox.gate import route
from connector.sandbox.memory import Shelf
from connector.sandbox.multipart import read_parts
from connector.sandbox.refusal import invalid, not_found
from connector.sandbox.reply import json_reply
from connector.sandbox.seed import Seed
from connector.sandbox.synthesis import shorten

_MOST_LISTED = 100
_PURPOSES = ("batch", "batch_output")


@dataclass(frozen=True)
class StoredFile:
    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int

    def row(self) -> dict[str, Any]:
        return {
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": None,
            "filename": self.filename,
            "id": self.id,
            "object": "file",
            "purpose": self.purpose,
        }


def store_file(shelf: Shelf[StoredFile], key: str, filename: str, purpose: str, content: bytes) -> StoredFile:
    """A file on the shelf; its id follows from its name and content."""
    seed = Seed("file", filename, purpose, hashlib.sha256(content).hexdigest())
    file = StoredFile(f"file-{seed.uuid()}", filename, purpose, content, seed.created)
    shelf.put(key, file.id, file, len(content))
    return file


def file_routes() -> list[Route]:
    return [
        route("/v1/files", "POST", _upload),
        route("/v1/files", "GET", _list),
        route("/v1/files/{id}", "GET", _retrieve),
        route("/v1/files/{id}", "DELETE", _delete),
        route("/v1/files/{id}/content", "GET", _content),
    ]


def page_of(request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list, as the query's `after` and `limit` say."""
    limit = request.query_params.get("limit", "20")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= _MOST_LISTED):
        raise invalid(f"limit must be between 1 and {_MOST_LISTED}", "limit")
    after = request.query_params.get("after")
    if after is not None:
        places = [place for place, row in enumerate(rows) if row["id"] == after]
        if not places:
            raise invalid("after names nothing in this list", "after")
        rows = rows[places[0] + 1 :]
    page = rows[: int(limit)]
    return {
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "has_more": len(rows) > len(page),
        "last_id": page[-1]["id"] if page else None,
        "object": "list",
    }


async def _upload(request: Request) -> Response:
    raw = await read_bytes(request)
    parts = read_parts(raw, request.headers.get("content-type", ""))
    if "file" not in parts:
        raise invalid("file is required", "file")
    if "purpose" not in parts or parts["purpose"].content != b"batch":
        raise invalid("purpose must be one of: batch", "purpose")
    file = parts["file"]
    name = shorten(file.filename or "upload", 200)
    return json_reply(store_file(_shelf(request), request.state.key, name, "batch", file.content).row())


async def _list(request: Request) -> Response:
    query = request.query_params
    order, purpose = query.get("order", "desc"), query.get("purpose")
    if order not in ("asc", "desc"):
        raise invalid("order must be one of: asc desc", "order")
    if purpose not in (None, *_PURPOSES):
        raise invalid(f"purpose must be one of: {' '.join(_PURPOSES)}", "purpose")
    files = _shelf(request).all_of(request.state.key)
    rows = [file.row() for file in files if purpose in (None, file.purpose)]
    return json_reply(page_of(request, rows if order == "asc" else rows[::-1]))


async def _retrieve(request: Request) -> Response:
    return json_reply(_file(request).row())


async def _content(request: Request) -> Response:
    return Response(_file(request).content, media_type="application/octet-stream")


async def _delete(request: Request) -> Response:
    file = _file(request)
    _shelf(request).drop(request.state.key, file.id)
    return json_reply({"deleted": True, "id": file.id, "object": "file"})


def _shelf(request: Request) -> Shelf[StoredFile]:
    shelf: Shelf[StoredFile] = request.app.state.files
    return shelf


def _file(request: Request) -> StoredFile:
    file = _shelf(request).get(request.state.key, request.path_params["id"])
    if file is None:
        raise not_found()
    return file
