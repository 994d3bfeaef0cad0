"""What every request passes: the key, the rate limit, and the headers that every answer carries."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.sandbox.refusal import Refused
from connector.sandbox.seed import Seed

Endpoint = Callable[[Request], Awaitable[Response]]

LIMIT = 50
_SPAN = 1.0
_KEYS_KEPT = 1000

# Keys that rehearse a failure; every other key that starts with `pplx-` is good.
INVALID_KEY = "pplx-test-invalid"
NO_CREDIT_KEY = "pplx-test-no-credit"
NOT_ALLOWED_KEY = "pplx-test-not-allowed"


def accepted_key(authorization: str | None) -> str:
    """The key in an Authorization header.

    Raises:
        Refused: 401 or 403, as the key deserves.
    """
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if key == NO_CREDIT_KEY:
        raise Refused(
            "You exceeded your current quota: this account has no credit left. Check its billing details.",
            status=401,
            type="insufficient_quota",
        )
    if key == NOT_ALLOWED_KEY:
        raise Refused("This API key may not use this endpoint.", status=403, type="forbidden")
    if scheme.lower() != "bearer" or not key.startswith("pplx-") or key == INVALID_KEY:
        raise Refused(
            "Invalid API key provided. Ensure your API key is correct and active.",
            status=401,
            type="invalid_api_key",
        )
    return key


@dataclass(frozen=True)
class Count:
    """How far a key has used up its limit. `wait` is in seconds; 0 unless the request is one too many."""

    used: int
    reset: int
    wait: float = 0.0


class Window:
    """A sliding second for each key: the 51st request within any one second is one too many."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._taken: dict[str, deque[float]] = {}

    def take(self, key: str) -> Count:
        now = self._clock()
        taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= now - _SPAN:
            taken.popleft()
        if len(taken) >= LIMIT:
            free_at = taken[0] + _SPAN
            return Count(LIMIT, math.ceil(free_at), free_at - now)
        taken.append(now)
        self._forget_idle_keys(now)
        return Count(len(taken), math.ceil(now + _SPAN))

    def _forget_idle_keys(self, now: float) -> None:
        if len(self._taken) > _KEYS_KEPT:
            self._taken = {key: times for key, times in self._taken.items() if times[-1] > now - _SPAN}


def gated(endpoint: Endpoint) -> Endpoint:
    """An endpoint that only good keys reach, and not too often."""

    async def inner(request: Request) -> Response:
        request.state.key = key = accepted_key(request.headers.get("authorization"))
        window: Window = request.app.state.window
        request.state.count = count = window.take(key)
        if count.wait:
            raise Refused(
                "Request rate limit exceeded, please try again later.",
                status=429,
                type="request_rate_limit_exceeded",
                headers={"retry-after": str(math.ceil(count.wait))},
            )
        return await endpoint(request)

    return inner


def route(path: str, method: str, endpoint: Endpoint) -> Route:
    """A path that is behind the gate."""
    return Route(path, gated(endpoint), methods=[method])


class Stamp:
    """Adds `x-request-id` and the rate limit headers to every answer, also to a 404."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        query = scope["query_string"].decode("latin-1")
        state["request_id"] = Seed(scope["method"], scope["path"], query).uuid("request")
        state["count"] = Count(0, math.ceil(time.time() + _SPAN))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                count: Count = state["count"]
                headers["x-ratelimit-limit"] = str(LIMIT)
                headers["x-ratelimit-remaining"] = str(LIMIT - count.used)
                headers["x-ratelimit-used"] = str(count.used)
                headers["x-ratelimit-reset"] = str(count.reset)
                headers["x-request-id"] = state["request_id"]
            await send(message)

        await self.app(scope, receive, stamped)
