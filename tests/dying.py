"""Does one thing again and again in child processes, each of which ends early at another point.

    python dying.py TASK HOW POINTS BEFORE FOLDER

TASK is one of TASKS; HOW is `kill` or `interrupt`, at lines of the modules that write, or `full`, where no
file can grow beyond some bytes. Each child works on its own copy of the folder BEFORE, in FOLDER/<number>.
Stdout gets a JSON list of {"folder", "code", "said"}.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from connector import ledger, loading, private_file, saved, saved_files, sealed
from connector.cli import main
from connector.errors import ConnectorError
from connector.output import Result
from connector.testing import cassette, cassette_file, recording

NEW_KEY, NEW_URL = "pplx-test-" + "n" * 24, "https://new.test"
RESULT = Result({"total_cost": 0.5}, (), "execute_search", "search", 1, 200, None)
NOT_REACHED = 99


def add(folder: Path) -> int:
    os.environ["CONNECTOR_HOME"] = str(folder)
    reading, writing = os.pipe()
    os.write(writing, NEW_KEY.encode())
    os.close(writing)
    sys.stdin = os.fdopen(reading)
    field = f"base_url={NEW_URL}"
    return main(("connections", "add", "perplexity", "--field", field, "--secrets-from-stdin", "--replace"))


def record(folder: Path) -> int:
    return main(("record", f"{folder}/manifests/perplexity.execute_search", "one_query"))


def note(folder: Path) -> int:
    ledger.note(folder, "perplexity", RESULT)
    return 0


Task = tuple[Callable[[Path], int], tuple[Any, ...]]
TASKS: dict[str, Task] = {
    "add": (add, (private_file, saved, saved_files)),
    "record": (record, (private_file, cassette, cassette_file, recording)),
    "note": (note, (private_file, ledger)),
}


class Lines:
    """Counts the lines that run in some files, and does something at one of them."""

    def __init__(self, files: set[str], number: int, end: Callable[[], None]) -> None:
        self.count = 0
        self._files, self._number, self._end = files, number, end

    def calls(self, frame: FrameType, event: str, argument: object) -> Any:
        return self.lines if frame.f_code.co_filename in self._files else None

    def lines(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self._number:
                sys.settrace(None)
                self._end()
        return self.lines


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    raise KeyboardInterrupt


def child(task: Task, folder: Path, how: str, point: int) -> NoReturn:
    """Ends with the command's code; with NOT_REACHED, after a line that tells how many lines ran."""
    act, modules = task
    if how == "full":
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (point, hard))
    lines = Lines({str(module.__file__) for module in modules}, point, kill if how == "kill" else interrupt)
    if how != "full":
        sys.settrace(lines.calls)
    code = 70
    try:
        code = act(folder)
    except KeyboardInterrupt:
        code = 130
    except ConnectorError as error:
        sys.stdout.write(f"{error}\n")
    finally:
        sys.settrace(None)
        if how != "full" and lines.count < point:
            sys.stdout.write(f"{lines.count}\n")
            code = NOT_REACHED
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(task: Task, folder: Path, how: str, point: int) -> tuple[int, str]:
    """The code of a child (negative: the signal), and what it wrote."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        child(task, folder, how, point)
    os.close(writing)
    with os.fdopen(reading) as written:
        said = written.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def run(task: Task, how: str, points: int, before: Path, folder: Path) -> list[dict[str, Any]]:
    if how == "full":
        limits = sorted({round(1.4**number) - 1 for number in range(points)})
    else:
        shutil.copytree(before, folder / "all")
        _, said = ended(task, folder / "all", how, sys.maxsize)
        total = int(said.split()[-1])
        points = min(points, total)
        limits = [1 + round(number * (total - 1) / (points - 1)) for number in range(points)]
    found = []
    for limit in limits:
        here = folder / str(limit)
        shutil.copytree(before, here, symlinks=True)
        code, said = ended(task, here, how, limit)
        found.append({"folder": str(here), "code": code, "said": said})
    return found


if __name__ == "__main__":
    sealed._SCRYPT_N = 2
    loading.load = cache(loading.load)
    loading.load("perplexity")  # before the children are made, which then need not read it
    for slow in (
        "connector.cli.connections",
        "keyring.backends.null",
        "cryptography.hazmat.primitives.ciphers.aead",
    ):
        import_module(slow)
    sys.stdout.write(
        json.dumps(run(TASKS[sys.argv[1]], sys.argv[2], int(sys.argv[3]), *map(Path, sys.argv[4:])))
    )
