"""The benchmarks measure what they say; how much it is, is not tested here."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import answers, async_clients, gate, page
from benchmarks.child import KINDS
from benchmarks.clients import SEARCHES, text_of
from benchmarks.goals import Detail, Measured, Row
from benchmarks.plot import svg
from benchmarks.rounds import Child, interleaved, ratio, server
from connector import connect

STAGES = {"plan": 1e-4, "build": 2e-5, "send": 2e-4, "read": 3e-5, "pick": 3e-5, "all": 4e-4, "httpx": 4e-4}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as at:
        yield f"http://{at}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("call", name) for name in ("connector", "its transport", "httpx", "httpx's transport", "socket")),
        *(("search", name) for name in SEARCHES),
        *(("event", name) for name in ("connector", "httpx", "socket")),
        *(("flight", name) for name in ("connector", "httpx")),
        ("own", "connector"),
        ("own", "yardstick"),
    ],
)
def test_a_client_does_the_work_that_is_measured(url: str, kind: str, name: str) -> None:
    """It ends at once if it gets another answer than the server gives, or another number of events."""
    with Child(kind, name, url) as child:
        assert child.measured(1)["cpu"] > 0


def test_both_ask_for_the_same() -> None:
    """What is written out for the other clients is what the connector sends."""
    with connect("perplexity", api_key=answers.KEY) as ours:
        assert ours.plan("create_chat_completion", answers.INPUTS).body == answers.BODY
        assert ours.plan("execute_search", answers.QUERY).body == answers.QUERY


def test_the_answers_are_of_the_real_size() -> None:
    """About 7 KB for chat, and pieces of about 300 bytes."""
    assert 6_000 < len(json.dumps(answers.AGENT)) < 8_000
    assert 250 < len(answers.events()[0]) < 350
    assert text_of(answers.AGENT) == answers.TEXT


@pytest.mark.slow
def test_clients_take_turns_in_processes_of_their_own(url: str) -> None:
    """Each round has one figure of each client."""
    times, missing = interleaved("call", ["connector", "httpx"], url, rounds=2, seconds=0.001)
    assert missing == {}
    assert {name: len(cpu) for name, cpu in times.items()} == {"connector": 2, "httpx": 2}
    assert all(0 < seconds < 1 for cpu in times.values() for seconds in cpu)


def test_streams_stay_open_side_by_side(url: str) -> None:
    """None waits until another has ended."""
    with Child("held", "connector", url) as child:
        assert child.measured(30)["opened"] == 30


@pytest.mark.slow
def test_a_client_that_is_not_installed_is_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left out, and the others are measured."""
    (tmp_path / "httpx2.py").write_text("raise ModuleNotFoundError(name='httpx2')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    times, missing = interleaved("call", ["httpx", "httpx2"], url, rounds=1, seconds=0.001)
    assert (list(times), missing) == (["httpx"], {"httpx2": "httpx2"})


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """One disturbed round does not count."""
    times = {"ours": [1.0, 2.0, 90.0], "theirs": [2.0, 4.0, 6.0]}
    assert ratio(times, "ours", "theirs") == 0.5


@pytest.mark.parametrize(
    ("value", "goal", "verdict"),
    [
        (0.5, 0.75, "met"),
        (0.75, 0.75, "met"),
        (0.8, 0.75, "missed"),
        (None, 1, "not measured"),
        (1, None, ""),
    ],
)
def test_a_goal_has_a_verdict(value: float | None, goal: float | None, verdict: str) -> None:
    """Met, missed or not measured."""
    assert Row("what", value, goal).verdict == verdict


@pytest.mark.parametrize(
    ("measured", "passes"),
    [([1.0], True), ([1.2, 1.2, 1.0], True), ([1.2, 1.2, 1.2], False)],
    ids=["as before", "one bad minute", "dearer"],
)
def test_the_check_fails_for_what_stays_dearer(
    measured: list[float], passes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fifth more, three times over."""
    values = iter(measured)
    limit = {one.kind: 1.1 for one in gate.GATES}
    monkeypatch.setattr(gate, "GATES", gate.GATES[:1])
    monkeypatch.setattr(gate, "measure", lambda _gate, _url: next(values))
    monkeypatch.setattr(gate, "LIMITS", tmp_path / "limits.json")
    gate.LIMITS.write_text(json.dumps(limit), encoding="utf-8")
    assert gate.check("http://127.0.0.1:9") is passes


def test_every_gate_has_a_limit_and_can_be_measured() -> None:
    """limits.json names them all, and nothing else."""
    limits = json.loads(gate.LIMITS.read_text(encoding="utf-8"))
    assert set(limits) == {one.kind for one in gate.GATES} <= set(KINDS)


def test_the_picture_is_svg_with_a_bar_for_each_stage() -> None:
    """A browser can draw it, and it says in words what it shows."""
    picture = ET.fromstring(svg(STAGES))
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == len(STAGES) + 1  # and what the run spends beside its stages
    assert "plan: check inputs, fill 100 us" in picture.attrib["aria-label"]


def test_the_page_says_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goals with their verdicts, and each client's cost."""
    found = Measured([Row("one action", 0.5, 0.75)], notes=["A note."])
    found.details.append(Detail("One chat action", {"connector": [1e-4], "httpx": [2e-4]}, "httpx"))
    monkeypatch.setattr(page, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    text = page.write(found, "The server is quick.")[0].read_text(encoding="utf-8")
    for line in ("| one action | 0.50x | <= 0.75x | met |", "| connector | 100 | 0.50 |", "- A note."):
        assert line in text


def test_asynchronous_clients_are_of_the_same_kinds() -> None:
    """What is measured one after the other is measured in flight too."""
    assert {"connector", "httpx", "perplexityai"} <= set(async_clients.FLIGHTS) & set(async_clients.HOLDS)
