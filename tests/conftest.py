"""What the tests of the command line share: a sandbox, and `cli`, which runs one command in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.loading import load
from connector.manifest import Connector
from connector.sandbox import Sandbox


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


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
