"""Drafts that pass lint as they are: what does not is refused before it is anybody's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from connector.errors import ManifestError, Problem
from connector.importing.draft import Draft, write
from connector.lint import lint


def linted(draft: Draft) -> Draft:
    """The same draft.

    Raises:
        ManifestError: lint refuses it, with what it says.
        OSError: there is no place for temporary files.
    """
    if problems := problems_of(draft):
        raise refusal(problems)
    return draft


def problems_of(draft: Draft) -> list[Problem]:
    """What lint would say of it, once it is written.

    Raises:
        OSError: there is no place for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="connector-") as place:
        folder = Path(place) / "draft"
        write(draft, folder)
        return lint(folder)


def refusal(problems: Iterable[Problem]) -> ManifestError:
    """The error of a draft that lint refuses; its files are gone, so only their names are told."""
    return ManifestError(replace(problem, where=Path(problem.where).name) for problem in list(problems)[:5])
