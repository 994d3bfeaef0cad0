"""`connector test` and `connector record`, as somebody at a terminal or a CI job meets them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conftest import Ended
from golden import LIBRARY
from loopback import Loopback, http
from tiny import write_tiny

from connector.cli.endings import Exit
from connector.loading import load
from connector.testing.examples import examples
from connector.testing.recording import record

Cli = Callable[..., Ended]

EXAMPLES = """
examples:
  - id: one
    inputs: {id: 5}
  - id: two
    inputs: {id: 6, tags: [a]}
  - id: three
    inputs: {id: 7}
"""


@pytest.fixture(scope="module")
def recorded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two connectors with their cassettes."""
    root = tmp_path_factory.mktemp("recorded")
    folder = root / "tiny"
    folder.mkdir()
    write_tiny(folder)
    file = folder / "actions" / "look.yaml"
    file.write_text(file.read_text() + EXAMPLES)
    for place in (folder, shutil.copytree(LIBRARY, root / "library")):
        list(record(place))
    return root


@pytest.fixture
def tiny(tmp_path: Path, recorded_once: Path) -> Path:
    """The folder of a connector with three recorded examples."""
    return Path(shutil.copytree(recorded_once / "tiny", tmp_path / "tiny"))


def cassette(folder: Path, example: str) -> Path:
    return next(one.cassette for one in examples(load(folder)) if one.example.id == example)


def spoil(folder: Path, example: str) -> None:
    """The outputs of an example are others than were recorded."""
    file = cassette(folder, example)
    text = file.read_text()
    file.write_text(re.sub(r"outputs: .*", 'outputs: \'{"name":"another"}\'', text))


def summary(ended: Ended) -> str:
    """The last line, without the time."""
    return re.sub(r" in \d+\.\d\d s$", "", ended.out.splitlines()[-1])


# --- replay


def test_all_pass(tiny: Path, cli: Cli) -> None:
    """Progress, what was recorded against and when, and a line that sums up."""
    ended = cli("test", str(tiny))
    assert (ended.code, ended.err) == (Exit.OK, "")
    assert ended.out.splitlines()[:-1] == [
        "tiny.look ...",
        f"recorded against a mock of the manifest on {datetime.now(UTC).date()}",
    ]
    assert re.fullmatch(r"3 passed, 0 failed in \d+\.\d\d s", ended.out.splitlines()[-1])


def test_the_shipped_connector_passes(cli: Cli) -> None:
    """All of its examples, in this process, while another pytest runs."""
    ended = cli("test", "perplexity", "execute_search")
    assert summary(ended) == f"{len(load('perplexity').actions['execute_search'].examples)} passed, 0 failed"


def test_a_failure_is_shown_with_what_differs(tiny: Path, cli: Cli) -> None:
    """Which example, its cassette, the lines, and what to do; the exit code is 1."""
    spoil(tiny, "two")
    ended = cli("test", str(tiny))
    assert ended.code == Exit.FOUND
    assert ended.out.startswith("tiny.look .F.\n")
    assert " tiny.look two " in ended.out
    assert "The outputs differ from the recorded ones." in ended.out
    assert '-  "name": "another"' in ended.out
    assert f"connector record {tiny} look two" in ended.out
    assert summary(ended) == "2 passed, 1 failed"


def test_what_is_unused_is_shown(tiny: Path, cli: Cli) -> None:
    """By method and path."""
    file = cassette(tiny, "one")
    head, _, rest = file.read_text().partition("interactions:\n")
    exchange, _, tail = rest.partition("metadata:")
    more = exchange.replace("/items/5/", "/items/99/")
    file.write_text(f"{head}interactions:\n{exchange}{more}metadata:{tail}")
    assert "not used: GET /api/items/99/x?v=2" in cli("test", str(tiny)).out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "2 passed, 1 failed"),
        (("-k", "one or three"), "2 passed, 0 failed"),
        (("-k", "look and not two"), "2 passed, 0 failed"),
        (("-x",), "1 passed, 1 failed"),
        (("-x", "-k", "two"), "0 passed, 1 failed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_which_are_run(tiny: Path, cli: Cli, options: tuple[str, ...], expected: str) -> None:
    """-k chooses as pytest's does, -x stops at the first failure."""
    spoil(tiny, "two")
    assert summary(cli("test", str(tiny), *options)) == expected


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("TINY",), 3),
        (("TINY", "look"), 3),
        (("TINY", "look", "two"), 1),
        (("TINY.look",), 3),
        (("TINY.look", "two"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_how_they_are_named(tiny: Path, cli: Cli, words: tuple[str, ...], number: int) -> None:
    """A folder with its action as a word of its own, or in one word."""
    ended = cli("test", *(word.replace("TINY", str(tiny)) for word in words))
    assert summary(ended) == f"{number} passed, 0 failed"


def test_in_its_own_folder_a_connector_needs_no_name(
    tiny: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pytest finds the tests that are there."""
    monkeypatch.chdir(tiny)
    assert summary(cli("test")) == "3 passed, 0 failed"
    assert cli("record").out.count("same shape") == 3


WRONG = {
    "no such connector": (("nope",), "There is no connector named 'nope'"),
    "no such folder": (("./nope",), "There is no connector named './nope'"),
    "no such action": (("TINY", "lok"), "Did you mean 'look'?"),
    "no such example": (("TINY", "look", "on"), "look has no example 'on'"),
    "too many words": (("TINY", "look", "one", "two"), "too many"),
    "too many words after an action": (("TINY.look", "one", "two"), "too many"),
    "nothing fits": (("TINY", "-k", "nope"), "no example fits -k 'nope'"),
    "no expression": (("TINY", "-k", "one or ("), "It is no expression"),
    "no file": (("TINY", "--junit", "/nope/x.xml"), "cannot be written"),
    "a folder": (("TINY", "--junit", "TINY"), "cannot be written"),
    "a NUL": (("TINY", "--junit", "a\0b"), "cannot be written"),
    "yes to what": (("TINY", "--yes"), "--yes and --connection go with --live"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_wrong_arguments(tiny: Path, cli: Cli, words: tuple[str, ...], said: str) -> None:
    """One sentence on stderr, and the exit code of wrong usage."""
    ended = cli("test", *(word.replace("TINY", str(tiny)) for word in words))
    assert ended.code == Exit.WRONG
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_nothing_is_recorded_into_the_installed_package(
    tiny: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are pip's."""
    monkeypatch.setattr("connector.cli.recording.COMPILED", str(tiny.parent))
    ended = cli("record", str(tiny))
    assert (ended.code, "It is an installed connector" in ended.err) == (Exit.WRONG, True)


def test_nothing_to_run_ends_clearly(tmp_path: Path, cli: Cli) -> None:
    """Without examples, and without cassettes: what is missing, and how to make it."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    write_tiny(folder)
    ended = cli("test", str(folder))
    assert (ended.code, ended.out) == (Exit.WRONG, "")
    assert "There is nothing to run: there are no examples." in ended.err
    assert "there is nothing to record" in cli("record", str(folder)).err
    library = shutil.copytree(LIBRARY, tmp_path / "library")
    ended = cli("test", str(library))
    assert (ended.code, ended.out) == (Exit.WRONG, "")
    assert (
        f"no example has a cassette. Record them; one of them by: connector record {library} find_books fiction"
        in ended.err
    )


def test_one_missing_cassette_is_a_failure(tiny: Path, cli: Cli) -> None:
    """An example that nobody has recorded is not passed over."""
    cassette(tiny, "two").unlink()
    ended = cli("test", str(tiny))
    assert (ended.code, summary(ended)) == (Exit.FOUND, "2 passed, 1 failed")
    assert "There is no cassette. Record it again" in ended.out


@pytest.mark.parametrize(("days", "notes"), [(180, 0), (181, 1)])
def test_old_cassettes_are_noted(tiny: Path, cli: Cli, days: int, notes: int) -> None:
    """After 180 days, on stderr, with the oldest and what records it; it is no failure."""
    file = cassette(tiny, "two")
    then = datetime.now(UTC).date() - timedelta(days=days)
    file.write_text(re.sub(r"recorded_on: .*", f"recorded_on: '{then}'", file.read_text()))
    ended = cli("test", str(tiny))
    assert ended.code == Exit.OK
    assert ended.err.count("note: 1 cassette is older than 180 days") == notes
    assert ended.err.count(f"is of {then}, {days} days ago") == notes


@pytest.mark.hazard("C11", "I6")
def test_what_a_cassette_says_cannot_steer_a_terminal_or_break_the_report(
    tiny: Path, cli: Cli, tmp_path: Path
) -> None:
    """Control characters are shown as such, and the XML is read by any parser."""
    file = cassette(tiny, "two")
    text = re.sub("uri: .*", lambda _: r"""uri: "http://mock/\e[2J]]>&<b>\u202E\0" """, file.read_text())
    file.write_text(re.sub("recorded_against: .*", lambda _: r"""recorded_against: "a\e[31mb" """, text))
    report = tmp_path / "report.xml"
    ended = cli("test", str(tiny), "--junit", str(report))
    assert ended.code == Exit.FOUND
    assert not {"\x1b", "\u202e", "\0"} & {*ended.out, *ended.err}
    assert r"/\x1b[2J]]>&<b>\u202e\x00" in ended.out
    assert r"recorded against a\x1b[31mb" in ended.out
    suite = ET.parse(report).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    cases = [(case.get("classname"), case.get("name"), len(case)) for case in suite]
    assert cases == [("tiny.look", "one", 0), ("tiny.look", "two", 1), ("tiny.look", "three", 0)]
    assert "[2J]]>&<b>" in str(suite[1][0].text)


def test_settings_of_pytest_for_other_tests_count_for_nothing(
    tiny: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the environment's nor the folder's, nor a conftest.py there."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_module")
    (tiny / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    for place in (tiny, tiny.parent):
        for name in ("conftest.py", "__init__.py", "test_x.py"):
            (place / name).write_text("raise SystemExit('this was run')\n")
    monkeypatch.chdir(tiny)
    assert summary(cli("test")) == "3 passed, 0 failed"


@pytest.mark.parametrize("library", ["vcr", "pytest"])
def test_it_says_what_it_needs(library: str, tmp_path: Path) -> None:
    """Without the extra `test`: one sentence with the command."""
    code = f"import sys; sys.modules['{library}'] = None; from connector.cli import main; sys.exit(main(['test']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == Exit.WRONG
    assert (
        b"Testing needs pytest and vcrpy: python -m pip install 'perplexity-connector[test]'" in done.stderr
    )


# --- live


@pytest.fixture
def library(tmp_path: Path, recorded_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A connector whose action is a POST, with a check that is free."""
    folder = shutil.copytree(recorded_once / "library", tmp_path / "library")
    monkeypatch.setenv("LIBRARY_API_KEY", "test-key-aB3dE5gH7jK9")
    return Path(folder)


def books(*rows: dict[str, object]) -> bytes:
    return http(200, {"books": list(rows), "status": "done"})


def live(
    cli: Cli,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *answers: bytes,
    options: tuple[str, ...] = ("--yes",),
) -> tuple[Ended, list[str]]:
    """How it ended, and what was asked of the service."""
    with Loopback(*answers) as server:
        monkeypatch.setenv("LIBRARY_BASE_URL", server.url)
        ended = cli("test", str(folder), "--live", *options)
        return ended, [f"{one.method} {one.target}" for one in server.requests]


def test_live_compares_shapes(library: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other values pass; the free check comes first."""
    answer = books({"title": "Moby-Dick", "year": 1851, "pages": 600})
    ended, asked = live(cli, library, monkeypatch, http(200, {}), answer)
    assert (ended.code, summary(ended)) == (Exit.OK, "1 passed, 0 failed")
    assert asked == ["GET /me", "POST /shelves/fiction/books?limit=10"]


def test_live_tells_another_shape(library: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Place by place, and no key anywhere."""
    answer = books({"title": "test-key-aB3dE5gH7jK9"})
    ended, _ = live(cli, library, monkeypatch, http(200, {}), answer)
    assert (ended.code, summary(ended)) == (Exit.FOUND, "0 passed, 1 failed")
    assert "- body.books[].year: number" in ended.out
    assert "aB3dE5gH" not in ended.out + ended.err


def test_live_does_not_pay_without_a_yes(library: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST is not sent; where nothing else is left, that is said."""
    ended, asked = live(cli, library, monkeypatch, http(200, {}), options=())
    assert (ended.code, ended.out) == (Exit.WRONG, "")
    assert "Add --yes" in ended.err
    assert asked == ["GET /me"]


def test_live_stops_at_a_wrong_key(library: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked that could be paid for."""
    ended, asked = live(cli, library, monkeypatch, http(401, {"message": "no", "code": "no"}))
    assert ended.code == Exit.CONNECTION
    assert asked == ["GET /me"]


def test_live_runs_what_is_free(tiny: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GET needs no yes; without a key, nothing is sent."""
    assert cli("test", str(tiny), "--live").code == Exit.CONNECTION
    monkeypatch.setenv("TINY_KEY", "test-key-aB3dE5gH7jK9")
    with Loopback(http(200, {"name": "x"})) as server:
        monkeypatch.setenv("TINY_BASE_URL", server.url)
        ended = cli("test", str(tiny), "--live")
        assert (ended.code, summary(ended), len(server.requests)) == (Exit.OK, "3 passed, 0 failed", 3)


def test_live_leaves_out_what_the_service_has_retired(
    tiny: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be refused, and says nothing about the connector."""
    file = tiny / "actions" / "look.yaml"
    text = file.read_text()
    route = text.partition("  only:\n")[2].partition("examples:")[0]
    text = text.replace("examples:\n", f"  old:\n    retired: 2020-01-01\n{route}examples:\n")
    file.write_text(text.replace("{id: 6, tags: [a]}", "{id: 6, tags: [a]}\n    route: old"))
    monkeypatch.setenv("TINY_KEY", "test-key-aB3dE5gH7jK9")
    with Loopback(http(200, {"name": "x"})) as server:
        monkeypatch.setenv("TINY_BASE_URL", server.url)
        ended = cli("test", str(tiny), "--live")
    assert (ended.code, summary(ended)) == (Exit.OK, "2 passed, 0 failed, 1 left out")
    assert "note: left out, for it takes a route that the service has retired: look/two" in ended.err


# --- record


def test_record_tells_what_to_allow(tiny: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes it; a mock then does not replace what the service has answered."""
    monkeypatch.setenv("TINY_KEY", "test-key-aB3dE5gH7jK9")
    with Loopback(http(200, {"name": "x", "token": "zY8xW6vU4tS2rQ1pN9mK7jH5"})) as server:
        monkeypatch.setenv("TINY_BASE_URL", server.url)
        ended = cli("record", str(tiny), "look", "one", "--live")
        assert ended.code == Exit.FOUND
        assert "--allow response.body.token" in ended.err
        assert "zY8xW6" not in ended.out + ended.err
        ended = cli("record", str(tiny), "look", "one", "--live", "--allow", "response.body.token")
        assert ended.out.splitlines() == [
            f"look/one: changed ({cassette(tiny, 'one')})",
            "    + body.token: text",
        ]
    assert "look/one: kept: http://127.0.0.1" in cli("record", str(tiny)).out
    assert cli("test", str(tiny)).out.count("recorded against") == 2


def test_record_of_a_connection_is_live(tiny: Path, cli: Cli) -> None:
    """Nothing else uses a key."""
    assert "goes with --live" in cli("record", str(tiny), "--connection", "x").err
