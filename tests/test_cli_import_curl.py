"""`connector import curl` at a terminal: where the command comes from, where the connector goes, what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.cli.endings import Exit
from connector.lint import lint

KEY = "test-key-of-a-terminal"
SEARCH = (
    f"curl https://api.perplexity.ai/search -H 'Authorization: Bearer {KEY}' --json '{{\"query\": \"AI\"}}'"
)
MODELS = f"curl https://api.perplexity.ai/v1/models -H 'Authorization: Bearer {KEY}'"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("way", ["argument", "file", "stdin", "dash", "file of PowerShell"])
def test_where_the_command_comes_from(cli: Any, here: Path, way: str) -> None:
    """An argument, a file, or what is piped in."""
    file = here.parent / "command.txt"
    file.write_text(SEARCH, encoding="utf-16" if way == "file of PowerShell" else "utf-8")
    arguments = {"argument": [SEARCH], "dash": ["-"], "stdin": []}.get(way, ["--file", str(file)])
    code, out, err = cli("import", "curl", *arguments, stdin=SEARCH)
    assert (code, out) == (Exit.OK, "perplexity: search\n"), err
    assert names(here) == ["perplexity/actions/search.yaml", "perplexity/connector.yaml"]
    assert lint("perplexity/connector.yaml") == []


def test_the_next_steps_work(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is proposed can be typed as it stands."""
    _, _, err = cli("import", "curl", SEARCH)
    plan, trial, export, run = [line.strip() for line in err.splitlines() if line.startswith("  ")]
    assert export == "export PERPLEXITY_API_KEY=..."
    assert run.startswith("connector run ./perplexity.search")
    assert cli(*trial.partition("#")[0].split()[1:]).code == Exit.OK
    code, out, _ = cli(*plan.partition("#")[0].split()[1:], "--curl")
    assert code == Exit.OK
    assert '--header "Authorization: Bearer $PERPLEXITY_API_KEY"' in out
    assert '{"query":"AI"}' in out


@pytest.mark.hazard("I12")
def test_the_key_is_nowhere(cli: Any, here: Path) -> None:
    """Neither in a file nor on the terminal."""
    ended = cli("import", "curl", SEARCH)
    texts = [ended.out, ended.err, *(path.read_text() for path in here.rglob("*") if path.is_file())]
    assert [text for text in texts if KEY in text] == []


def test_a_folder_that_is_not_empty_is_kept(cli: Any, here: Path) -> None:
    """Without --force nothing is overwritten; with it, the connector is."""
    cli("import", "curl", SEARCH)
    before = (here / "perplexity/connector.yaml").read_text()
    code, _, err = cli("import", "curl", MODELS)
    assert code == Exit.WRONG
    assert "not empty" in err
    assert (here / "perplexity/connector.yaml").read_text() == before
    assert cli("import", "curl", MODELS, "--force").code == Exit.OK
    assert names(here) == ["perplexity/actions/get_models.yaml", "perplexity/connector.yaml"]


def test_names_and_places_are_chosen(cli: Any, here: Path) -> None:
    """-o, --id, --name and --action say what things are called."""
    options = ["-o", "there", "--id", "acme", "--name", "Acme", "--action", "find"]
    assert cli("import", "curl", SEARCH, *options).out == "there: find\n"
    assert "id: acme\nname: Acme\n" in (here / "there/connector.yaml").read_text()


def test_an_action_joins_a_connector(cli: Any, here: Path) -> None:
    """--add-to adds the action to the folder of a connector of the same host."""
    cli("import", "curl", SEARCH)
    code, out, err = cli("import", "curl", MODELS, "--add-to", "perplexity")
    assert (code, out) == (Exit.OK, "perplexity: get_models\n"), err
    assert "note" not in err
    assert names(here / "perplexity/actions") == ["get_models.yaml", "search.yaml"]
    assert lint("perplexity/connector.yaml") == []


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("curl https://api.example.com/a", [], "The connector there is for https://api.perplexity.ai"),
        (SEARCH, [], "There is an action of this id"),
        (MODELS, ["-o", "x"], "leave out -o"),
    ],
    ids=["another host", "an action that is there", "two folders"],
)
def test_what_cannot_join(cli: Any, here: Path, command: str, options: list[str], said: str) -> None:
    """The folder stays as it is."""
    cli("import", "curl", SEARCH)
    before = names(here)
    code, _, err = cli("import", "curl", command, "--add-to", "perplexity", *options)
    assert code == Exit.WRONG
    assert said in err
    assert names(here) == before


def test_another_credential_is_told(cli: Any) -> None:
    """The connector's own stays."""
    cli("import", "curl", SEARCH)
    command = "curl https://api.perplexity.ai/v1/models -H 'X-Api-Key: test-key'"
    assert "auth differs" in cli("import", "curl", command, "--add-to", "perplexity").err


def test_a_sample_answer_is_read_from_a_file(cli: Any, here: Path) -> None:
    """--response makes flat, typed outputs."""
    (here / "answer.json").write_text('{"id": "a", "usage": {"tokens": 3}}')
    assert cli("import", "curl", SEARCH, "--response", "answer.json").code == Exit.OK
    text = (here / "perplexity/actions/search.yaml").read_text()
    assert "usage_tokens: ${{ response.body.usage.tokens }}" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["curl -d @f https://a.example"], "Files are never read"),
        (["curl https://a.example", "--file", "f"], "not both"),
        (["--file", "missing.txt"], "No such file"),
        (["curl https://a.example", "--response", "missing.json"], "No such file"),
        (["curl https://a.example", "--id", "A b"], "lower-case letters"),
        (["curl https://a.example", "--add-to", "missing"], "no folder with a connector.yaml"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_told(cli: Any, here: Path, arguments: list[str], said: str) -> None:
    """With what to do, and nothing is written."""
    code, out, err = cli("import", "curl", *arguments)
    assert (code, out) == (Exit.WRONG, "")
    assert said in err
    assert names(here) == []
