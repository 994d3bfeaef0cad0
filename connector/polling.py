"""Asking again until an answer is final: what to ask, when to stop. It neither sends nor sleeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from connector.deadline import Deadline
from connector.errors import Timeout
from connector.evaluate import is_true
from connector.manifest import Poll
from connector.plan import Plan, follow_up_path
from connector.response import Reply

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
        return is_true(self.poll.until.evaluate({"inputs": self.plan.inputs, "response": self._response()}))

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
        return self.poll.method, follow_up_path(self.plan, self.poll.path, self._response())

    def cancel(self) -> tuple[str, str] | None:
        """The request that gives the work up, where the service has one."""
        if self.poll.cancel is None:
            return None
        return self.poll.cancel.method, follow_up_path(self.plan, self.poll.cancel.path, self._response())

    def _response(self) -> dict[str, Any]:
        return {"body": self.reply.body, "status": self.reply.status, "headers": self.reply.headers}
