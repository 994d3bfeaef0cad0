"""`connector new`: what it writes passes lint and runs at once; it asks little, and nothing where nobody sits."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connector.cli.endings import Exit
from connector.errors import InputError
from connector.loading import load
from connector.new import AUTH_KINDS, Wish, files_of, usual_action

ROOT = Path(__file__).parent.parent
REQUESTS = {
    "list": ("GET", "/items"),
    "read": ("GET", "/v1/users/{userId}"),
    "write": ("POST", "/orders"),
    "write below": ("PUT", "/a/:id/b/{x-y}"),
    "delete": ("DELETE", "/things/${{ inputs.id }}"),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def wish(**changes: str) -> Wish:
    usual = {
        "name": "acme",
        "base_url": "https://api.acme.test/v2",
        "auth": "bearer",
        "auth_name": "",
        "method": "GET",
        "path": "/items",
        "action": "list_items",
    }
    return Wish(**{**usual, **changes})


@pytest.mark.parametrize(
    ("auth", "request_"),
    [*((auth, "list") for auth in AUTH_KINDS), *(("header", name) for name in REQUESTS if name != "list")],
)
def test_the_two_commands_work(cli: Any, auth: str, request_: str) -> None:
    """Whatever was asked for: the printed commands run, and the files end as text files do."""
    method, path = REQUESTS[request_]
    ended = cli("new", "acme", "--auth", auth, "--method", method.lower(), "--path", path)
    assert ended.code == Exit.OK, ended.err
    commands = [shlex.split(line) for line in ended.out.splitlines()]
    assert [command[1] for command in commands] == ["lint", "try"]
    for command in commands:
        run = cli(*command[1:])
        assert (run.code, run.err) == (Exit.OK, ""), run.out
    for file in Path("acme").rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert text.endswith("\n")
        assert "%" not in text.replace("%20", "")
        assert max(map(len, text.splitlines())) <= 120


def test_what_is_usual_is_taken_where_nobody_is_asked(cli: Any) -> None:
    """Without a terminal it never waits; --yes is for those who have one."""
    assert cli("new", "acme").code == Exit.OK
    made = load("acme")
    assert (made.id, made.name, made.connection.auth.kind) == ("acme", "Acme", "bearer")
    assert made.connection.form["base_url"]["default"] == "https://api.example.com"
    assert list(made.actions) == ["list_items"]


def test_on_a_terminal_it_asks(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what no option says; a wrong choice is asked for again."""
    monkeypatch.setattr("connector.cli.beginning.is_interactive", lambda: True)
    typed = "https://api.acme.test\nheadr\nheader\nX-Token\npost\n/orders/{id}/lines\n"
    ended = cli("new", "acme_shop", stdin=typed)
    assert ended.code == Exit.OK, ended.err
    assert "is not one of" in ended.err
    auth, (action,) = load("acme_shop").connection.auth, load("acme_shop").actions.values()
    assert (auth.kind, auth.name, action.id) == ("header", "X-Token", "create_line")
    assert cli("new", "second", "--yes", stdin="").code == Exit.OK


def test_ctrl_d_ends_it_and_writes_nothing(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to answer."""
    monkeypatch.setattr("connector.cli.beginning.is_interactive", lambda: True)
    assert cli("new", "acme", stdin="").code == Exit.INTERRUPTED
    assert not Path("acme").exists()


@pytest.mark.parametrize(
    "name",
    ["../x", "..", ".", "", "a/b", "/tmp/x", "a b", "Acme", "9lives", "a" * 65, "con", "aux", "é", "a\n", "-x", "a.b", "~", "$(id)", "perplexity", "C:\\x"],
)  # fmt: skip
def test_a_hostile_name_is_refused(cli: Any, tmp_path: Path, name: str) -> None:
    """An id of a connector, and nothing else, names its folder."""
    ended = cli("new", "--", name)
    assert ended.code == Exit.WRONG, ended.err
    assert ended.err.startswith("error: ")
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize("what", ["folder", "file", "link to nowhere"])
def test_what_is_there_is_never_touched(cli: Any, what: str) -> None:
    """A folder, a file, or a link of that name."""
    path = Path("acme")
    if what == "folder":
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    elif what == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere")
    ended = cli("new", "acme")
    assert (ended.code, "It is there already" in ended.err) == (Exit.WRONG, True)
    assert sorted(one.name for one in Path().iterdir()) == ["acme"]
    assert path.is_symlink() or (path / "mine.txt" if path.is_dir() else path).read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param({"base_url": "api.acme.test"}, "base_url", id="no scheme"),
        pytest.param({"base_url": "http://api.acme.test"}, "base_url", id="plain http"),
        pytest.param({"base_url": "https://u:p@acme.test"}, "base_url", id="password in the URL"),
        pytest.param({"base_url": "https://acme.test/?x"}, "base_url", id="query in the URL"),
        pytest.param({"base_url": "https://${{ 7 }}"}, "base_url", id="expression in the URL"),
        pytest.param({"auth": "magic"}, "auth", id="auth"),
        pytest.param({"auth": "header", "auth_name": "X Y"}, "auth_name", id="header with a space"),
        pytest.param({"auth": "header", "auth_name": "X:\r\nY"}, "auth_name", id="header of two lines"),
        pytest.param({"auth": "header", "auth_name": "Host"}, "auth_name", id="header of HTTP"),
        pytest.param({"auth": "header"}, "auth_name", id="no header"),
        pytest.param({"auth_name": "X-Key"}, "auth_name", id="a name that nothing has"),
        pytest.param({"method": "FETCH"}, "method", id="method"),
        pytest.param({"path": "items"}, "path", id="no slash"),
        pytest.param({"path": ""}, "path", id="no path"),
        pytest.param({"path": "/a?b=1"}, "path", id="query"),
        pytest.param({"path": "/a#b"}, "path", id="fragment"),
        pytest.param({"path": "/a b"}, "path", id="space"),
        pytest.param({"path": "/../b"}, "path", id="up"),
        pytest.param({"path": "//b"}, "path", id="host"),
        pytest.param({"path": "/${{ response.body }}"}, "path", id="another expression"),
        pytest.param({"path": "/a\n  evil: true"}, "path", id="two lines"),
        pytest.param({"path": "/{a"}, "path", id="open brace"),
        pytest.param({"action": "../x"}, "action", id="action"),
        pytest.param({"action": "x: y"}, "action", id="action that is YAML"),
    ],
)
def test_what_cannot_be_written_is_refused(change: dict[str, str], where: str) -> None:
    """Each answer is checked, and named."""
    with pytest.raises(InputError) as refused:
        wish(**change)
    assert [problem.where for problem in refused.value.problems] == [where]


def test_all_mistakes_are_told_at_once(cli: Any) -> None:
    """And nothing is written."""
    ended = cli("new", "acme", "--base-url", "x", "--path", "y", "--method", "z", "--auth", "w")
    assert ended.code == Exit.WRONG
    assert [word for word in ("base_url", "path", "method", "auth") if f"- {word}: " not in ended.err] == []
    assert not Path("acme").exists()


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "/items", "list_items"),
        ("GET", "/v1/users/{id}", "get_user"),
        ("GET", "/status", "get_status"),
        ("GET", "/me", "get_me"),
        ("POST", "/chat/completions", "create_completion"),
        ("PATCH", "/a/{b}/{c}", "update_a"),
        ("DELETE", "/api/v2/boxes/:id", "delete_box"),
        ("GET", "/", "get_root"),
        ("GET", "/{id}", "get_root"),
        ("PUT", "/2fa", "replace_thing_2fa"),
    ],
)
def test_an_action_is_called_by_its_request(method: str, path: str, action: str) -> None:
    """A name to begin with; --action gives another."""
    assert usual_action(method, path) == action


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        ("/a/{id}/b/{id}", ("id",)),
        ("/{x-y}/{x.y}", ("x_y", "x_y_2")),
        ("/{api_key}", ("api_key_value",)),
        ("/{name}/{note}", ("name", "note")),
        ("/{null}", ("null_",)),
    ],
)
def test_names_in_the_path_become_inputs(cli: Any, path: str, inputs: tuple[str, ...]) -> None:
    """As an expression can say them, and none that sounds like a secret; beside a body, too."""
    assert wish(path=path).path_inputs == inputs
    for number, method in enumerate(("GET", "POST", "DELETE")):
        assert cli("new", f"a{number}", "--method", method, "--path", path, "--action", "go").code == Exit.OK
        assert cli("lint", f"a{number}").code == Exit.OK
        assert cli("try", f"a{number}", "go", "--mock").code == Exit.OK


def test_the_files_are_the_same_each_time() -> None:
    """Nothing of the day, the machine or the user stands in them."""
    for auth, method in itertools.product(AUTH_KINDS, ("GET", "POST")):
        name = "X-Key" if auth in {"header", "query"} else ""
        one, other = (files_of(wish(auth=auth, auth_name=name, method=method)) for _ in range(2))
        assert one == other


def test_it_is_made_where_it_is_wanted(cli: Any) -> None:
    """--in makes folders on the way; a file in the way is an error, and nothing is left behind."""
    assert cli("new", "acme", "--in", "some/where").code == Exit.OK
    assert Path("some/where/acme/connector.yaml").is_file()
    Path("file").write_text("")
    ended = cli("new", "acme", "--in", "file")
    assert ended.code in {Exit.FAULT, Exit.WRONG}
    assert "Traceback" not in ended.err
    assert sorted(path.name for path in Path().iterdir()) == ["file", "some"]


@pytest.mark.skipif(os.name != "posix", reason="a closed stdin")
def test_it_never_waits_for_an_answer(tmp_path: Path) -> None:
    """A pipe, /dev/null or a closed stdin is nobody to ask."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = f"{shlex.quote(sys.executable)} -m connector.cli new"
    for name, stdin in (("one", "</dev/null"), ("two", "<&-"), ("three", "</dev/zero")):
        done = subprocess.run(
            ["sh", "-c", f"{command} {name} {stdin}"], env=environment, cwd=tmp_path, timeout=20, check=False
        )
        assert (done.returncode, (tmp_path / name).is_dir()) == (0, True)
