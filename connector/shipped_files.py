"""The connectors that come with the package: where they are, and their names. None of them is read here.

Paths are texts here and in `compiled`: importing pathlib would take longer than all that `connector list` does.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Final

PACKAGE: Final = os.path.dirname(os.path.realpath(__file__))
COMPILED: Final = f"{PACKAGE}/shipped"
"""The folder of what `compiled` keeps."""


@cache
def manifests() -> str:
    """The folder of their manifests: inside the installed package, or beside it in a checkout."""
    installed = f"{COMPILED}/manifests"
    return installed if os.path.isdir(installed) else f"{os.path.dirname(PACKAGE)}/manifests"


def shipped_names() -> list[str]:
    """The names of the connectors that come with the package."""
    found = os.listdir(manifests()) if os.path.isdir(manifests()) else []
    return sorted(name for name in found if os.path.isfile(f"{manifests()}/{name}/connector.yaml"))


def files_of(name: str, folder: str | None = None) -> list[str]:
    """The files of one of them, in a fixed order: all that its manifest could consist of.

    Args:
        name: of a shipped connector.
        folder: of another one, which is no shipped one.
    """
    folder = folder or f"{manifests()}/{name}"
    actions = f"{folder}/actions"
    names = sorted(os.listdir(actions)) if os.path.isdir(actions) else []
    return [
        f"{folder}/connector.yaml",
        *(f"{actions}/{name}" for name in names if name.endswith((".yaml", ".yml"))),
    ]
