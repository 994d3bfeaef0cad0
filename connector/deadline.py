"""How long a request may take: a moment by which all of it is over, and the longest wait for each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a run has to be over. `at` is on the monotonic clock, in seconds."""

    seconds: float
    at: float

    def left(self) -> float:
        """Seconds until then; below zero once it is past."""
        return self.at - time.monotonic()


def within(seconds: float) -> Deadline:
    """The deadline that is this many seconds from now."""
    return Deadline(seconds, time.monotonic() + seconds)


NEVER: Final = Deadline(math.inf, math.inf)


class Sending:
    """One request under way.

    Attributes:
        deadline: by when its answer has to be complete.
        is_sent: its head has been handed to the system: from here on the service may do the work.
        is_watched: it goes through a transport that keeps `is_sent`; through any other, nobody knows.
        longest_silence: seconds between two pieces of the answer, where that is less than a step's own.
    """

    __slots__ = ("_on_sent", "deadline", "is_sent", "is_watched", "longest_silence")

    def __init__(self, deadline: Deadline = NEVER, on_sent: Callable[[], None] | None = None) -> None:
        self.deadline = deadline
        self.is_sent = False
        self.is_watched = False
        self.longest_silence = math.inf
        self._on_sent = on_sent

    def has_sent(self) -> None:
        """Called by the transport whenever it has handed a part of the request over."""
        if not self.is_sent:
            self.is_sent = True
            if self._on_sent is not None:
                self._on_sent()


class Patience:
    """What each step of one request may take: never longer than the deadline leaves.

    Our own transport finds it in the request's extensions, under EXTENSION. Any other is given numbers, of which
    httpx makes the longest wait for a single read: from such a one a deadline can only be hoped for.
    """

    __slots__ = ("_steps", "sending")

    def __init__(self, sending: Sending, steps: Mapping[str, float | None]) -> None:
        self.sending = sending
        self._steps = steps

    def left(self, step: str, over: Callable[[str], Exception]) -> float | None:
        """Seconds for a step that begins now; None: without end.

        Args:
            step: connect, read or write.
            over: what to raise if there is no time.
        """
        sending = self.sending
        most = self._steps.get(step)
        left = sending.deadline.at - time.monotonic()
        left = min(left, sending.longest_silence)
        if most is not None and most < left:
            left = most
        if left <= 0:
            raise over("")
        return None if left == math.inf else left


EXTENSION: Final = "patience"
