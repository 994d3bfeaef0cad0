"""What a bulk run shows while it goes and when it ends: the output file, the progress, the usage, a summary."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from connector.cli.endings import Exit
from connector.cli.outcomes import Outcomes
from connector.cli.streams import tell
from connector.cli.visible import visible
from connector.errors import ConnectorError

if TYPE_CHECKING:
    from connector.bulk import Standing
    from connector.journal import Journal
    from connector.manifest import Action, Connector

_NOTED_AT_ONCE: Final = 1000


class Shown:
    """What the run writes and tells while it goes: the output, the progress, the usage."""

    standing: Standing
    _left = _elsewhere = 0  # rows that are not done, at the end; those that another process is at

    def __init__(self, journal: Journal, out: Path, action: Action, connector: Connector) -> None:
        self._journal = journal
        self._path = out
        self._open = partial(Outcomes, out, action.output_fields)
        self._outcomes: Outcomes | None = None
        self._action = f"{connector.id}.{action.id}"
        self._states = journal.states()
        self._began = time.monotonic()
        self._bar = ExitStack()
        self._advance = self._bar.enter_context(_progress(sum(self._states.values())))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def turn(self, standing: Standing) -> None:
        """What is new goes into the output and on the terminal."""
        self._write(wait=False)
        earlier = sum(self._states[state] for state in ("ok", "failed", "unknown"))
        done = standing.ok + standing.failed
        self._advance(earlier + done, standing, done / max(time.monotonic() - self._began, 0.001))
        if sum(used.runs for used in standing.used.values()) >= _NOTED_AT_ONCE:
            self._note()

    def _write(self, *, wait: bool) -> None:
        if self._outcomes is None and self._journal.leads(wait=wait):
            self._outcomes = self._open()
        if self._outcomes is not None:
            try:
                self._outcomes.add(self._journal.outcomes(self._outcomes.rows))
            except OSError as error:
                reason = error.strerror or "it is gone"
                hint = "The ledger has every outcome: make room, then go on with --resume."
                message = f"It cannot be written: {reason}."
                raise ConnectorError(message, where=str(self._path), hint=hint) from None

    def finish(self) -> None:
        """Write the rest of the output. Who ends last writes it, so it waits for one who is about to end."""
        self._bar.close()
        self._states = self._journal.states()
        unfinished = self._states["todo"] + self._states["sent"]
        self._elsewhere = min(self._journal.elsewhere(), unfinished)  # it may have ended some since
        self._left = unfinished - self._elsewhere
        try:
            self._write(wait=not unfinished)
        finally:
            if self._outcomes is not None:
                self._outcomes.close()
            self._note()
            self._tell()

    def _tell(self) -> None:
        states, standing = self._states, self.standing
        seconds = time.monotonic() - self._began
        parts = [f"{states[state]:,} {state}" for state in ("ok", "failed", "unknown") if states[state]]
        if self._left:
            parts.append(f"{self._left:,} not done (--resume goes on)")
        if self._elsewhere:
            parts.append(f"{self._elsewhere:,} under way in another process")
        for warning in standing.warnings:
            tell(f"warning: {visible(warning, one_line=True)}")
        spent = self._journal.spent()
        cost = f"; {spent:.5f} US dollars" if spent else ""
        done = standing.ok + standing.failed
        speed = f"; {done:,} now, {done / max(seconds, 0.001):,.0f} a second" if done else ""
        tell(f"{sum(states.values()):,} rows: {', '.join(parts)}{cost}{speed}.")

    def _note(self) -> None:
        """Into the ledger of usage, as one entry for each model."""
        from connector.ledger import Sum, is_on, note_sums
        from connector.private_file import default_folder

        used, self.standing.used = self.standing.used, {}
        if not used or not is_on(os.environ):
            return
        sums = [
            Sum(self._action, model, one.runs, one.tokens, one.cost, one.priced)
            for model, one in used.items()
        ]
        try:
            note_sums(default_folder(os.environ), sums)
        except ConnectorError as error:
            tell(f"warning: the usage was not noted: {visible(str(error), one_line=True)}")

    def summed_up(self) -> Exit:
        """How the command ends when nothing stopped the run with an error."""
        if self.standing.is_interrupted:
            return Exit.INTERRUPTED
        if self.standing.is_spent:
            tell("Stopped: --max-cost leaves no room for another row. Raise it and go on with --resume.")
            return Exit.FOUND
        states = self._states
        return Exit.FOUND if states["failed"] or states["unknown"] or self._left else Exit.OK


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Progress(*columns, console=console, refresh_per_second=5, transient=True) as bar:
        shown = bar.add_task("", total=total, note="")

        def advance(done: int, standing: Standing, speed: float) -> None:
            note = f"{standing.failed} failed  {speed:,.0f}/s  {standing.cost:.4f} USD"
            bar.update(shown, completed=done, note=note)

        yield advance
