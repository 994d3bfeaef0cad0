"""The ledger of usage: every run a line, sums by action and model, nothing of what was asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connector.errors import CredentialError
from connector.ledger import FILE, Entry, Sum, entries, note, sums
from connector.output import Result

RESULT = Result(
    {"model": "openai/gpt-6-luna", "total_tokens": 10, "total_cost": 0.002, "content": "private words"},
    (),
    "create_chat_completion",
    "agent",
    1,
    200,
    None,
)
SEARCH = Result({"results": [], "count": 0}, (), "execute_search", "search", 1, 200, None)


def test_a_run_is_noted_without_what_was_asked_or_answered(tmp_path: Path) -> None:
    """Action, model, tokens, cost and day; the file is this user's own."""
    note(tmp_path, "perplexity", RESULT)
    [line] = (tmp_path / FILE).read_text().splitlines()
    assert sorted(json.loads(line)) == ["action", "cost", "model", "on", "tokens"]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_sums_are_by_action_and_model_the_dearest_first(tmp_path: Path) -> None:
    """A run whose answer names no cost counts as a run."""
    for result in (SEARCH, RESULT, RESULT):
        note(tmp_path, "perplexity", result)
    assert sums(entries(tmp_path)) == [
        Sum("perplexity.create_chat_completion", "openai/gpt-6-luna", 2, 20, 0.004, 2),
        Sum("perplexity.execute_search", None, 1, 0, 0.0, 0),
    ]


def test_sums_can_begin_at_a_day() -> None:
    """Earlier runs are left out."""
    found = [Entry(date(2026, 11, day), "a.b", None, 1, None) for day in (1, 2, 3)]
    assert sums(iter(found), date(2026, 11, 2))[0].runs == 2


def test_a_line_that_is_not_whole_is_passed_over_and_the_next_is_not_lost(tmp_path: Path) -> None:
    """As a writer that was killed leaves it."""
    note(tmp_path, "perplexity", RESULT)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"on": "2026-11-')
    note(tmp_path, "perplexity", RESULT)
    assert len(list(entries(tmp_path))) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("total_cost", cost) for cost in (10**400, 1e308, float("inf"), float("nan"), -1.0, True, "1")),
        *(("total_tokens", tokens) for tokens in (10**400, -1, True, 1.5)),
        *(("model", model) for model in ("m" * 201, 5)),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_no_run_uses_is_neither_noted_nor_read(tmp_path: Path, field: str, value: Any) -> None:
    """A service can answer anything; a line that an earlier version has noted does no harm either."""
    name = field.removeprefix("total_")
    note(tmp_path, "perplexity", replace(RESULT, outputs={**RESULT.outputs, field: value}))
    file = tmp_path / FILE
    assert json.loads(file.read_text())[name] is None
    old = {"on": "2026-11-01", "action": "a.b", "model": "m", "tokens": 1, "cost": 0.5, "runs": 10**400}
    with file.open("a") as lines:
        lines.write(json.dumps({**old, name: value}) + "\n")
    assert {getattr(entry, name) for entry in entries(tmp_path)} == {None}
    rows = [vars(row) for row in sums(entries(tmp_path))]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a line is taken back."""
    note(tmp_path, "perplexity", RESULT)
    before = (tmp_path / FILE).read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:5]))
    with pytest.raises(CredentialError, match="No space left"):
        note(tmp_path, "perplexity", RESULT)
    assert (tmp_path / FILE).read_bytes() == before


def _note_many(folder: Path) -> None:
    for _ in range(25):
        note(folder, "perplexity", RESULT)


def test_processes_that_note_at_once_lose_no_line(tmp_path: Path) -> None:
    """Four writers, a hundred lines."""
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_note_many, [tmp_path] * 4))
    assert len(list(entries(tmp_path))) == 100


def test_the_command_line_notes_its_runs_and_sums_them_up(
    cli: Callable[..., Any], sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`connector usage` after one run shows it; CONNECTOR_USAGE=off notes nothing."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-usage")
    monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox_url)
    assert cli("run", "execute_search", "query=stars").code == 0
    monkeypatch.setenv("CONNECTOR_USAGE", "off")
    assert cli("run", "execute_search", "query=stars").code == 0
    [row] = json.loads(cli("usage", "--format", "json").out)
    assert (row["action"], row["runs"]) == ("perplexity.execute_search", 1)
    assert "perplexity.execute_search" in cli("usage").out
