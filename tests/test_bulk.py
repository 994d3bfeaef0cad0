"""The window of a bulk run: what is sent, put back, stopped and counted. No server: a transport that is scripted."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.bulk import Bulk, Job, Standing
from connector.connection import Connection, resolve
from connector.errors import ApiError, ConnectorError, Unreachable
from connector.journal import Journal, Task
from connector.loading import load
from connector.manifest import Limits
from connector.rows import Row
from connector.watched import UnderWay

SEARCH, CHAT = "execute_search", "create_chat_completion"
Figure = Callable[[str, str], None]
Answer = Callable[[int, int], "httpx.Response | Exception | float"]
"""From a row's number and how often it came to an answer, an error, or seconds before a good answer."""


@cache
def connection() -> Connection:
    shipped = load("perplexity")
    quick = replace(shipped, retry=replace(shipped.retry, first_wait=0.01))
    return resolve(quick, {"api_key": "pplx-test-bulk"}, environ={})


class Service(httpx.AsyncBaseTransport):
    """Answers as scripted, and keeps what came and how much was under way at once."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.came: Counter[int] = Counter()
        self.at_once = 0
        self.most_at_once = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        number = int(re.findall(rb"row (\d+)", await request.aread())[0])
        self.came[number] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            answer = self._answer(number, self.came[number])
            await asyncio.sleep(answer if isinstance(answer, float) else 0)
        finally:
            self.at_once -= 1
        if isinstance(answer, Exception):
            raise answer
        return found() if isinstance(answer, float) else answer


def found() -> httpx.Response:
    return httpx.Response(200, json={"id": "x", "results": []})


def said(cost: float | None = 0.01) -> httpx.Response:
    usage = {"total_tokens": 10, "cost": {"total_cost": cost}}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]}
    body = {"id": "x", "status": "completed", "model": "m", "output": [message], "usage": usage}
    return httpx.Response(200, json=body)


def refused(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": "No."}}, headers=headers)


def journal(path: Path, count: int, action: str = SEARCH, **wrong: Mapping[str, Any]) -> Journal:
    """A ledger with so many rows; `wrong` has the inputs of rows (row3=...) that are others."""
    made = Journal(path / "ledger")

    def inputs(number: int) -> dict[str, Any]:
        row = f"row {number}"
        good: dict[str, Any] = {"query": row}
        if action == CHAT:
            good = {"messages": [{"role": "user", "content": row}], "model": "sonar"}
        return {**good, **wrong.get(f"row{number}", {})}

    made.begin(Task(action, "{}", ""), (Row(n, inputs(n)) for n in range(1, count + 1)), "rows")
    return made


def run(kept: Journal, service: Service, **changes: Any) -> Bulk:
    """Run it to its end; an error that stops it is in `standing.error`."""
    watch = changes.pop("watch", lambda standing: None)
    job = {"action": SEARCH, "inputs": {}, "at_once": 8, "limits": Limits(), **changes}
    bulk = Bulk(connection(), kept, Job(**job), watch=watch, transport=service)

    async def ran() -> None:
        try:
            await asyncio.wait_for(bulk.run(), 20)
        except (ConnectorError, OSError) as error:
            assert error is bulk.standing.error  # noqa: PT017

    asyncio.run(ran())
    return bulk


def lines(kept: Journal) -> list[Any]:
    return [json.loads(line) for line in kept.outcomes(0)]


@pytest.mark.hazard("J3")
def test_every_row_has_its_outcome_in_the_order_of_the_rows(tmp_path: Path, figure: Figure) -> None:
    """Later rows may end first, and a tenth of them fail."""
    service = Service(lambda n, _: refused(400) if n % 10 == 0 else 0.02 / n)
    with journal(tmp_path, 200) as kept:
        run(kept, service)
        outcomes = lines(kept)
    assert [line["row"] for line in outcomes] == list(range(1, 201))
    right = sum(line["status"] == ("failed" if line["row"] % 10 == 0 else "ok") for line in outcomes)
    assert right == 200
    assert set(service.came.values()) == {1}
    figure("J3", f"{right} of 200 rows right with 10 % faults, in order, each sent once")


def test_an_outcome_says_what_came_of_the_row(tmp_path: Path) -> None:
    """Outputs, or an error with kind, message, hint, status and request id."""
    service = Service(lambda n, _: refused(400, **{"x-request-id": "req-7"}) if n == 2 else 0.0)
    with journal(tmp_path, 2) as kept:
        run(kept, service)
        good, bad = lines(kept)
    assert (good["status"], good["attempts"], good["outputs"]["count"]) == ("ok", 1, 0)
    assert (bad["status"], bad["attempts"], sorted(bad["error"])) == (
        "failed",
        1,
        ["hint", "kind", "message", "request_id", "status"],
    )
    assert (bad["error"]["kind"], bad["error"]["status"]) == ("bad_input", 400)


def test_what_a_route_cannot_carry_is_told_with_the_row(tmp_path: Path) -> None:
    """And for the whole run, once."""
    service = Service(lambda n, _: said())
    with journal(tmp_path, 3, CHAT, row2={"top_k": 5}) as kept:
        told = run(kept, service, action=CHAT).standing.warnings
        assert [line.get("warnings", []) for line in lines(kept)] == [[], list(told), []]
    assert "top_k is not sent" in next(iter(told))


@pytest.mark.hazard("J1")
def test_no_more_rows_are_under_way_than_may_be(tmp_path: Path, figure: Figure) -> None:
    """Neither requests nor rows that are held in memory."""
    service = Service(lambda n, _: 0.002)
    held = 0

    def watch(_: Standing) -> None:
        nonlocal held
        held = max(held, kept.under_way())

    with journal(tmp_path, 120) as kept:
        run(kept, service, at_once=7, watch=watch)
    assert (service.most_at_once, held) == (7, 7)
    figure("J1", "at most 7 of 120 rows held with a window of 7")


def test_a_row_that_is_wrong_is_not_sent_and_knows_its_line(tmp_path: Path) -> None:
    """Every problem of its inputs is told, and the other rows run."""
    service = Service(lambda n, _: 0.0)
    with journal(tmp_path, 3, row2={"max_results": "many", "qeury": 1}) as kept:
        run(kept, service)
        outcomes = lines(kept)
    assert [line["status"] for line in outcomes] == ["ok", "failed", "ok"]
    assert outcomes[1]["attempts"] == 0
    assert outcomes[1]["error"]["message"].startswith("line 2: max_results: ")
    assert "qeury" in outcomes[1]["error"]["message"]
    assert service.came == {1: 1, 3: 1}


@pytest.mark.hazard("G9")
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "bad_credential"), (402, "no_credit"), (403, "not_allowed")],
)
def test_what_would_refuse_every_row_stops_the_run(
    tmp_path: Path, status: int, kind: str, figure: Figure
) -> None:
    """What was not done is still to do, and the rows go on once it is mended."""
    is_mended = False
    service = Service(lambda n, _: refused(status) if n >= 3 and not is_mended else 0.001)
    with journal(tmp_path, 100) as kept:
        stopped = run(kept, service).standing
        assert isinstance(stopped.error, ApiError)
        assert stopped.error.kind == kind
        after = sum(count for number, count in service.came.items() if number > 3)
        assert after <= 8
        assert (kept.states()["failed"], kept.states()["sent"]) == (0, 0)
        is_mended = True
        run(kept, service)
        assert kept.states()["ok"] == 100
    figure(
        "G9", f"{kind} on row 3 of 100: at most the 8 rows under way were sent after it, none failed by it"
    )


@pytest.mark.hazard("G9")
def test_a_wrong_key_costs_one_request(tmp_path: Path, figure: Figure) -> None:
    """The first row goes alone."""
    service = Service(lambda n, _: refused(401))
    with journal(tmp_path, 100) as kept:
        run(kept, service, at_once=50)
        assert (sum(service.came.values()), kept.states()["todo"]) == (1, 100)
    figure("G9", "a wrong key costs 1 request, whatever the window")


def test_a_first_row_that_takes_long_does_not_hold_the_others_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal would have come by then."""
    monkeypatch.setattr("connector.bulk._ALONE", 0.01)
    service = Service(lambda n, _: 0.3 if n == 1 else 0.001)
    with journal(tmp_path, 5) as kept:
        run(kept, service)
        assert lines(kept)[0]["status"] == "ok"
    assert service.most_at_once > 1


def test_a_row_that_came_too_fast_is_put_back(tmp_path: Path) -> None:
    """The service has not worked on it: it is no failure, and its requests are counted."""
    service = Service(lambda n, time: refused(429, **{"retry-after": "0"}) if n == 2 and time <= 4 else 0.0)
    with journal(tmp_path, 3) as kept:
        run(kept, service)
        assert [line["status"] for line in lines(kept)] == ["ok"] * 3
        assert [line["attempts"] for line in lines(kept)][1:] == [5, 1]


@pytest.mark.parametrize("answered", [0, 40], ids=["from_the_start", "later"])
def test_a_service_that_is_not_there_stops_the_run(
    tmp_path: Path, answered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are not used up: they are still to do."""
    monkeypatch.setattr("connector.bulk._PAUSE", 0.01)
    service = Service(lambda n, _: httpx.ConnectError("refused") if n > answered else 0.0)
    with journal(tmp_path, 200) as kept:
        stopped = run(kept, service).standing
        assert isinstance(stopped.error, Unreachable)
        assert kept.states()["todo"] >= 200 - answered - 8


@pytest.mark.hazard("G6")
def test_a_row_does_not_wait_for_its_turn_on_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline counts from when its turn is near, not while the service asks to be left alone."""
    monkeypatch.setattr("connector.bulk._SOON", 0.1)
    slow_down = refused(429, **{"retry-after": "0.8"})
    service = Service(lambda n, time: slow_down if (n, time) == (2, 1) else 0.5 if n > 5 else 0.05)
    with journal(tmp_path, 8) as kept:
        run(kept, service, at_once=4, how={"deadline": 1.0})
        assert [line["status"] for line in lines(kept)] == ["ok"] * 8


def test_rows_are_taken_no_sooner_than_the_rate_lets_them_go(tmp_path: Path) -> None:
    """What waits for long is not under way, and not at risk when the process ends."""
    held = 0

    def watch(_: Standing) -> None:
        nonlocal held
        held = max(held, kept.under_way())

    service = Service(lambda n, _: 0.0)
    with journal(tmp_path, 12) as kept:
        run(kept, service, at_once=12, limits=Limits(requests=4, seconds=0.5), watch=watch)
        assert kept.states()["ok"] == 12
    assert held <= 9


@pytest.mark.hazard("J5")
def test_the_cost_stays_below_its_cap(tmp_path: Path, figure: Figure) -> None:
    """Rows under way count as the dearest so far, also when a run is resumed."""
    service = Service(lambda n, _: said(0.01))
    with journal(tmp_path, 300, CHAT) as kept:
        for cap in (0.255, 0.555):
            bulk = run(kept, service, action=CHAT, at_once=20, max_cost=cap)
            assert bulk.standing.is_spent
        spent = kept.spent()
    assert (len(service.came), round(spent, 6)) == (55, 0.55)
    figure("J5", "0.55 USD spent of a cap of 0.555, rows at 0.01 each: overshoot 0")


@pytest.mark.hazard("J5")
def test_a_run_that_is_resumed_without_room_for_a_row_sends_none(tmp_path: Path) -> None:
    """The ledger knows what the dearest has cost."""
    service = Service(lambda n, _: said(0.01))
    with journal(tmp_path, 20, CHAT) as kept:
        for _ in range(3):
            assert run(kept, service, action=CHAT, max_cost=0.055).standing.is_spent
    assert len(service.came) == 5


@pytest.mark.hazard("J5")
def test_a_dearer_row_exceeds_the_cap_by_what_is_under_way_at_most(tmp_path: Path, figure: Figure) -> None:
    """The worst case: all that are under way at the end cost ten times as much as any before."""
    service = Service(lambda n, _: said(0.1 if n > 40 else 0.01))
    with journal(tmp_path, 300, CHAT) as kept:
        run(kept, service, action=CHAT, at_once=5, max_cost=0.5)
        spent = kept.spent()
    assert spent <= 0.5 + 5 * 0.1
    figure("J5", "rows that become ten times dearer overshoot by no more than the 5 under way")


@pytest.mark.parametrize("cost", [None, -1.0, 10**400, 1e308], ids=lambda cost: str(cost)[:6])
def test_a_cap_cannot_be_kept_where_answers_name_no_cost(tmp_path: Path, cost: float | None) -> None:
    """That is said after one row, not after all of them; what no row can cost is no cost."""
    service = Service(lambda n, _: said(cost))
    with journal(tmp_path, 50, CHAT) as kept:
        stopped = run(kept, service, action=CHAT, max_cost=1.0).standing
        assert "names no cost" in str(stopped.error)
    assert len(service.came) == 1


@pytest.mark.hazard("J7")
def test_stopping_ends_what_is_under_way_and_sends_nothing_more(tmp_path: Path, figure: Figure) -> None:
    """Rows that wait for their turn or for another attempt go back."""
    later = refused(503, **{"retry-after": "20"})
    service = Service(lambda n, _: later if n == 4 else 0.05)

    def watch(_: Standing) -> None:
        if len(service.came) >= 8:
            bulk.stop()

    async def ran() -> None:
        await asyncio.wait_for(bulk.run(), 20)

    with journal(tmp_path, 100) as kept:
        bulk = Bulk(connection(), kept, Job(SEARCH, {}, 8, Limits()), watch=watch, transport=service)
        asyncio.run(ran())
        states = kept.states()
    assert (states["sent"], states["failed"], states["ok"]) == (0, 0, len(service.came) - 1)
    figure("J7", "stopped with 8 rows under way: all that were answered are kept, none left as sent")


@pytest.mark.hazard("J7")
def test_a_row_that_waits_for_the_ledger_when_it_is_stopped_is_still_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not been sent, and the ledger does not say so either."""
    service, about_to_send = Service(lambda n, _: 0.0), Bulk._about_to_send

    async def stopped(self: Bulk, row: UnderWay) -> None:
        if row.taken.number == 5:
            self._loop.call_soon(self.stop)
        await about_to_send(self, row)

    monkeypatch.setattr(Bulk, "_about_to_send", stopped)
    with journal(tmp_path, 20) as kept:
        run(kept, service)
        assert (5 in service.came, kept.states()["sent"]) == (False, 0)
        monkeypatch.undo()
        run(kept, service)
        assert kept.states()["ok"] == 20


@pytest.mark.hazard("J7")
def test_ending_at_once_leaves_rows_under_way_as_sent(tmp_path: Path) -> None:
    """So that the next run knows that they may have been done."""
    eight = asyncio.Event()

    def answer(number: int, _: int) -> float:
        if service.at_once == 8:
            eight.set()
        return 60.0 if number > 1 else 0.0

    service = Service(answer)

    async def ended() -> None:
        bulk = Bulk(connection(), kept, Job(SEARCH, {}, 8, Limits()), transport=service)
        task = asyncio.ensure_future(bulk.run())
        await eight.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with journal(tmp_path, 20) as kept:
        asyncio.run(ended())
        assert (kept.states()["sent"], kept.states()["ok"]) == (8, 1)


def test_a_ledger_that_cannot_be_written_stops_the_run_and_keeps_what_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that can be written again at the end takes what has come meanwhile."""
    service = Service(lambda n, _: 0.001)
    with journal(tmp_path, 100) as kept:
        turn, failures = kept.turn, 0

        def full(*arguments: Any) -> Any:
            nonlocal failures
            if len(service.came) > 20 and not failures:
                failures += 1
                raise ConnectorError("The disk is full.", where="ledger", hint="Make room.")
            return turn(*arguments)

        monkeypatch.setattr(kept, "turn", full)
        stopped = run(kept, service).standing
        assert "disk is full" in str(stopped.error)
        assert (kept.states()["sent"], kept.states()["ok"]) == (0, sum(service.came.values()))


def test_an_error_of_whoever_watches_stops_the_run_without_loss(tmp_path: Path) -> None:
    """Such as an output that cannot be written."""

    def watch(_: Standing) -> None:
        if len(service.came) > 10:
            raise OSError(28, "No space left on device")

    service = Service(lambda n, _: 0.001)
    with journal(tmp_path, 100) as kept:
        stopped = run(kept, service, watch=watch).standing
        assert isinstance(stopped.error, OSError)
        assert kept.states()["ok"] == len(service.came) < 100


def test_a_fault_in_one_row_does_not_end_the_others(tmp_path: Path) -> None:
    """It is told as such."""
    service = Service(lambda n, _: ZeroDivisionError() if n == 2 else 0.0)
    with journal(tmp_path, 3) as kept:
        run(kept, service)
        assert [line["status"] for line in lines(kept)] == ["ok", "failed", "ok"]
        assert lines(kept)[1]["error"]["kind"] == "fault"
