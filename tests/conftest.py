"""What the tests share: a sandbox, `cli`, which runs one command in this process, and the account of hazards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import generated  # noqa: F401 - registers the profile of the long run before pytest asks for it
import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.loading import load
from connector.manifest import Connector
from connector.sandbox import Sandbox


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: many tests wait for a moment, a deadline or another process."""
    return 2 * (os.cpu_count() or 1)


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """`figure("E5", "0 of 6 cut answers taken for whole")`: a figure for a hazard of docs/reliability.md."""

    def note(hazard: str, text: str) -> None:
        record_property(f"figure:{hazard}", text)

    return note


HAZARDS_FILE = "HAZARDS_FILE"
"""The environment variable that names a file for `tools/write_reliability.py`: hazard -> tests, figures."""

_met: dict[str, dict[str, set[str]]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    ids = [("hazard", hazard) for marker in item.iter_markers("hazard") for hazard in marker.args]
    report.user_properties = [*report.user_properties, *ids]  # they reach the process that reports
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" or not report.passed:
        return
    for name, hazard in report.user_properties:
        if name == "hazard":
            met = _met.setdefault(str(hazard), {"tests": set(), "figures": set()})
            met["tests"].add(report.nodeid.partition("[")[0])
            met["figures"] |= {str(text) for key, text in report.user_properties if key == f"figure:{hazard}"}


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = os.environ.get(HAZARDS_FILE)
    if path and not hasattr(session.config, "workerinput"):  # one of several processes reports to another
        found = {hazard: {key: sorted(values) for key, values in met.items()} for hazard, met in _met.items()}
        Path(path).write_text(
            json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8"
        )


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with Sandbox() as sandbox:
        yield sandbox.url


@cache
def shipped() -> Connector:
    """Read once for all tests, which run hundreds of commands."""
    return load("perplexity")


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ended]:
    """Runs one command without a terminal, without a key, with a folder of its own for saved connections."""
    for name in ("API_KEY", "API_KEY_FILE", "BASE_URL", "CHAT_ROUTE"):
        monkeypatch.delenv(f"PERPLEXITY_{name}", raising=False)
    monkeypatch.delenv("CONNECTOR_DEBUG", raising=False)
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONNECTOR_PASSPHRASE", "correct horse battery")
    monkeypatch.setattr("keyring.get_keyring", lambda: None)
    monkeypatch.setattr("connector.sealed._SCRYPT_N", 2)
    monkeypatch.setattr(
        "connector.loading.load", lambda name: shipped() if name == "perplexity" else load(name)
    )

    def run(*arguments: str, stdin: str | bytes = "") -> Ended:
        with CliRunner().isolation(input=stdin) as streams:
            code = main(arguments)
            out, err = streams[0].getvalue(), streams[1].getvalue()
        return Ended(code, out.decode(), err.decode())

    return run
