"""From files to a connector: every problem of every file, and nothing but ManifestError."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from golden import LIBRARY

from connector.document import parse
from connector.errors import ManifestError
from connector.lint import lint
from connector.loading import find, load, read, shipped_folder, shipped_names
from connector.manifest import Unsupported


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY, tmp_path / "library"))


def refused(folder: Path | str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load(folder)
    return [str(problem).split("\n")[0].replace(f"{folder}/", "") for problem in caught.value.problems]


# Where a connector is


@pytest.mark.parametrize(
    "name", ["perplexity", shipped_folder() / "perplexity", shipped_folder() / "perplexity/connector.yaml"]
)
def test_find(name: str | Path) -> None:
    """A shipped connector is found by its name, its folder, or its file."""
    assert find(name) == shipped_folder() / "perplexity"
    assert "perplexity" in shipped_names()


def test_find_in_a_folder(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector of one's own is found by its path, and a path is never taken for a shipped name."""
    monkeypatch.chdir(library.parent)
    assert find("library") == Path("library")
    with pytest.raises(ManifestError):
        find(Path("perplexity"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("perplexty", "Did you mean 'perplexity'?"),
        ("../perplexity", "Did you mean 'perplexity'?"),
        ("", "Known here: "),
        ("a\0b", "Known here: "),
        ("x" * 5000, "Known here: "),
    ],
    ids=["misspelt", "climbing", "empty", "nul", "long"],
)
def test_not_found(name: str, hint: str) -> None:
    """A name that leads nowhere is told with the nearest one."""
    (said,) = refused(name)
    assert "There is no connector named" in said
    assert hint in said


# What is read


def test_load(library: Path) -> None:
    """A connector is read whole, each value with the type that the runtime works with."""
    connector = load(library)
    action = connector.actions["find_books"]
    assert (connector.id, connector.folder, connector.format) == ("library", library, 1)
    assert connector.connection.secrets == {"api_key"}
    assert connector.retry.statuses == (429,)
    assert connector.errors.kinds[0].status == (401,)
    assert list(action.routes) == ["main", "old"]
    assert action.routes["old"].retired == date(2026, 1, 31)
    assert action.routes["old"].unsupported["readers.role"] == Unsupported(
        why="the old server knows no roles", harmless=("guest",)
    )
    assert action.rules[2].order is not None
    assert action.rules[2].order.turns == (("owner",), ("guest",))
    assert action.examples[0].inputs == {"shelf": "fiction"}


def test_read_keeps_the_sources(library: Path) -> None:
    """Lint gets the documents, with the place of everything."""
    manifest = read(library)
    assert manifest.document.file == str(library / "connector.yaml")
    assert manifest.actions["find_books"].problem(("id",), "", "").where.endswith("find_books.yaml:1:5")


def test_every_problem_of_every_file(library: Path) -> None:
    """The problems of all files are told together, in the order of the files and lines."""
    (library / "connector.yaml").write_text(
        (library / "connector.yaml").read_text().replace("id: library", "id: A")
    )
    action = library / "actions" / "find_books.yaml"
    action.write_text(
        action.read_text()
        .replace("minLength: 1", "minLength: x")
        .replace("exclusive: [since, until]", "x: 1")
    )
    (library / "actions" / "broken.yaml").write_text("id: [")
    assert [said.split(" ")[0] for said in refused(library)] == [
        "actions/broken.yaml:2:1:",
        "actions/find_books.yaml:28:5:",
        "connector.yaml:2:5:",
    ]


def test_actions_are_not_blamed_for_the_connector(library: Path) -> None:
    """Where connector.yaml cannot be read, no action is told that its tables are missing."""
    for broken in ("id: [", "tables: []", "- a"):
        (library / "connector.yaml").write_text(broken)
        assert not [said for said in refused(library) if "table" in said and "connector.yaml" not in said]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "connector.yaml:1:1: The file is empty."),
        (b"- a", "connector.yaml:1:1: A manifest is a mapping of keys to values."),
        (b"\xff\xfe", "connector.yaml: Not UTF-8 text (byte 0). Save the file as UTF-8."),
        (
            b"\xef\xbb\xbfformat: 9",
            "connector.yaml:1:9: The manifest is of format 9; this runtime reads format 1.",
        ),
        (b"a" * 5_000_000, "connector.yaml: The file has 5,000,000 bytes; 1,000,000 characters are allowed."),
        (b"a" * 1_000_001, "connector.yaml: The file has 1,000,001 characters; 1,000,000 are allowed."),
        (b"[" * 100_000, "connector.yaml:1:52: Nested deeper than 50 levels."),
    ],
    ids=["empty", "list", "utf-16", "newer", "huge", "large", "deep"],
)
def test_files_that_are_no_connector(library: Path, content: bytes, said: str) -> None:
    """A file that is none is told as what it is."""
    (library / "connector.yaml").write_bytes(content)
    assert refused(library)[0].startswith(said)


def test_no_action(library: Path) -> None:
    """A connector without an action is told where actions are."""
    shutil.rmtree(library / "actions")
    assert refused(library) == ["actions: There is no action. Write actions/<id>.yaml."]


def test_names_of_action_files(library: Path) -> None:
    """A file that ends in .yml is told, one that an editor or a system left there is passed over."""
    (library / "actions" / "._find_books.yaml").write_bytes(b"\x00")
    (library / "actions" / "notes.txt").write_text("no YAML: [")
    load(library)
    (library / "actions" / "other.yml").write_text("id: other")
    assert refused(library) == [
        "actions/other.yml: Only files that end in .yaml are read. Rename it to other.yaml."
    ]


def test_pipe(library: Path) -> None:
    """A pipe in the place of a file is refused, not waited for."""
    os.mkfifo(library / "actions" / "pipe.yaml")
    assert refused(library) == ["actions/pipe.yaml: It is not a file. Put a file of YAML there."]


def test_folder_for_a_file(library: Path) -> None:
    """So is a folder."""
    (library / "actions" / "folder.yaml").mkdir()
    assert refused(library) == ["actions/folder.yaml: It is not a file. Put a file of YAML there."]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(library: Path) -> None:
    """A file that may not be read is told with the system's reason."""
    (library / "connector.yaml").chmod(0)
    assert (
        refused(library)[0]
        == "connector.yaml: Cannot be read: Permission denied. Check the path and its rights."
    )


def test_folder_of_another_encoding(tmp_path: Path) -> None:
    """A folder whose name is no UTF-8 is read all the same."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    try:
        shutil.copytree(LIBRARY, folder)
    except OSError:
        pytest.skip("this file system knows UTF-8 only")
    assert load(folder).folder == folder


# Hostile schemas


def with_inputs(library: Path, schema: Any) -> None:
    """Put a schema, with what the rest of the action needs, into the place of the inputs."""
    file = library / "actions" / "find_books.yaml"
    action = parse(file.read_text(), "").value
    action["inputs"]["properties"]["since"] = schema
    file.write_text(json.dumps(action))


def test_deep_schema(library: Path) -> None:
    """A schema of forty levels is read and linted."""
    schema: Any = {"type": "string"}
    for _ in range(20):
        schema = {"type": "object", "properties": {"a": schema}}
    with_inputs(library, schema)
    assert not [problem for problem in lint(library) if "since" not in problem.message]


def test_evil_pattern(library: Path) -> None:
    """A pattern that would take for ever on some texts is compiled, and run on none."""
    with_inputs(
        library, {"type": "integer", "anyOf": [{"pattern": "^(a+)+$"}], "description": "a" * 40 + "!"}
    )
    assert load(library)
