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
from connector.retry import Again, Quota, Stop, next_step, retry_after

RETRY = Retry(statuses=(408, 429, 502, 503, 504), attempts=3, first_wait=1.0, longest_wait=60.0)
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def answered(status: int, retry_after: float | None = None, kind: str = "server_fault") -> ApiError:
    return ApiError("It failed.", kind=kind, status=status, where="x", hint="y", retry_after=retry_after)


def step(
    error: ConnectorError,
    tried: int = 1,
    jitter: float = 1.0,
    retry: Retry = RETRY,
    most: int = 3,
    left: float = 1000.0,
    *,
    is_free: bool = False,
) -> Again | Stop:
    return next_step(retry, error, tried, most=most, left=left, is_free=is_free, jitter=lambda: jitter)


@pytest.mark.hazard("G2")
@pytest.mark.parametrize("status", range(400, 600))
def test_only_the_manifests_statuses_are_tried_again(status: int) -> None:
    """Every other answer is final: a request that was read may have been paid for."""
    assert (step(answered(status)) != Stop()) == (status in RETRY.statuses)


@pytest.mark.hazard("G1")
@pytest.mark.parametrize(
    ("error", "is_free", "again"),
    [
        (Unreachable("x", where="y", hint="z"), False, True),
        (Timeout("x", where="y", hint="z"), False, False),
        (CutOff("x", where="y", hint="z"), False, False),
        (TransportError("x", where="y", hint="z"), False, False),
        (Timeout("x", where="y", hint="z"), True, True),
        (CutOff("x", where="y", hint="z"), True, True),
        (OutputError("x", field="a", expected="b", got="c", where="y", hint="z"), True, False),
        (answered(429, kind="no_credit"), False, False),
        (answered(500), True, False),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_only_what_was_never_sent_is_sent_again(error: ConnectorError, is_free: bool, again: bool) -> None:
    """No connection, no cost. A broken or slow one may have carried the request, unless it costs nothing."""
    assert (step(error, is_free=is_free) != Stop()) is again


@pytest.mark.hazard("G4")
@pytest.mark.parametrize(
    ("tried", "jitter", "expected"),
    [
        (1, 1.0, Again(1.0)),
        (1, 0.0, Again(0.0)),
        (2, 1.0, Again(2.0)),
        (2, 0.25, Again(0.5)),
        (3, 1.0, Stop()),
        (9, 1.0, Stop()),
    ],
)
def test_waits_grow_and_end(tried: int, jitter: float, expected: Again | Stop) -> None:
    """Any part of a step that doubles, until the attempts are used up."""
    assert step(answered(503), tried, jitter) == expected


def test_no_wait_is_longer_than_the_longest() -> None:
    """Doubling stops there."""
    retry = Retry(statuses=(503,), longest_wait=4.0)
    assert step(answered(503), 9, retry=retry, most=20) == Again(4.0)


@pytest.mark.hazard("G3")
@pytest.mark.parametrize(
    ("asked", "jitter", "expected"),
    [(0.0, 1.0, 0.0), (7.0, 0.0, 7.0), (7.0, 0.5, 7.5), (0.1, 1.0, 0.2), (60.0, 0.0, 60.0)],
)
def test_the_services_own_wait_is_kept(asked: float, jitter: float, expected: float) -> None:
    """Never shortened, and a little varied, so that those who are told the same do not come back together."""
    assert step(answered(429, asked), 2, jitter) == Again(expected)


@pytest.mark.hazard("G3", "G6")
@pytest.mark.parametrize(
    ("asked", "left", "why"),
    [
        (60.1, 1000.0, "It was not tried again: no wait is longer than 60 seconds."),
        (3600.0, 1000.0, "It was not tried again: no wait is longer than 60 seconds."),
        (7.0, 3.0, "It was not tried again: its deadline is over in 3.0 seconds."),
        (None, 0.9, "It was not tried again: its deadline is over in 0.9 seconds."),
        (None, -1.0, "It was not tried again: its deadline is over in 0.0 seconds."),
    ],
)
def test_a_wait_that_is_too_long_is_not_begun(asked: float | None, left: float, why: str) -> None:
    """The error says why there was no other attempt."""
    assert step(answered(429, asked), left=left) == Stop(why)


@pytest.mark.hazard("G5")
def test_the_quota_runs_out_and_comes_back() -> None:
    """Two further attempts; what ends well gives back what it took, and a fifth."""
    quota = Quota(2)
    assert [quota.take() for _ in range(3)] == [True, True, False]
    quota.give(1)
    assert [quota.take() for _ in range(2)] == [True, False]
    for _ in range(5):
        quota.give(0)
    assert [quota.take() for _ in range(2)] == [True, False]


def test_the_quota_never_exceeds_its_size() -> None:
    """However much ends well."""
    quota = Quota(1)
    for _ in range(100):
        quota.give(0)
    assert [quota.take() for _ in range(2)] == [True, False]


@pytest.mark.hazard("G3")
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
        ({"retry-after": "Sat, 21 Nov 9999 12:00:30 GMT"}, 1e9),
        ({"retry-after": ""}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "99999999999999999999"}, 1e9),
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
