"""`connector batch`: CPU and memory of many rows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers import QUERY
from benchmarks.fresh import CLI, ended

_ACTION = "perplexity.execute_search"
_RATE = "100000"  # the limit of an account would make 100,000 rows take half an hour


@dataclass(frozen=True)
class Bulk:
    """What rows cost: seconds of CPU for each, and bytes beyond what a run of few rows needs."""

    rows: int
    cpu: float
    grown: int


def exists(variables: Mapping[str, str]) -> bool:
    """Whether this version of the command line has it."""
    asked = subprocess.run([*CLI, "batch", "--help"], env=variables, capture_output=True, check=False)
    return asked.returncode == 0


def measured(folder: Path, variables: Mapping[str, str], rows: int) -> Bulk:
    """Run many rows, and few of them, whose cost is that of the start."""
    few = 50
    start, whole = (ended(_command(folder, count), variables) for count in (few, rows))
    return Bulk(rows, (whole.cpu - start.cpu) / (rows - few), whole.most - start.most)


def _command(folder: Path, rows: int) -> list[str]:
    given, found = folder / f"{rows}.jsonl", folder / f"{rows}.out.jsonl"
    with given.open("w", encoding="utf-8") as file:
        for number in range(rows):
            file.write(json.dumps({**QUERY, "query": f"stars in galaxy {number}"}) + "\n")
    return [*CLI, "batch", _ACTION, str(given), "-o", str(found), "--rate", _RATE]
