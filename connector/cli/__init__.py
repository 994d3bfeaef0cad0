"""The command line: `connector`. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from connector.cli import garbage


def process() -> NoReturn:
    """The process `connector`, from its start to its end."""
    garbage.starting()
    code = main()
    if threading.active_count() == 1:
        os._exit(
            code
        )  # all is written, and the system frees memory faster than Python does, object by object
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code.

    Args:
        arguments: what stands after `connector`; the process's own if None.
    """
    from connector.cli.commands import ended_with  # only now: click is most of what help imports

    return ended_with(sys.argv[1:] if arguments is None else list(arguments))
