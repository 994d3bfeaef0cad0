"""Manifests that somebody wrote to do harm, or by accident: a clear error, at once, and nothing happens."""

from __future__ import annotations

import ast
import copy
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from golden import LIBRARY

from connector.document import MAX_CHARACTERS, parse
from connector.errors import ManifestError
from connector.lint import lint
from connector.lint_pattern import is_slow
from connector.loading import load
from connector.pattern import MAX_SECONDS, TooSlow, is_readable, matches
from connector.schema import NotASchema, checker

Figure = Callable[[str, str], None]

CONNECTOR = parse((LIBRARY / "connector.yaml").read_text(), "").value
ACTION = parse((LIBRARY / "actions" / "find_books.yaml").read_text(), "").value


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY, tmp_path / "project" / "manifests" / "library"))


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy with something else at a path."""
    box = [copy.deepcopy(value)]
    found: Any = box
    path = (0, *path)
    for part in path[:-1]:
        found = found[part]
    found[path[-1]] = new
    return box[0]


def refused(folder: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        load(folder)
    assert all(problem.where and problem.message and problem.hint for problem in caught.value.problems)
    return str(caught.value)


def mappings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        yield path, value
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from mappings(inner, (*path, key))  # fmt: skip


# YAML


@pytest.mark.hazard("A1")
def test_a_key_that_stands_twice_is_refused_at_every_level(figure: Figure) -> None:
    """Whichever mapping of a manifest repeats a key, both places are told."""
    places = list(mappings(ACTION))
    for path, mapping in places:
        first = next(iter(mapping))
        text = json.dumps(put(ACTION, path, {**mapping, "\0": 1}), indent=1)
        with pytest.raises(
            ManifestError, match=rf"a\.yaml:\d+:\d+: The key {first!r} stands twice; .* line \d+, column \d+"
        ):
            parse(text.replace('"\\u0000"', json.dumps(first)), "a.yaml")  # fmt: skip
    figure("A1", f"{len(places)} of {len(places)} repeated keys refused, with both places")


WORDS = (
    *(
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "True",
        "NULL",
        "~",
        "014",
        "0x1F",
        "1_000",
        "+1",
        ".5",
        "12:30:45",
    ),
    *("2026-09-27", ".inf", ".NaN", "=", "1:2"),
)


@pytest.mark.hazard("A2")
def test_words_that_readers_take_for_different_values_are_refused(figure: Figure) -> None:
    """Until they stand in quotes; 1e3 and 3.10 are the numbers that JSON has."""
    for word in WORDS:
        with pytest.raises(ManifestError, match="is ambiguous"):
            parse(f"k: {word}", "a.yaml")
        assert parse(f'k: "{word}"', "a.yaml").value == {"k": word}
    assert parse("[1e3, 3.10]", "a.yaml").value == [1000.0, 3.1]
    figure("A2", f"{len(WORDS)} of {len(WORDS)} ambiguous words refused")


BOMB = "\n".join(
    ["a0: &a0 [lol, lol, lol]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
)
COSTLY = {
    "alias bomb": BOMB,
    "a list that holds itself": "&a [*a]",
    "a mapping that holds itself": "&a {b: *a}",
    **{f"100,000 times {opening}": opening * 100_000 for opening in ("[", "{a: ", "- ", "? ", "{? [", "!a [", "&a [")},
    "5 MB": "a: " + "x" * 5_000_000,
    "50 MB": "a: " + "x" * 50_000_000,
    "900,000 digits": "a: " + "1" * 900_000,
    "a tag of 900,000 signs": "!" * 900_000,
    "90,000 keys": "".join(f"a{number}: 1\n" for number in range(90_000)),
    "100,000 wrong words": f"[{'yes, ' * 100_000}]",
    "NUL": "a: \0",
}  # fmt: skip


@pytest.mark.hazard("A3", "A4", "A5")
@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_file_is_refused_at_once(library: Path, cli: Any, figure: Figure, name: str) -> None:
    """By the loader and by `connector lint`, within seconds, in a message of readable length."""
    (library / "connector.yaml").write_text(COSTLY[name])
    start = time.monotonic()
    said = refused(library)
    code, _, err = cli("lint", str(library))
    assert time.monotonic() - start < 4
    assert code == 1
    assert "Traceback" not in err
    assert len(said) < 30_000
    figure("A3", f"an alias bomb of {len(BOMB)} bytes refused at its first anchor, line 1")
    figure("A4", "2 of 2 values that hold themselves refused at their anchor")
    figure("A5", "7 of 7 kinds of 100,000 openings refused, no crash")


SCALARS = (
    *(
        "9" * 5000,
        "-" + "9" * 5000,
        "1e400",
        "-1e999",
        "2026-13-45",
        ".nan",
        "!!int x",
        "0_",
    ),
    *('"\\ud800"', '"\\x"', '"\\U99999999"', "!!timestamp 1", "!!binary =", "!!float x", "!!null x"),
)


@pytest.mark.hazard("A6")
def test_no_scalar_fails_in_another_way(figure: Figure) -> None:
    """Numbers, days and escapes that trip other readers are told as problems of the file."""
    for scalar in SCALARS:
        with pytest.raises(ManifestError):
            parse(f"k: {scalar}", "a.yaml")
    figure("A6", f"0 of {len(SCALARS)} odd scalars end in an error that is not ours")


REFUSED = (
    *(
        "k: !!python/object/apply:os.system [x]",
        "k: !!python/name:os.system",
        "k: !!python/object/new:os.x []",
    ),
    *(
        "k: !include x",
        "k: !!binary eA==",
        "k: !!set {a}",
        "k: !!omap [a: 1]",
        "k: !!str x",
        "k: &a x",
        "k: *a",
    ),
    *("<<: {a: 1}", "200: x", "true: x", "null: x", "1.5: x", "2026-09-27: x", "? [a]\n: x", "? {a: b}\n: x"),
    *("---\nk: 1\n---\nj: 2", "%TAG ! x\n---\nk: !y 1", "k: 1\n...\nj: 2", "~: x", ""),
)


@pytest.mark.hazard("A7")
def test_what_json_cannot_say_is_refused(figure: Figure) -> None:
    """Tags, includes, merges, keys that are no text, several documents."""
    for text in REFUSED:
        with pytest.raises(ManifestError):
            parse(text, "a.yaml")
    figure("A7", f"{len(REFUSED)} of {len(REFUSED)} refused")


@pytest.mark.hazard("A8")
def test_no_word_of_a_manifest_names_code(figure: Figure) -> None:
    """Nothing between the file and the result can look up a Python object by a name."""
    package = Path(__file__).parent.parent / "connector"
    calls = [
        node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for file in package.glob("[!_]*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    hooks = {"eval", "exec", "__import__", "import_module", "load_module", "system", "popen"}.intersection(
        calls
    )
    assert hooks == set()
    figure("A8", f"{len(hooks)} calls in the runtime that could import what a manifest names")


# Names and paths

NAMES = (
    *(
        "..",
        ".",
        "../x",
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "..\\x",
        "a/../../b",
        "C:\\x",
        "C:x",
    ),
    *(
        "//host/x",
        "a\0b",
        "a\n",
        "\n",
        "",
        " ",
        "a b",
        "~",
        "~root",
        "$HOME",
        "a;b",
        "-x",
        "a.yaml",
        "%2e%2e",
    ),
    *("\u2025/x", "\uff0e\uff0e/x", "a\u202eb", "CON.", "x" * 65),
)


@pytest.mark.hazard("A9", "I7")
@pytest.mark.parametrize("place", ["connector", "action", "example", "icon"])
def test_a_name_that_is_a_path_is_refused(library: Path, figure: Figure, place: str) -> None:
    """Whatever becomes part of a path - of a cassette, of an icon - is held to a word, or to the project."""
    escapes = 0
    for name in NAMES:
        connector, action = CONNECTOR, ACTION
        if place in {"connector", "icon"}:
            connector = put(CONNECTOR, ("id" if place == "connector" else "icon",), name)
        else:
            action = put(ACTION, ("id",) if place == "action" else ("examples", 0, "id"), name)
        (library / "connector.yaml").write_text(json.dumps(connector))
        (library / "actions" / "find_books.yaml").write_text(json.dumps(action))
        try:
            loaded = load(library)
        except ManifestError:
            continue
        # an icon may have any name that stays in the project
        project = library.parent.parent
        inside = loaded.icon is not None and project in (library / loaded.icon).resolve().parents
        escapes += place != "icon" or not inside
    assert escapes == 0
    figure(
        "A9",
        f"0 of {len(NAMES)} hostile names lead out, as an id of connector, action or example, or as an icon",
    )


@pytest.mark.hazard("A9")
@pytest.mark.parametrize(
    "name", ["connector.yaml", "actions/find_books.yaml", "actions/another.yaml", "actions"]
)
def test_a_link_out_of_the_folder_is_not_followed(library: Path, tmp_path: Path, name: str) -> None:
    """Errors show lines of a file: those of other files are nobody's business."""
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "secret.yaml").write_text("hush: x: y")
    if name == "actions":
        shutil.rmtree(library / name)
    (library / name).unlink(missing_ok=True)
    (library / name).symlink_to(tmp_path / "foreign" / ("" if name == "actions" else "secret.yaml"))
    said = refused(library)
    assert "a link that leads out" in said
    assert "hush" not in said


@pytest.mark.hazard("A9")
@pytest.mark.parametrize("name", ["actions/loop.yaml", "icon.svg"])
def test_a_link_to_itself_is_told(library: Path, name: str) -> None:
    """It has no end, and the system says so."""
    (library / name).symlink_to(Path(name).name)
    (library / "connector.yaml").write_text(json.dumps({**CONNECTOR, "icon": "icon.svg"}))
    if name == "icon.svg":
        assert load(library).icon == name  # nothing reads it
    else:
        assert "loop.yaml: Cannot be read" in refused(library)


def test_a_link_inside_the_folder_is_followed(library: Path) -> None:
    """Where the file lies does not matter as long as it is the connector's."""
    file = library / "actions" / "find_books.yaml"
    file.rename(library / "kept.yaml")
    file.symlink_to("../kept.yaml")
    assert "find_books" in load(library).actions


# Patterns

EVIL = (
    *(
        r"^(a+)+$",
        r"^([a-zA-Z]+)*$",
        r"^(a|aa)+$",
        r"^(a|a?)+$",
        r"^(.*a){11,}$",
        r"(x+x+)+y",
        r"^(\w+\s?)*$",
    ),
    *(
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"^(\d+)*x$",
        r"^(a*)*$",
        r"^(a*a*)*b$",
        r"^(?:a|b|ab)*c$",
        r"^(.|\s)*x$",
    ),
    *(
        r"a*a*a*a*b",
        r"\s+$",
        r"^foo(a+)+$",
        r"^(foo|ba(r+)+)$",
        r"^([^@]+@?)+!$",
        r"^(?:[a-z]+-?)+$",
        r"^(a+){10}$",
    ),
    *(
        r"^((ab)*)*$",
        r"^((ab)*)+c$",
        r"^(a+){2,}b$",
        r"^(\.?[a-z]*)*$",
        r"^.*.*.*=.*$",
        r"^(.+)+=$",
        r"(?=(a+)+b)",
    ),
    *(
        r"^(a+)+\1$",
        r"^(?:.*,)*x$",
        r"^(([a-z]*)*)*$",
        r"^[\s\S]*[\s\S]*x$",
        r"(.*)(.*)(.*)x",
        r"^(\(.*\))*$",
    ),
    *(r'^("[^"]*"|[^,]*)*;$', r"^(/[^/]*)*(/.*)*x$", r"^\s*(.*?)\s*$", r"^(a?){999}a{999}$", r"\d+\d+\d+x"),
    *(
        r"^(https?://)?([\da-z.-]+)\.([a-z.]{2,6})([/\w .-]*)*/?$",
        r"^(?:a{1,100}){1,100}b$",
        r"(?:\w+\W+)*!$",
    ),
    *(r"^([a-zA-Z0-9_.-])+@(([a-zA-Z0-9-])+\.)+([a-zA-Z0-9]{2,4})+$", r"[a-z]*[0-9]*[a-z]*[0-9]*[a-z]*!"),
    *(r"^(?:(?:(?:a+)+)+)+$", r"(a|b)*?c+(a|b)*?d", r"^(?:a*b*c*)*$", r"^(?:x+)+y"),
)
GOOD = (
    *(
        r"^[a-z]+(-[a-z]+)*$",
        r"^(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/[0-9]{4}$",
        r"^(?!-?https?://)\S+$",
    ),
    *(
        r"^[^/\s]+/\S+$",
        r"^data:[a-z]+/[a-z]+;base64,[A-Za-z0-9+/]*={0,2}$",
        r"^[A-Z]{2}(,[A-Z]{2})*$",
        "foo.*bar",
    ),
    *(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", r"^([a-z0-9]+\.)+[a-z]{2,}$", r'^"([^"\\]|\\.)*"$'),
    *(
        r"^[\w.+-]+@[\w-]+\.[\w.-]+$",
        r"^(\d{1,3}\.){3}\d{1,3}$",
        r"^(?=.*[A-Z])(?=.*\d).{8,}$",
        r"^/([a-z0-9_-]+/)*$",
    ),
)


@pytest.mark.hazard("A11")
def test_a_pattern_that_takes_too_long_is_told_to_its_author(figure: Figure) -> None:
    """Lint tries texts that are made for the pattern; patterns that people write on purpose pass."""
    assert [pattern for pattern in EVIL if not is_slow(pattern)] == []
    assert [pattern for pattern in GOOD if is_slow(pattern)] == []
    figure("A11", f"{len(EVIL)} of {len(EVIL)} evil patterns refused by lint, 0 of {len(GOOD)} good ones")


@pytest.mark.hazard("A11")
def test_lint_tells_an_evil_pattern_with_its_place(library: Path) -> None:
    """As it tells any mistake."""
    field = {"type": "string", "title": "A", "description": "A.", "pattern": "^(a|aa)+$"}
    action = put(ACTION, ("inputs", "properties", "since"), field)
    (library / "actions" / "find_books.yaml").write_text(json.dumps(action))
    said = [problem for problem in lint(library) if "takes too long on some texts" in problem.message]
    assert [problem.where.split("/")[-1].split(":")[0] for problem in said] == ["find_books.yaml"]


@pytest.mark.hazard("A11")
@pytest.mark.parametrize("length", [30, 5_000, 1_000_000])
@pytest.mark.parametrize(
    "pattern", [r"^(a|aa)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"a*a*a*a*a*c", r"^(a+)+$"]
)
def test_an_evil_pattern_ends(pattern: str, length: int) -> None:
    """With an answer, or with the admission that there is none."""
    start = time.monotonic()
    try:
        assert not matches(pattern, "a" * length + "!b")
    except TooSlow as slow:
        assert len(str(slow)) < 300  # noqa: PT017 - either may come
    assert time.monotonic() - start < MAX_SECONDS + 2


@pytest.mark.hazard("A11")
@pytest.mark.parametrize("schema", [
    {"items": {"type": "string", "pattern": "^(a|aa)+$"}},
    {"items": {"not": {"pattern": "^(a|aa)+$"}}},
    {"items": {"not": {"pattern": "^(a+)+$"}}},
    {"items": {"anyOf": [{"pattern": "^(a|aa)+$"}, {"type": "string"}]}},
])  # fmt: skip
def test_slow_patterns_of_one_check_share_their_time(schema: Any) -> None:
    """A thousand texts take no longer than the time for all, and what was not known is never taken for a yes."""
    start = time.monotonic()
    (problem,) = checker(schema).problems(["a" * 5000 + "!"] * 1000)
    assert "was not known in time" in problem.message
    assert time.monotonic() - start < 4


@pytest.mark.hazard("A11")
@pytest.mark.parametrize(
    "patterns",
    [["^(a+)+$"], ["a*b*"], ["x" * 1001], ["[a--b]"], ["^a{0,99}b"], [f"^{n}" for n in range(21)]],
)
def test_patterns_of_names_are_few_and_simple(patterns: list[str]) -> None:
    """jsonschema asks them of the names of fields, where nothing stops them."""
    with pytest.raises(NotASchema):
        checker({"patternProperties": dict.fromkeys(patterns, True)})
    assert not checker({"patternProperties": {"^x-[a-z0-9_-]+$": True}}).problems({"x-a": 1})


@pytest.mark.hazard("A11")
@pytest.mark.parametrize(("pattern", "said"), [
    ("(" * 400 + "a" + ")" * 400, "nested too deeply"),
    ("(?:" * 100 + "a" + ")*" * 100, "nested too deeply"),
    ("a{1000000}", "takes too long"),
    ("a{1001,}", "takes too long"),
    ("(?:(?:a{1000}){1000}){1000}", "takes too long"),
    ("a{1000}" * 21, "takes too long"),
])  # fmt: skip
def test_a_pattern_that_is_costly_to_read_is_refused(library: Path, pattern: str, said: str) -> None:
    """By the loader, so before anything is asked of it; the slower engine writes counts out."""
    field = {"type": "string", "title": "A", "description": "A.", "pattern": pattern}
    action = put(ACTION, ("inputs", "properties", "since"), field)
    (library / "actions" / "find_books.yaml").write_text(json.dumps(action))
    assert said in refused(library)
    assert not is_readable(pattern)


@pytest.mark.hazard("A11")
@pytest.mark.parametrize(("pattern", "length"), [("^" + "a*" * 150 + "$", 200), ("^(a|b)*$", 100_001)])
def test_a_pattern_beyond_reckoning_is_told(pattern: str, length: int) -> None:
    """As a problem of the input, whether the steps cannot be counted or the text is too long to try."""
    (problem,) = checker({"pattern": pattern}).problems("a" * length + "c")
    assert "was not known in time" in problem.message
    assert is_slow("^" + "a*" * 150 + "$")
    assert matches("^" + "a*" * 150, "a" * 200)


@pytest.mark.parametrize(("schema", "said"), [
    ({"anyOf": [{"oneOf": [{"items": {"allOf": [{}] * 16}}] * 4}] * 5}, "multiply to 320; 256 are allowed"),
    ({"anyOf": [{}] * 257}, "multiply to 257"),
    ({"enum": list(range(10_001))}, "10,001 choices; 10,000 are allowed"),
])  # fmt: skip
def test_alternatives_are_limited(schema: Any, said: str) -> None:
    """Each may be tried for every value."""
    with pytest.raises(NotASchema, match=said):
        checker(schema)


def test_many_choices_are_asked_for_many_values() -> None:
    """Within seconds, also where one of the values is wrong; true is not 1."""
    many = checker({"items": {"enum": [1, *range(2, 9_999), [0]]}})
    start = time.monotonic()
    assert [problem.where for problem in many.problems([9_998] * 5_000 + ["x"])] == ["[5000]"]
    assert time.monotonic() - start < 8
    assert [problem.where for problem in many.problems([1, 1.0, [0], True, [False]])] == ["[3]", "[4]"]


def test_lint_reads_many_choices_at_once(library: Path) -> None:
    """Within seconds, and a number that stands there twice is told."""
    field = {"type": "number", "title": "A", "description": "A.", "enum": [*range(9_999), 5.0]}
    (library / "actions" / "find_books.yaml").write_text(
        json.dumps(put(ACTION, ("inputs", "properties", "since"), field))
    )
    start = time.monotonic()
    assert any("The choice 5.0 stands there twice" in problem.message for problem in lint(library))
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(("pattern", "text", "fits"), [
    ("^a$", "a\n", False), ("^a{e}$", "a{e}", True), ("^a{$", "a{", True), ("[[a]", "[", True), ("[a&&b]", "&", True),
    (r"^\d$", "٣", False), ("^(a|b)*$", "ab" * 49_999, True), ("^(a|b)*$", "ab" * 49_999 + "c", False),
])  # fmt: skip
def test_both_engines_read_a_pattern_alike(pattern: str, text: str, fits: bool) -> None:
    """Words that only one of them has a meaning for are plain text."""
    assert is_readable(pattern)
    assert matches(pattern, text) is fits
    assert matches(f"(?:{pattern})*?(?:{pattern})", text) is fits  # the slower one


# References


@pytest.mark.hazard("A12")
def test_a_reference_is_never_fetched(library: Path, figure: Figure) -> None:
    """Neither load nor lint opens a connection: the manifest is refused for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        places = [("inputs", "properties", "since"), ("inputs",), ("outputs", "properties", "total")]
        places.append(("routes", next(iter(ACTION["routes"])), "response"))
        for path in places:
            for word in ("$ref", "$dynamicRef"):
                (library / "actions" / "find_books.yaml").write_text(
                    json.dumps(put(ACTION, path, {word: url}))
                )
                assert "is a reference" in refused(library)
                assert lint(library)
        with pytest.raises(BlockingIOError):
            server.accept()
    figure("A12", f"0 requests for {2 * len(places)} references")


CYCLES = (
    *(
        {"$ref": "#"},
        {"$dynamicRef": "#"},
        {"properties": {"a": {"$ref": "#"}}},
        {"items": {"$ref": "#/items"}},
    ),
    *({"$defs": {"a": {"$ref": "#/$defs/a"}}}, {"anyOf": [{"$ref": "#"}]}, {"not": {"$ref": "#"}}),
    *(
        {"if": {"$ref": "#"}},
        {"additionalProperties": {"$ref": "#"}},
        {"$recursiveRef": "#", "allOf": [{"$ref": "#"}]},
    ),
)


@pytest.mark.hazard("A13")
def test_a_schema_that_holds_itself_is_refused(figure: Figure) -> None:
    """By a reference, wherever it stands, or as a Python value."""
    for schema in CYCLES:
        with pytest.raises(NotASchema, match="is a reference"):
            checker(schema)
    endless: dict[str, Any] = {}
    endless["items"] = endless
    with pytest.raises(NotASchema, match="nested too deep"):
        checker(endless)
    figure("A13", f"{len(CYCLES) + 1} of {len(CYCLES) + 1} schemas without an end refused")


# Words of the format


def keys() -> list[tuple[str, tuple[str | int, ...], str]]:
    """Keys of the format in the manifests of the library, each with its file and place."""
    free = {
        "fields",
        "properties",
        "tables",
        "links",
        "query",
        "headers",
        "body",
        "inputs",
        "outputs",
        "requires",
        "response",
    }
    return [
        (file, path, key)
        for file, value in (("connector.yaml", CONNECTOR), ("actions/find_books.yaml", ACTION))
        for path, mapping in mappings(value)
        for key in mapping
        if free.isdisjoint(path)
        and path[-1:] not in {("routes",), ("unsupported",), ("options",)}
        and len(key) > 3
        and key[1] != key[2]
    ]


@pytest.mark.hazard("A14")
def test_a_misspelt_key_is_told_with_the_right_one(library: Path, figure: Figure) -> None:
    """Two letters in another order: the key that was meant is named."""
    right = 0
    for file, path, key in keys():
        whole = CONNECTOR if file == "connector.yaml" else ACTION
        found = whole
        for part in path:
            found = found[part]
        wrong = {
            key[:1] + key[2] + key[1] + key[3:] if name == key else name: inner
            for name, inner in found.items()
        }
        (library / file).write_text(json.dumps(put(whole, path, wrong)))
        right += f"Did you mean {key!r}?" in refused(library)
        (library / file).write_text(json.dumps(whole))
    assert right == len(keys()) >= 40
    figure("A14", f"the right key named for {right} of {len(keys())} misspelt ones")


@pytest.mark.hazard("A15")
def test_a_manifest_of_a_newer_format_is_refused_alone(library: Path, cli: Any, figure: Figure) -> None:
    """With both formats, whatever else may seem wrong in it, and exit code 2."""
    (library / "connector.yaml").write_text(json.dumps({**CONNECTOR, "format": 2, "new": 1}))
    code, _, err = cli("show", f"{library}.find_books")
    assert (code, "of format 2; this runtime reads format 1" in err) == (2, True)
    assert len(refused(library).splitlines()) == 3
    figure("A15", f"exit code {code}, both formats told")


def test_the_largest_file_is_read(library: Path) -> None:
    """A comment fills it up to the last character that is allowed."""
    text = json.dumps(ACTION)
    (library / "actions" / "find_books.yaml").write_text(f"{text} #".ljust(MAX_CHARACTERS, "x"))
    assert load(library)
