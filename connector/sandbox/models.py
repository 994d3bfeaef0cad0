"""`GET /v1/models`, and what the sandbox knows about each model: a snapshot of 2026-10-09."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from connector.sandbox.refusal import Refused

# Published as price * 1.25 for these owners' models; the snapshot has no column for it.
_CACHE_WRITE_FACTOR = {"anthropic": 1.25}

# What each effort resolves to is not published. `fast` was seen; the rest are models of the snapshot.
EFFORTS = {
    "fast": "openai/gpt-6-luna",
    "low": "google/gemini-3.8-flash",
    "medium": "openai/gpt-6-sol",
    "high": "openai/gpt-6.1-sol",
    "xhigh": "openai/gpt-6-astra",
}
OLD_PRESETS = {
    "fast-search": "fast",
    "pro-search": "low",
    "deep-research": "medium",
    "advanced-deep-research": "high",
}


@dataclass(frozen=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float
    cache_read: float


@cache
def prices() -> dict[str, Price]:
    text = files("connector.sandbox").joinpath("models.json").read_text(encoding="utf-8")
    return {name: Price(*row) for name, row in json.loads(text).items()}


def known_model(name: str, param: str = "model") -> str:
    """The name itself.

    Raises:
        Refused: not in the snapshot, such as the bare `sonar` names of the retired API.
    """
    if name not in prices():
        raise Refused(f'model "{name[:100]}" is not supported', type="invalid_model", param=param)
    return name


def list_models() -> dict[str, Any]:
    return {"object": "list", "data": [_row(name, price) for name, price in prices().items()]}


def _row(name: str, price: Price) -> dict[str, Any]:
    owner = name.partition("/")[0]
    pricing: dict[str, Any] = {"input": price.input, "output": price.output}
    if owner in _CACHE_WRITE_FACTOR:
        pricing["cache_write"] = round(price.input * _CACHE_WRITE_FACTOR[owner], 6)
    pricing |= {"cache_read": price.cache_read, "unit": "usd_per_1m_tokens"}
    return {"id": name, "object": "model", "created": 0, "owned_by": owner, "pricing": pricing}
