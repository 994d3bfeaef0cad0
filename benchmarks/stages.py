"""Where the time of one action goes: stage by stage of the path."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx

from benchmarks.answers import AGENT, INPUTS
from benchmarks.clients import opened
from connector import transport as network
from connector.output import pick
from connector.request import build
from connector.response import read


class Null(httpx.BaseTransport):
    """Answers without a network."""

    def __init__(self) -> None:
        self._body = json.dumps(AGENT).encode()
        self._headers = {"Content-Type": "application/json", "X-Request-Id": "d7b3e1f9"}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        return httpx.Response(
            200, headers=self._headers, stream=httpx.ByteStream(self._body), request=request
        )


STAGES = ("plan", "build", "send", "read", "pick")
_ACTION = "create_chat_completion"


def stages(url: str) -> Callable[[int], dict[str, float]]:
    """Measures so many actions: seconds of CPU in each stage, and in `all` of as many whole runs.

    The stages follow one another as in a run: one that is repeated alone finds everything in the caches.
    """
    ours = opened(url)
    transport = network.open_transport()
    now = time.process_time

    def measure(times: int) -> dict[str, float]:
        spent, whole = dict.fromkeys(STAGES, 0.0), 0.0
        for _ in range(times):
            moments = [now()]
            planned = ours.plan(_ACTION, INPUTS)
            moments.append(now())
            request = build(planned, ours.connection)
            moments.append(now())
            response = network.send(transport, request)
            moments.append(now())
            reply = read(response, planned, ours.connection)
            moments.append(now())
            pick(planned, reply)
            moments.append(now())
            for stage, (start, end) in zip(STAGES, pairwise(moments), strict=True):
                spent[stage] += end - start
            start = now()
            ours.run(_ACTION, INPUTS)
            whole += now() - start
        return {**spent, "all": whole}

    return measure


def plan_and_pick() -> Callable[[], object]:
    """An action with no network below it."""
    ours = opened("http://127.0.0.1:9", transport=Null())
    return lambda: ours.run(_ACTION, INPUTS)


_TEXT = json.dumps(AGENT)


def yardstick() -> object:
    """Fixed work of the same kind, in plain Python: dicts, lists, calls, texts and JSON."""
    answer: Any = json.loads(_TEXT)
    rows = [
        {name: row.get(name) for name in ("title", "url", "date", "snippet")}
        for item in answer["output"]
        for row in item.get("results", ())
    ]
    for _ in range(12):
        found = [_at(answer, path) for path in _PATHS]
    return json.dumps([rows, found, INPUTS], separators=(",", ":")).encode()


_PATHS = tuple(
    text.split(".") for text in ("id", "usage.total_tokens", "usage.cost.total_cost", "usage.none.at_all")
)


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
