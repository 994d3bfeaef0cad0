"""The ledger of a bulk run: one SQLite file that knows of each row what has become of it.

    todo -> sent -> ok | failed | unknown          sent -> todo: the service has certainly not worked on it

A row is taken by one process (its owner) while it is todo, is `sent` before its first request goes out, and
has its outcome written together with its final state; each of these is committed before anything follows
from it. So whatever kills a process, a row that may have been paid for is never taken for one that was not.

What is committed is on the disk (synchronous=FULL), because a power cut must not send paid rows again. That
costs one wait for the disk for each `turn`, which is why a turn carries all that has happened since the last.
Several processes may share the file: every turn is one transaction, and `slots` tells which of them live.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from connector.errors import ConnectorError, InputError, Problem
from connector.rows import Row
from connector.slots import Slots

_FORMAT: Final = 1
_BUSY_SECONDS: Final = 60.0
_LOOK_AGAIN: Final = 0.01
_AT_ONCE: Final = 500
_PIECE: Final = 1 << 20
_TABLES: Final = """
CREATE TABLE about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE rows (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, owner INTEGER, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE inputs (number INTEGER PRIMARY KEY, line INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE outcomes (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE INDEX free ON rows (number) WHERE state = 'todo' AND owner IS NULL;
CREATE INDEX owned ON rows (owner) WHERE owner IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Task:
    """What a ledger is of. A run goes on with a ledger only if it is of the same."""

    action: str
    inputs: str  # those of every row, as JSON
    rows: str  # a fingerprint of their file

    def differs(self, other: Task) -> str:
        """What is not the same, in a word for people; empty if everything is."""
        pairs = {"action": "action", "inputs": "inputs for every row", "rows": "file of rows"}
        return next((word for name, word in pairs.items() if getattr(self, name) != getattr(other, name)), "")


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that is to be run. `attempts` is how many requests earlier runs made for it."""

    number: int
    line: int
    inputs: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What has become of a row: ok or failed with its outcome, or todo again."""

    number: int
    state: str
    attempts: int
    cost: float
    outcome: str = ""


def fingerprint(file: BinaryIO) -> str:
    """Of the bytes of a file, which stands at its beginning afterwards."""
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def outcome(
    number: int,
    status: str,
    attempts: int,
    *,
    outputs: Mapping[str, Any] | None = None,
    error: Mapping[str, Any] | None = None,
    cost: float | None = None,
    warnings: Sequence[str] = (),
) -> str:
    """A row's line of the output: JSON in ASCII, so that nothing in it can break a line or steer a terminal."""
    what: dict[str, Any] = {"error": error} if outputs is None else {"outputs": outputs}
    if warnings:
        what["warnings"] = warnings
    return _ENCODE({"row": number, "status": status, "attempts": attempts, **what, "cost": cost})


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def failure(
    kind: str, message: str, hint: str, *, status: int | None = None, request_id: str | None = None
) -> dict[str, Any]:
    """Why a row failed, as its line of the output says it."""
    return {"kind": kind, "message": message, "hint": hint, "status": status, "request_id": request_id}


class Journal:
    """An open ledger. One thread uses it; it is closed at the end, or used in a `with` block."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make an empty one that only this user may read.

        Raises:
            ConnectorError: it cannot be read or written, or is no ledger.
        """
        self.path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._broken(str(error.strerror)) from None
        self._slots = Slots(path.with_name(f"{path.name}.lock"))
        try:
            with self._told():
                self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
                # an outcome of 7 KB fits into a page
                self._db.execute("PRAGMA page_size = 16384")
                self._write_ahead()
                self._db.execute("PRAGMA synchronous = FULL")
                self._check_format()
        except BaseException:
            self._slots.close()
            raise

    def _write_ahead(self) -> None:
        """Keep what is new in a file of its own. For this SQLite does not wait for another that opens the ledger."""
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                    raise
                time.sleep(_LOOK_AGAIN)
            else:
                return

    def _check_format(self) -> None:
        # in this order: another process may begin it meanwhile, which writes both at once
        tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found not in {0, _FORMAT} or (found == 0 and tables):
            raise self._broken("it is not a ledger of this version")

    @property
    def task(self) -> Task | None:
        """What it is of; None for one that is empty: no rows have come in whole."""
        with self._told():
            if not self._db.execute("PRAGMA user_version").fetchone()[0]:
                return None
            about = dict(self._db.execute("SELECT name, value FROM about"))
        return Task(about["action"], about["inputs"], about["rows"])

    def begin(self, task: Task, rows: Iterable[Row], where: str) -> None:
        """Take the rows in: all of them or, whatever happens, none. Does nothing if another process has.

        Raises:
            InputError: there are none.
            ConnectorError: the file cannot be written.
        """
        with self._transaction():
            if self.task is not None:
                return
            for statement in _TABLES.split(";\n"):
                self._db.execute(statement)
            about = {
                "action": task.action,
                "inputs": task.inputs,
                "rows": task.rows,
                "spent": 0.0,
                "dearest": 0.0,
            }
            self._db.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            numbered = enumerate(rows, start=1)
            while block := list(islice(numbered, _AT_ONCE)):
                self._take_in(block)
            if not self._db.execute("SELECT count(*) FROM rows").fetchone()[0]:
                raise InputError([Problem(where, "It holds no rows.", "Write one row of inputs a line.")])
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")

    def _take_in(self, block: Sequence[tuple[int, Row]]) -> None:
        good = [(number, row.line, _ENCODE(row.inputs)) for number, row in block if row.inputs is not None]
        hint = "Mend the row and run it in a file of its own."
        bad = [
            (number, outcome(number, "failed", 0, error=failure("bad_input", _at(row), hint)))
            for number, row in block
            if row.inputs is None
        ]
        states = ((number, "failed" if row.inputs is None else "todo") for number, row in block)
        self._db.executemany("INSERT INTO rows (number, state) VALUES (?, ?)", states)
        self._db.executemany("INSERT INTO inputs VALUES (?, ?, ?)", good)
        self._db.executemany("INSERT INTO outcomes VALUES (?, ?)", bad)

    def recover(self, *, no_repeat: bool, own: bool = False) -> int:
        """Free the rows of processes that have ended without a word; gives how many can be run again.

        Args:
            no_repeat: rows that had been sent become `unknown` instead of being sent again.
            own: also those of this process's slot, which are of an earlier one: before it takes any.
        """
        freed = 0
        with self._transaction():
            owners = self._db.execute("SELECT DISTINCT owner FROM rows WHERE owner IS NOT NULL").fetchall()
            for (owner,) in owners:
                if self._slots.is_dead(owner) or (own and owner == self._slots.own):
                    self._charge(owner)
                    if no_repeat:
                        self._forget(owner)
                    again = self._db.execute(
                        "UPDATE rows SET attempts = attempts + (state = 'sent'), state = 'todo', owner = NULL"
                        " WHERE owner = ?",
                        (owner,),
                    )
                    freed += again.rowcount
        return freed

    def _charge(self, owner: int) -> None:
        """What had been sent may have been paid for: each counts as the dearest row so far."""
        self._db.execute(
            "UPDATE about SET value = value + (SELECT count(*) FROM rows WHERE owner = ? AND state = 'sent')"
            " * (SELECT coalesce(max(value), 0) FROM about WHERE name = 'dearest') WHERE name = 'spent'",
            (owner,),
        )

    def _forget(self, owner: int) -> None:
        sent = self._db.execute(
            "SELECT number, attempts + 1 FROM rows WHERE owner = ? AND state = 'sent'", (owner,)
        ).fetchall()
        message = "It was under way when the run was ended; the service may have done it."
        hint = "Look at the service what became of it, or run it in a file of its own."
        error = failure("unknown", message, hint)
        lines = ((number, outcome(number, "unknown", attempts, error=error)) for number, attempts in sent)
        self._db.executemany("INSERT INTO outcomes VALUES (?, ?)", lines)
        self._db.executemany(
            "UPDATE rows SET state = 'unknown', attempts = ?, owner = NULL WHERE number = ?",
            ((attempts, number) for number, attempts in sent),
        )

    def turn(self, ended: Sequence[Ended], sending: Sequence[int], room: int) -> list[Taken]:
        """Commit what has happened, and take rows to run next: as many as there is room for.

        Args:
            ended: rows with what has become of them.
            sending: the numbers of rows whose first request goes out once this has returned.
            room: how many rows to take at most, the first that are free.

        Raises:
            ConnectorError: nothing of it is committed.
        """
        with self._transaction():
            if ended:
                self._end(ended)
            if sending:
                marks = ((number,) for number in sending)
                self._db.executemany("UPDATE rows SET state = 'sent' WHERE number = ?", marks)
            return self._take(room) if room > 0 else []

    def _end(self, ended: Sequence[Ended]) -> None:
        self._db.executemany(
            "UPDATE rows SET state = ?, attempts = ?, owner = NULL WHERE number = ?",
            ((one.state, one.attempts, one.number) for one in ended),
        )
        self._db.executemany(
            "INSERT INTO outcomes VALUES (?, ?)",
            ((one.number, one.outcome) for one in ended if one.state != "todo"),
        )
        if spent := sum(one.cost for one in ended):
            self._db.execute(
                "UPDATE about SET value = CASE name WHEN 'spent' THEN value + ? ELSE max(value, ?) END"
                " WHERE name IN ('spent', 'dearest')",
                (spent, max(one.cost for one in ended)),
            )

    def _take(self, room: int) -> list[Taken]:
        found = self._db.execute(
            "SELECT number, line, json, attempts FROM rows JOIN inputs USING (number)"
            " WHERE state = 'todo' AND owner IS NULL ORDER BY number LIMIT ?",
            (room,),
        ).fetchall()
        own = self._slots.own
        self._db.executemany(
            "UPDATE rows SET owner = ? WHERE number = ?", ((own, number) for number, *_ in found)
        )
        return [Taken(*row) for row in found]

    def spent(self) -> float:
        """US dollars that the rows so far have cost or may have, those of other processes included."""
        return self._dollars("spent")

    def dearest(self) -> float:
        """US dollars that the dearest of them has cost; 0.0 where none has named its cost."""
        return self._dollars("dearest")

    def _dollars(self, name: str) -> float:
        with self._told():
            found = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return float(found[0]) if found else 0.0  # a ledger from before `dearest` was kept

    def under_way(self) -> int:
        """How many rows are taken, by any process."""
        with self._told():
            return int(self._db.execute("SELECT count(*) FROM rows WHERE owner IS NOT NULL").fetchone()[0])

    def elsewhere(self) -> int:
        """How many rows other processes have taken that are still at work."""
        with self._told():
            taken = self._db.execute(
                "SELECT owner, count(*) FROM rows WHERE owner IS NOT NULL GROUP BY owner"
            ).fetchall()
        return sum(
            rows for owner, rows in taken if owner != self._slots.own and not self._slots.is_dead(owner)
        )

    def states(self) -> dict[str, int]:
        """How many rows are in each state; it looks at all of them."""
        with self._told():
            counts = dict(self._db.execute("SELECT state, count(*) FROM rows GROUP BY state"))
        return {state: counts.get(state, 0) for state in ("todo", "sent", "ok", "failed", "unknown")}

    def outcomes(self, after: int) -> Iterator[str]:
        """The lines of the output behind row `after`, in the order of the rows, up to one that has not ended."""
        with self._told():
            found = self._db.execute(
                "SELECT number, json FROM outcomes WHERE number > ? ORDER BY number", (after,)
            )
            try:
                for expected, (number, line) in enumerate(found, start=after + 1):
                    if number != expected:
                        return
                    yield line
            finally:
                found.close()

    def leads(self, *, wait: bool = False) -> bool:
        """Whether this process writes the output. See Slots.lead."""
        return self._slots.lead(wait=wait)

    def close(self) -> None:
        """Close the file; what is not committed is not in it."""
        with suppress(sqlite3.Error):
            self._db.close()
        self._slots.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may have done it itself, as on a full disk
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            reason = next((text for word, text in _REASONS.items() if word in name), str(error))
            raise self._broken(reason) from None

    def _broken(self, reason: str) -> ConnectorError:
        hint = "What it holds is kept. Mend that, then go on with --resume; or choose another with --ledger."
        return ConnectorError(f"The ledger cannot be used: {reason}.", where=str(self.path), hint=hint)


_REASONS: Final = {
    "FULL": "the disk is full",
    "READONLY": "it may not be written",
    "CANTOPEN": "it cannot be opened",
    "NOTADB": "it is another kind of file",
    "CORRUPT": "it is damaged",
    "BUSY": "another program keeps it locked",
    "IOERR": "the disk does not read or write",
}


def _at(row: Row) -> str:
    return f"line {row.line}: {row.problem}"
