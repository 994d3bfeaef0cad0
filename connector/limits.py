"""How fast a connection may ask: at most so many requests in any window of time, and none while it is told to wait.

A pure clockwork: it says how long to wait and never sleeps, so that threads and tasks share one. A window
slides, because a bucket that refills lets twice the limit through in one window. Requests count from when they
are sent, which is when the service can begin to count them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from connector.deadline import Deadline, Sending
from connector.manifest import Limits

if TYPE_CHECKING:
    import asyncio

_MARGIN: Final = 1.04  # of the window: two requests do not take the same time to arrive
_SPREAD: Final = 8  # the first requests of a window come in an eighth of it, not all at once
_LOOK_AGAIN: Final = 0.005
_SLOWEST: Final = 1.0  # seconds between two requests: no account may less often
_FIRST_GAP: Final = 0.02
_RECOVERY: Final = 0.9


class RateLimit:
    """Gives each request its turn. Safe for threads."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = limits.requests
        self._window = limits.seconds * _MARGIN
        self._least_gap = limits.seconds / limits.requests / _SPREAD if limits.requests else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()  # within the window, oldest first
        self._on_their_way = 0  # it is their turn, but they are not sent yet
        self._asked = 0
        self._over = 0  # of those that asked: it was their turn, or they gave it up
        self._gap = self._least_gap
        self._next_at = float("-inf")
        self._open_at = float("-inf")
        self._slowed_at = float("-inf")

    def turn(self) -> Turn:
        """Stand in the queue."""
        with self._lock:
            self._asked += 1
            return Turn(self, self._asked)

    def refused(self, seconds: float | None, longest: float) -> None:
        """The service said that there were too many: all wait, and then ask at half the pace.

        Args:
            seconds: what it asks to wait, or None.
            longest: seconds to wait at most.
        """
        with self._lock:
            now = self._clock()
            self._open_at = max(
                self._open_at, now + min(self._window if seconds is None else seconds, longest)
            )
            if now > self._slowed_at + self._window:  # a burst that is refused is one refusal
                self._slowed_at = self._open_at
                self._gap = min(max(self._gap * 2, _FIRST_GAP), _SLOWEST)

    @property
    def is_paused(self) -> bool:
        """Whether all wait because of a refusal."""
        return self._open_at > self._clock()

    def accepted(self) -> None:
        """The service answered: the pace recovers, slowly."""
        if self._gap > self._least_gap:
            self._gap = max(self._gap * _RECOVERY, self._least_gap)

    def next_turn(self) -> float:
        """Seconds until the turn of a request that stands in the queue now. It takes none."""
        with self._lock:
            return max(self._seconds(self._asked + 1, self._clock()), 0.0)

    def _wait(self, number: int) -> float:
        with self._lock:
            now = self._clock()
            wait = self._seconds(number, now)
            if wait > 0:
                return wait
            self._next_at = now + self._gap
            self._on_their_way += 1
            self._over += 1
            return 0.0

    def _seconds(self, number: int, now: float) -> float:
        sent = self._sent
        while sent and sent[0] <= now - self._window:
            sent.popleft()
        ahead = max(number - self._over - 1, 0)
        free = math.inf if self._most is None else self._most - len(sent) - self._on_their_way
        if ahead < free:
            wait = self._next_at + ahead * self._gap - now
        else:
            wait = self._until_free(ahead - int(free), now)
        return max(wait, self._open_at - now)

    def _until_free(self, ahead: int, now: float) -> float:
        """Seconds until so many more than one have become free again."""
        assert self._most is not None
        windows, place = divmod(ahead, self._most)
        first = self._sent[place] + self._window - now if place < len(self._sent) else 0.0
        return max(first + windows * self._window, _LOOK_AGAIN)

    def _has_sent(self) -> None:
        with self._lock:
            self._on_their_way -= 1
            if self._most is not None:
                self._sent.append(self._clock())

    def _is_over(self, *, was_its_turn: bool) -> None:
        with self._lock:
            if was_its_turn:
                self._on_their_way -= 1
            else:
                self._over += 1


class Turn:
    """One request's place in the queue."""

    __slots__ = ("_limit", "_number", "_state")

    def __init__(self, limit: RateLimit, number: int) -> None:
        self._limit = limit
        self._number = number
        self._state = "waits"

    def wait(self) -> float:
        """Seconds after which to ask again; 0.0: it is this request's turn."""
        seconds = self._limit._wait(self._number)  # noqa: SLF001 - a turn is a part of its limit
        if not seconds:
            self._state = "goes"
        return seconds

    def sent(self) -> None:
        """It has been sent: it counts from now."""
        if self._state == "goes":
            self._state = "sent"
            self._limit._has_sent()  # noqa: SLF001

    def over(self) -> None:
        """It is done with. One that was never sent does not count; through a foreign transport, nobody knows."""
        if self._state in {"waits", "goes"}:
            self._limit._is_over(was_its_turn=self._state == "goes")  # noqa: SLF001
            self._state = "over"


class Place:
    """A place among the requests under way; `with` gives it back at its end.

    Args:
        turn: when its request may go.
        deadline: by when it has to be over.
        places: those that there are at once, of which it has one; None where there is no end of them.
    """

    __slots__ = ("_deadline", "_places", "turn")

    def __init__(
        self, turn: Turn, deadline: Deadline, places: threading.Semaphore | asyncio.Semaphore | None
    ) -> None:
        self.turn = turn
        self._deadline = deadline
        self._places = places

    def __enter__(self) -> Sending:
        return Sending(self._deadline, self.turn.sent)

    def __exit__(self, *_: object) -> None:
        self.over()

    def over(self) -> None:
        """Its request is done with."""
        self.turn.over()
        if self._places is not None:
            self._places.release()
