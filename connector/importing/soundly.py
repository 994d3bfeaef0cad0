"""Imports that pass lint: an action that does not is left out, with what lint says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from connector.errors import Problem
from connector.importing.linted import problems_of, refusal
from connector.importing.openapi import Imported, without

_ROUNDS: Final = 3  # what cannot be read is told before what lint finds


def sound(made: Imported) -> Imported:
    """The same without the actions that lint refuses; those are among the operations without an action.

    Raises:
        ManifestError: if no action is left, or lint refuses the connector itself.
        OSError: if there is no place for temporary files.
    """
    for _ in range(_ROUNDS):
        problems = problems_of(made.draft)
        refused = _by_action(problems)
        if problems and (not refused or len(refused) == len(made.draft.actions)):
            raise refusal(problems)
        if not refused:
            break
        made = without(made, refused)
    return made


def _by_action(problems: list[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for problem in problems:
        path = Path(problem.where.rsplit(":", 2)[0])
        if path.parent.name == "actions":
            found.setdefault(path.stem, f"lint would refuse it: {problem.message.rstrip('.')}")
    return found
