"""A fault, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loopback import Answer, Step

RIGHT = "right"
"""The result is that of an undisturbed answer. Any other verdict is the `kind` of the one error."""


@dataclass(frozen=True)
class Mode:
    """What a server does, and what is right then.

    Attributes:
        name: as `python -m faults` takes it.
        hazards: the ids of the hazards that it is an example of, with spaces between.
        answers: from the body of a right answer (JSON) to what the server does with one request after another.
        right: RIGHT, or the kind of the error; two kinds, with a space between, where chance decides.
        said: words of the error's message.
        first: done to a connection before anything is read from it.
        reads: whether the server reads the request; one that does not cannot count it.
        requests: how many there are for one run that is paid for.
    """

    name: str
    hazards: str
    answers: Callable[[bytes], list[Answer]]
    right: str = RIGHT
    said: str = ""
    first: tuple[Step, ...] = ()
    reads: bool = True
    requests: int = 1


def always(answer: Answer) -> Callable[[bytes], list[Answer]]:
    """The same, whatever was asked."""
    return lambda _: [answer]
