"""kill -9, Ctrl-C and a full disk: the files are the old or the new ones, never half, and nothing is left over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dying import NEW_KEY, NEW_URL, RESULT

import connector
from connector import ledger, sealed
from connector.saved import SavedConnection, SavedConnections
from connector.secret import Secret
from connector.testing import cassette_file
from connector.testing.recording import record
from connector.testing.replaying import replay

DYING = Path(__file__).with_name("dying.py")
OLD_KEY, OLD_URL = "pplx-test-" + "o" * 24, "https://old.test"
REAL_SCRYPT_N = sealed._SCRYPT_N
PASSPHRASE = "correct horse battery"
CASSETTE = Path("cassettes/perplexity/execute_search/one_query.yaml")
POINTS = {"add": 60, "note": 60, "record": 20}
"""At how many lines a task is ended, from the first to the last: all of them cost too much."""

Ended = dict[str, Any]


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_SCRYPT_N", 2)


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PERPLEXITY_")}
    return {
        **kept,
        "CONNECTOR_HOME": str(home),
        "CONNECTOR_PASSPHRASE": PASSPHRASE,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


def ends(task: str, how: str, points: int, folder: Path) -> list[Ended]:
    """How the task ended at each point, from the state `before` in the folder."""
    arguments = [
        sys.executable,
        str(DYING),
        task,
        how,
        str(points),
        str(folder / "before"),
        str(folder / how),
    ]
    done = subprocess.run(
        arguments, env=environment(folder), capture_output=True, text=True, check=True, timeout=300
    )
    found: list[Ended] = json.loads(done.stdout)
    return found


def connections(folder: Path) -> SavedConnections:
    return SavedConnections(folder, passphrase=lambda: Secret(PASSPHRASE), keyring=None)


class Added:
    """`connector connections add --replace`, over an old connection."""

    names = ("connections.json", "connections.lock", "secrets.json")

    def __init__(self, folder: Path) -> None:
        old = SavedConnection("perplexity", "perplexity", {"base_url": OLD_URL}, {"api_key": Secret(OLD_KEY)})
        connections(folder).save(old)

    def state(self, folder: Path) -> str:
        loaded = connections(folder).load("perplexity")
        key, url = loaded.secrets["api_key"].reveal(), loaded.settings["base_url"]
        return {(OLD_KEY, OLD_URL): "old", (NEW_KEY, NEW_URL): "new"}[key, url]

    def again(self, folder: Path) -> None:
        loaded = connections(folder).load("perplexity")
        connections(folder).save(loaded, replace=True)
        assert len(json.loads((folder / "secrets.json").read_text())["secrets"]) == 1


class Noted:
    """A run, noted in the ledger of usage that has one."""

    names = (ledger.FILE, f"{ledger.FILE}.lock")

    def __init__(self, folder: Path) -> None:
        ledger.note(folder, "perplexity", RESULT)

    def state(self, folder: Path) -> str:
        content = (folder / ledger.FILE).read_bytes()
        assert content.endswith(b"\n")
        assert len(list(ledger.entries(folder))) == content.count(b"\n")
        return {1: "old", 2: "new"}[content.count(b"\n")]

    def again(self, folder: Path) -> None:
        ledger.note(folder, "perplexity", RESULT)


class Recorded:
    """`connector record`, over an old cassette with another answer."""

    names = (CASSETTE.name,)

    def __init__(self, folder: Path) -> None:
        shutil.copytree(connector.load("perplexity").folder, folder / "manifests" / "perplexity")
        (folder / "icon.png").touch()
        self.again(folder)
        file = folder / CASSETTE
        file.write_text(file.read_text().replace('"server_time":null', '"server_time":"old"'))

    def state(self, folder: Path) -> str:
        loaded = connector.load(folder / "manifests" / "perplexity")
        action = loaded.actions["execute_search"]
        replay(loaded, action, next(one for one in action.examples if one.id == "one_query"))
        _, [response] = cassette_file.read(folder / CASSETTE)
        return "old" if json.loads(response["body"]["string"])["server_time"] else "new"

    def again(self, folder: Path) -> None:
        if list((folder / CASSETTE).parent.glob("*.new")) or not (folder / CASSETTE).exists():
            list(record(folder / "manifests" / "perplexity", "execute_search", "one_query"))


KINDS: dict[str, Callable[[Path], Any]] = {"add": Added, "note": Noted, "record": Recorded}
FULL = {"add": 3, "note": 70, "record": 70}


@pytest.mark.hazard("D6", "I9")
@pytest.mark.parametrize("how", ["kill", "interrupt", "full"])
@pytest.mark.parametrize("task", ["add", "note", pytest.param("record", marks=pytest.mark.slow)])
def test_files_are_old_or_new(
    task: str, how: str, tmp_path: Path, figure: Callable[[str, str], None]
) -> None:
    """Wherever the writer ends, what is read next is whole, and the next writer clears what was left."""
    (tmp_path / "before").mkdir()
    kind = KINDS[task](tmp_path / "before")
    found = ends(task, how, 30 if how == "full" else POINTS[task], tmp_path)
    states = {"old": 0, "new": 0}
    for one in found:
        folder = Path(one["folder"])
        states[kind.state(folder)] += 1
        kind.again(folder)
        place = folder / CASSETTE.parent if task == "record" else folder
        assert sorted(path.name for path in place.iterdir()) == sorted(kind.names)
        assert one["code"] in {"kill": {-9}, "interrupt": {130}, "full": {0, FULL[task]}}[how], one
        assert "Traceback" not in one["said"]
        said = ("cannot be written: File too large", "cannot be written: No space left")
        assert how != "full" or one["code"] == 0 or any(words in one["said"] for words in said), one
    assert len(found) >= 20
    assert states["old"]
    assert states["new"]
    figure("D6" if task != "note" else "I9", f"{task} ended by {how} at {len(found)} points: 0 files half")


COMMANDS = {
    "add": (
        "connections",
        "add",
        "perplexity",
        "--field",
        f"base_url={NEW_URL}",
        "--secrets-from-stdin",
        "--replace",
    ),
    "record": ("record", "{}/manifests/perplexity.execute_search", "one_query"),
}


@pytest.mark.slow
@pytest.mark.parametrize("task", COMMANDS)
def test_kill_9_from_outside(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed at any moment of its life leaves files as one that dies by itself does."""
    monkeypatch.setattr(sealed, "_SCRYPT_N", REAL_SCRYPT_N)
    (tmp_path / "before").mkdir()
    kind = KINDS[task](tmp_path / "before")
    command = [
        sys.executable,
        "-m",
        "connector.cli",
        *(part.format(tmp_path / "before") for part in COMMANDS[task]),
    ]
    started, lasts = time.monotonic(), 60.0
    for number in range(21):
        with subprocess.Popen(
            command,
            env=environment(tmp_path / "before"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:
            with suppress(subprocess.TimeoutExpired):  # the first one may end, and says how long it takes
                running.communicate(NEW_KEY.encode(), timeout=lasts * (number or 20) / 20)
            running.kill()
        lasts = lasts if number else time.monotonic() - started
        assert kind.state(tmp_path / "before") == "new"
    kind.again(tmp_path / "before")
