"""docs/testing.md, executed: its commands, its test, its settings and its entry point."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended
from golden import LIBRARY
from loopback import Loopback, http
from packages import put

from connector import compiled
from connector.cli.endings import Exit
from connector.cli.tested_shown import OLD_DAYS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the connector of the page, which a package brings too."""
    site = tmp_path / "site"
    for place in (tmp_path / "my_connector", site / "acme_connector" / "manifests" / "library"):
        shutil.copytree(LIBRARY, place)
    entries = tomllib.loads(blocks("toml")[1])["project"]["entry-points"]["connector.manifests"]
    put(site, *(f"{name} = {value}" for name, value in entries.items()))
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[0])
    test = blocks("python")[0]
    (tmp_path / "test_marker.py").write_text(test)
    without = "".join(line for line in test.splitlines(keepends=True) if "mark." not in line)
    (tmp_path / "test_settings.py").write_text(without)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(compiled, "COMPILED", str(tmp_path / "kept"))
    return tmp_path


def test_the_page_is_true(project: Path, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands end well, in their order; what may cost money is left out, and says so."""
    answer = http(200, {"books": [{"title": "Moby-Dick", "year": 1851}], "status": "done"})
    with Loopback(answer) as server:
        monkeypatch.setenv("LIBRARY_API_KEY", "test-key-of-the-page")
        monkeypatch.setenv("LIBRARY_BASE_URL", server.url)
        for line in (line for block in blocks("sh") for line in block.splitlines()):
            command, *words = shlex.split(line, comments=True)
            if command == "pytest":
                ran(project, *words)
                continue
            ended = cli(*words)
            if words[0] == "test" and "--live" in words:
                assert "Add --yes" in ended.err
            else:
                assert (ended.code, bool(ended.out)) == (Exit.OK, True), f"{line}\n{ended.out}{ended.err}"
    assert (project / "report.xml").is_file()


def ran(folder: Path, *options: str) -> None:
    """The page's test passes, with the marker and with the settings."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    variables["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_what_the_page_says_of_days() -> None:
    """As it is in the code."""
    assert f"older than {OLD_DAYS} days" in " ".join(PAGE.split())
