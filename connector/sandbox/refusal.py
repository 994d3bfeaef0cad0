"""Failures that the sandbox answers with, in the envelope that the API uses for all of them."""

from __future__ import annotations

from typing import Any

RETIRED = (
    "Sonar is now the Agent API. Use /v1/responses instead of /v1/sonar. Migrate here: "
    "https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar/overview"
)


class Refused(Exception):
    """The request is answered with an error.

    Attributes:
        status: the HTTP status; the envelope repeats it as `code`.
        type: the API's word for the failure.
        message: the sentence in the envelope.
        param: the field that is complained about, or None.
        headers: further response headers.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request",  # noqa: A002 - the envelope's word
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.param = param
        self.headers = headers or {}

    def envelope(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.status}
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


def invalid(message: str, param: str | None = None) -> Refused:
    """A field's value breaks a rule."""
    return Refused(f"validation failed: {message}", param=param)


def malformed(message: str, param: str | None = None) -> Refused:
    """The body is not JSON of the expected shape."""
    return Refused(f"invalid request body: {message}", param=param)


def not_found() -> Refused:
    return Refused("resource not found", status=404, type="not_found")


def retired() -> Refused:
    """The answer that a valid key gets from the endpoints that were switched off on 2026-09-27."""
    return Refused(RETIRED, status=403, type="chat_completions_not_available")
