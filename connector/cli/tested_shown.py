"""How a test of examples is shown, as pytest shows one: progress, then failures, notes, and a line that sums up."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from connector.cli.streams import give, tell
from connector.cli.visible import visible

if TYPE_CHECKING:
    from connector.testing.cassette_file import Recorded
    from connector.testing.examples import ConnectorExample

OLD_DAYS: Final = 180
_WIDTH: Final = 78
_MOST_NAMES: Final = 8


class Shown:
    """A plugin of pytest, by the names of its methods.

    Attributes:
        left_out: examples that were not run, by the reason.
    """

    def __init__(self) -> None:
        self.left_out: dict[str, Sequence[ConnectorExample]] = {}
        self._begun = time.monotonic()
        self._line = ""
        self._passed = 0
        self._failed: list[tuple[str, str]] = []
        self._against: dict[str, list[date]] = defaultdict(list)
        self._old: list[tuple[int, ConnectorExample, Recorded]] = []

    def seen(self, one: ConnectorExample) -> Callable[[Recorded], None]:
        """What notes the cassette of an example."""

        def note(kept: Recorded) -> None:
            if kept.on is None:
                self._against[f"{kept.against or 'something unknown'}, nobody knows when"] += []
                return
            self._against[kept.against or "something unknown"].append(kept.on)
            days = (datetime.now(UTC).date() - kept.on).days
            if days > OLD_DAYS:
                self._old.append((days, one, kept))

        return note

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One step of one example is over."""
        if report.when != "call" and report.passed:
            return
        action, _, example = report.nodeid.partition("::")
        if action != self._line:
            sys.stdout.write(f"{'' if not self._line else chr(10)}{visible(action, one_line=True)} ")
            self._line = action
        if report.passed:
            self._passed += 1
        else:
            self._failed.append((f"{action} {example}", str(report.longrepr)))
        sys.stdout.write("." if report.passed else "F")
        sys.stdout.flush()

    def pytest_sessionfinish(self) -> None:
        """All of them are."""
        if not self._line:
            return
        give("")
        if self._failed:
            give("\n" + " FAILURES ".center(_WIDTH, "="))
        for name, text in self._failed:
            give(f" {visible(name, one_line=True)} ".center(_WIDTH, "_"))
            give(visible(text))
        self._tell_notes()
        seconds = time.monotonic() - self._begun
        number = sum(map(len, self.left_out.values()))
        left_out = f", {number} left out" if number else ""
        give(f"{self._passed} passed, {len(self._failed)} failed{left_out} in {seconds:.2f} s")

    def pytest_internalerror(self, excrepr: Any) -> bool:
        """A fault of ours or of pytest."""
        tell(visible(f"error: a fault of this program: {excrepr}"))
        return True

    def _tell_notes(self) -> None:
        for against, days in sorted(self._against.items()):
            when = "" if not days else f" on {_span(days)}"
            give(f"recorded against {visible(against, one_line=True)}{when}")
        if self._old:
            age, one, kept = max(self._old, key=lambda old: old[0])
            noun = "cassette is" if len(self._old) == 1 else "cassettes are"
            oldest = f"the oldest, {one.id}, is of {kept.on}, {age} days ago"
            tell(
                f"note: {len(self._old)} {noun} older than {OLD_DAYS} days; {oldest}. Record anew: {one.command}"
            )
        for why, examples in self.left_out.items():
            names = [visible(one.id, one_line=True) for one in examples[:_MOST_NAMES]]
            more = f" and {len(examples) - _MOST_NAMES} more" if len(examples) > _MOST_NAMES else ""
            tell(f"note: left out, for it {why}: {', '.join(names)}{more}")


def _span(days: Sequence[date]) -> str:
    first, last = min(days), max(days)
    return str(first) if first == last else f"{first} to {last}"
