"""Asking again until an answer is final: what to ask, when to stop. It neither sends nor sleeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from connector.deadline import Deadline
from connector.errors import OutputError, Timeout
from connector.evaluate import Drift, is_true
from connector.manifest import Poll
from connector.plan import Plan, follow_up_path
from connector.response import Reply
from connector.template import Template

_T = TypeVar("_T")
GOES_ON: Final = "It goes on at the service: ask for it later by its id."


@dataclass
class Waiting:
    """An answer that is waited for until a deadline. `reply` is the last one that came."""

    plan: Plan
    poll: Poll
    reply: Reply
    deadline: Deadline

    @property
    def is_final(self) -> bool:
        """Whether the last answer needs no other."""
        scope = {"inputs": self.plan.inputs, "response": self._response()}
        return self._told(lambda: is_true(self.poll.until.evaluate(scope)), "until")

    @property
    def status(self) -> str:
        """What the last answer says of itself, for people who wait."""
        status = self.reply.body.get("status") if isinstance(self.reply.body, dict) else None
        return status if isinstance(status, str) else "waiting"

    def next_wait(self) -> float:
        """Seconds to wait before asking again.

        Raises:
            Timeout: if the answer has been waited for long enough. The work goes on at the service.
        """
        if self.deadline.left() < self.poll.every:
            message = f"The answer is not final after {self.deadline.seconds:g} seconds ({self.status})."
            raise Timeout(message, where=self.reply.where, hint=GOES_ON, request_id=self.reply.request_id)
        return self.poll.every

    def ask(self) -> tuple[str, str]:
        """The method and the path of the next request."""
        return self.poll.method, self._path(self.poll.path, "path")

    def cancel(self) -> tuple[str, str] | None:
        """The request that gives the work up, where the service has one."""
        if self.poll.cancel is None:
            return None
        return self.poll.cancel.method, self._path(self.poll.cancel.path, "cancel.path")

    def _path(self, template: Template, name: str) -> str:
        return self._told(lambda: follow_up_path(self.plan, template, self._response()), name)

    def _told(self, found: Callable[[], _T], name: str) -> _T:
        """What an expression of `poll` finds in the answer; OutputError where it cannot take what is there."""
        try:
            return found()
        except Drift as drift:
            expected, got, step = drift.expected, drift.got, drift.step
        raise OutputError(
            f"To wait for the answer, {step} needs {expected}, but the answer has {got} (poll.{name}).",
            field=f"poll.{name}",
            expected=expected,
            got=got,
            where=self.reply.where,
            hint=GOES_ON,
            request_id=self.reply.request_id,
        )

    def _response(self) -> dict[str, Any]:
        return {"body": self.reply.body, "status": self.reply.status, "headers": self.reply.headers}
