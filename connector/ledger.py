"""What runs have used: a line a run in one file on this machine, without anything that was asked or answered.

    usage.jsonl  {"on": "2026-11-21", "action": "perplexity.execute_search", "model": ..., "tokens": ..., "cost": ...}

The command line keeps it; CONNECTOR_USAGE=off switches it off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from connector import private_file
from connector.output import Result
from connector.strict_json import parse

FILE: Final = "usage.jsonl"
SWITCH: Final = "CONNECTOR_USAGE"

_DEAREST: Final = 1e9  # US dollars; no run costs as much
_MOST: Final = 10**15  # tokens, or runs
_LONGEST: Final = 200  # characters of a name


@dataclass(frozen=True)
class Entry:
    """One run, or all those of a bulk run that have one model.

    `cost` is in US dollars; what an answer does not say is None. `unpriced` counts the runs whose answer
    named no cost although others did.
    """

    on: date
    action: str
    model: str | None
    tokens: int | None
    cost: float | None
    runs: int = 1
    unpriced: int = 0

    @property
    def priced(self) -> int:
        """How many runs the cost is of."""
        return 0 if self.cost is None else self.runs - self.unpriced


@dataclass(frozen=True)
class Sum:
    """Several runs of one action with one model. `priced` counts the runs whose answer named a cost."""

    action: str
    model: str | None
    runs: int
    tokens: int
    cost: float
    priced: int


def is_on(environ: Mapping[str, str]) -> bool:
    """Whether runs are to be noted."""
    return environ.get(SWITCH, "").lower() not in {"off", "0", "no", "false"}


def note(folder: Path, connector: str, result: Result) -> None:
    """Add a run.

    Raises:
        CredentialError: the file cannot be written; it is as it was.
    """
    outputs = result.outputs
    _append(
        folder,
        [
            {
                "action": f"{connector}.{result.action}",
                "model": model_of(outputs.get("model")),
                "tokens": tokens_of(outputs.get("total_tokens")),
                "cost": cost_of(outputs.get("total_cost")),
            }
        ],
    )


def note_sums(folder: Path, found: Iterable[Sum]) -> None:
    """Add runs of a bulk run: one line for all that have one model, not a lock and a line for each.

    Raises:
        CredentialError: as note.
    """
    _append(
        folder,
        [
            {
                "action": one.action,
                "model": one.model,
                "tokens": one.tokens,
                "cost": one.cost if one.priced else None,
                "runs": one.runs,
                "unpriced": one.runs - one.priced,
            }
            for one in found
        ],
    )


def _append(folder: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    on = str(datetime.now(UTC).date())
    lines = [json.dumps({"on": on, **entry}) for entry in entries]
    with private_file.lock(folder / f"{FILE}.lock", "noting usage"):
        private_file.append(folder / FILE, "\n".join(lines).encode())


def entries(folder: Path) -> Iterator[Entry]:
    """The runs noted so far, oldest first. A line that is not whole is passed over."""
    for line in (private_file.read(folder / FILE) or b"").splitlines():
        try:
            value = parse(line)
            day = date.fromisoformat(value["on"])
        except (ValueError, TypeError, KeyError):
            continue
        runs = _count(value.get("runs")) or 1
        yield Entry(
            day,
            str(value.get("action"))[:_LONGEST],
            model_of(value.get("model")),
            tokens_of(value.get("tokens")),
            cost_of(value.get("cost")),
            runs,
            min(_count(value.get("unpriced")) or 0, runs),
        )


def model_of(value: Any) -> str | None:
    """The name of a model; None for what is none. A service can answer anything, and sums are for good."""
    return value if isinstance(value, str) and len(value) <= _LONGEST else None


def tokens_of(value: Any) -> int | None:
    """A number of tokens that an answer can have used; None for what is none."""
    return _count(value)


def cost_of(value: Any) -> float | None:
    """US dollars that an answer can have cost; None for what is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and 0 <= value < _DEAREST else None


def _count(value: Any) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value <= _MOST else None


def sums(found: Iterator[Entry], since: date | None = None) -> list[Sum]:
    """The runs by action and model, the dearest first."""
    grouped: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in found:
        if since is None or entry.on >= since:
            grouped.setdefault((entry.action, entry.model), []).append(entry)
    rows = [
        Sum(
            action,
            model,
            runs=sum(entry.runs for entry in group),
            tokens=sum(entry.tokens or 0 for entry in group),
            cost=sum(entry.cost or 0.0 for entry in group),
            priced=sum(entry.priced for entry in group),
        )
        for (action, model), group in grouped.items()
    ]
    return sorted(rows, key=lambda row: (-row.cost, -row.runs, row.action))
