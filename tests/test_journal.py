"""The ledger of a bulk run: what is committed when, who owns a row, and what a broken file says."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.errors import ConnectorError, InputError
from connector.journal import Ended, Journal, Task, outcome
from connector.rows import Row

TASK = Task("perplexity.execute_search", "{}", "fingerprint")
DIES = """
import os, sys
from pathlib import Path
from connector.journal import Journal
journal = Journal(Path(sys.argv[1]))
taken = journal.turn([], [], 3)
journal.turn([], [taken[0].number], 0)
print("ready", flush=True)
if sys.argv[2] == "dies":
    os._exit(9)
sys.stdin.read()
"""


def four_rows() -> Iterator[Row]:
    yield from (Row(line, {"query": f"row {line}"}) for line in (1, 2, 3, 4))


def begun(path: Path) -> Journal:
    journal = Journal(path)
    journal.begin(TASK, four_rows(), "rows.jsonl")
    return journal


def ended(number: int, state: str = "ok") -> Ended:
    line = outcome(number, state, 1, outputs={"count": number}) if state != "todo" else ""
    return Ended(number, state, 1, 0.5, line)


def other_process(path: Path, how: str) -> subprocess.Popen[bytes]:
    """One that takes rows 1 to 3 and marks row 1 as sent."""
    arguments = [sys.executable, "-c", DIES, str(path), how]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_rows_are_taken_in_their_order_and_by_one_only(tmp_path: Path) -> None:
    """What is taken is not to be had again."""
    with begun(tmp_path / "l") as journal:
        assert [taken.number for taken in journal.turn([], [], 3)] == [1, 2, 3]
        assert [(taken.number, taken.line, taken.inputs) for taken in journal.turn([], [], 3)] == [
            (4, 4, '{"query":"row 4"}')
        ]


def test_a_row_is_sent_before_it_ends_and_todo_again_when_put_back(tmp_path: Path) -> None:
    """Each state is what the last turn said."""
    with begun(tmp_path / "l") as journal:
        journal.turn([], [], 4)
        journal.turn([], [1, 2, 3], 0)
        assert journal.states() == {"todo": 1, "sent": 3, "ok": 0, "failed": 0, "unknown": 0}
        journal.turn([ended(1), ended(2, "failed"), ended(3, "todo")], [], 0)
        assert journal.states() == {"todo": 2, "sent": 0, "ok": 1, "failed": 1, "unknown": 0}
        assert [(taken.number, taken.attempts) for taken in journal.turn([], [], 9)] == [(3, 1)]
        assert (journal.spent(), journal.under_way()) == (1.5, 2)


def test_a_row_that_cannot_be_read_has_failed_from_the_start(tmp_path: Path) -> None:
    """It is never taken, and its outcome says where and what."""
    with Journal(tmp_path / "l") as journal:
        journal.begin(TASK, [Row(1, None, "It is not JSON."), Row(2, {"query": "a"})], "rows.jsonl")
        assert [taken.number for taken in journal.turn([], [], 9)] == [2]
        [line] = journal.outcomes(0)
        assert json.loads(line)["error"]["message"] == "line 1: It is not JSON."


@pytest.mark.hazard("J3")
def test_outcomes_are_given_in_the_order_of_the_rows(tmp_path: Path) -> None:
    """Up to the first row that has not ended."""
    with begun(tmp_path / "l") as journal:
        journal.turn([], [], 4)
        journal.turn([ended(4), ended(2), ended(1)], [], 0)
        assert [json.loads(line)["row"] for line in journal.outcomes(0)] == [1, 2]
        journal.turn([ended(3)], [], 0)
        assert [json.loads(line)["row"] for line in journal.outcomes(2)] == [3, 4]


@pytest.mark.hazard("J2")
@pytest.mark.parametrize(("no_repeat", "state"), [(False, "todo"), (True, "unknown")], ids=["again", "never"])
def test_rows_of_a_process_that_died_are_free_again(tmp_path: Path, no_repeat: bool, state: str) -> None:
    """Those that it had sent are sent again, or called unknown; those it had only taken are simply free."""
    begun(tmp_path / "l").close()
    with other_process(tmp_path / "l", "dies") as process:
        process.communicate()
    with Journal(tmp_path / "l") as journal:
        journal.recover(no_repeat=no_repeat, own=True)
        states = journal.states()
        assert (states["sent"], states[state]) == (0, 4 if state == "todo" else 1)
        assert len(journal.turn([], [], 9)) == (4 if state == "todo" else 3)
        assert [json.loads(line)["status"] for line in journal.outcomes(0)] == ["unknown"] * no_repeat


@pytest.mark.hazard("J5")
@pytest.mark.parametrize("no_repeat", [False, True], ids=["again", "never"])
def test_a_row_that_was_sent_by_a_process_that_died_counts_as_the_dearest(
    tmp_path: Path, no_repeat: bool
) -> None:
    """It may have been paid for, whether or not it is sent again; those that were only taken have cost nothing."""
    with begun(tmp_path / "l") as journal:
        journal.turn([], [], 1)
        journal.turn([ended(1)], [], 0)
    with other_process(tmp_path / "l", "dies") as process:
        process.communicate()
    with Journal(tmp_path / "l") as journal:
        for _ in range(2):
            journal.recover(no_repeat=no_repeat, own=True)
            assert journal.spent() == 1.0


@pytest.mark.hazard("J2")
def test_a_ledger_that_another_opens_at_the_same_moment_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself does not wait when a file is new."""
    other = sqlite3.connect(tmp_path / "l", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ends = threading.Timer(0.2, other.close)
    ends.start()
    with begun(tmp_path / "l") as journal:
        assert journal.states()["todo"] == 4
    ends.join()


@pytest.mark.hazard("J2")
def test_rows_of_a_process_that_lives_are_left_to_it(tmp_path: Path) -> None:
    """However long it takes: a lock says that it lives, not a clock."""
    begun(tmp_path / "l").close()
    with other_process(tmp_path / "l", "lives") as process:
        with Journal(tmp_path / "l") as journal:
            assert journal.recover(no_repeat=False, own=True) == 0
            assert [taken.number for taken in journal.turn([], [], 9)] == [4]
        process.kill()
        process.communicate()
    with Journal(tmp_path / "l") as journal:
        assert journal.recover(no_repeat=False, own=True) == 4


def test_rows_come_in_whole_or_not_at_all(tmp_path: Path) -> None:
    """A reader that breaks leaves an empty ledger, which the next run fills."""

    def breaks() -> Iterator[Row]:
        yield from four_rows()
        raise ZeroDivisionError

    with Journal(tmp_path / "l") as journal:
        with pytest.raises(ZeroDivisionError):
            journal.begin(TASK, breaks(), "rows.jsonl")
        assert not journal.task
        journal.begin(TASK, four_rows(), "rows.jsonl")
        assert journal.states()["todo"] == 4


def test_a_file_without_rows_is_an_error(tmp_path: Path) -> None:
    """There is nothing to run."""
    with Journal(tmp_path / "l") as journal, pytest.raises(InputError, match="holds no rows"):
        journal.begin(TASK, [], "rows.jsonl")


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (Task("perplexity.list_models", "{}", "fingerprint"), "action"),
        (Task(TASK.action, '{"a": 1}', "fingerprint"), "inputs for every row"),
        (Task(TASK.action, "{}", "another"), "file of rows"),
        (TASK, ""),
    ],
    ids=["action", "inputs", "rows", "nothing"],
)
def test_it_says_what_another_run_has_different(other: Task, word: str) -> None:
    """In a word for people."""
    assert TASK.differs(other) == word


def _not_sqlite(path: Path) -> None:
    path.write_text("not a database, but long enough to be looked at " * 40)


def _another_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (a)")
    database.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_not_sqlite, "it is another kind of file"),
        (_another_database, "it is not a ledger of this version"),
        (Path.mkdir, "Is a directory"),
    ],
    ids=["text", "another_database", "folder"],
)
def test_what_is_no_ledger_is_refused(tmp_path: Path, make: object, says: str) -> None:
    """And left as it is."""
    assert callable(make)
    make(tmp_path / "l")
    with pytest.raises(ConnectorError, match=says):
        Journal(tmp_path / "l")


@pytest.mark.hazard("J2")
def test_a_full_disk_is_told_and_the_ledger_stays_usable(tmp_path: Path) -> None:
    """The turn that found no room is as if it had not been; the same turn goes well when there is room."""
    with begun(tmp_path / "l") as journal:
        journal.turn([], [], 4)
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {pages}")
        big = [
            Ended(number, "ok", 1, 0.0, outcome(number, "ok", 1, outputs={"text": "x" * 60_000}))
            for number in (1, 2)
        ]
        with pytest.raises(ConnectorError, match="the disk is full"):
            journal.turn(big, [], 0)
        assert journal.states()["todo"] == 4
        journal._db.execute("PRAGMA max_page_count = 100000")
        journal.turn(big, [], 0)
        assert journal.states()["ok"] == 2


def test_the_file_is_its_users_own(tmp_path: Path) -> None:
    """It holds what was asked and answered."""
    begun(tmp_path / "l").close()
    assert (tmp_path / "l").stat().st_mode & 0o777 == 0o600
