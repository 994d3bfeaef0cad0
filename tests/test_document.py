"""Strict YAML: the same value for every reader or none, and the place of everything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from generated import JSON, bounded
from hypothesis import given
from hypothesis import strategies as st

from connector.document import MAX_CHARACTERS, MAX_PROBLEMS, MAX_VALUES, Document, parse
from connector.errors import ManifestError, Problem
from connector.loading import shipped_folder


def read(text: str) -> Any:
    return parse(text, "a.yaml").value


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ManifestError) as caught:
        parse(text, "a.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k: word", "word"),
        ("k: two words", "two words"),
        ("k: 5", 5),
        ("k: -5", -5),
        ("k: 2.50", 2.5),
        ("k: 1e3", 1000.0),
        ("k: true", True),
        ("k: false", False),
        ("k: null", None),
        ("k:", None),
        ("k: # nothing", None),
        ("k: ''", ""),
        ("k: 'yes'", "yes"),
        ('k: "012"', "012"),
        ('k: "a\\tb"', "a\tb"),
        ("k: 1.2.3", "1.2.3"),
        ("k: v1", "v1"),
        ("k: yes please", "yes please"),
        ("k: a#b", "a#b"),
        ("k: why?", "why?"),
        ('k: [a, "why?"]', ["a", "why?"]),
        ("k: <<", "<<"),
        ("k: |\n  a\n  b\n", "a\nb\n"),
        ("k: >-\n  a\n  b\n", "a b"),
        ("k: [1, a, {b: c}]", [1, "a", {"b": "c"}]),
        ("k:\n- 1\n-\n- [", None),
        ("k: {}", {}),
        ("k: '2026-09-27'", "2026-09-27"),
        ("k: " + "1" * 40, int("1" * 40)),
        ("k: " + "1" * 65 + "x", "1" * 65 + "x"),
        ("{k: é日本🔑}", "é日本🔑"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_reads_what_json_can_say(text: str, value: Any) -> None:
    """Text, numbers, true, false, null, lists and mappings are read as YAML's core says."""
    if text.endswith("["):
        refused(text)
    else:
        assert read(text)["k"] == value
        assert type(read(text)["k"]) is type(value)


@pytest.mark.parametrize("key", ["since", "deprecated", "retired"])
def test_days_of_a_lifecycle(key: str) -> None:
    """A bare date is read as its text where a date belongs."""
    assert read(f"{key}: 2026-09-27") == {key: "2026-09-27"}


@pytest.mark.hazard("A2")
@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Yes",
        "NO",
        "On",
        "True",
        "FALSE",
        "Null",
        "NULL",
        "~",
        "012",
        "-012",
        "0x1F",
        "0o7",
        "0b1",
        "1_000",
        "+1",
        ".5",
        "5.",
        "1:2",
        "12:30",
        "12:30:45",
        "190:20:30.15",
        "2026-09-27",
        "2026-9-1",
        "2026-09-27T10:00:00Z",
        ".inf",
        "-.Inf",
        ".NaN",
        "=",
    ],
)
def test_ambiguous_words(word: str) -> None:
    """A word that readers take for different values is refused where it stands, until it is quoted."""
    (problem,) = refused(f"k: {word}")
    assert problem.where == "a.yaml:1:4"
    assert f'uote it: "{word}".' in problem.hint
    assert read(f'k: "{word}"') == {"k": word}


@pytest.mark.hazard("A7")
@pytest.mark.parametrize("key", ["yes", "Off", "12", "1.5", "012", "null", "true", "2026-09-27", "''"])
def test_keys_that_are_no_text(key: str) -> None:
    """A bare key that readers take for something else than text is refused; a quoted one is not."""
    if key == "''":
        assert read("'': 1") == {"": 1}
    else:
        assert refused(f"a: 1\n{key}: 1")[0].where == "a.yaml:2:1"
        assert read(f'"{key}": 1') == {key: 1}


def test_y_and_n_are_keys() -> None:
    """Real APIs have fields named y and n."""
    assert read("{x: 1, y: 2, n: 3}") == {"x": 1, "y": 2, "n": 3}


@pytest.mark.hazard("A1")
@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: 1\nb: 2\na: 3", ["3:1"]),
        ("a: 1\na: 2\na: 3", ["2:1", "3:1"]),
        ("x:\n  - {a: 1, b: 2, a: 3}", ["2:18"]),
        ("日本: {鍵: 1, 鍵: 2}", ["1:12"]),
        ('"a": 1\na: 2', ["2:1"]),
        ("a: 1\na: [yes, no]", ["2:1", "2:5", "2:10"]),
    ],
)
def test_duplicate_keys(text: str, places: list[str]) -> None:
    """A key that stands twice is refused at every level, each time with the place of both."""
    problems = refused(text)
    assert [problem.where for problem in problems] == [f"a.yaml:{place}" for place in places]
    assert "; the first is in line " in problems[0].message


@pytest.mark.hazard("A7")
@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("k: &a x", "1:4", "`&a` is an anchor."),
        ("k: *a", "1:4", "`*a` is an alias."),
        ("k: !!str x", "1:4", "`!!str` is a tag."),
        ("k: !include x", "1:4", "`!include` is a tag."),
        ("k: !!python/object/apply:os.system [x]", "1:4", "`!!python/object/apply:os.system` is a tag."),
        ("<<: {a: 1}", "1:1", "`<<` merges another mapping."),
        ("? [a]\n: x", "1:3", "A key must be plain text."),
        ("k: {{ inputs.x }}", "1:4", "`{{` begins no expression."),
        ("---\nk: 1\n---\nj: 2", "3:1", "A second document starts here."),
        ("", "1:1", "The file is empty."),
        ("# only a comment", "1:1", "The file is empty."),
        ("k: " + "9" * 41, "1:4", "The number is too long."),
        ("k: 1e400", "1:4", "`1e400` is too large."),
        ("k: \x07", "1:4", "The character U+0007 cannot stand in YAML."),
        ("a: 1\nk: é\ud800", "2:5", "The character U+D800 cannot stand in YAML."),
        ("k:\n\tj: 1", "2:1", "A tab stands where YAML wants spaces."),
        ("k: [a, b", "1:4", "What opens here is not closed with `]`"),
        ("k: {a: b\nj: 1", "1:4", "What opens here is not closed with `}`"),
        ('a: 1\nk: "abc\nj: 1', "2:4", "The quotes that open here are not closed."),
        ("k: 'it's'", "1:8", "The value has ended before this."),
        ("k: a: b", "1:5", "A `: ` cannot stand here."),
        ("k: [", "2:1", "The file ends where a value should begin."),
        ("k: @x", "1:4", "A text cannot begin with `@`."),
        ("k: [a,,b]", "1:7", "A value cannot begin with `,`."),
        ("k: - a", "1:4", "A list cannot begin in the line of its key."),
        ("a: 1\nb\nc: 1", "2:1", "No `: ` follows this key."),
        ("a:\n  b: 1\n c: 2", "3:2", "The indentation fits nothing above."),
        ("- a\nb: 1", "2:1", "This is no item of the list above."),
        ('k: "\\d"', "1:5", "YAML knows no such escape."),
        ("k: 1\n...\nj", "3:1", "The document has ended above."),
        ("k: ${{ a.{b: c} }}", "1:4", "This expression needs quotes around the whole value."),
        ("k: {a: why?}", "1:8", "Text with `?` inside `{ }` or `[ ]` needs quotes."),
        ("k: [[a], why?]", "1:10", "Text with `?` inside `{ }` or `[ ]` needs quotes."),
        ("k: {why?: 1}", "1:5", "Text with `?` inside `{ }` or `[ ]` needs quotes."),
        ("k: [x, ${{ a }}]", "1:8", "This expression needs quotes around the whole value."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(text: str, place: str, said: str) -> None:
    """What cannot be read is told at the place where it can be mended, in words for people."""
    problem = refused(text)[0]
    assert problem.where == f"a.yaml:{place}"
    assert problem.message.startswith(said)
    assert problem.hint


@pytest.mark.parametrize(
    "path", sorted(shipped_folder().glob("*/**/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_shipped_files_without_libyaml(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped manifests say the same where PyYAML was built without libyaml."""
    text = path.read_text(encoding="utf-8")
    expected = parse(text, path.name).value
    monkeypatch.setattr("connector.document._LOADER", yaml.SafeLoader)
    assert parse(text, path.name).value == expected


def test_problems_before_a_syntax_error_are_told() -> None:
    """What was found before the reader gave up is told with it."""
    assert [problem.where for problem in refused("a: yes\nb: [")] == ["a.yaml:1:4", "a.yaml:3:1"]


SOURCE = """\
plain: ${{ inputs.modle }}
single: 'x ${{ inputs.modle }}'
double: "日本 ${{ inputs.modle }}"
block: |
  one line
  two ${{ inputs.modle }}
folded: >-
  ${{
    inputs.modle
  }}
flow: {a: [1, modle], b: model}
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("plain",), "1:19"),
        (("single",), "2:23"),
        (("double",), "3:24"),
        (("block",), "6:18"),
        (("folded",), "9:12"),
        (("flow",), "11:15"),
        (("flow", "a", 1), "11:15"),
        (("flow", "a"), "11:15"),
        (("flow", "b"), "11:26"),
        (("flow", "nothing", "here"), "11:15"),
        (("nothing", 5), "1:19"),
    ],
    ids=str,
)
def test_place_of_a_word(path: tuple[str | int, ...], place: str) -> None:
    """The caret stands under the word in the value, in any style; else under the value, or the nearest above."""
    problem = parse(SOURCE, "a.yaml").problem(path, "Wrong.", "Mend it.", word="modle")
    expected = place if path[0] != "nothing" else "1:1"
    assert problem.where == f"a.yaml:{expected}"


def test_place_of_a_whole_word() -> None:
    """The caret skips the word inside another, and the same word outside the expression that is meant."""
    document = parse("k: a data.a ${{ x.abc.a }} ${{ y.a }}", "a.yaml")
    assert document.problem(("k",), "", "", word="a").where == "a.yaml:1:4"
    assert document.problem(("k",), "", "", word="a", within="x.abc.a").where == "a.yaml:1:23"
    assert document.problem(("k",), "", "", word="a", within="y.a").where == "a.yaml:1:34"


def test_place_of_a_key() -> None:
    """A problem can stand at a key, at any level."""
    document = parse("a:\n  - {b: 1, 'c d': 2}\n", "a.yaml")
    assert document.problem(("a", 0, "c d"), "", "", at_key=True).where == "a.yaml:2:12"
    assert document.problem(("a",), "", "", at_key=True).where == "a.yaml:1:1"


@pytest.mark.parametrize(
    ("line", "shown", "carets"),
    [
        ("k: yes", "k: yes", "   ^^^"),
        ("{日本: 🔑, k: yes}", "{日本: 🔑, k: yes}", "              ^^^"),
        ("{e\u0301: x, k: yes}", "{e\u0301: x, k: yes}", "          ^^^"),
        ('{a: "\u202ex", k: yes}', '{a: " x", k: yes}', "             ^^^"),
    ],
    ids=["plain", "wide", "accent", "invisible"],
)
def test_excerpt(line: str, shown: str, carets: str) -> None:
    """The source line is shown with carets that stand below the value on a terminal, whatever precedes it."""
    assert refused(line)[0].excerpt == f"  1 | {shown}\n    | {carets}"


def test_excerpt_of_a_long_line() -> None:
    """Of a long line, the part around the caret is shown."""
    excerpt = refused(f"{{a: {'x' * 500}, b: yes, c: {'y' * 500}}}")[0].excerpt
    above, below = excerpt.splitlines()
    assert len(above) < 180
    assert above[below.index("^") :].startswith("yes")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"], ids=["lf", "crlf", "cr", "nel", "ls"])
def test_line_ends(end: str) -> None:
    """Lines are counted as YAML counts them."""
    assert refused(f"a: 1{end}b: 'x'{end}c: yes")[0].where == "a.yaml:3:4"


def test_byte_order_mark() -> None:
    """A mark at the beginning is no part of the first line."""
    assert refused("\ufeffk: yes")[0].where == "a.yaml:1:4"


# Hostile files cost little


@pytest.mark.hazard("A5")
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{? [", "!a [", "&a ["])
def test_depth(opening: str) -> None:
    """A hundred thousand openings are refused at the first level that is too deep, or at what they open with."""
    (problem,) = refused(opening * 100_000)
    assert int(problem.where.split(":")[2]) < 60 * len(opening)


@pytest.mark.hazard("A3")
def test_alias_bomb() -> None:
    """Aliases are refused before the first one is followed."""
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert [problem.where for problem in refused("\n".join(lines))] == ["a.yaml:1:5"]


@pytest.mark.hazard("A4")
def test_cycle() -> None:
    """A list that would hold itself is refused at its anchor."""
    assert refused("&a [*a]")[0].where == "a.yaml:1:1"


def test_size() -> None:
    """A file of five million characters is refused before it is read; the largest allowed one is read."""
    assert (
        refused("x" * 5_000_000)[0].message
        == f"The file has 5,000,000 characters; {MAX_CHARACTERS:,} are allowed."
    )
    assert len(read("x" * MAX_CHARACTERS)) == MAX_CHARACTERS


def test_many_values() -> None:
    """A file of very many values is refused at the first one too many."""
    (problem,) = refused(f"[{'0,' * 400_000}]")
    assert problem.where == f"a.yaml:1:{2 * MAX_VALUES}"


def test_many_problems() -> None:
    """The first problems of very many are told."""
    assert len(refused("x: yes\n" * 100_000)) == MAX_PROBLEMS


@pytest.mark.parametrize("text", ["1" * 900_000 + "x", "1_" * 450_000, "1:1" * 300_000])
def test_long_words(text: str) -> None:
    """A word of a million characters is text, and is not compared with what it might be taken for."""
    assert read(f"k: {text}") == {"k": text}


# Anything at all


def is_json(value: Any) -> bool:
    return bool(json.loads(json.dumps(value, allow_nan=False)) == value)


PIECES = [
    r"a",
    r"k:_",
    r"-_",
    r"{",
    r"}",
    r"[",
    r"]",
    r",_",
    r"\"",
    r"'",
    r"|",
    r">-",
    r"#",
    r"&a_",
    r"*a",
    r"!!str_",
    r"?_",
    r"---",
    r"...",
    r"%",
    r"yes",
    r"012",
    r"1e5",
    r"${{_",
    r"_}}",
    r"<<:_",
    r"\\",
]
YAML_LIKE = st.lists(
    st.sampled_from([*(piece.replace("_", " ") for piece in PIECES), *"\n\n\t\0\ud800\ufeff🔑\u2028", "  "]),
    max_size=30,
).map("".join)


@pytest.mark.hazard("A6")
@bounded(400)
@given(st.one_of(YAML_LIKE, st.text(alphabet=st.characters())))
def test_any_text(text: str) -> None:
    """Any text at all gives a document of JSON values, or a ManifestError that says where, what and what to do."""
    try:
        problems: tuple[Problem, ...] = ()
        value = parse(text, "a.yaml").value
    except ManifestError as error:
        value, problems = None, error.problems
    assert all(problem.where and problem.message and problem.hint for problem in problems)
    assert is_json(value)


@bounded(200)
@given(JSON.filter(lambda value: value not in (None, "")))
def test_json_is_yaml(value: Any) -> None:
    """JSON is read as what it says, and the place of every text and number is where it stands."""
    # YAML has no escape for half a character, as JSON has
    source = re.sub(
        r"\\u[dD][89abAB]..\\u[dD]...", lambda pair: json.loads(f'"{pair[0]}"'), json.dumps(value, indent=1)
    )
    document = parse(source, "a.yaml")
    assert document.value == value
    for path, leaf in leaves(document.value, ()):
        assert json.loads(source_at(document, path)) == leaf


def leaves(value: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in leaves(inner, (*path, index))]
    return [(path, value)]


def source_at(document: Document, path: tuple[str | int, ...]) -> str:
    _, line, column = document.problem(path, "", "").where.split(":")
    text = document.lines[int(line) - 1][int(column) - 1 :].rstrip(",")
    return re.sub("[\U00010000-\U0010ffff]", lambda char: json.dumps(char[0])[1:-1], text)
