"""`connector connections`: a key goes in by prompt, environment or stdin, and never comes out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from connector.cli.endings import Exit
from connector.loading import shipped_folder

KEY = "pplx-test-" + "c" * 20
SEARCH = "perplexity.execute_search"


def files(tmp_path: Path) -> str:
    """All that was written for saved connections."""
    return "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "home").glob("*.json"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal, and what is typed is not hidden: the tests' stdin is no terminal."""
    monkeypatch.setattr("connector.cli.connections.is_interactive", lambda: True)


def add(cli: Any, url: str, *options: str, key: str = KEY) -> None:
    field = f"base_url={url}"
    ended = cli(
        "connections", "add", "perplexity", "--field", field, "--secrets-from-stdin", *options, stdin=key
    )
    assert ended.code == Exit.OK, ended.err


def test_a_key_from_the_environment_is_saved_with_its_address(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sandbox_url: str
) -> None:
    """Without a terminal, key and address both come from the environment, and the key is encrypted."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox_url)
    code, out, err = cli("connections", "add", "perplexity")
    assert code == Exit.OK
    assert (
        out
        == f"Saved 'perplexity' for {sandbox_url}; its secrets are in a file that is encrypted with the passphrase.\n"
    )
    assert KEY not in out + err + files(tmp_path)


def test_a_key_from_a_file_is_saved(cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PERPLEXITY_API_KEY_FILE names a file that holds the key."""
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    monkeypatch.setenv("PERPLEXITY_API_KEY_FILE", str(tmp_path / "key"))
    assert cli("connections", "add", "perplexity").code == Exit.OK


def test_a_key_from_stdin_does_not_take_the_environment_along(
    cli: Any, monkeypatch: pytest.MonkeyPatch, sandbox_url: str
) -> None:
    """With --secrets-from-stdin nothing comes from the environment: the key goes where the command says."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "https://elsewhere.example")
    add(cli, sandbox_url)
    (row,) = json.loads(cli("connections", "list", "--format", "json").out)
    assert row["settings"] == {"base_url": sandbox_url, "chat_route": "agent"}
    assert row["secret_fields"] == ["api_key"]


@pytest.mark.parametrize("stdin", ["", "\n\n", f"{KEY}\n{KEY}\n"], ids=["nothing", "blank", "two lines"])
def test_stdin_holds_one_line_for_each_secret(cli: Any, stdin: str) -> None:
    """Fewer or more lines than secrets are refused, and not repeated."""
    code, _, err = cli("connections", "add", "perplexity", "--secrets-from-stdin", stdin=stdin)
    assert (code, KEY in err) == (Exit.CONNECTION, False)
    assert "1 secrets (api_key)" in err


def test_the_form_is_asked_for_in_its_order(cli: Any, asked: None, sandbox_url: str) -> None:
    """At a terminal the fields are asked for as the manifest has them; the key is not shown."""
    typed = f"work\n{KEY}\n{sandbox_url}\nsonar\n"
    code, out, err = cli("connections", "add", "perplexity", stdin=typed)
    assert code == Exit.OK
    titles = ("Name", "API Key (not shown)", "Base URL", "Chat Route")
    assert sorted(titles, key=(out + err).index) == list(titles)
    assert KEY not in out + err
    (row,) = json.loads(cli("connections", "list", "--format", "json").out)
    assert (row["name"], row["settings"]["chat_route"]) == ("work", "sonar")


def test_what_is_given_is_not_asked_for(cli: Any, asked: None) -> None:
    """--name and --field answer their questions."""
    arguments = ("--name", "work", "--field", "chat_route=sonar", "--field", "base_url=https://x.example")
    assert cli("connections", "add", "perplexity", *arguments, stdin=f"{KEY}\n").code == Exit.OK


@pytest.mark.parametrize(
    "arguments",
    [
        ["--field", f"api_key={KEY}"],
        ["--field", KEY],
        ["--api-key", KEY],
        [f"--api-key={KEY}"],
        ["--token", KEY],
        [KEY],
        [f"--apikey={KEY}"],
    ],
    ids=lambda arguments: arguments[0].partition("=")[0].replace(KEY, "argument"),
)
def test_a_secret_is_not_taken_from_an_argument(cli: Any, tmp_path: Path, arguments: list[str]) -> None:
    """Wherever a key stands on the command line, it is refused and not repeated, and nothing is saved."""
    code, out, err = cli("connections", "add", "perplexity", *arguments)
    assert (code, out) == (Exit.WRONG, "")
    assert KEY not in err
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("chat_rout=sonar", "Did you mean 'chat_route'?"),
        ("chat_route=sonnar", "Did you mean 'sonar'?"),
        ("base_url=http://x.example", "plain http"),
        ("connection_name=x", "There is no field 'connection_name'"),
    ],
)
def test_wrong_fields_are_explained_before_anything_is_saved(
    cli: Any, tmp_path: Path, field: str, said: str
) -> None:
    """A connection that could not work is not saved."""
    arguments = ("--field", field, "--secrets-from-stdin")
    code, _, err = cli("connections", "add", "perplexity", *arguments, stdin=KEY)
    assert code in {Exit.WRONG, Exit.CONNECTION}
    assert said in err
    assert not files(tmp_path)


def test_a_name_is_taken_once(cli: Any, sandbox_url: str) -> None:
    """A second connection of a name needs --replace."""
    add(cli, sandbox_url)
    code, _, err = cli("connections", "add", "perplexity", "--secrets-from-stdin", stdin=KEY)
    assert (code, "add --replace" in err) == (Exit.CONNECTION, True)
    add(cli, sandbox_url, "--replace")


def test_the_connection_of_the_connectors_name_is_used(cli: Any, sandbox_url: str) -> None:
    """After `connections add perplexity`, run needs no --connection."""
    add(cli, sandbox_url)
    assert cli("run", SEARCH, "query=a").code == Exit.OK
    assert cli("connections", "test").code == Exit.OK


def test_the_environment_comes_before_it(cli: Any, monkeypatch: pytest.MonkeyPatch, sandbox_url: str) -> None:
    """Where the environment says anything, the saved connection stays out of it, key and all."""
    add(cli, sandbox_url)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "https://elsewhere.example")
    code, _, err = cli("run", SEARCH, "query=a")
    assert code == Exit.CONNECTION
    assert "--connection (perplexity), or set PERPLEXITY_API_KEY" in err


def test_a_saved_connection_is_chosen_by_name(cli: Any, sandbox_url: str) -> None:
    """--connection takes one of several; a wrong name is answered with the right one."""
    add(cli, sandbox_url, "--name", "work")
    assert cli("run", SEARCH, "query=a", "--connection", "work").code == Exit.OK
    code, _, err = cli("run", SEARCH, "query=a", "--connection", "wrok")
    assert (code, "Did you mean 'work'?" in err) == (Exit.CONNECTION, True)


def test_a_saved_key_does_not_go_elsewhere(cli: Any, sandbox_url: str) -> None:
    """--base-url does not send a saved key to another address."""
    add(cli, sandbox_url, "--name", "work")
    code, _, err = cli("run", SEARCH, "query=a", "--connection", "work", "--base-url", "https://x.example")
    assert (code, "its key is not sent elsewhere" in err) == (Exit.CONNECTION, True)


def test_a_saved_key_does_not_go_to_another_connector(cli: Any, tmp_path: Path, sandbox_url: str) -> None:
    """A connection is for the connector that it was saved for."""
    own = Path(shutil.copytree(shipped_folder() / "perplexity", tmp_path / "other"))
    text = (own / "connector.yaml").read_text(encoding="utf-8")
    (own / "connector.yaml").write_text(text.replace("id: perplexity", "id: other"), encoding="utf-8")
    add(cli, sandbox_url, "--name", "work")
    code, _, err = cli("run", f"{own}.execute_search", "query=a", "--connection", "work")
    assert (code, "of perplexity, not of other" in err) == (Exit.CONNECTION, True)


def test_plan_shows_a_saved_connection_without_unlocking_it(
    cli: Any, monkeypatch: pytest.MonkeyPatch, sandbox_url: str
) -> None:
    """For plan, the settings are enough: no passphrase is needed."""
    add(cli, sandbox_url, "--name", "work")
    monkeypatch.delenv("CONNECTOR_PASSPHRASE")
    code, out, _ = cli("plan", SEARCH, "query=a", "--connection", "work")
    assert (code, f"POST {sandbox_url}/search" in out) == (Exit.OK, True)


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [
        pytest.param(KEY, Exit.OK, "works", id="works"),
        pytest.param("pplx-test-invalid", Exit.FOUND, "the key is wrong", id="wrong key"),
        pytest.param("pplx-test-no-credit", Exit.FOUND, "there is no credit", id="no credit"),
        pytest.param("pplx-test-not-allowed", Exit.FOUND, "not allowed", id="not allowed"),
    ],
)
def test_a_test_tells_what_is_wrong(cli: Any, sandbox_url: str, key: str, code: Exit, said: str) -> None:
    """Each outcome of the free request has its words on stdout, and what to do on stderr."""
    add(cli, sandbox_url, "--name", "work", key=key)
    ended = cli("connections", "test", "work")
    assert (ended.code, ended.out) == (
        code,
        f"connection 'work' ({sandbox_url}): {ended.out.partition('): ')[2]}",
    )
    assert said in ended.out
    assert bool(ended.err) == (code != Exit.OK)


def test_a_test_of_nobody_tells_so(cli: Any) -> None:
    """A host that does not answer is not a wrong key."""
    add(cli, "http://127.0.0.1:9", "--name", "work")
    code, out, err = cli("connections", "test", "work")
    assert (code, "cannot be reached" in out) == (Exit.FOUND, True)
    assert "Check the network and base_url" in err


def test_nothing_saved_is_said(cli: Any) -> None:
    """An empty list says how to fill it, and is valid JSON."""
    assert "connections add" in cli("connections", "list").err
    assert cli("connections", "list", "--format", "json").out == "[]\n"


def test_a_connection_is_removed_with_its_secrets(cli: Any, tmp_path: Path, sandbox_url: str) -> None:
    """After remove, neither the listing nor the file of secrets knows it."""
    add(cli, sandbox_url, "--name", "work")
    assert cli("connections", "remove", "work", "--yes") == (Exit.OK, "Removed 'work'.\n", "")
    assert "sealed" not in files(tmp_path)
    assert cli("connections", "remove", "work", "--yes").code == Exit.CONNECTION


def test_removing_asks_first(cli: Any, monkeypatch: pytest.MonkeyPatch, sandbox_url: str) -> None:
    """Without a terminal, --yes is needed; at one, no is an answer."""
    add(cli, sandbox_url, "--name", "work")
    assert cli("connections", "remove", "work").code == Exit.WRONG
    monkeypatch.setattr("connector.cli.connections.is_interactive", lambda: True)
    assert cli("connections", "remove", "work", stdin="n\n").code == Exit.FOUND
    assert cli("connections", "remove", "work", stdin="y\n").code == Exit.OK
