"""What is right of every outcome, whatever the server did."""

from __future__ import annotations

import gc
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leaks import everything_shown, leaked

from connector.errors import ConnectorError
from connector.output import Result
from faults.asking import Outcome
from faults.mode import RIGHT


def verdict(outcome: Outcome, undisturbed: Result) -> str:
    """RIGHT, the kind of the error, or what is wrong with either of them."""
    if isinstance(outcome, Result):
        return RIGHT if outcome.outputs == undisturbed.outputs else f"another result: {outcome.outputs}"
    if not (outcome.where and outcome.message and outcome.hint):
        return f"an error that says too little: {outcome!r}"
    if found := leaked(everything_shown(outcome)):
        return f"an error that shows the key: {found}"
    return outcome.kind


def told(outcome: Outcome) -> str:
    """The message of an error; nothing of a result."""
    return outcome.message if isinstance(outcome, ConnectorError) else ""


def open_sockets() -> int:
    """Of this process."""
    return sum(1 for entry in Path("/dev/fd").iterdir() if _is_socket(int(entry.name)))


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


@contextmanager
def nothing_left() -> Iterator[None]:
    """No socket and no thread is left by what is done inside."""
    gc.collect(0)
    sockets, threads = open_sockets(), threading.active_count()
    yield
    ends = time.monotonic() + 5
    while time.monotonic() < ends and (open_sockets() > sockets or threading.active_count() > threads):
        time.sleep(0.001)  # the server of the test may be about to end
    assert open_sockets() <= sockets  # fewer, if what an earlier test left to the collector is gone by now
    assert threading.active_count() <= threads
