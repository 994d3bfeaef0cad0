"""Drafts that pass lint as they are: what does not is refused before it is anybody's."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from connector.errors import ManifestError
from connector.importing.draft import Draft, write
from connector.lint import lint


def linted(draft: Draft) -> Draft:
    """The same draft.

    Raises:
        ManifestError: lint refuses it, with what it says.
        OSError: there is no place for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="connector-") as place:
        folder = Path(place) / "draft"
        write(draft, folder)
        problems = lint(folder)
    if problems:
        raise ManifestError(replace(problem, where=Path(problem.where).name) for problem in problems[:5])
    return draft
