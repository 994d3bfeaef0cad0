"""Editor help: the schemas of manifests take what the reader takes, refuse mistakes, and explain every key."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from connector.document import parse
from connector.documenting.editor_schema import KINDS, described, editor_schema, schema_text
from connector.documenting.json_schema import WORDS, any_schema
from connector.documenting.manifest_page import manifest_page
from connector.errors import ManifestError
from connector.lint_schema import _WORDS
from connector.reading import read_folder
from connector.schema_form import faults
from connector.shipped_files import files_of, shipped_names

ROOT = Path(__file__).parent.parent
SCHEMAS = {kind: editor_schema(kind) for kind in KINDS}
SHIPPED = [Path(file) for name in shipped_names() for file in files_of(name)]

# of the planted mistakes of tests/manifests: those that need no knowledge of other keys or files
REFUSED = {
    "auth_lacks_value",
    "auth_of_another_kind",
    "expression_cut_by_comment",
    "expression_is_missing",
    "id_with_capitals",
    "number_attempts",
    "number_status",
    "request_path_to_other_host",
    "request_path_without_slash",
    "rule_of_no_condition",
    "rule_of_two_conditions",
    "schema_reference",
    "schema_type",
    "schema_untyped_input",
    "schema_value_of_word",
    "schema_word",
    "schema_word_deep",
    *(case for case in golden.names() if case.startswith(("key_", "type_"))),
} - {"key_of_route", "type_day"}  # what YAML itself refuses, and the 30th of February


def kind_of(file: Path) -> str:
    return "connector" if file.name == "connector.yaml" else "action"


def refusals(file: Path, draft: Any = Draft202012Validator) -> list[str]:
    value = parse(file.read_text(encoding="utf-8"), file.name).value
    return [
        f"{error.json_path}: {error.message}" for error in draft(SCHEMAS[kind_of(file)]).iter_errors(value)
    ]


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that a schema names, with its own schema; those of JSON Schema included, once."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner
        yield from keys(inner, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from keys(schema[word], f"{path}[]")


ALL_KEYS = [
    pytest.param(schema, id=f"{kind}{path}") for kind in KINDS for path, schema in keys(SCHEMAS[kind])
]


@pytest.mark.parametrize("draft", [Draft7Validator, Draft202012Validator], ids=["draft-07", "2020-12"])
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_manifest_fits(file: Path, draft: Any) -> None:
    """An editor says nothing of a manifest that is right, whichever draft it knows."""
    assert refusals(file, draft) == []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_manifest_names_its_schema(file: Path) -> None:
    """Its first line leads an editor to the schema, in a checkout as in an installed package."""
    first = file.read_text(encoding="utf-8").splitlines()[0]
    path = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / path).resolve() == ROOT / "schemas" / f"{kind_of(file)}.schema.json"


def test_the_library_without_a_mistake_fits() -> None:
    """What is planted below is the only thing that is wrong."""
    assert [line for file in golden.LIBRARY.rglob("*.yaml") for line in refusals(file)] == []


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_planted_mistake_is_refused(case: str, tmp_path: Path) -> None:
    """A typo in a key, a wrong type, a wrong choice: the editor says so as lint does."""
    library = golden.planted(case, tmp_path)
    assert [line for file in library.rglob("*.yaml") for line in refusals(file)] != []


@pytest.mark.parametrize("case", [case for case in golden.names() if case not in REFUSED])
def test_what_can_be_read_fits(case: str, tmp_path: Path) -> None:
    """The schema refuses nothing that the reader takes, whatever lint thinks of it."""
    library = golden.planted(case, tmp_path)
    try:
        read_folder(library)
    except ManifestError:
        return
    assert [line for file in library.rglob("*.yaml") for line in refusals(file)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_of_the_repository_are_fresh(kind: str) -> None:
    """schemas/ is what the types of `manifest` give; `python tools/write_docs.py` writes it."""
    file = ROOT / "schemas" / f"{kind}.schema.json"
    assert file.read_text(encoding="utf-8") == schema_text(kind)


@pytest.mark.parametrize("schema", ALL_KEYS)
def test_every_key_is_explained(schema: Any) -> None:
    """It has a title, a sentence and an example."""
    assert schema["title"]
    assert schema["description"].endswith((".", ":", "`"))
    assert schema["examples"]


@pytest.mark.parametrize("schema", ALL_KEYS)
def test_every_example_fits_its_key(schema: Any) -> None:
    """An editor proposes nothing that it would refuse."""
    validator = Draft202012Validator({**schema, "$defs": {"schema": any_schema()}})
    assert [error.message for example in schema["examples"] for error in validator.iter_errors(example)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_unknown_key_is_let_through(kind: str) -> None:
    """Every object with keys of its own is closed."""
    named = [SCHEMAS[kind], *(schema for _, schema in keys(SCHEMAS[kind]) if "properties" in schema)]
    assert all(schema["additionalProperties"] is False for schema in named)


def test_the_words_of_json_schema_are_those_of_lint() -> None:
    """Neither knows a word that the other does not."""
    assert {word.name for word in WORDS} == _WORDS


VALUES: list[Any] = [
    *(
        1,
        -1,
        1.5,
        "x",
        "string",
        "a#b",
        "#",
        True,
        None,
        [],
        ["a"],
        ["a", "a"],
        ["string", "null"],
        [1],
        [{}],
    ),
    *({}, {"x-a": {}}, {"x-a": 1}, {"x-a": ["b"]}),
]


@pytest.mark.parametrize("word", [word.name for word in WORDS])
def test_a_word_of_json_schema_takes_what_the_reader_takes(word: str) -> None:
    """Editor and reader agree on every kind of value."""
    whole = any_schema()
    validator = Draft202012Validator({**whole, "$defs": {"schema": whole}})
    taken = [(value, validator.is_valid({word: value})) for value in VALUES]
    assert taken == [(value, not list(faults({word: value}))) for value in VALUES]


@pytest.mark.parametrize(
    ("text", "about", "examples"),
    [
        ("Seconds. Example: `2`", "Seconds.", [2]),
        ("The day.\n\nExample: 2026-03-01", "The day.", ["2026-03-01"]),
        ("Two\nlines.\n\nExample:\n    a: 1\n    b: [x]", "Two lines.", [{"a": 1, "b": ["x"]}]),
        ("Either.\n\nExample: 30\n\nExample: ${{ inputs.n }}", "Either.", [30, "${{ inputs.n }}"]),
        ("An `Example: of` nothing.", "An `Example: of` nothing.", []),
    ],
    ids=["on the line", "below", "a mapping", "two", "none"],
)
def test_a_text_below_a_field_is_read(text: str, about: str, examples: list[Any]) -> None:
    """What describes a key and what is its example."""
    assert described(text) == (about, examples)


def connector_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "connector.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_prints_one() -> None:
    """On stdout, as JSON."""
    assert json.loads(connector_command("schema", "action").stdout) == SCHEMAS["action"]


def test_the_command_writes_both() -> None:
    """Into a folder that it makes, under the names that manifests use."""
    with tempfile.TemporaryDirectory() as folder:
        done = connector_command("schema", "-o", f"{folder}/new/schemas")
        written = {
            file.name: json.loads(file.read_text(encoding="utf-8")) for file in Path(folder).rglob("*.json")
        }
    assert done.returncode == 0
    assert written == {f"{kind}.schema.json": SCHEMAS[kind] for kind in KINDS}


def test_the_command_asks_which() -> None:
    """Without a name or a folder it says what to give."""
    done = connector_command("schema")
    assert (done.returncode, done.stdout) == (2, "")
    assert "connector or action" in done.stderr


PAGE = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")


def test_the_page_of_the_format_is_fresh() -> None:
    """docs/manifest.md is written from the same schemas."""
    assert manifest_page() == PAGE


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_the_format_has_every_key(kind: str) -> None:
    """With what it does, in a row of its own."""
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert {path.rpartition(".")[2] for path, _ in keys(SCHEMAS[kind])} <= set(rows)
    assert {word.name for word in WORDS} <= set(rows)


@pytest.mark.parametrize("text", re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1:])
def test_an_example_of_the_page_can_stand_in_a_manifest(text: str) -> None:
    """Read as strict YAML; whatever is wrong with it is that it is not the whole file."""
    value = parse(text, "example").value
    kind = "action" if set(value) <= set(SCHEMAS["action"]["properties"]) else "connector"
    errors = list(Draft202012Validator(SCHEMAS[kind]).iter_errors(value))
    wrong = [error for error in errors if error.validator not in {"required", "oneOf"}]
    assert [error.message for error in wrong] == []
