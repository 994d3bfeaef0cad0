"""The requests of one run: what was tried, and whether there is another."""

from __future__ import annotations

import time

from connector.deadline import Deadline
from connector.errors import ApiError, Attempt, ConnectorError, Timeout
from connector.manifest import Retry
from connector.retry import Quota, Stop, next_step
from connector.secret import Secret


class Attempts:
    """What one run has tried. It neither sends nor sleeps.

    Attributes:
        deadline: by when the run has to be over.
        made: how many requests there were, the one under way included.
        has_begun: a stream has begun, so that there is no other attempt: its work is paid for.
        token: the access token of the one under way, where one from before is used.
        has_renewed: the service has refused such a token, and another was fetched.
    """

    token: Secret | None = None
    has_renewed = False

    def __init__(
        self, retry: Retry, quota: Quota, deadline: Deadline, *, retries: int | None, is_free: bool
    ) -> None:
        self.deadline = deadline
        self.made = 0
        self.has_begun = False
        self._retry = retry
        self._quota = quota
        self._most = retry.attempts if retries is None else retries + 1
        self._is_free = is_free
        self._history: list[Attempt] = []
        self._waited = 0.0
        self._began = 0.0

    def begin(self) -> None:
        """A request is about to be sent."""
        self.made += 1
        self._began = time.monotonic()

    def failed(self, error: ConnectorError, *, is_mended: bool = False) -> float | None:
        """Seconds to wait before the next one; None: there is none, and the error says why.

        `is_mended`: the service did nothing, for a reason that is gone by the next one.
        """
        took = time.monotonic() - self._began
        status = error.status if isinstance(error, ApiError) else None
        self._history.append(Attempt(error.kind, status, took, self._waited, error.request_id))
        error.history = tuple(self._history)
        if is_mended and self.deadline.left() > 0:
            self._waited = 0.0
            return 0.0
        step = next_step(
            self._retry,
            error,
            self.made,
            most=self._most,
            left=self.deadline.left(),
            is_free=self._is_free,
        )
        if isinstance(step, Stop):
            error.hint = f"{error.hint} {step.why}".rstrip()
        elif self.has_begun:
            pass  # the caller may have a part of the answer, which a second one would not go on with
        elif self._quota.take():
            self._waited = step.wait
            return step.wait
        else:
            error.hint += " It was not tried again: too much has failed on this connection of late."
        return None

    def late(self, message: str, *, where: str) -> Timeout:
        """The error of a run whose turn does not come before its deadline."""
        error = Timeout(message, where=where, hint="Run fewer at once, or allow more time.")
        error.history = tuple(self._history)
        return error

    def succeeded(self) -> None:
        """The last one gave an answer."""
        self._quota.give(self.made - 1)
