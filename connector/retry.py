"""When to send a request again: a pure policy that answers "wait this long" or "stop". It does not sleep."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from connector.errors import ApiError, ConnectorError, TransportError, Unreachable
from connector.manifest import Retry


@dataclass(frozen=True, slots=True)
class Again:
    """Send it again after so many seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not. `why` is a sentence where the caller could change it, or empty."""

    why: str = ""


def next_step(
    retry: Retry,
    error: ConnectorError,
    tried: int,
    *,
    most: int,
    left: float,
    is_free: bool = False,
    jitter: Callable[[], float] = random.random,
) -> Again | Stop:
    """Whether to send a request again, and after how long.

    Args:
        retry: the connector's policy.
        error: how the last attempt failed.
        tried: how many attempts there have been.
        most: how many there may be.
        left: seconds until the run has to be over.
        is_free: the request may be made twice: it only asks, and costs nothing.
        jitter: a number in [0, 1).

    A request is sent again only when it cannot have been paid for: none of it was sent, or the service
    answered with one of the manifest's statuses. The wait is the service's own and a little, or a random
    part of a step that doubles, so that many callers do not come back at once.
    """
    asked: float | None = None
    if isinstance(error, ApiError):
        if error.status not in retry.statuses or error.kind == "no_credit":
            return Stop()
        asked = error.retry_after
    elif not isinstance(error, Unreachable) and not (is_free and isinstance(error, TransportError)):
        return Stop()
    if tried >= most:
        return Stop()
    if asked is None:
        wait = min(retry.first_wait * 2.0 ** (tried - 1), retry.longest_wait) * jitter()
    elif asked > retry.longest_wait:
        return Stop(f"It was not tried again: no wait is longer than {retry.longest_wait:g} seconds.")
    else:
        wait = asked + min(retry.first_wait, asked) * jitter()
    if wait >= left:
        return Stop(f"It was not tried again: its deadline is over in {max(left, 0):.1f} seconds.")
    return Again(wait)


class Quota:
    """Further attempts that a connection has left. When a service is down, they would only add to its load.

    Each costs one; a run that ends well gives back what it took, and a little more. Safe for threads.
    """

    _GAIN: Final = 0.2

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = float(most)
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one; False: there is none."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def give(self, taken: int) -> None:
        """A run that took so many has ended well."""
        if taken or self._left < self._most:
            with self._lock:
                self._left = min(self._left + taken + self._GAIN, self._most)


def retry_after(
    headers: Mapping[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """Seconds that an answer's headers ask to wait: `Retry-After-Ms`, or `Retry-After` in seconds or as a date.

    None where there is none or it makes no sense; a moment in the past is 0.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _sensible(max(0.0, (moment - now()).total_seconds()))


def _number(text: str | None) -> float | None:
    try:
        return _sensible(float(text or ""))
    except ValueError:
        return None


_FOR_EVER: Final = 1e9


def _sensible(number: float) -> float | None:
    return min(number, _FOR_EVER) if 0 <= number < math.inf else None
