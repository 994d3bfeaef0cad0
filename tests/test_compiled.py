"""The compiled form of what is shipped: what reading gives, never older than its files, and nothing but data."""

from __future__ import annotations

import copy
import pickle
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from golden import LIBRARY

from connector import compiled
from connector.loading import load, read, shipped_names


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a connector that is shipped for as long as the test takes; `kept` beside it is what is kept."""
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "manifests" / "library"))
    for module in ("shipped_files", "loading", "reading"):
        monkeypatch.setattr(f"connector.{module}.manifests", lambda: str(folder.parent))
    monkeypatch.setattr(compiled, "COMPILED", str(tmp_path / "kept"))
    return folder


def kept(library: Path) -> Path:
    return library.parent.parent / "kept" / "library.compiled"


@pytest.mark.parametrize("name", shipped_names())
def test_it_is_what_reading_gives(name: str) -> None:
    """A connector from its compiled form equals the one from YAML, every field of every action."""
    fresh = read(name).connector
    made_from = compiled.fingerprint(name)
    assert made_from is not None
    compiled.keep(name, fresh, made_from)
    loaded = load(name)
    assert type(loaded.actions) is not dict
    assert loaded == fresh
    assert list(loaded.actions) == list(fresh.actions)


def test_it_is_made_when_a_connector_is_first_loaded(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, no YAML is read."""
    first = load("library")
    monkeypatch.setattr("connector.loading.read", None)
    assert load("library") == first
    assert not list(kept(library).parent.glob("*.compiled.*"))


def edit(folder: Path) -> None:
    file = folder / "actions" / "find_books.yaml"
    file.write_text(file.read_text().replace("name: Find Books", "name: Find Boots"))


def add(folder: Path) -> None:
    text = (folder / "actions" / "find_books.yaml").read_text()
    (folder / "actions" / "find_more.yaml").write_text(text.replace("id: find_books", "id: find_more", 1))


def edit_connector(folder: Path) -> None:
    file = folder / "connector.yaml"
    file.write_text(file.read_text().replace("version: ", "version: 9"))


@pytest.mark.parametrize("change", [edit, add, edit_connector])
def test_a_change_in_the_yaml_counts_at_once(library: Path, change: Callable[[Path], None]) -> None:
    """Whatever of a manifest changes, load gives what the files say now, and keeps that."""
    before = load("library")
    change(library)
    after = load("library")
    assert after != before
    assert after == read("library").connector == load("library")


def test_a_change_in_the_code_counts(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version of the runtime has kept is not taken; what was edited meanwhile keeps nothing."""
    load("library")
    monkeypatch.setattr(compiled, "_CODE", b"another version")
    assert compiled.compiled("library") is None
    kept(library).unlink()
    load("library")
    assert not kept(library).exists()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:-1], id="cut"),
        pytest.param(lambda content: content[:12], id="begun"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], id="one bit"),
    ],
)
def test_a_damaged_file_is_not_taken(library: Path, spoil: Callable[[bytes], bytes]) -> None:
    """The YAML is read instead, and the file made anew."""
    first = load("library")
    whole = kept(library).read_bytes()
    kept(library).write_bytes(spoil(whole))
    assert compiled.compiled("library") is None
    assert load("library") == first
    assert compiled.compiled("library") is not None


def test_where_nothing_can_be_written_the_yaml_is_read(library: Path) -> None:
    """A read-only installation works."""
    kept(library).parent.write_text("a file where the folder would be")
    assert load("library") == read("library").connector


def test_a_folder_of_ones_own_is_always_read(library: Path, tmp_path: Path) -> None:
    """Neither is anything kept of it, nor is what is kept of a shipped one of its name taken for it."""
    load("library")
    own = Path(shutil.copytree(library, tmp_path / "library"))
    edit(own)
    before = kept(library).read_bytes()
    assert load(own).actions["find_books"].name == "Find Boots"
    assert kept(library).read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "os system",
        "builtins eval",
        "connector.template compile_node",
        "connector.manifest Path",
        "connector.manifest_values date",
        "connector.run partial",
    ],
)
def test_unpickling_makes_nothing_but_manifests(name: str) -> None:
    """Names that are no type of a manifest are refused, those in its modules included."""
    module, _, attribute = name.partition(" ")
    with pytest.raises(pickle.UnpicklingError, match="no part of a manifest"):
        compiled._unpickled(f"c{module}\n{attribute}\n.".encode())
    assert compiled._unpickled(pickle.dumps(date(2026, 9, 27))) == date(2026, 9, 27)


def test_a_connector_can_be_pickled_and_copied(library: Path) -> None:
    """After use too, when functions have been made of it; a worker process gets one that is equal."""
    load("library")
    loaded = load("library")
    assert loaded.actions["find_books"].input_checker.problems({"shelf": "fiction"}) == []
    assert pickle.loads(pickle.dumps(loaded)) == loaded == copy.deepcopy(loaded)
