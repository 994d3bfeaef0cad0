"""`connector batch`: one action for every row of a file, with a ledger that survives whatever ends the run."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from connector.cli.endings import RUNS, Exit, closing
from connector.cli.inputs import gather
from connector.cli.naming import complete_action, find_action
from connector.cli.opening import open_connection
from connector.cli.streams import tell
from connector.errors import ConnectorError, InputError, Problem

if TYPE_CHECKING:
    from connector.bulk import Bulk, Job
    from connector.cli.batch_shown import Shown
    from connector.connection import Connection
    from connector.journal import Journal, Task
    from connector.manifest import Action, Limits

_AT_ONCE: Final = 50
_OTHER_FILES: Final = 32  # open files that are not connections

_HELP = """Run an action for every row of a file.

    ROWS is a .jsonl file with an object of inputs in each line, or a .csv file whose first line names the
    inputs (or places in them: messages[0].content; a column name:= holds JSON); - reads JSON Lines from stdin.
    INPUTs (name=text or name:=json) are for every row; a row's own come before them.

    OUT (.jsonl or .csv) has a line for each row, in the order of the rows: its status (ok, failed, unknown),
    outputs or error, attempts and cost. A row that is wrong or fails never stops the others.

    A ledger beside OUT knows what has become of each row. Whatever ends the run, --resume goes on: only rows
    that were under way are sent again, or none with --no-repeat, which calls them unknown. Several processes
    may work on one ledger: start the others with --resume.

    A wrong key, no credit or no service stop the run; rows that were not sent are still to do. Ctrl-C, or the
    signal TERM, waits for what is under way and stops; a second one does not wait.
"""


@click.command(
    "batch",
    short_help="Run an action for every row of a file.",
    help=_HELP,
    epilog=closing(
        "connector batch perplexity.execute_search rows.csv -o found.jsonl max_results:=3",
        "connector batch perplexity.execute_search rows.csv -o found.jsonl max_results:=3 --resume",
        ends=sorted({*RUNS, Exit.FOUND, Exit.FAULT} - {Exit.DRIFT}),
    ),
)
@click.argument("action", shell_complete=complete_action)
@click.argument("rows")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[INPUT]...")
@click.option("-o", "--out", required=True, metavar="OUT", help="Where the outcomes go: .jsonl or .csv.")
@click.option("--resume", is_flag=True, help="Go on with the ledger of an earlier run, or beside others.")
@click.option("--no-repeat", is_flag=True, help="Never send a row twice that an earlier run had sent.")
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="Rows under way at most; 50 if absent.")
@click.option(
    "--rate", type=float, metavar="N", help="Requests a second at most; the manifest's limit if absent."
)
@click.option(
    "--max-cost",
    type=float,
    metavar="USD",
    help="Send no row that could take the cost above this. The first row goes alone; from then on each row "
    "under way counts as the dearest so far, and a dearer one exceeds the cap by the difference.",
)
@click.option("--deadline", type=float, metavar="SECONDS", help="For each row; the manifest's if absent.")
@click.option("--retries", type=int, metavar="N", help="Further attempts of a row at most; 0 for none.")
@click.option("--connection", metavar="NAME", help="A saved connection, as for run.")
@click.option("--base-url", metavar="URL", help="Where requests go, such as a sandbox or a gateway.")
@click.option("--route", metavar="NAME", help="The route to take, whatever the connection says.")
@click.option("--strict", is_flag=True, help="An input that the route cannot carry is an error.")
@click.option("--ledger", metavar="FILE", help="The ledger; OUT.ledger if absent.")
def batch(
    action: str,
    rows: str,
    arguments: tuple[str, ...],
    out: str,
    resume: bool,
    no_repeat: bool,
    at_once: int | None,
    rate: float | None,
    max_cost: float | None,
    deadline: float | None,
    retries: int | None,
    connection: str | None,
    base_url: str | None,
    route: str | None,
    strict: bool,
    ledger: str | None,
) -> None:
    from connector.opened import check_bounds

    check_bounds(deadline, retries)
    inputs = gather(arguments, None)
    connector, chosen = find_action(action)
    _check_options(rate, max_cost, route, chosen)
    with open_connection(connector, connection, base_url) as opened:
        used = opened.connection
    from connector.bulk import Job
    from connector.cli.batch_shown import Shown

    limits = _limits(connector.limits, at_once, rate)
    how = {"route": route, "strict": strict, "deadline": deadline, "retries": retries}
    job = Job(chosen.id, inputs, limits.at_once or 1, limits, max_cost, how)
    paths = Path(out), Path(ledger or f"{out}.ledger")
    with ExitStack() as stack:
        _check_apart(rows, *paths)
        with _opened(rows) as file:
            journal = _journal(file, rows, paths, inputs, chosen, connector.id, resume=resume)
        stack.enter_context(journal)
        journal.recover(no_repeat=no_repeat, own=True)
        shown = stack.enter_context(Shown(journal, paths[0], chosen, connector))
        _work(used, journal, job, shown, no_repeat=no_repeat)
        code = shown.summed_up()
    if code:
        raise click.exceptions.Exit(code)


def _check_options(rate: float | None, max_cost: float | None, route: str | None, action: Action) -> None:
    problems = []
    if rate is not None and not 0.001 <= rate <= 1e6:
        problems.append(Problem("--rate", "It is not a number of requests a second.", "Give one, such as 5."))
    if max_cost is not None and not 0 < max_cost < 1e9:
        problems.append(Problem("--max-cost", "It is not a sum of US dollars.", "Give one, such as 2.50."))
    elif max_cost is not None and "total_cost" not in action.output_fields:
        message = f"The answers of {action.id} name no cost, so it cannot be kept."
        problems.append(Problem("--max-cost", message, "Leave it out, and run fewer rows."))
    if route is not None and route not in action.routes:
        from connector.errors import did_you_mean

        message = f"{action.id} has no route {route!r}."
        problems.append(Problem("--route", message, did_you_mean(route, action.routes)))
    if problems:
        raise InputError(problems)


def _limits(declared: Limits, at_once: int | None, rate: float | None) -> Limits:
    """The connection's limits, with what the command line says, and no more at once than files can be open."""
    from connector.manifest import Limits

    places = min(at_once or _AT_ONCE, declared.at_once or sys.maxsize)
    with suppress(ImportError):  # Windows has no such limit
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if most != resource.RLIM_INFINITY:
            places = max(min(places, most - _OTHER_FILES), 1)
    if rate is None:
        return Limits(requests=declared.requests, seconds=declared.seconds, at_once=places)
    whole = Fraction(str(rate)).limit_denominator(1000)
    return Limits(requests=whole.numerator, seconds=float(whole.denominator), at_once=places)


# --- rows and ledger


def _journal(
    file: BinaryIO,
    rows: str,
    paths: tuple[Path, Path],
    inputs: Mapping[str, Any],
    action: Action,
    connector_id: str,
    *,
    resume: bool,
) -> Journal:
    """The ledger, with the rows in it."""
    from connector.journal import Journal, Task, fingerprint
    from connector.rows import read

    out, path = paths
    where = "stdin" if rows == "-" else rows
    task = Task(f"{connector_id}.{action.id}", json.dumps(inputs, sort_keys=True), fingerprint(file))
    # a wrong first line is told before there is a ledger
    found = read(file, where, as_csv=_is_csv(rows), inputs=action.input_fields)
    is_new = not path.exists()
    if is_new and out.exists() and out.stat().st_size:
        hint = "Move it away, or name another file with -o."
        raise InputError([Problem(str(out), "It is there already, and has no ledger.", hint)])
    with file:
        journal = Journal(path)
        try:
            if (earlier := journal.task) is not None:
                _check_same(path, task, earlier, resume=resume)
            else:
                journal.begin(task, found, where)
                _check_same(path, task, journal.task or task, resume=True)  # another may have begun it
        except BaseException:
            is_empty = is_new
            with suppress(ConnectorError):
                is_empty = is_new and journal.task is None
            journal.close()
            if is_empty:
                for name in (path.name, f"{path.name}.lock"):
                    path.with_name(name).unlink(missing_ok=True)
            raise
    return journal


def _check_same(path: Path, task: Task, earlier: Task, *, resume: bool) -> None:
    if not resume:
        hint = "Go on with it by --resume; or remove it and the output to begin anew, which pays for all rows again."
        raise InputError([Problem(str(path), "It is the ledger of an earlier run.", hint)])
    if other := task.differs(earlier):
        hint = "Give what the earlier run was given, or name another output with -o."
        raise InputError([Problem(str(path), f"It is the ledger of a run with another {other}.", hint)])


def _is_csv(rows: str) -> bool:
    suffix = Path(rows).suffix.lower()
    if rows != "-" and suffix not in {".csv", ".jsonl", ".ndjson"}:
        message = "Its name does not say whether it is JSON Lines or CSV."
        raise InputError([Problem(rows, message, "Call it .jsonl or .csv.")])
    return suffix == ".csv"


def _check_apart(rows: str, out: Path, ledger: Path) -> None:
    if out.suffix.lower() not in {".csv", ".jsonl", ".ndjson"}:
        hint = "Call it .jsonl or .csv."
        raise InputError(
            [Problem(str(out), "Its name does not say whether to write JSON Lines or CSV.", hint)]
        )
    places = [str(place.resolve()) for place in (Path(rows), out, ledger) if str(place) != "-"]
    if len(set(places)) < len(places):
        hint = "Give the output and the ledger names of their own."
        raise InputError([Problem(str(out), "One file would be read and written.", hint)])


@contextmanager
def _opened(rows: str) -> Iterator[BinaryIO]:
    """The file of rows; stdin as a file that can be read twice."""
    try:
        if rows != "-":
            with Path(rows).open("rb") as file:
                file.read(1)  # a folder
                file.seek(0)
                yield file
            return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a path"
        raise InputError([Problem(rows, f"It cannot be read: {reason}.", "Check ROWS.")]) from None
    with tempfile.TemporaryFile() as copy:
        while piece := sys.stdin.buffer.read(1 << 20):
            copy.write(piece)
        copy.seek(0)
        yield copy


# --- the run


def _work(connection: Connection, journal: Journal, job: Job, shown: Shown, *, no_repeat: bool) -> None:
    from connector.bulk import Bulk

    bulk = Bulk(connection, journal, job, watch=shown.turn, no_repeat=no_repeat)
    shown.standing = bulk.standing

    async def run() -> None:
        with _interrupts(bulk, asyncio.current_task()):
            await bulk.run()

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        shown.finish()


@contextmanager
def _interrupts(bulk: Bulk, task: asyncio.Task[None] | None) -> Iterator[None]:
    """The first Ctrl-C or TERM stops sending, the second ends the run."""
    loop = asyncio.get_running_loop()

    def interrupted(_number: int, _frame: object) -> None:
        if not bulk.standing.is_interrupted:
            bulk.standing.is_interrupted = True
            loop.call_soon_threadsafe(bulk.stop)
            tell("Stopping: what is under way comes to its end. A second time does not wait for it.")
        elif task is not None:
            loop.call_soon_threadsafe(task.cancel)

    before: dict[signal.Signals, Any] = {}
    with suppress(ValueError):  # not the main thread, which gets no signals either
        for sign in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(sign) != signal.SIG_IGN:  # as of a shell that has set it aside
                before[sign] = signal.signal(sign, interrupted)
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
