"""When to send a request again: a pure policy that answers "wait this long" or "stop". It does not sleep."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connector.errors import ApiError, ConnectorError, Unreachable
from connector.manifest import Retry


def wait_before_next(
    retry: Retry,
    error: ConnectorError,
    attempt: int,
    *,
    jitter: Callable[[], float] = random.random,
) -> float | None:
    """Seconds to wait before the next attempt, or None to stop.

    Args:
        retry: the connector's policy.
        error: how the attempt failed.
        attempt: which attempt it was, from 1.
        jitter: a number in [0, 1).

    A request is sent again only when it cannot have been paid for: no connection was made, or the service
    answered with one of the manifest's statuses. The wait is the service's own, or half to all of an
    exponential step, so that many callers do not come back at once.
    """
    if attempt >= retry.attempts:
        return None
    asked: float | None = None
    if isinstance(error, ApiError):
        if error.status not in retry.statuses or error.kind == "no_credit":
            return None
        asked = error.retry_after
    elif not isinstance(error, Unreachable):
        return None
    if asked is not None:
        return asked if asked <= retry.longest_wait else None
    step = min(retry.first_wait * 2.0 ** (attempt - 1), retry.longest_wait)
    return step * (0.5 + jitter() / 2)


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


def _sensible(number: float) -> float | None:
    return number if 0 <= number < 1e9 else None
