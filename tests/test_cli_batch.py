"""`connector batch`: rows in, outcomes out, and a ledger that whatever ends a run leaves whole."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import random
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Any

import batch_child
import pytest
from loopback import Loopback, Received, Wire, http, reset

import connector.cli.batch
from connector.cli.endings import Exit
from connector.journal import Journal

SEARCH = "perplexity.execute_search"
FOUND = http(200, {"id": "x", "results": [{"title": "T", "url": "https://x.org", "snippet": "S"}]})
Figure = Callable[[str, str], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-batch")
    return tmp_path


@pytest.fixture
def batch(cli: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Runs it against a server that finds what is asked, or what `answer` says."""
    servers: list[Loopback] = []

    def run(*arguments: str, answer: Any = FOUND, **options: Any) -> Any:
        servers.append(Loopback(answer))
        monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-batch")
        ended = cli("batch", SEARCH, *arguments, "--base-url", servers[-1].url, **options)
        return ended, servers[-1].requests

    yield run
    for server in servers:
        server.stop()


def write_rows(folder: Path, *rows: object, name: str = "rows.jsonl") -> str:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def numbered(folder: Path, count: int) -> str:
    return write_rows(folder, *({"query": f"row {number}"} for number in range(1, count + 1)))


def outcomes(out: Path) -> list[Any]:
    return [json.loads(line) for line in out.read_text(encoding="ascii").split("\n")[:-1]]


def states(ledger: Path) -> dict[str, int]:
    with closing(sqlite3.connect(ledger)) as database:
        return dict(database.execute("SELECT state, count(*) FROM rows GROUP BY state"))


def environment_of(folder: Path, server: Loopback) -> dict[str, str]:
    """Of a process of its own, which runs against the server."""
    return {**os.environ, "PERPLEXITY_BASE_URL": server.url, "CONNECTOR_HOME": str(folder / "home")}


# --- what it gives


def test_each_row_becomes_a_line(batch: Any, folder: Path) -> None:
    """The inputs on the command line are for every row; a row's own win."""
    rows = write_rows(folder, {"query": "a"}, {"query": "b", "max_results": 2})
    ended, requests = batch(rows, "-o", "out.jsonl", "max_results:=7", "country=US")
    assert (ended.code, ended.out) == (Exit.OK, "")
    assert ended.err.startswith("2 rows: 2 ok")
    assert [line["outputs"]["first_url"] for line in outcomes(folder / "out.jsonl")] == ["https://x.org"] * 2
    sent = sorted((one.json["query"], one.json["max_results"], one.json["country"]) for one in requests)
    assert sent == [("a", 7, "US"), ("b", 2, "US")]


def test_a_bad_row_never_stops_the_others(batch: Any, folder: Path) -> None:
    """Not JSON, an unknown input, a wrong one: each is that row's error with its line, and is not sent."""
    rows = write_rows(
        folder, {"query": "a"}, "{oops", {"qeury": "b"}, {"query": "c", "max_results": 0}, {"query": "d"}
    )
    ended, requests = batch(rows, "-o", "out.jsonl")
    assert ended.code == Exit.FOUND
    found = outcomes(folder / "out.jsonl")
    assert [line["status"] for line in found] == ["ok", "failed", "failed", "failed", "ok"]
    for number in (2, 3, 4):
        assert found[number - 1]["error"]["message"].startswith(f"line {number}: ")
        assert found[number - 1]["error"]["kind"] == "bad_input"
    assert len(requests) == 2


def test_rows_may_come_from_stdin(batch: Any, folder: Path) -> None:
    """As JSON Lines."""
    ended, _ = batch("-", "-o", "out.jsonl", stdin='{"query": "a"}\n{"query": "b"}\n')
    assert ended.code == Exit.OK
    assert len(outcomes(folder / "out.jsonl")) == 2


@pytest.mark.hazard("J6", "C11")
def test_a_csv_file_holds_no_formulas_and_no_control_characters(
    batch: Any, folder: Path, figure: Figure
) -> None:
    """Text that a spreadsheet would run gets an apostrophe; numbers stay numbers."""
    bad = ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1"]
    rows = write_rows(folder, "query", *(f"row {number}" for number in range(len(bad))), name="rows.csv")

    def answer(received: Received) -> Wire:
        text = bad[int(received.json["query"].split()[1])]
        result = {"title": text, "url": "https://x.org", "snippet": "a\nb, \x1b[31m\u202e\x00"}
        return http(200, {"id": "x", "results": [result]})

    ended, _ = batch(rows, "-o", "out.csv", answer=answer)
    assert ended.code == Exit.OK
    written = (folder / "out.csv").read_bytes().decode()
    found = list(csv.DictReader(written.splitlines(keepends=True)))
    unescaped = sum(not row["first_title"].startswith("'") for row in found)
    assert (len(found), unescaped, found[0]["count"]) == (len(bad), 0, "1")
    assert found[0]["first_snippet"] == "a\nb, \\x1b[31m\\u202e\\x00"
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", written)
    assert json.loads(found[0]["results"])[0]["title"] == bad[0]
    for hazard in ("J6", "C11"):
        figure(hazard, f"{unescaped} of {len(bad)} formulas unescaped in CSV, 0 control characters")


@pytest.mark.hazard("C11")
def test_a_json_lines_file_is_ascii(batch: Any, folder: Path) -> None:
    """So that nothing in an answer breaks a line or steers a terminal."""
    result = {"title": "\x1b[31m\u2028\u202eä", "url": "https://x.org", "snippet": ""}
    batch(numbered(folder, 1), "-o", "out.jsonl", answer=http(200, {"id": "x", "results": [result]}))
    content = (folder / "out.jsonl").read_bytes()
    assert re.fullmatch(rb"[ -~]*\n", content)
    assert json.loads(content)["outputs"]["first_title"] == result["title"]


def test_the_usage_is_noted_as_one_entry(batch: Any, cli: Any, folder: Path) -> None:
    """Not a lock and a line for each row."""
    batch(numbered(folder, 5), "-o", "out.jsonl")
    [row] = json.loads(cli("usage", "--format", "json").out)
    assert (row["action"], row["runs"]) == (SEARCH, 5)
    assert len((folder / "home" / "usage.jsonl").read_text().splitlines()) == 1


# --- what is refused before anything is sent


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["none.jsonl", "-o", "o.jsonl"], Exit.WRONG, "none.jsonl: It cannot be read"),
        (["empty.jsonl", "-o", "o.jsonl"], Exit.WRONG, "It holds no rows"),
        (["rows.txt", "-o", "o.jsonl"], Exit.WRONG, "Call it .jsonl or .csv"),
        (["rows.jsonl", "-o", "o.txt"], Exit.WRONG, "Call it .jsonl or .csv"),
        (["rows.jsonl", "-o", "rows.jsonl"], Exit.WRONG, "One file would be read and written"),
        (["rows.jsonl", "-o", "there.jsonl"], Exit.WRONG, "It is there already"),
        (["wrong.csv", "-o", "o.jsonl"], Exit.WRONG, "Did you mean 'query'?"),
        (["rows.jsonl", "-o", "o.jsonl", "--max-cost", "1"], Exit.WRONG, "name no cost"),
        (["rows.jsonl", "-o", "o.jsonl", "--rate", "0"], Exit.WRONG, "--rate"),
        (["rows.jsonl", "-o", "o.jsonl", "--route", "sonar"], Exit.WRONG, "no route 'sonar'"),
        (["rows.jsonl", "-o", "o.jsonl", "--deadline", "0"], Exit.WRONG, "deadline"),
        (["rows.jsonl", "-o", "o.jsonl", "--at-once", "0"], Exit.WRONG, "--at-once"),
        (["rows.jsonl", "-o", "no/o.jsonl"], Exit.FAULT, "No such file or directory"),
        (
            ["rows.jsonl", "-o", "o.jsonl", "--ledger", "there.jsonl"],
            Exit.FAULT,
            "it is another kind of file",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_refused(
    batch: Any, folder: Path, arguments: list[str], code: Exit, says: str
) -> None:
    """With what to do, without a ledger that is left behind, and without a request."""
    numbered(folder, 1)
    write_rows(folder, "qeury", "a", name="wrong.csv")
    for name in ("empty.jsonl", "rows.txt"):
        (folder / name).write_text("")
    (folder / "there.jsonl").write_text("results that were paid for\n" * 100)
    ended, requests = batch(*arguments)
    assert (ended.code, requests) == (code, [])
    assert says in ended.err
    assert not (folder / "o.jsonl.ledger").exists() or code == Exit.FAULT
    assert (folder / "there.jsonl").read_text().startswith("results that were paid for")


# --- going on


@pytest.mark.hazard("J2")
def test_a_second_start_needs_to_be_told_to_go_on(batch: Any, folder: Path) -> None:
    """Otherwise it would pay again; and it goes on only with the same."""
    rows = numbered(folder, 3)
    batch(rows, "-o", "out.jsonl")
    again, requests = batch(rows, "-o", "out.jsonl")
    assert (again.code, requests) == (Exit.WRONG, [])
    assert "--resume" in again.err
    done, requests = batch(rows, "-o", "out.jsonl", "--resume")
    assert (done.code, requests) == (Exit.OK, [])
    for other, says in (((rows, "country=US"), "inputs for every row"), (("more.jsonl",), "file of rows")):
        write_rows(folder, {"query": "a"}, name="more.jsonl")
        ended, requests = batch(*other, "-o", "out.jsonl", "--resume")
        assert (ended.code, requests) == (Exit.WRONG, [])
        assert says in ended.err


@pytest.mark.hazard("J2")
@pytest.mark.parametrize("begun", ["before", "meanwhile"])
def test_a_ledger_that_another_start_has_begun_at_the_same_moment_is_kept(
    batch: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    """Before this one opens it, or before this one begins it; with other inputs it is refused."""
    rows = numbered(folder, 3)
    batch(rows, "-o", "out.jsonl")
    task, looks = Journal.task, iter([None] if begun == "meanwhile" else [])
    monkeypatch.setattr(Journal, "task", property(lambda self: next(looks, task.__get__(self))))
    monkeypatch.setattr(Path, "exists", lambda self: False)
    ended, requests = batch(rows, "-o", "out.jsonl", "country=US")
    monkeypatch.undo()
    assert (ended.code, requests, states(folder / "out.jsonl.ledger")) == (Exit.WRONG, [], {"ok": 3})


@pytest.mark.hazard("J2")
def test_an_output_that_was_cut_is_mended(batch: Any, folder: Path) -> None:
    """The ledger has every outcome."""
    rows = numbered(folder, 5)
    batch(rows, "-o", "out.jsonl")
    whole = (folder / "out.jsonl").read_bytes()
    (folder / "out.jsonl").write_bytes(whole[:-100])
    _, requests = batch(rows, "-o", "out.jsonl", "--resume")
    assert ((folder / "out.jsonl").read_bytes(), requests) == (whole, [])


@pytest.mark.hazard("G9")
def test_what_would_refuse_every_row_ends_the_command_as_such(batch: Any, folder: Path) -> None:
    """It is told once, and the rows are still to do."""
    rows = numbered(folder, 30)
    ended, requests = batch(rows, "-o", "out.jsonl", answer=http(402, {"error": {"message": "No credit."}}))
    assert (ended.code, len(requests), ended.err.count("error: ")) == (Exit.CONNECTION, 1, 1)
    assert "30 not done (--resume goes on)" in ended.err
    ended, _ = batch(rows, "-o", "out.jsonl", "--resume")
    assert (ended.code, len(outcomes(folder / "out.jsonl"))) == (Exit.OK, 30)


@pytest.mark.hazard("J2")
def test_an_output_that_cannot_be_written_is_told_and_mended(
    batch: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: what was paid for is in the ledger."""
    rows = numbered(folder, 10)
    (folder / "out.jsonl").symlink_to("/dev/full")
    ended, _ = batch(rows, "-o", "out.jsonl")
    assert ended.code == Exit.FAULT
    assert "No space left on device. The ledger has every outcome" in ended.err
    (folder / "out.jsonl").unlink()
    ended, _ = batch(rows, "-o", "out.jsonl", "--resume")
    assert (ended.code, len(outcomes(folder / "out.jsonl"))) == (Exit.OK, 10)


# --- processes that are killed, interrupted, or several


class Service:
    """A server that counts how often it has worked on each row, with a tenth of its answers faults."""

    def __init__(self, *, faults: bool = True, at: Callable[[int], None] = lambda count: None) -> None:
        self.worked_on: Counter[int] = Counter()
        self._chance = random.Random(5)
        self._faults = faults
        self._at = at
        self._lock = threading.Lock()

    def __call__(self, received: Received) -> Wire:
        number = int(received.json["query"].split()[1])
        with self._lock:
            chance = self._chance.random() if self._faults else 1.0
            if chance < 0.03:  # not worked on: it may be sent again
                return http(503, {"error": {"message": "Later."}}, {"Retry-After": "0"})
            self.worked_on[number] += 1
            count = self.worked_on.total()
        self._at(count)
        if chance < 0.05:
            return (reset,)
        if chance < 0.07:
            return http(200, b"<html>")
        return http(500, {"error": {"message": "No."}}) if chance < 0.1 else FOUND


@pytest.fixture(scope="module")
def forks() -> Any:
    """Processes that start at once: what they import is there already."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["batch_child"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        ensure_running()
    return made


def _killed_at_random(
    folder: Path, forks: Any, count: int, kills: int, *more: str
) -> tuple[Service, int, int]:
    """Run to the end in spite of so many kills; the service, rows sent at the kills, and how many kills hit."""
    points = sorted(random.Random(7).sample(range(1, count * 9 // 10), kills))
    alive: list[Any] = []

    def at(done: int) -> None:
        if points and done >= points[0]:
            with suppress(IndexError):  # it is dead already
                alive.pop().kill()
                points.pop(0)

    service, in_flight, hits = Service(at=at), 0, 0
    rows = numbered(folder, count)
    with Loopback(service) as server:
        environment = {"PERPLEXITY_API_KEY": "pplx-test-batch", "CONNECTOR_HOME": str(folder / "home")}
        environment |= {"FOLDER": str(folder), "PERPLEXITY_BASE_URL": server.url}
        arguments = [rows, "-o", "out.jsonl", "--rate", "100000", "--at-once", "16", "--resume", *more]
        for _ in range(kills + 1):
            child = forks.Process(target=batch_child.run, args=(arguments, environment))
            child.start()
            alive.append(child)
            child.join(1200)
            if child.exitcode != -signal.SIGKILL:
                break
            hits += 1
            in_flight += states(folder / "out.jsonl.ledger").get("sent", 0)
        assert child.exitcode == Exit.FOUND
    return service, in_flight, hits


def _is_whole(folder: Path, count: int) -> list[Any]:
    """Every row has one outcome, in the order of the rows, and one final state."""
    found = outcomes(folder / "out.jsonl")
    assert [line["row"] for line in found] == list(range(1, count + 1))
    assert states(folder / "out.jsonl.ledger") == Counter(line["status"] for line in found)
    assert {line["status"] for line in found} <= {"ok", "failed", "unknown"}
    return found


@pytest.mark.hazard("J2", "J3")
@pytest.mark.parametrize(
    ("count", "kills"), [(800, 20), pytest.param(100_000, 20, marks=pytest.mark.slow)], ids=["800", "100000"]
)
def test_rows_survive_kills(folder: Path, forks: Any, count: int, kills: int, figure: Figure) -> None:
    """Killed at random points, every row has one outcome; only rows under way at a kill are sent again."""
    service, in_flight, hits = _killed_at_random(folder, forks, count, kills)
    found = _is_whole(folder, count)
    beyond_once = service.worked_on.total() - len(service.worked_on)
    assert (hits, beyond_once <= in_flight) == (kills, True)
    never = [line for line in found if line["row"] not in service.worked_on]
    assert [line["error"]["status"] for line in never] == [503] * len(never)  # refused at every attempt
    figure("J2", f"{count:,} rows, {kills} kills: 0 lost, no sends beyond once but of rows under way")


@pytest.mark.hazard("J2")
def test_no_repeat_sends_no_row_twice(folder: Path, forks: Any, figure: Figure) -> None:
    """What was under way at a kill is called unknown."""
    service, in_flight, hits = _killed_at_random(folder, forks, 400, 8, "--no-repeat")
    found = _is_whole(folder, 400)
    unknown = sum(line["status"] == "unknown" for line in found)
    assert (max(service.worked_on.values()), hits) == (1, 8)
    assert unknown == in_flight
    figure("J2", "400 rows, 8 kills, --no-repeat: 0 rows sent twice")


@pytest.mark.hazard("J2", "J3")
def test_two_processes_share_a_ledger(folder: Path, forks: Any, figure: Figure) -> None:
    """No row is run by both, and whoever ends last completes the output."""
    service = Service(faults=False)
    rows = numbered(folder, 600)
    with Loopback(service) as server:
        environment = {"PERPLEXITY_API_KEY": "pplx-test-batch", "CONNECTOR_HOME": str(folder / "home")}
        environment |= {"FOLDER": str(folder), "PERPLEXITY_BASE_URL": server.url}
        arguments = [rows, "-o", "out.jsonl", "--rate", "100000", "--at-once", "8", "--resume"]
        children = [forks.Process(target=batch_child.run, args=(arguments, environment)) for _ in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join(120)
    assert [child.exitcode for child in children].count(Exit.OK) >= 1
    assert (len(_is_whole(folder, 600)), set(service.worked_on.values())) == (600, {1})
    figure("J2", "600 rows by two processes on one ledger: 0 rows sent twice")


@pytest.mark.hazard("J2")
def test_rows_that_another_process_is_at_are_not_left_undone(batch: Any, folder: Path) -> None:
    """A process that finds nothing more to do says where the rows are, and has done well."""
    rows = numbered(folder, 3)
    arrived, over = threading.Barrier(4, timeout=60), threading.Event()

    def answer(_: Received) -> Wire:
        if not over.is_set():
            arrived.wait()
            over.wait(30)
        return FOUND

    with Loopback(answer) as server:
        environment = environment_of(folder, server)
        command = [sys.executable, "-m", "connector.cli", "batch", SEARCH, rows, "-o", "out.jsonl"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            arrived.wait()
            ended, _ = batch(rows, "-o", "out.jsonl", "--resume")
            over.set()
            assert process.wait(30) == Exit.OK
    assert (ended.code, "3 rows: 3 under way in another process." in ended.err) == (Exit.OK, True)
    assert len(outcomes(folder / "out.jsonl")) == 3


@pytest.mark.hazard("J2")
def test_what_another_process_spends_may_leave_room(folder: Path) -> None:
    """A second process waits for what the first row costs, and then takes its part."""
    rows = write_rows(folder, *({"messages": [{"role": "user", "content": f"{n}"}]} for n in range(20)))
    usage = {"cost": {"total_cost": 0.01}}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]}
    said = {"id": "x", "status": "completed", "model": "m", "output": [message], "usage": usage}
    arrived, over = threading.Event(), threading.Event()

    def answer(_: Received) -> Wire:
        arrived.set()
        over.wait(30)
        return http(200, said)

    with Loopback(answer) as server:
        environment = environment_of(folder, server)
        chat = [
            "perplexity.create_chat_completion",
            rows,
            "model=sonar",
            "-o",
            "out.jsonl",
            "--max-cost",
            "5",
        ]
        command = [sys.executable, "-m", "connector.cli", "batch", *chat, "--resume"]
        first = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        arrived.wait(30)
        second = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(2)
        over.set()
        told = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert ([first.returncode, second.returncode], b"Stopped" in b"".join(told)) == ([0, 0], False)
    assert [line["status"] for line in outcomes(folder / "out.jsonl")] == ["ok"] * 20


@pytest.mark.hazard("J7")
@pytest.mark.parametrize(
    ("sign", "times"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGTERM, 2)]
)
def test_ctrl_c_stops_and_a_second_one_does_not_wait(
    folder: Path, sign: signal.Signals, times: int, figure: Figure
) -> None:
    """Exit code 130 each time, for the signal TERM too.

    No outcome is lost, and no row that was under way is taken for one that was not.
    """
    rows = numbered(folder, 200)
    over = threading.Event()
    arrived = threading.Barrier(9, timeout=60)

    def answer(received: Received) -> Wire:
        number = int(received.json["query"].split()[1])
        if 40 < number <= 48:
            arrived.wait()
            over.wait(30)
        return FOUND

    with Loopback(answer) as server:
        environment = environment_of(folder, server)
        command = [sys.executable, "-m", "connector.cli", "batch", SEARCH, rows, "-o", "out.jsonl"]
        with subprocess.Popen(
            [*command, "--at-once", "8"], env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            arrived.wait()
            process.send_signal(sign)
            assert process.stderr.readline().startswith("Stopping: ")
            if times == 2:
                process.send_signal(sign)
                process.wait(30)
            over.set()
            assert process.wait(30) == Exit.INTERRUPTED
            told = process.stderr.read()
        sent = len(server.requests)
    left = states(folder / "out.jsonl.ledger")
    assert f"; {left['ok']} now" in told
    assert (left["ok"], left.get("sent", 0)) == ((sent, 0) if times == 1 else (sent - 8, 8))
    assert len(outcomes(folder / "out.jsonl")) == left["ok"]
    figure("J7", f"{times}x Ctrl-C or TERM with 8 rows under way: exit 130, 0 outcomes lost")


MEMORY = """
import resource
from connector.cli import main
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
main(["batch", "perplexity.execute_search", "few.jsonl", "-o", "few.out.jsonl", "--rate", "100000"])
before = peak()
code = main(["batch", "perplexity.execute_search", "rows.jsonl", "-o", "out.jsonl", "--rate", "100000"])
print(code, peak() - before)
"""


@pytest.mark.hazard("J1")
@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_rows(folder: Path, count: int, figure: Figure) -> None:
    """In a process of its own, after a run of 100 rows."""
    numbered(folder, 100)
    (folder / "rows.jsonl").rename(folder / "few.jsonl")
    numbered(folder, count)
    with Loopback(FOUND) as server:
        environment = environment_of(folder, server)
        done = subprocess.run(
            [sys.executable, "-c", MEMORY], env=environment, capture_output=True, text=True, check=True
        )
        code, grown = map(int, done.stdout.split())
    assert (code, grown < 16) == (0, True)
    figure("J1", f"{count:,} rows: peak within 16 MB of that of 100 rows")


@pytest.mark.hazard("J4", "J8")
def test_no_more_files_are_open_than_the_system_allows(folder: Path, figure: Figure) -> None:
    """With 64, the window is smaller, and nothing fails."""
    rows = numbered(folder, 300)
    script = 'ulimit -n 64; exec "$0" -m connector.cli batch perplexity.execute_search "$@"'
    with Loopback(FOUND) as server:
        environment = environment_of(folder, server)
        done = subprocess.run(
            [
                "sh",
                "-c",
                script,
                sys.executable,
                rows,
                "-o",
                "out.jsonl",
                "--rate",
                "100000",
                "--at-once",
                "200",
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, server.connections <= 32) == (0, True), done.stderr
    assert states(folder / "out.jsonl.ledger") == {"ok": 300}
    figure("J8", "300 rows with 64 open files and --at-once 200: 0 errors")


# --- the page

PAGE = (Path(__file__).parent.parent / "docs" / "batch.md").read_text(encoding="utf-8")


def test_the_commands_of_the_page_work(
    cli: Any, folder: Path, sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after another, with the files that it shows."""
    tables = re.findall(r"^```csv\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for name, table in zip(("rows.csv", "questions.csv"), tables, strict=True):
        (folder / name).write_text(table, encoding="utf-8")
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-page")
    monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox_url)
    shown = re.findall(r"^connector (.*)$", PAGE, re.MULTILINE)
    assert len(shown) == 3
    for command in shown:
        ended = cli(*shlex.split(command))
        assert ended.code == Exit.OK, ended.err
    assert [line["outputs"]["count"] for line in outcomes(folder / "found.jsonl")] == [3, 2]
    with (folder / "answers.csv").open(newline="", encoding="utf-8") as file:
        assert [bool(row["content"] and float(row["cost"])) for row in csv.DictReader(file)] == [True, True]


def test_the_page_names_every_option_that_it_explains() -> None:
    """What it calls an option is one."""
    known = {name for option in connector.cli.batch.batch.params for name in option.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known
