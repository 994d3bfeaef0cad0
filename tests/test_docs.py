"""The documentation, executed: commands, Python, the table of expressions, generated parts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import connector
from connector.document import parse
from connector.expression_parser import FUNCTIONS, MAX_LENGTH, MAX_NESTING
from connector.sandbox import Sandbox
from connector.template_parser import TemplateError, Within

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPRESSIONS = (ROOT / "docs" / "expressions.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with Sandbox() as sandbox:
        variables = {
            **os.environ,
            "PERPLEXITY_API_KEY": "pplx-test-sandbox",
            "PERPLEXITY_BASE_URL": sandbox.url,
            "CONNECTOR_HOME": str(tmp_path_factory.mktemp("home")),
            "PYTHONPATH": str(ROOT),
        }
        run = [sys.executable, "-m", "connector.cli", "run", "perplexity.execute_search", "query=x"]
        subprocess.run(run, env=variables, capture_output=True, check=True)  # `connector usage` tells of it
        yield variables


def test_the_readme_has_two_commands_to_start_with() -> None:
    """One installs and shows the main job, one installs and runs the tests."""
    first = blocks(README, "sh")[0].splitlines()
    assert first == [
        "python -m pip install . && connector demo",
        "python -m pip install '.[test]' && python -m pytest",
    ]


def commands() -> list[str]:
    """The README's other commands; those that would ask, wait or write are run by the tests of the command line."""
    lines = "".join(block.replace("\\\n", " ") for block in blocks(README, "sh")[1:]).splitlines()
    found = [line.split("  #")[0] for line in lines if line.startswith("connector ")]
    of_the_guide = ("new", "import", "try", "sandbox", "record", "test", "docs")  # see test_guide
    elsewhere = tuple(f"connector {name}" for name in (*of_the_guide, "batch"))
    return [line for line in found if not line.startswith(elsewhere)]


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_works(command: str, environment: dict[str, str]) -> None:
    """It ends with success against the sandbox."""
    script = command.replace("connector ", f"{sys.executable} -m connector.cli ", 1)
    done = subprocess.run(
        ["sh", "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("code", blocks(README, "python"))
def test_the_python_of_the_readme_works(code: str, environment: dict[str, str]) -> None:
    """It runs as it stands there, against the sandbox."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "https://" in done.stdout
    assert "How many stars" in done.stdout


ENDPOINTS = ROOT / "docs" / "endpoints.yaml"


def claims() -> list[Any]:
    found = parse(ENDPOINTS.read_text(encoding="utf-8"), str(ENDPOINTS)).value
    entries = [*found["endpoints"], *found["mcp_tools"]]
    return [pytest.param(e, id=e["claim"].get("tool") or " ".join(e["claim"].values())) for e in entries]


@pytest.mark.parametrize("entry", [param for param in claims() if "use" in param.values[0]])
def test_what_is_to_be_used_instead_of_a_claimed_endpoint_works(entry: dict[str, Any]) -> None:
    """The action and the inputs of the page run against the sandbox."""
    perplexity = connector.load("perplexity")
    with (
        Sandbox() as sandbox,
        connector.connect(perplexity, api_key="pplx-test-endpoints", base_url=sandbox.url) as opened,
    ):
        if "after" in entry:
            action, _, name = entry["after"].partition(".")
            example = next(one for one in perplexity.actions[action].examples if one.id == name)
            opened.run(action, example.inputs)
        assert opened.run(entry["use"]["action"], entry["use"]["inputs"]).status == 200


def test_every_claim_of_the_directory_has_its_answer() -> None:
    """14 endpoints and 5 tools, each with a verdict that the page explains, and a sentence."""
    entries = [param.values[0] for param in claims()]
    assert len(entries) == 19
    assert {e["verdict"] for e in entries} <= {"real", "retired", "other path", "not offered"}
    assert all(e["sentence"].strip().endswith(".") for e in entries)


def section(heading: str) -> str:
    """The part of the page of expressions below a heading."""
    return EXPRESSIONS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading: str) -> list[Any]:
    """What a row says: an expression or a value in YAML, and what it gives."""
    pattern = r"^\| (?:``(.+?)``|`(.+?)`) \| (.+?) \|(?: [^|\n]*(?:\\\|[^|\n]*)*\|)?$"
    found = re.findall(pattern, section(heading), re.MULTILINE)
    assert len(found) == len(re.findall(r"^\| `", section(heading), re.MULTILINE)), "a row is not read"
    return [
        pytest.param((a or b).strip().replace(r"\|", "|"), gives, id=(a or b).strip())
        for a, b, gives in found
    ]


INPUTS = json.loads(blocks(EXPRESSIONS, "json")[0])
TABLES = {"efforts": {"sonar": "fast"}}


@pytest.mark.parametrize(("expression", "gives"), rows("The language"))
def test_a_row_of_the_expressions_page_is_true(expression: str, gives: str) -> None:
    """The expression gives, from the page's value, what the page says."""
    template = Within("inputs").template(f"${{{{ {expression} }}}}", TABLES)
    assert template.fill({"inputs": INPUTS}) == json.loads(gives.strip("`"))


@pytest.mark.parametrize(("text", "gives"), rows("In YAML"))
def test_a_value_of_the_expressions_page_becomes_what_it_says(text: str, gives: str) -> None:
    """Read as strict YAML and filled."""
    template = Within("inputs").template(parse(f"value: {text}", "row").value["value"], TABLES)
    assert template.fill({"inputs": INPUTS}) == json.loads(gives.strip("`"))


@pytest.mark.parametrize(("expression", "said"), rows("What is refused"))
def test_what_the_expressions_page_says_is_refused_is(expression: str, said: str) -> None:
    """With the message of the page, and a way out."""
    with pytest.raises(TemplateError) as refused:
        Within("inputs").template(f"${{{{ {expression} }}}}", TABLES)
    ((_, error),) = refused.value.problems
    assert error.message == said
    assert error.hint


def test_the_expressions_page_has_every_function_and_limit() -> None:
    """Each function has a row; the limits are those of the parser."""
    called = set(re.findall(r"^\| `+(\w+)\(", section("The language"), re.MULTILINE))
    assert called == set(FUNCTIONS)
    assert f"{MAX_LENGTH} characters and {MAX_NESTING} levels" in EXPRESSIONS


def test_generated_documentation_is_fresh() -> None:
    """The tables that derive from the manifests are as the manifests are."""
    check = [sys.executable, "tools/write_docs.py", "--check"]
    done = subprocess.run(
        check, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))),
    ],
)
def test_links_lead_somewhere(name: str) -> None:
    """A file that a page links to is there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    folder = (ROOT / name).parent
    targets = re.findall(r"\]\(([^)#:<]+)[)#]", text)
    assert [target for target in targets if not (folder / target).exists()] == []


def test_every_module_stands_in_the_architecture() -> None:
    """The page names each module of the package."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = {path.stem if path.is_file() else f"{path.name}/" for path in (ROOT / "connector").iterdir()
             if path.suffix == ".py" or (path / "__init__.py").is_file()}  # fmt: skip
    assert [name for name in sorted(names - {"__init__"}) if f"`{name}`" not in page] == []
