"""Rounds in which clients take turns, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


class Child:
    """A process that answers a number with a line of JSON."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", *arguments],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.missing: str | None = self._answer().get("missing")

    def measured(self, times: int) -> dict[str, Any]:
        """What so many repetitions gave."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise SystemExit("benchmarks: a client failed; what it said stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def server(*certificate: str) -> Iterator[str]:
    """A server in its own process; gives `127.0.0.1:port`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", *certificate],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


Times = Mapping[str, Sequence[float]]
"""Client -> seconds of CPU for one repetition, one number a round."""


def interleaved(
    kind: str, names: Iterable[str], url: str, *, rounds: int, seconds: float = 0.05
) -> tuple[Times, dict[str, str]]:
    """Each client in turn, again and again; also what is missing for those that could not take part.

    A turn is so many repetitions that it takes about `seconds` of CPU.
    """
    with ExitStack() as open_ones:
        children = {name: open_ones.enter_context(Child(kind, name, url)) for name in names}
        missing = {name: child.missing for name, child in children.items() if child.missing}
        counts = {
            name: _repetitions(child, seconds) for name, child in children.items() if name not in missing
        }
        times: dict[str, list[float]] = {name: [] for name in counts}
        for _ in range(rounds):
            for name, count in counts.items():
                times[name].append(children[name].measured(count)["cpu"] / count)
    return times, missing


def _repetitions(child: Child, seconds: float) -> int:
    """How many take about so long; a multiple of 200, where a repetition is an event of a stream."""
    child.measured(200)
    cpu: float = child.measured(200)["cpu"]
    return max(1, round(seconds / max(cpu, 1e-6))) * 200


def ratio(times: Times, one: str, other: str) -> float:
    """How much one costs beside the other: the median of the rounds' own ratios."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))
