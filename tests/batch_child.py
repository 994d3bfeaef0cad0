"""What a process of a bulk run begins with, so that starting twenty of them takes no time."""

from __future__ import annotations

import os
import sys

import connector.bulk
import connector.cli.batch_shown
import connector.loading
from connector.cli import batch, main

__all__ = ["run"]

SHIPPED = connector.loading.load("perplexity")


def run(arguments: list[str], environment: dict[str, str]) -> None:
    """One `connector batch` in this process, in the folder that the environment names."""
    assert batch
    connector.loading.load = lambda _name: SHIPPED  # type: ignore[assignment]
    os.environ.update(environment)
    os.chdir(environment["FOLDER"])
    sys.exit(main(["batch", "perplexity.execute_search", *arguments]))
