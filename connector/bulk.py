"""Many runs of one action: a window of them under way at once, every step of every row kept in a journal.

Nothing here grows with the number of rows: inputs are taken from the journal when there is room for them, and
outcomes go back as they come. What is waited for is one turn: all that has happened since the last, in one
transaction. A request goes out only after the turn that says so.

A row that the service has certainly not worked on (it asked too fast, there was no connection, its turn did
not come in time) is put back. What would refuse every row - the key, the credit, no service at all - stops
the run instead of using the rows up.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connector import transport as network
from connector.connection import Connection
from connector.errors import ConnectorError, CredentialError, InputError, Timeout, TransportError, Unreachable
from connector.journal import Ended, Journal, failure, outcome
from connector.ledger import cost_of, model_of, tokens_of
from connector.manifest import Limits
from connector.output import Result
from connector.run_async import AsyncOpenConnection
from connector.watched import UnderWay, Watched, current

STOPPING: Final = frozenset({"bad_credential", "no_credit", "not_allowed", "retired"})
"""Kinds of errors that every further row would end with too."""

_GATHER: Final = 0.004  # seconds: what happens within them goes into one turn, and one wait for the disk
_ALONE: Final = 2.0  # seconds that the first row goes alone at most: a wrong key costs one request, not fifty
_SOON: Final = 1.0  # a row is taken when its turn is that near: its deadline counts from then on
_PAUSE: Final = 0.1  # seconds without new rows, for each row in a row that was put back
_LONGEST_PAUSE: Final = 5.0
_FOR_OTHERS: Final = 0.5  # seconds until it is looked again what the rows of other processes have cost
_WARNINGS: Final = 10
_ROUNDS: Final = 5  # how often one row is put back
_OUTAGE: Final = 20  # rows put back one after another, and as many as the window holds: nothing works


@dataclass(frozen=True, slots=True)
class Job:
    """What to run for each row.

    Attributes:
        action: its id.
        inputs: for every row; a row's own come before them.
        at_once: rows under way at most.
        limits: of the requests.
        max_cost: US dollars, or None. With it, only as many rows are under way as it allows if each costs
            as much as the dearest so far; the first of all goes alone.
        how: further arguments of `run`: route, strict, deadline, retries.
    """

    action: str
    inputs: Mapping[str, Any]
    at_once: int
    limits: Limits
    max_cost: float | None = None
    how: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Used:
    """What runs with one model have used."""

    runs: int = 0
    tokens: int = 0
    cost: float = 0.0
    priced: int = 0


@dataclass(slots=True)
class Standing:
    """How far this process has come."""

    ok: int = 0
    failed: int = 0
    cost: float = 0.0
    is_stopped: bool = False
    error: ConnectorError | OSError | None = None  # what stopped it
    is_interrupted: bool = False  # by a person
    is_spent: bool = False  # max_cost leaves no room for another row
    used: dict[str | None, Used] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)  # the first few; each outcome has its own


class Bulk:
    """One process's part of a bulk run."""

    def __init__(
        self,
        connection: Connection,
        journal: Journal,
        job: Job,
        *,
        watch: Callable[[Standing], None] = lambda standing: None,
        no_repeat: bool = False,
        transport: network.AsyncTransport | None = None,
    ) -> None:
        """Prepare it.

        Args:
            connection: what the rows run on.
            journal: with the rows in it.
            job: what to run.
            watch: called after every turn. An error of it stops the run.
            no_repeat: rows of processes that died become `unknown` where they had been sent.
            transport: what to send through, for tests. It is closed at the end.
        """
        self.standing = Standing()
        self._connection = connection
        self._journal = journal
        self._job = job
        self._watch = watch
        self._no_repeat = no_repeat
        self._for_tokens = transport  # which no row is charged with
        self._transport = Watched(
            transport or network.open_async_transport(),
            self._about_to_send,
            connection.connector.retry.statuses,
        )
        self._rows: dict[int, UnderWay] = {}
        self._ended: list[Ended] = []
        self._marked: list[tuple[int, asyncio.Future[None]]] = []
        self._put_back: Counter[int] = Counter()
        self._put_back_in_a_row = 0
        self._dearest = journal.dearest() or None  # of runs that were before, or are beside this one
        self._is_alone = True
        self._is_paused = False
        self._resuming: asyncio.TimerHandle | None = None

    async def run(self) -> Standing:
        """Run the rows that are to do, until there are none or something stops it.

        Raises:
            ConnectorError, OSError: what stopped it. Rows that were not sent are still to do.
        """
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        aside = network.open_async_transport()
        self._open = AsyncOpenConnection(
            self._connection, self._transport, self._job.limits, for_tokens=self._for_tokens or aside
        )
        alone = self._loop.call_later(_ALONE, self._together)
        try:
            async with self._open:
                try:
                    await self._work()
                finally:  # before the connections break: a row that is given up has not failed
                    left = [row.task for row in self._rows.values() if row.task]
                    for task in left:
                        task.cancel()
                    await asyncio.gather(*left, return_exceptions=True)
        finally:
            alone.cancel()
            if self._resuming is not None:
                self._resuming.cancel()
            await aside.aclose()
        if self.standing.error is not None:
            raise self.standing.error
        return self.standing

    def stop(self, error: ConnectorError | OSError | None = None) -> None:
        """Send nothing more. What is under way comes to its end."""
        if self.standing.is_stopped:
            return
        self.standing.is_stopped, self.standing.error = True, error
        self._transport.is_stopped = True
        for row in list(self._rows.values()):
            if row.waits and row.has_begun and row.task:  # what is cancelled before it begins never ends
                row.task.cancel()
        self._news.set()

    # --- turns

    async def _work(self) -> None:
        while True:
            room = self._room()
            has_taken = self._turn(room)
            if not self._rows and (self.standing.is_stopped or not self._is_paused):
                if self.standing.is_stopped:
                    self._turn(0, is_last=True)
                    return
                if room <= 0 and self._journal.elsewhere():  # what those cost may leave room
                    self._pause(_FOR_OTHERS)
                elif not has_taken and not self._journal.recover(no_repeat=self._no_repeat):
                    self.standing.is_spent = room <= 0 and self._journal.states()["todo"] > 0
                    return
                else:
                    self._news.set()
            await self._news.wait()
            if self._rows:
                await asyncio.sleep(_GATHER)
            self._news.clear()

    def _room(self) -> int:
        """How many rows to take."""
        if self.standing.is_stopped or self._is_paused:
            return 0
        if (wait := self._open.next_turn()) > _SOON:
            self._pause(wait)
            return 0
        room = min((1 if self._is_alone else self._job.at_once) - len(self._rows), self._queue())
        if self._job.max_cost is not None:
            room = min(room, self._affordable(self._job.max_cost))
        return max(room, 0)

    def _queue(self) -> int:
        """How many more rows can wait for their turn and have it soon."""
        limits = self._job.limits
        if limits.requests is None:
            return self._job.at_once
        waiting = sum(not row.requests for row in self._rows.values())
        return max(int(limits.requests / limits.seconds * _SOON), 1) - waiting

    def _affordable(self, most: float) -> int:
        left, under_way = most - self._journal.spent(), self._journal.under_way()
        own_ended = len(self._ended)  # they are counted among those under way, until the turn
        left -= sum(ended.cost for ended in self._ended)
        if left <= 0:
            return 0
        if self._dearest is None:
            self._dearest = self._journal.dearest() or None  # another process may know by now
        if self._dearest is None:
            return 1 - under_way + own_ended
        rows = left / self._dearest + 1e-9 if self._dearest else float(self._job.at_once)
        return int(min(rows, 1e6)) - under_way + own_ended

    def _turn(self, room: int, *, is_last: bool = False) -> bool:
        """Commit what has happened, start what there is room for; gives whether there was any."""
        ended, self._ended = self._ended, []
        # a row that was cancelled while it waited is among those that have ended, and is not sent
        marked, self._marked = [one for one in self._marked if not one[1].done()], []
        if not (ended or marked or room):
            return False
        try:
            taken = self._journal.turn(ended, [number for number, _ in marked], room)
        except ConnectorError as error:
            self._ended = [*ended, *self._ended]
            if is_last:  # it has been tried twice
                raise
            self.stop(error)
            return False
        for _, goes in marked:
            goes.set_result(None)
        for one in taken:
            row = UnderWay(one)
            self._rows[one.number] = row
            row.task = self._loop.create_task(self._run(row))
        try:
            self._watch(self.standing)
        except (ConnectorError, OSError) as error:
            self.stop(error)
        return bool(taken)

    def _together(self) -> None:
        """The first row has shown that rows can go; or it takes long, and the others need not wait for it."""
        if self._job.max_cost is None or self._dearest is not None:
            self._is_alone = False
            self._news.set()

    def _pause(self, seconds: float) -> None:
        """Take no rows for a while."""
        if not self._is_paused:
            self._is_paused = True
            self._resuming = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._is_paused = False
        self._news.set()

    # --- one row

    async def _run(self, row: UnderWay) -> None:
        current.set(row)
        row.has_begun = True
        try:
            if self.standing.is_stopped:
                raise asyncio.CancelledError
            inputs = {**self._job.inputs, **json.loads(row.taken.inputs)}
            result = await self._open.run(self._job.action, inputs, **self._job.how)
            ended = self._succeeded(row, result)
        except asyncio.CancelledError:
            ended = self._again(row)  # unless the run itself has ended: then nothing is committed any more
        except ConnectorError as error:
            ended = self._failed(row, error)
        except Exception as error:  # noqa: BLE001 - one row must not end the others
            message = f"line {row.taken.line}: a fault of this program ({type(error).__name__})."
            ended = self._gone(row, failure("fault", message, "Please report it."), 0.0)
        del self._rows[row.taken.number]
        self._ended.append(ended)
        self._news.set()

    async def _about_to_send(self, row: UnderWay) -> None:
        """Wait until the journal says that the row has been sent."""
        goes = self._loop.create_future()
        self._marked.append((row.taken.number, goes))
        self._news.set()
        await goes

    def _succeeded(self, row: UnderWay, result: Result) -> Ended:
        self._settled(row)
        outputs = result.outputs
        used = self.standing.used.setdefault(model_of(outputs.get("model")), Used())
        used.runs += 1
        used.tokens += tokens_of(outputs.get("total_tokens")) or 0
        cost = cost_of(outputs.get("total_cost"))
        if cost is None:
            if self._job.max_cost is not None and self._dearest is None:
                self.stop(_unpriced(self._job.action))
        else:
            used.cost += cost
            used.priced += 1
            self._dearest = max(cost, self._dearest or 0.0)
            self._together()
        self.standing.ok += 1
        counted = (self._dearest or 0.0) if cost is None else cost
        self.standing.cost += cost or 0.0
        attempts = row.taken.attempts + result.attempts
        if len(self.standing.warnings) < _WARNINGS:
            self.standing.warnings.update(result.warnings)
        line = outcome(
            row.taken.number, "ok", attempts, outputs=result.outputs, cost=cost, warnings=result.warnings
        )
        return Ended(row.taken.number, "ok", attempts, counted, line)

    def _failed(self, row: UnderWay, error: ConnectorError) -> Ended:
        if error.kind in STOPPING or isinstance(error, CredentialError):
            self.stop(error)
            return self._again(row)
        if _is_undone(row, error) and self._goes_back(row, error):
            return self._again(row)
        self._settled(row, has_answer=not _is_undone(row, error))
        hidden = self._connection.redactor.text
        said = failure(
            error.kind,
            hidden(_message(row.taken.line, error)),
            hidden(error.hint),
            status=getattr(error, "status", None),
            request_id=error.request_id,
        )
        may_be_paid = isinstance(error, TransportError) and row.requests > 0
        return self._gone(row, said, (self._dearest or 0.0) if may_be_paid else 0.0)

    def _goes_back(self, row: UnderWay, error: ConnectorError) -> bool:
        """Whether a row that the service has not worked on is to be run again."""
        if isinstance(error, Timeout):
            self._pause(max(self._open.next_turn(), _GATHER))
            return True
        self._put_back_in_a_row += 1
        if self._put_back_in_a_row >= (_ROUNDS if self._is_alone else _OUTAGE + self._job.at_once):
            self.stop(error)
            return True
        if self._job.how.get("retries") == 0:
            return False
        self._pause(min(_PAUSE * self._put_back_in_a_row, _LONGEST_PAUSE))
        self._put_back[row.taken.number] += 1
        rounds = self._put_back[row.taken.number]
        # where no row has been answered since, it is not this one's fault
        return rounds <= _ROUNDS or rounds <= self._put_back_in_a_row

    def _settled(self, row: UnderWay, *, has_answer: bool = True) -> None:
        self._put_back.pop(row.taken.number, None)
        if row.requests and has_answer:
            self._put_back_in_a_row = 0
            self._together()

    def _again(self, row: UnderWay) -> Ended:
        return Ended(row.taken.number, "todo", row.taken.attempts + row.requests, 0.0)

    def _gone(self, row: UnderWay, error: Mapping[str, Any], cost: float) -> Ended:
        self.standing.failed += 1
        attempts = row.taken.attempts + row.requests
        line = outcome(row.taken.number, "failed", attempts, error=error)
        return Ended(row.taken.number, "failed", attempts, cost, line)


def _is_undone(row: UnderWay, error: ConnectorError) -> bool:
    """Whether the service has certainly not worked on the row."""
    if error.partial_text is not None:
        return False
    was_late = isinstance(error, Timeout) and not row.requests
    return was_late or error.kind == "rate_limited" or isinstance(error, Unreachable)


def _message(line: int, error: ConnectorError) -> str:
    if isinstance(error, InputError):
        return f"line {line}: " + " ".join(f"{one.where}: {one.message}" for one in error.problems)
    return error.message


def _unpriced(action: str) -> ConnectorError:
    return CredentialError(
        "The answer names no cost, so --max-cost cannot be kept.",
        where=f"action {action}",
        hint="Run it without --max-cost, or through a connection whose answers name their cost.",
    )
