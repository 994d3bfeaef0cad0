"""How many requests may be under way at once: who may send next waits in a queue, for threads and for asyncio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Final

from connector.deadline import Deadline, Sending
from connector.event_loops import OfEachLoop
from connector.forks import watch
from connector.limits import Turn

_LOOK_FOR_ONE: Final = 0.05  # seconds: Ctrl-C may come before those who wait are woken


class Places:
    """So many requests at once, for threads: first come, first served.

    Without a queue, who has given a place back would have it again before another has looked. Neither
    threading.Semaphore, whose own lock may stay locked for good if Ctrl-C comes while it is at work, nor
    queue.SimpleQueue, of which CPython may wait without end for what another thread has taken meanwhile.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._asked = 0
        self.forked()
        watch(self)

    def forked(self) -> None:
        """See forks.Forked: nobody has a place."""
        self.free = self._most
        self._waiting: dict[int, threading.Lock] = {}  # in their order; each is woken by its own
        # a place may be collected while this thread has it, and for the same reason the queue is copied to be read
        self._lock = threading.RLock()

    def take(self, place: Place, seconds: float) -> bool:
        """Whether one has become free in so many seconds, for those who asked before too; the place has it."""
        ends = time.monotonic() + seconds
        woken = threading.Lock()
        woken.acquire()
        while not self._has_taken(place, woken):
            left = ends - time.monotonic()
            if left <= 0:
                return False
            woken.acquire(timeout=min(left, _LOOK_FOR_ONE))
        return True

    def _has_taken(self, place: Place, woken: threading.Lock) -> bool:
        with self._lock:  # as in RateLimit
            if place.number == 0 and self.free <= len(self._waiting):
                self._asked += 1
                place.number = self._asked
                self._waiting[place.number] = woken
            elif place.number == 0 or place.number in islice(self._waiting.copy(), self.free):
                self._waiting.pop(place.number, None)
                self.free -= 1
                place.has_one = True
        return place.has_one

    def give(self, place: Place) -> None:
        """Free what a place has, or is waiting for, and wake whose turn it is."""
        with self._lock:
            if place.has_one:
                self.free = min(self.free + 1, self._most)  # it may have been taken before a fork
                place.has_one = False
            self._waiting.pop(place.number, None)
            first = list(islice(self._waiting.copy().values(), self.free))
        for woken in first:
            with suppress(RuntimeError):  # it is woken already
                woken.release()


class AsyncPlaces:
    """As Places, for asyncio. Each event loop has so many."""

    def __init__(self, most: int) -> None:
        import asyncio  # noqa: PLC0415 - it takes long to import, and is there already where this is used

        self._of_loops = OfEachLoop(partial(asyncio.Semaphore, most))
        self._timeout = asyncio.timeout

    async def take(self, place: Place, seconds: float) -> bool:
        """See Places.take."""
        semaphore = self._of_loops.here()
        place.release = semaphore.release
        # not asyncio.wait_for: it loses a cancel that comes at the moment in which a place becomes free
        try:
            async with self._timeout(seconds if semaphore.locked() else None):
                place.has_one = await semaphore.acquire()
        except TimeoutError:
            return False
        return True

    def give(self, place: Place) -> None:
        """See Places.give."""
        if place.has_one:
            place.has_one = False
            place.release()


class Place:
    """A place among the requests under way; `with` gives it back at its end.

    One that got lost, as Ctrl-C may come between any two calls, is given back when it is collected.

    Args:
        deadline: by when its request has to be over.
        places: those that there are at once; None where there is no end of them.

    Attributes:
        has_one: it has one of those.
        number: its place in the queue for one, from 1; 0 while it has not waited.
        release: frees it, for asyncio.
        turn: when its request may go, once it stands in the queue.
    """

    has_one = False
    number = 0
    release: Callable[[], None]
    turn: Turn | None = None

    def __init__(self, deadline: Deadline, places: Places | AsyncPlaces | None) -> None:
        self._deadline = deadline
        self._places = places

    def __enter__(self) -> Sending:
        assert self.turn is not None
        return Sending(self._deadline, self.turn.sent)

    def __exit__(self, *_: object) -> None:
        self.over()

    def over(self) -> None:
        """Its request is done with."""
        if self._places is not None:
            self._places.give(self)
        if self.turn is not None:
            self.turn.over()

    def __del__(self) -> None:
        if self.has_one or self.number:
            self.over()
