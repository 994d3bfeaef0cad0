"""The error of a source that cannot be imported."""

from __future__ import annotations

from connector.errors import InputError, Problem


def refusal(where: str, message: str, hint: str) -> InputError:
    """The error to raise. No value of the source belongs into it: it may be a key."""
    return InputError([Problem(where, message, hint)])
