"""Retries: again only where nothing can have been paid for, and not before the service asks for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.errors import (
    ApiError,
    ConnectorError,
    CutOff,
    OutputError,
    Timeout,
    TransportError,
    Unreachable,
)
from connector.manifest import Retry
from connector.retry import retry_after, wait_before_next

RETRY = Retry(statuses=(408, 429, 502, 503, 504), attempts=3, first_wait=1.0, longest_wait=60.0)
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def answered(status: int, retry_after: float | None = None, kind: str = "server_fault") -> ApiError:
    return ApiError("It failed.", kind=kind, status=status, where="x", hint="y", retry_after=retry_after)


def wait(error: ConnectorError, attempt: int = 1, jitter: float = 1.0, retry: Retry = RETRY) -> float | None:
    return wait_before_next(retry, error, attempt, jitter=lambda: jitter)


@pytest.mark.parametrize("status", range(400, 600))
def test_only_the_manifests_statuses_are_tried_again(status: int) -> None:
    """Every other answer is final: a request that was read may have been paid for."""
    assert (wait(answered(status)) is not None) == (status in RETRY.statuses)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Unreachable("x", where="y", hint="z"), True),
        (Timeout("x", where="y", hint="z"), False),
        (CutOff("x", where="y", hint="z"), False),
        (TransportError("x", where="y", hint="z"), False),
        (OutputError("x", field="a", expected="b", got="c", where="y", hint="z"), False),
        (answered(429, kind="no_credit"), False),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_only_what_was_never_sent_is_sent_again(error: ConnectorError, again: bool) -> None:
    """No connection, no cost. A broken or slow one may have carried the request."""
    assert (wait(error) is not None) is again


@pytest.mark.parametrize(
    ("attempt", "jitter", "expected"),
    [(1, 1.0, 1.0), (1, 0.0, 0.5), (2, 1.0, 2.0), (2, 0.5, 1.5), (3, 1.0, None), (9, 1.0, None)],
)
def test_waits_grow_and_end(attempt: int, jitter: float, expected: float | None) -> None:
    """Half to all of a step that doubles, until the attempts are used up."""
    assert wait(answered(503), attempt, jitter) == expected


def test_no_wait_is_longer_than_the_longest() -> None:
    """Doubling stops there."""
    assert wait(answered(503), 9, retry=Retry(statuses=(503,), attempts=20, longest_wait=4.0)) == 4.0


@pytest.mark.parametrize(
    ("asked", "expected"), [(0.0, 0.0), (7.0, 7.0), (60.0, 60.0), (60.1, None), (3600.0, None)]
)
def test_the_services_own_wait_is_kept(asked: float, expected: float | None) -> None:
    """Neither shortened nor varied; a longer one than the longest is not waited for."""
    assert wait(answered(429, asked), 2, 0.0) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Saturday, 21-Nov-26 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 13:00:30 +0100"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2020 12:00:30 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 9999 12:00:30 GMT"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "99999999999999999999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99 Foo 99999 99:99:99 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 99999999999 12:00:30 GMT"}, None),
        ({"retry-after": "\x00"}, None),
    ],
    ids=str,
)
def test_retry_after_is_read(headers: dict[str, str], expected: float | None) -> None:
    """Seconds, milliseconds or a date; what makes no sense counts as nothing."""
    assert retry_after(headers, lambda: NOW) == expected
