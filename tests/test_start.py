"""What a process imports: no more than what it was asked for needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from connector.cli.commands import _PLACES, commands
from connector.loading import load

ROOT = Path(__file__).parent.parent
READING = {"pydantic", "yaml", "jmespath"}
LATER = {
    *READING,
    "asyncio",
    "cryptography",
    "jsonschema",
    "keyring",
    "referencing",
    "regex",
    "rich",
    "starlette",
    "uvicorn",
    "vcr",
}


def imported(code: str, url: str, home: Path) -> set[str]:
    """The libraries that a process has imported when it has run the code."""
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "CONNECTOR_HOME": str(home),
        "PERPLEXITY_BASE_URL": url,
        "PERPLEXITY_API_KEY": "pplx-test-start",
    }
    code = f"import sys\n{code}\nsys.stderr.write('|' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.rpartition("|")[2].split()}


@pytest.fixture(autouse=True)
def compiled() -> None:
    """A checkout may have been edited since it was last loaded."""
    load("perplexity")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            "from connector.cli import main; main(['run', 'perplexity.execute_search', 'query=news'])",
            id="connector run",
        ),
        pytest.param(
            "import connector\n"
            "with connector.connect('perplexity') as perplexity:\n"
            "    perplexity.run('create_chat_completion', {'model': 'sonar', "
            "'messages': [{'role': 'user', 'content': 'news'}]})",
            id="Python",
        ),
    ],
)
def test_a_run_imports_what_it_needs(code: str, sandbox_url: str, tmp_path: Path) -> None:
    """A run whose inputs are right imports HTTP, and nothing for YAML, schemas, terminals or keyrings."""
    libraries = imported(code, sandbox_url, tmp_path)
    assert "httpx" in libraries
    assert libraries & LATER == set()


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--format", "json"]], ids=" ".join)
def test_help_and_list_import_next_to_nothing(arguments: list[str], tmp_path: Path) -> None:
    """Neither HTTP nor what manifests are made of."""
    libraries = imported(f"from connector.cli import main; main({arguments})", "", tmp_path)
    assert libraries & {*LATER, "httpx", "dataclasses", "pathlib", "pickle", "shutil"} == set()


def test_help_says_of_each_command_what_the_command_says() -> None:
    """The table by which commands are found has their own names and short help."""
    context = click.Context(commands)
    found = {name: commands.get_command(context, name) for name in _PLACES}
    told = {
        name: command and (command.name, command.get_short_help_str(200)) for name, command in found.items()
    }
    assert told == {name: (name, about) for name, (_, about) in _PLACES.items()}


def test_httpx_keeps_its_own_command_line(tmp_path: Path) -> None:
    """It is not imported for us, and can still be by whoever wants it."""
    code = "import connector.http, httpx; assert 'httpx._main' not in sys.modules; import httpx._main"
    assert "rich" in imported(code, "", tmp_path)
