"""The command line of `connector mcp`: which tools, which connection, and the settings of clients."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from conftest import Ended
from loopback import Loopback, http
from test_docs import blocks
from test_saved import MemoryKeyring
from tiny import write_tiny
from tools_served import INITIALIZE, KEY, ROOT, heard, perplexity
from tools_served import command as serving

from connector.cli.mcp import mcp as command
from connector.mcp.aliases import aliases
from connector.mcp.server import ERROR

Cli = Callable[..., Ended]


def save(cli: Cli, name: str) -> None:
    done = cli("connections", "add", "perplexity", "--name", name, "--secrets-from-stdin", stdin=f"{KEY}\n")
    assert done.code == 0, done.err


def printed(cli: Cli, client: str, *arguments: str) -> Any:
    done = cli("mcp", "--print-config", client, *arguments)
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.mark.parametrize(
    ("client", "key"),
    [
        ("claude", "<your PERPLEXITY_API_KEY>"),
        ("cursor", "${env:PERPLEXITY_API_KEY}"),
        ("vscode", "${input:perplexity-api-key}"),
    ],
)
def test_the_settings_of_a_client_start_the_server(cli: Cli, client: str, key: str, sandbox_url: str) -> None:
    """The command that they name answers; where the key comes from is told as the client wants it."""
    settings = printed(cli, client)
    entry = settings["servers" if client == "vscode" else "mcpServers"]["perplexity"]
    assert entry["env"] == {"PERPLEXITY_API_KEY": key}
    done = subprocess.run(
        [entry["command"], *entry["args"]],
        input=json.dumps(INITIALIZE),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "perplexity-connector"


def test_vscode_asks_for_the_key(cli: Cli) -> None:
    """And hides it as it is typed."""
    (asked,) = printed(cli, "vscode")["inputs"]
    assert asked == {
        "type": "promptString",
        "id": "perplexity-api-key",
        "description": "PERPLEXITY_API_KEY",
        "password": True,
    }


@pytest.mark.parametrize(
    ("client", "entry"),
    [
        (
            "claude",
            {"type": "http", "url": "http://127.0.0.1:9000/mcp", "headers": {"Authorization": "Bearer ${T}"}},
        ),
        ("cursor", {"url": "http://127.0.0.1:9000/mcp", "headers": {"Authorization": "Bearer ${env:T}"}}),
        (
            "vscode",
            {
                "type": "http",
                "url": "http://127.0.0.1:9000/mcp",
                "headers": {"Authorization": "Bearer ${input:t}"},
            },
        ),
    ],
)
def test_the_settings_of_a_client_reach_a_server(cli: Cli, client: str, entry: Any) -> None:
    """By its address, with the token where one is asked for."""
    settings = printed(cli, client, "--http", "--port", "9000", "--auth-token-env", "T")
    assert settings["servers" if client == "vscode" else "mcpServers"] == {"perplexity": entry}


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ("", "http://127.0.0.1:8766/mcp"),
        ("--host 192.0.2.7 --port 9000", "http://192.0.2.7:9000/mcp"),
        ("--host ::1", "http://[::1]:8766/mcp"),
        ("--host 0.0.0.0", "http://127.0.0.1:8766/mcp"),
        ("--host 0.0.0.0 --host-name tools.example.com", "https://tools.example.com/mcp"),
        ("--host 0.0.0.0 --host-name tools.example.com:8766", "http://tools.example.com:8766/mcp"),
        ("--host-name tools.example.com:8443", "https://tools.example.com:8443/mcp"),
    ],
)
def test_settings_have_the_address_that_is_served(cli: Cli, arguments: str, url: str) -> None:
    """Or the name of the proxy before it, which adds TLS."""
    settings = printed(cli, "cursor", "--http", *arguments.split())
    assert settings["mcpServers"]["perplexity"]["url"] == url


def test_a_key_that_was_not_put_into_the_settings_is_told(cli: Cli, tmp_path: Path) -> None:
    """Before anything is sent."""
    (left,) = printed(cli, "claude")["mcpServers"]["perplexity"]["env"].values()
    params = {"name": "perplexity_list_models", "arguments": {}}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
    with (
        Loopback(http()) as server,
        serving(key=left, url=server.url, CONNECTOR_HOME=str(tmp_path)) as process,
    ):
        process.stdin.write(f"{json.dumps(INITIALIZE)}\n{json.dumps(call)}\n".encode())
        result = heard(process, 2)[1]["result"]
        assert server.requests == []
    assert result["_meta"][ERROR]["kind"] == "bad_connection"
    assert "api_key holds a space" in result["content"][0]["text"]


def test_settings_repeat_the_choice_of_tools(cli: Cli) -> None:
    """With the connection, which holds the key; so none is in the settings, nor a place for one."""
    save(cli, "work")
    settings = printed(cli, "cursor", "--actions", "execute_search, decide", "--connection", "work")
    entry = settings["mcpServers"]["perplexity"]
    assert entry["args"] == ["mcp", "--connection", "work", "--actions", "execute_search,decide"]
    assert entry["env"] == {"CONNECTOR_PASSPHRASE": "${env:CONNECTOR_PASSPHRASE}"}  # the key is in the file
    assert KEY not in json.dumps(settings)
    assert printed(cli, "cursor", "--tools", "vendor")["mcpServers"]["perplexity"]["args"] == [
        "mcp",
        "--tools",
        "vendor",
    ]


def test_settings_name_the_connection_that_is_saved_already(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place for a key would win over it; where the keyring has the key, a client needs nothing else."""
    ring = MemoryKeyring()
    monkeypatch.setattr("connector.saved.system_keyring", lambda: ring)
    save(cli, "perplexity")
    for kind in ("actions", "vendor"):
        entry = printed(cli, "claude", "--tools", kind)["mcpServers"]["perplexity"]
        assert entry["args"][:3] == ["mcp", "--connection", "perplexity"]
        assert "env" not in entry


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--actions", "execute_serch"], 2, "Did you mean 'execute_search'?"),
        (["--actions", "perplexity.nothing"], 2, "has no action 'nothing'"),
        (["--actions", "list_models", "--tools", "vendor"], 2, "has tools of its own"),
        (["--tools", "all"], 2, "'all' is not one of"),
        (["--connection", "none"], 3, "No connection of this name is saved."),
        (["--auth-token-env", "T"], 2, "--auth-token-env is for --http"),
        (["--host-name", "a.example"], 2, "--host-name is for --http"),
        (["--http", "--auth-token-env", "NO_SUCH_TOKEN"], 3, "It is not set, or empty."),
        (["--http", "--host", "0.0.0.0", "--port", "0"], 2, "Ask for a token: --auth-token-env NAME."),
        (["--http", "--host", "256.0.0.1", "--auth-token-env", "PATH"], 2, "cannot be listened on"),
        (["--http", "--host", "192.0.2.1", "--auth-token-env", "PATH"], 2, "Give --host an address of this"),
        (["--actions", "./no_such_folder"], 2, "no_such_folder"),
        (["--print-config", "vscode", "--http", "--port", "0"], 2, "The settings need a port"),
        (["extra"], 2, "There are too many arguments."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_served_is_told(cli: Cli, arguments: list[str], code: int, says: str) -> None:
    """Before anything is served, with what to do about it."""
    done = cli("mcp", *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_a_connector_of_ones_own_is_served(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its folder, or one action of it; settings name the folder in full, and every secret that it needs."""
    (tmp_path / "tiny").mkdir()
    write_tiny(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    for named in ("./tiny", "./tiny.look"):
        entry = printed(cli, "cursor", "--actions", named)["mcpServers"]["tiny"]
        assert entry["args"] == ["mcp", "--actions", str(tmp_path / named)]
        assert entry["env"] == {"TINY_KEY": "${env:TINY_KEY}"}
    both = printed(cli, "cursor", "--actions", "./tiny,list_models")["mcpServers"]["connector"]
    assert set(both["env"]) == {"TINY_KEY", "PERPLEXITY_API_KEY"}
    save(cli, "work")
    done = cli("mcp", "--actions", "./tiny", "--connection", "work")
    assert done.code == 3
    assert "It is a connection of perplexity, of which no action is served. Choose one of: tiny." in done.err


def test_a_connection_is_of_a_connector_that_is_served(cli: Cli) -> None:
    """And there is one of each."""
    for name in ("work", "home"):
        save(cli, name)
    done = cli("mcp", "--connection", "work", "--connection", "home", "--print-config", "claude")
    assert done.code == 3
    assert "'work' is a connection of perplexity too." in done.err


def test_without_the_sdk_it_says_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setattr("connector.cli.mcp.find_spec", lambda name: None)
    done = cli("mcp")
    assert done.code == 2
    assert "python -m pip install 'perplexity-connector[mcp]'" in done.err


def test_help_needs_no_sdk(cli: Cli) -> None:
    """Nor does it read a manifest."""
    assert "Model" in cli("mcp", "--help").out


PAGE = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in blocks(PAGE, "sh") for line in block.splitlines() if line.startswith("connector mcp")
]


def test_the_page_names_every_option_and_every_other_name() -> None:
    """Nothing that can be asked for is missing in docs/mcp.md."""
    options = {name for one in command.params for name in one.opts}
    others = {name for kind in ("vendor", "directory") for name in aliases(kind, perplexity())}
    assert [
        name for name in sorted({*options, *others}) if f"`{name}" not in PAGE and f" {name}" not in PAGE
    ] == []


def test_the_settings_of_the_page_are_those_that_are_printed(cli: Cli) -> None:
    """But for the path of the command."""
    (block,) = blocks(PAGE, "json")
    shown = json.loads(block)
    shown["servers"]["perplexity"]["command"] = ANY
    assert printed(cli, "vscode") == shown


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_works(cli: Cli, line: str, tmp_path: Path) -> None:
    """It prints settings, or serves until it is interrupted (here on a free port of this computer only)."""
    arguments = shlex.split(line)[2:]
    if "--print-config" in arguments:
        assert cli("mcp", *arguments).code == 0
        return
    here = ("--host", "127.0.0.1", "--port", "0")
    token = "test-token-0123456789abcdef"
    with serving(*arguments, *here, CONNECTOR_HOME=str(tmp_path), TOOLS_TOKEN=token) as process:
        assert process.stderr.readline().startswith(b"19 tools at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
