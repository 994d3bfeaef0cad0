"""Stdout for results and stderr for all else, whatever they are: a terminal, a pipe, closed, or only ASCII."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def give(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(f"{text}\n")


def tell(text: str) -> None:
    """A line for the person at the terminal or for the log."""
    with suppress(OSError):  # main() will find out itself
        sys.stdout.flush()  # in a terminal both end in one place: keep their order
    with suppress(OSError):  # there is nobody to tell
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def prepare() -> None:
    """Make the streams usable: an empty one for a closed one, escapes for what an encoding cannot carry."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Write what is left; where that cannot be, drop it: Python would complain while it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
