"""How long a request may take: a moment by which all of it is over, and the longest wait for each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self


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


class Patience(float):
    """The seconds that one step may take; never more than the deadline leaves when it is made.

    httpx and its transports hand it through to the socket as the number that it is. There, ours ask it
    again at every step: by then the deadline may leave less.
    """

    sending: Sending

    def __new__(cls, seconds: float, sending: Sending) -> Self:
        patience = super().__new__(cls, seconds)
        patience.sending = sending
        return patience

    def left(self) -> float:
        """Seconds for this step, from now; zero or less if there are none."""
        return min(self, self.sending.longest_silence, self.sending.deadline.left())
