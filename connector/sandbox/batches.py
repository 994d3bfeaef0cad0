"""`/v1/batches`: many Agent requests from one file. A batch comes forward each time it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.sandbox.agent_answer import answer_agent
from connector.sandbox.agent_request import read_order
from connector.sandbox.body import parse, read_object
from connector.sandbox.files import StoredFile, page_of, store_file
from connector.sandbox.gate import route
from connector.sandbox.memory import Shelf
from connector.sandbox.refusal import Refused, not_found
from connector.sandbox.reply import json_reply, text_of
from connector.sandbox.seed import Seed
from connector.sandbox.shape import Fields, Open, Table, Text, check, one_of

_ENDPOINT = "/v1/responses"
_DAY = 86_400
# The real limit is higher; a batch is worked off in one go while others wait.
_MOST_LINES = 1000
_SHAPE = Fields(
    {
        "endpoint": one_of(_ENDPOINT),
        "input_file_id": Text(empty=False),
        "completion_window": one_of("24h"),
        "metadata": Table(Text(longest=512), most=16),
    },
    required=("endpoint", "input_file_id"),
)
_LINE_SHAPE = Fields(
    {"custom_id": Text(empty=False), "method": one_of("POST"), "url": one_of(_ENDPOINT), "body": Open()},
    required=("custom_id", "body"),
    closed=False,
)
_FINISHED = ("completed", "failed", "cancelled")


@dataclass
class Batch:
    """`row` is what the API shows."""

    row: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)


def batch_routes() -> list[Route]:
    return [
        route("/v1/batches", "POST", _create),
        route("/v1/batches", "GET", _list),
        route("/v1/batches/{id}", "GET", _retrieve),
        route("/v1/batches/{id}/cancel", "POST", _cancel),
    ]


async def _create(request: Request) -> Response:
    body = await read_object(request)
    check(body, _SHAPE)
    key = request.state.key
    file = _files(request).get(key, body["input_file_id"])
    if file is None:
        raise Refused("input file not found", param="input_file_id")
    seed = Seed("batch", body, request.headers.get("idempotency-key"))
    batch = Batch(_row(f"batch_{seed.uuid()}", body, seed.created))
    known = _batches(request).get(key, batch.row["id"])
    if known is not None and request.headers.get("idempotency-key"):
        return json_reply(known.row)
    try:
        batch.lines = _lines(file.content)
    except _LineError as error:
        problem = {"code": "invalid_request", "line": error.line, "message": str(error)}
        batch.row |= {
            "status": "failed",
            "failed_at": seed.created,
            "errors": {"data": [problem], "object": "list"},
        }
    batch.row["request_counts"]["total"] = len(batch.lines)
    _batches(request).put(key, batch.row["id"], batch, len(file.content))
    return json_reply(batch.row)


async def _list(request: Request) -> Response:
    rows = [batch.row for batch in _batches(request).all_of(request.state.key)]
    return json_reply(page_of(request, rows[::-1]))


async def _retrieve(request: Request) -> Response:
    batch = _batch(request)
    created = batch.row["created_at"]
    match batch.row["status"]:
        case "validating":
            batch.row |= {"status": "in_progress", "in_progress_at": created + 1}
        case "in_progress":
            _work(batch, _files(request), request.state.key)
            batch.row |= {
                "status": "completed",
                "finalizing_at": created + 2,
                "completed_at": created + 3,
            }
        case "cancelling":
            batch.row |= {"status": "cancelled", "cancelled_at": created + 3}
    return json_reply(batch.row)


async def _cancel(request: Request) -> Response:
    batch = _batch(request)
    status = batch.row["status"]
    if status in _FINISHED:
        raise Refused(f"batch is already {status} and cannot be cancelled")
    batch.row |= {"status": "cancelling", "cancelling_at": batch.row["created_at"] + 2}
    return json_reply(batch.row)


def _row(name: str, body: dict[str, Any], created: int) -> dict[str, Any]:
    times = ("cancelled", "cancelling", "completed", "expired", "failed", "finalizing", "in_progress")
    return {
        **{f"{time}_at": None for time in times},
        "completion_window": body.get("completion_window") or "24h",
        "created_at": created,
        "endpoint": body["endpoint"],
        "error_file_id": None,
        "errors": None,
        "expires_at": created + _DAY,
        "id": name,
        "input_file_id": body["input_file_id"],
        "metadata": body.get("metadata"),
        "object": "batch",
        "output_file_id": None,
        "request_counts": {"completed": 0, "failed": 0, "total": 0},
        "status": "validating",
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    }


class _LineError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _lines(content: bytes) -> list[dict[str, Any]]:
    """The requests in a file: one JSON object a line, each with a `custom_id` of its own."""
    rows = [(number, row) for number, row in enumerate(content.split(b"\n"), start=1) if row.strip()]
    if not rows:
        raise _LineError(1, "the input file is empty")
    if len(rows) > _MOST_LINES:
        raise _LineError(rows[_MOST_LINES][0], f"the sandbox takes at most {_MOST_LINES} requests a batch")
    lines: dict[str, dict[str, Any]] = {}
    for number, row in rows:
        try:
            line = parse(row)
            check(line, _LINE_SHAPE)
        except Refused as refused:
            raise _LineError(number, refused.message) from None
        if line["custom_id"] in lines:
            raise _LineError(number, f"custom_id {line['custom_id'][:100]!r} is not unique")
        lines[line["custom_id"]] = line
    return list(lines.values())


def _work(batch: Batch, files: Shelf[StoredFile], key: str) -> None:
    """Answer every line, and write the answers and the refusals into two files."""
    answered: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for line in batch.lines:
        seed = Seed("batch line", batch.row["id"], line["custom_id"])
        try:
            body, status = answer_agent(read_order(line["body"])), 200
        except Refused as error:
            body, status = error.envelope(), error.status
        response = {"body": body, "request_id": seed.uuid("request"), "status_code": status}
        written = {
            "custom_id": line["custom_id"],
            "error": None,
            "id": f"batch_req_{seed.uuid()}",
            "response": response,
        }
        (answered if status == 200 else refused).append(written)
        _add_usage(batch.row["usage"], body.get("usage"))
    name = batch.row["id"]
    if answered:
        file = store_file(files, key, f"{name}_output.jsonl", "batch_output", _written(answered))
        batch.row["output_file_id"] = file.id
    if refused:
        file = store_file(files, key, f"{name}_error.jsonl", "batch_output", _written(refused))
        batch.row["error_file_id"] = file.id
    batch.row["request_counts"] |= {"completed": len(answered), "failed": len(refused)}


def _written(lines: list[dict[str, Any]]) -> bytes:
    return "".join(f"{text_of(line)}\n" for line in lines).encode()


def _add_usage(total: dict[str, Any], usage: dict[str, Any] | None) -> None:
    if usage is None:
        return
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        total[name] += usage[name]
    total["output_tokens_details"]["reasoning_tokens"] += usage["output_tokens_details"]["reasoning_tokens"]


def _files(request: Request) -> Shelf[StoredFile]:
    shelf: Shelf[StoredFile] = request.app.state.files
    return shelf


def _batches(request: Request) -> Shelf[Batch]:
    shelf: Shelf[Batch] = request.app.state.batches
    return shelf


def _batch(request: Request) -> Batch:
    batch = _batches(request).get(request.state.key, request.path_params["id"])
    if batch is None:
        raise not_found()
    return batch
