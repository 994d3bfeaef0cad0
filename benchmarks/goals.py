"""What is measured, what it should be, and whether it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.rounds import Times


@dataclass(frozen=True)
class Row:
    """One goal. `value` and `goal` are of `unit`: "x" for a ratio, or a unit such as "MB"."""

    what: str
    value: float | None
    goal: float | None
    unit: str = "x"
    note: str = ""

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.value is None:
            return "not measured"
        if self.goal is None:
            return ""
        return "met" if self.value <= self.goal else "missed"

    @property
    def shown(self) -> tuple[str, str, str, str]:
        """What, value, goal and verdict, as text."""
        goal = "" if self.goal is None else f"<= {_text(self.goal, self.unit)}"
        value = "-" if self.value is None else _text(self.value, self.unit)
        return self.what, value, goal, f"{self.verdict} {self.note}".strip()


def _text(value: float, unit: str) -> str:
    if unit == "x":
        return f"{value:.2f}x"
    if unit == "%":
        return f"{100 * value:.0f} %"
    if unit == "streams":
        return f"{value:.0f}"
    return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"


@dataclass(frozen=True)
class Detail:
    """The clients of one measurement: their CPU for one repetition, in seconds, round by round."""

    title: str
    times: Times
    beside: str
    """The client that the others are compared with."""
    unit: str = "us"
    note: str = ""


@dataclass
class Measured:
    """All that a run of the benchmarks found."""

    rows: list[Row] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    """Stage of one action -> seconds of CPU; `all` is the whole run, `httpx` a bare call."""

    def missing(self, missing: dict[str, str]) -> None:
        """Note who could not take part."""
        self.notes += [f"{name} is not installed (no module {module})." for name, module in missing.items()]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
