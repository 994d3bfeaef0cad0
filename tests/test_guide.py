"""docs/write-a-connector.md, executed: every block in its order, in an empty folder, without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from connector.lint import lint
from connector.soundness import AUTH_KEYS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "write-a-connector.md").read_text(encoding="utf-8")


class Block(NamedTuple):
    language: str
    name: str
    """What the first line of a file says: its path, or the kind of a connection."""
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [
        Block(language, "", text)
        if language == "sh"
        else Block(language, text.partition("\n")[0].removeprefix("# "), text.partition("\n")[2])
        for language, text in found
    ]


BLOCKS = blocks()
CONNECTIONS = {
    block.name.removeprefix("connection: "): block.text
    for block in BLOCKS
    if block.name.startswith("connection: ")
}
FILES = {block.name: block.text for block in BLOCKS if block.name and "connection: " not in block.name}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """`python` and `connector` are those of the tests; what is installed goes into a folder of its own."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, arguments in (("python", ""), ("connector", " -m connector.cli")):
        script = tools / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PERPLEXITY_", "PYTEST_"))}
    return {
        **kept,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}",
        "CONNECTOR_HOME": str(tmp_path / "home"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def as_executed(script: str, site: Path) -> str:
    """A block as the tests run it: this package is there, and what is installed needs no network."""
    script = re.sub(r"^python -m pip install '.*\n", "", script, flags=re.MULTILINE)
    offline = f"--quiet --no-index --no-deps --no-build-isolation --target {site}"
    return re.sub(
        r"^python -m pip install \.$", f"python -m pip install {offline} .", script, flags=re.MULTILINE
    )


@pytest.mark.slow
def test_the_guide_works(tmp_path: Path, environment: dict[str, str]) -> None:
    """Each file is written, each command ends with success, in the order of the page."""
    folder = tmp_path / "empty"
    folder.mkdir()
    for block in BLOCKS:
        if block.language == "sh":
            script = as_executed(block.text, tmp_path / "site")
            done = subprocess.run(
                ["sh", "-ec", script],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
        elif not block.name.startswith("connection: "):
            file = folder / block.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """The connector of the page."""
    for name, text in FILES.items():
        if name.startswith("tickets/"):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return tmp_path / "tickets"


@pytest.mark.parametrize("kind", CONNECTIONS)
def test_a_connection_of_the_guide_works(kind: str, tickets: Path, environment: dict[str, str]) -> None:
    """In the place of the page's own one: lint is silent, and the mock takes its credential."""
    file = tickets / "connector.yaml"
    text = file.read_text(encoding="utf-8")
    before, rest = text.split("connection:\n", 1)
    _, after = rest.split("\nerrors:", 1)
    file.write_text(f"{before}{CONNECTIONS[kind]}\nerrors:{after}", encoding="utf-8")
    assert [str(problem) for problem in lint(tickets)] == []
    command = [sys.executable, "-m", "connector.cli", "try", str(tickets), "find_tickets", "--mock"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "200 OK" in done.stdout) == (0, True), done.stdout + done.stderr


def test_every_kind_of_auth_is_on_the_page() -> None:
    """Bearer is that of the page's connector; each other kind that has a credential has a section."""
    assert {*CONNECTIONS, "bearer", "none"} == set(AUTH_KEYS)
