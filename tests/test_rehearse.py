"""docs/rehearse.md, executed: each command and each piece of Python prints what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox import Sandbox

PAGE = (Path(__file__).parent.parent / "docs" / "rehearse.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8765"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
RUNS = [
    (BLOCKS[place - 1][1], command, BLOCKS[place + 1][1])
    for place, (_, command) in enumerate(BLOCKS)
    if command.startswith("connector run")
]
EXITS = [int(code) for code in re.findall(r"[Ee]xit code (\d+)", PAGE)]
PYTHON = [
    (code, BLOCKS[place + 1][1]) for place, (language, code) in enumerate(BLOCKS) if language == "python"
]


@pytest.mark.parametrize(
    ("served", "command", "printed", "code"), [(*run, code) for run, code in zip(RUNS, EXITS, strict=True)]
)
def test_a_run_prints_what_the_page_says(
    served: str,
    command: str,
    printed: str,
    code: int,
    cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the fault that the page starts the sandbox with, and with the exit code that it names."""
    faults = shlex.split(served)[3::2]
    with Sandbox(faults=faults) as sandbox:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox.url)
        monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-sandbox")
        ended = cli(*shlex.split(command.replace("\\\n", " "))[1:])
        assert (ended.out + ended.err).replace(sandbox.url, URL) == printed
    assert ended.code == code


@pytest.mark.parametrize(("code", "printed"), PYTHON)
def test_the_python_of_the_page_prints_what_it_says(code: str, printed: str) -> None:
    """As it stands there."""
    with Sandbox() as sandbox:
        program = code.replace(URL, sandbox.url)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (printed, "")


def test_the_whole_page_is_run() -> None:
    """Three runs and two pieces of Python, each with what it prints."""
    assert (len(RUNS), len(EXITS), len(PYTHON)) == (3, 3, 2)
    assert {language for language, _ in BLOCKS} == {"sh", "python", "text"}
