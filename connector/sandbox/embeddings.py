"""`POST /v1/embeddings` and `/v1/contextualizedembeddings`: vectors in which shared words show.

Each word adds numbers of its own at places of its own, so the cosine of two texts grows with the words they
share: enough for a similarity search to make sense in a demo.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.sandbox.body import read_object
from connector.sandbox.gate import route
from connector.sandbox.ranking import words_of
from connector.sandbox.refusal import Refused, invalid
from connector.sandbox.reply import json_reply
from connector.sandbox.seed import tokens
from connector.sandbox.shape import Either, Fields, Rows, Shape, Text, check, one_of, whole

_MILLION = 1_000_000
_MOST_CHUNKS = 16_000
_MOST_TOKENS_EACH = 32_768
_MOST_TOKENS = 120_000
_LOWEST_DIMENSIONS = 128
_PLACES_PER_WORD = 64


@dataclass(frozen=True)
class _Model:
    dimensions: int
    usd_per_million: float


_PLAIN = {"pplx-embed-v1-0.6b": _Model(1024, 0.004), "pplx-embed-v1-4b": _Model(2560, 0.03)}
_CONTEXTUAL = {
    "pplx-embed-context-v1-0.6b": _Model(1024, 0.008),
    "pplx-embed-context-v1-4b": _Model(2560, 0.05),
}
_TEXT = Text(empty=False)
_OPTIONS: dict[str, Shape] = {
    "model": Text(),
    "dimensions": whole(_LOWEST_DIMENSIONS),
    "encoding_format": one_of("base64_int8", "base64_binary"),
}
_PLAIN_SHAPE = Fields(
    {"input": Either({"string": _TEXT, "array": Rows(_TEXT, 1, 512)}), **_OPTIONS},
    required=("input", "model"),
    closed=False,
)
_CONTEXTUAL_SHAPE = Fields(
    {"input": Rows(Rows(_TEXT, 1), 1, 512), **_OPTIONS}, required=("input", "model"), closed=False
)


def embedding_routes() -> list[Route]:
    return [
        route("/v1/embeddings", "POST", _embeddings),
        route("/v1/contextualizedembeddings", "POST", _contextualized),
    ]


async def _embeddings(request: Request) -> Response:
    body = await read_object(request)
    check(body, _PLAIN_SHAPE)
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    model = _model(body, _PLAIN)
    counts = [tokens(text) for text in texts]
    return json_reply(
        {
            "data": _objects(texts, body, model),
            "model": body["model"],
            "object": "list",
            "usage": _usage(counts, model),
        }
    )


async def _contextualized(request: Request) -> Response:
    body = await read_object(request)
    check(body, _CONTEXTUAL_SHAPE)
    documents = body["input"]
    if sum(map(len, documents)) > _MOST_CHUNKS:
        raise invalid(f"input must have at most {_MOST_CHUNKS} chunks", "input")
    model = _model(body, _CONTEXTUAL)
    counts = [sum(tokens(text) for text in texts) for texts in documents]
    usage = _usage(counts, model)
    rows = [
        {"data": _objects(texts, body, model), "index": place, "object": "list"}
        for place, texts in enumerate(documents)
    ]
    return json_reply({"data": rows, "model": body["model"], "object": "list", "usage": usage})


def _model(body: dict[str, Any], models: dict[str, _Model]) -> _Model:
    model = models.get(body["model"])
    if model is None:
        raise Refused(
            f"model must be one of: {' '.join(models)}",
            type="invalid_model",
            param="model",
        )
    if (body.get("dimensions") or 0) > model.dimensions:
        raise invalid(f"dimensions must be between {_LOWEST_DIMENSIONS} and {model.dimensions}", "dimensions")
    return model


def _objects(texts: Iterable[str], body: dict[str, Any], model: _Model) -> list[dict[str, Any]]:
    dimensions = body.get("dimensions") or model.dimensions
    binary = body.get("encoding_format") == "base64_binary"
    return [
        {
            "embedding": _encoded(_vector(text, dimensions), binary=binary),
            "index": place,
            "object": "embedding",
        }
        for place, text in enumerate(texts)
    ]


def _vector(text: str, dimensions: int) -> list[int]:
    """Whole numbers from -127 to 127, most of them 0. Each word pulls at the same few places every time."""
    sums: dict[int, int] = {}
    for word in sorted(words_of(text)) or [text]:
        digest = hashlib.shake_256(word.encode()).digest(3 * _PLACES_PER_WORD)
        for start in range(0, len(digest), 3):
            place = int.from_bytes(digest[start : start + 2], "big") % dimensions
            sums[place] = sums.get(place, 0) + digest[start + 2] - 128
    largest = max(map(abs, sums.values())) or 1
    vector = [0] * dimensions
    for place, total in sums.items():
        vector[place] = round(total * 127 / largest)
    return vector


def _encoded(vector: list[int], *, binary: bool) -> str:
    if not binary:
        return base64.b64encode(struct.pack(f"{len(vector)}b", *vector)).decode()
    # eight numbers a byte, the first in its lowest bit
    bits = [number > 0 for number in vector]
    packed = bytes(
        sum(bit << place for place, bit in enumerate(bits[start : start + 8]))
        for start in range(0, len(bits), 8)
    )
    return base64.b64encode(packed).decode()


def _usage(counts: list[int], model: _Model) -> dict[str, Any]:
    if max(counts) > _MOST_TOKENS_EACH:
        raise invalid(f"input[{counts.index(max(counts))}] exceeds {_MOST_TOKENS_EACH} tokens", "input")
    total = sum(counts)
    if total > _MOST_TOKENS:
        raise invalid(f"input exceeds {_MOST_TOKENS} tokens in total", "input")
    price = round(total * model.usd_per_million / _MILLION, 12)
    cost = {"currency": "USD", "input_cost": price, "total_cost": price}
    return {"cost": cost, "prompt_tokens": total, "total_tokens": total}
