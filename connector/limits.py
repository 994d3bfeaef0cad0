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
from typing import Final

from connector.forks import watch
from connector.manifest import Limits

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
        self._lock = threading.RLock()  # a turn may be collected while this thread has it
        self._sent: deque[float] = deque()  # within the window, oldest first
        self._on_their_way = 0  # it is their turn, but they are not sent yet
        self._asked = 0
        self._over = 0  # of those that asked: it was their turn, or they gave it up
        self._gap = self._least_gap
        self._next_at = float("-inf")
        self._open_at = float("-inf")
        self._slowed_at = float("-inf")
        watch(self)

    def forked(self) -> None:
        """See forks.Forked. What has been sent counts on, and nobody else is in the queue."""
        self._lock = threading.RLock()
        self._on_their_way, self._over = 0, self._asked

    def turn(self) -> Turn:
        """For one request: it stands in the queue from when it first waits."""
        return Turn(self)

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

    # what a turn is, and what is counted of it, change together: Ctrl-C comes between two calls only

    def wait(self, turn: Turn) -> float:
        """See Turn.wait."""
        with self._lock:
            if turn.state == "new":
                self._asked += 1
                turn.number, turn.state = self._asked, "waits"
            now = self._clock()
            wait = self._seconds(turn.number, now)
            if wait > 0:
                return wait
            turn.state = "goes"
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

    def sent(self, turn: Turn) -> None:
        """See Turn.sent."""
        with self._lock:
            now = self._clock()
            left = max(self._on_their_way - 1, 0)  # it may have been its turn before a fork
            if turn.state == "goes":
                turn.state = "sent"
                self._on_their_way = left
                if self._most is not None:
                    self._sent.append(now)

    def over(self, turn: Turn) -> None:
        """See Turn.over."""
        with self._lock:
            left = max(self._on_their_way - 1, 0)
            if turn.state == "goes":
                self._on_their_way = left
            elif turn.state == "waits":
                self._over += 1
            turn.state = "over"


class Turn:
    """One request's place in the queue. One that got lost is over when it is collected.

    Attributes:
        number: its place, from 1; 0 before it stands in the queue.
        state: new, waits, goes, sent or over.
    """

    number = 0
    state = "new"

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit

    def wait(self) -> float:
        """Seconds after which to ask again; 0.0: it is this request's turn."""
        return self._limit.wait(self)

    def sent(self) -> None:
        """It has been sent: it counts from now."""
        self._limit.sent(self)

    def over(self) -> None:
        """It is done with. One that was never sent does not count; through a foreign transport, nobody knows."""
        self._limit.over(self)

    def __del__(self) -> None:
        if self.state in {"waits", "goes"}:
            self.over()
