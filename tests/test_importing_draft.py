"""Drafts become files that this project's own reader takes, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from generated import TEXTS, bounded
from hypothesis import given
from hypothesis import strategies as st

from connector import private_file
from connector.document import parse
from connector.errors import ManifestError
from connector.importing.draft import Draft, add, write
from connector.importing.yaml_text import yaml_text
from connector.loading import shipped_folder

_WORDS = st.sampled_from(
    [
        "no",
        "on",
        "Yes",
        "n",
        "~",
        "null",
        "true",
        "012",
        "0x1",
        "1:2",
        "2026-01-02",
        "1e3",
        ".5",
        "-.inf",
        "=",
        "<<",
        "a:b",
        "a:",
        "#x",
        "x#y",
        "${{",
        "inputs.x",
        "}}",
        "-",
        "?",
        ":",
        ",",
        "[",
        "]",
        "{",
        "}",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "'",
        '"',
        "\\",
        "-a",
        "--",
        "---",
        "...",
        "\u2028",
        "\x85",
        "\ufeff",
        "\x07",
        "\r",
        "word",
        "https://a.test/b?c=d#e",
    ]
)
_ODD_TEXTS = st.one_of(
    TEXTS,
    st.text(max_size=300),
    st.text(alphabet="ab \n\t#:-'", max_size=100),
    st.lists(_WORDS, max_size=30).map(" ".join),
    st.lists(_WORDS, max_size=8).map("".join),
    st.lists(_WORDS, max_size=8).map("\n".join),
)
_NUMBERS = st.one_of(
    st.integers(-(10**38), 10**38), st.floats(allow_nan=False, allow_infinity=False, width=64)
)
_KEYS = st.one_of(_ODD_TEXTS, st.sampled_from(["type", "inputs", "properties", "since", "k" * 1500]))
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _ODD_TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=15,
)


def same(one: Any, other: Any) -> bool:
    """Equal with types, and with the order of keys: 1 is neither 1.0 nor true."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


@given(_VALUES)
@bounded(300)
def test_what_is_written_is_read_back(value: Any) -> None:
    """Any JSON value, however its texts look to a YAML reader, comes back equal."""
    assert same(parse(yaml_text(value), "a.yaml").value, value)


@pytest.mark.parametrize(
    "file", sorted(shipped_folder().glob("perplexity/**/*.yaml")), ids=lambda file: str(file.stem)
)
def test_shipped_manifests_survive(file: Path) -> None:
    """Every shipped manifest, written anew, is the same."""
    value = parse(file.read_text(encoding="utf-8"), file.name).value
    assert same(parse(yaml_text(value), file.name).value, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "word", "b": 5, "c": None, "d": True}, "a: word\nb: 5\nc: null\nd: true\n"),
        ({"a": "no", "b": "2024", "c": "a: b", "d": "x #y"}, 'a: "no"\nb: "2024"\nc: "a: b"\nd: "x #y"\n'),
        ({"a": 'say "hi"'}, 'a: say "hi"\n'),
        ({"a": '"hi": \\d'}, "a: '\"hi\": \\d'\n"),
        ({"a": []}, "a: []\n"),
        ({"a": ["x", 1]}, "a: [x, 1]\n"),
        ({"a": [{"b": 1}]}, "a:\n  - b: 1\n"),
        ({"a": {"type": "string"}}, "a: {type: string}\n"),
        ({"a": {"kind": "x"}}, "a:\n  kind: x\n"),
        ({"a": "${{ inputs.x }}"}, "a: ${{ inputs.x }}\n"),
        ({"a": "${{ inputs.x.{y: z} }}"}, 'a: "${{ inputs.x.{y: z} }}"\n'),
        ({"a": "one\ntwo"}, "a: |-\n  one\n  two\n"),
        ({"a": "word " * 30 + "end"}, f"a: >-\n  {'word ' * 20}word\n  {'word ' * 9}end\n"),
        ({"a": 1, "b": {"c": 1}, "d": 1}, "a: 1\n\nb:\n  c: 1\n\nd: 1\n"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:30],
)
def test_it_looks_as_the_shipped_ones_do(value: Any, text: str) -> None:
    """Block style, bare words where every reader takes them for text, long texts over several lines."""
    assert yaml_text(value) == text


DRAFT = Draft({"id": "acme", "name": "Acme"}, {"find": {"id": "find"}, "get": {"id": "get"}})


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("is_there", [False, True], ids=["new folder", "empty folder"])
def test_a_draft_becomes_a_folder(tmp_path: Path, is_there: bool) -> None:
    """connector.yaml and one file an action, each with the line for editors, and nothing else."""
    folder = tmp_path / "deep" / "acme"
    if is_there:
        folder.mkdir(parents=True)
    write(DRAFT, folder)
    found = files(folder)
    assert sorted(found) == ["actions/find.yaml", "actions/get.yaml", "connector.yaml"]
    assert all(text.startswith("# yaml-language-server: $schema=") for text in found.values())
    assert parse(found["actions/find.yaml"], "").value == {"id": "find"}
    assert [path.name for path in folder.parent.iterdir()] == ["acme"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Without force, nobody's files are touched."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ManifestError, match=r"not empty.*--force"):
        write(DRAFT, tmp_path)
    assert files(tmp_path) == {"notes.txt": "mine"}


def test_force_replaces_the_connector_only(tmp_path: Path) -> None:
    """The old manifest goes, with all of its actions; other files stay."""
    write(Draft({"id": "old"}, {"gone": {"id": "gone"}}), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    write(DRAFT, tmp_path, is_forced=True)
    assert sorted(files(tmp_path)) == ["actions/find.yaml", "actions/get.yaml", "connector.yaml", "notes.txt"]


@pytest.mark.parametrize("is_there", [False, True], ids=["new folder", "forced"])
def test_a_failed_write_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """A disk that is full on the way leaves what was there, and no rest."""
    folder = tmp_path / "acme"
    if is_there:
        write(Draft({"id": "old"}, {"old": {"id": "old"}}), folder)
    before = files(tmp_path)

    def full(path: Path, content: bytes, **options: Any) -> None:
        if path.name == "get.yaml":
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    monkeypatch.setattr(private_file, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(DRAFT, folder, is_forced=is_there)
    assert files(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == is_there


@pytest.mark.parametrize(
    ("moves", "count"), [(1, 1), (2, 2), (3, 3)], ids=["first move", "second move", "third move"]
)
def test_a_failed_move_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int, count: int
) -> None:
    """Where the new files cannot take their place, the old ones are back in it."""
    write(Draft({"id": "old"}, {"old": {"id": "old"}}), tmp_path)
    before, real, calls = files(tmp_path), Path.rename, []

    def rename(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == moves:
            raise OSError(5, "Input/output error")
        return Path(real(path, target))

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="Input/output"):
        write(DRAFT, tmp_path, is_forced=True)
    assert files(tmp_path) == before
    assert len(calls) >= count


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Draft({"id": float("nan")}, {}), "no number nan"),
        (Draft({"id": "\ud800"}, {}), "half of a surrogate pair"),
        (Draft({}, {"../evil": {}}), "not an id"),
        (Draft({"id": "x" * 1_000_001}, {}), "1,000,000 are allowed"),
        (Draft({"id": 10**60}, {}), "too long"),
    ],
    ids=["nan", "surrogate", "id that climbs", "too large", "long number"],
)
def test_what_the_reader_would_refuse_is_not_written(tmp_path: Path, draft: Draft, said: str) -> None:
    """It is told before anything is written."""
    with pytest.raises(ManifestError, match=said):
        write(draft, tmp_path / "acme")
    assert list(tmp_path.iterdir()) == []


def test_an_action_is_added(tmp_path: Path) -> None:
    """An action joins a folder; one that is there is kept, unless forced."""
    write(DRAFT, tmp_path)
    add("put", {"id": "put"}, tmp_path)
    assert parse(files(tmp_path)["actions/put.yaml"], "").value == {"id": "put"}
    with pytest.raises(ManifestError, match="an action of this id"):
        add("put", {"id": "other"}, tmp_path)
    add("put", {"id": "other"}, tmp_path, is_forced=True)
    assert parse(files(tmp_path)["actions/put.yaml"], "").value == {"id": "other"}
