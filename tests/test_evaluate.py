"""Expressions at work: JMESPath's meaning, and what a connector needs beyond it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import jmespath
import pytest
from generated import bounded
from hypothesis import assume, given
from hypothesis import strategies as st
from jmespath import functions
from jmespath.exceptions import JMESPathError

from connector.compiling import Mode, compile_node
from connector.evaluate import Drift, described, equal, is_true, text_of, type_name
from connector.expression import Call, Current, Field, Literal, Node
from connector.expression_parser import parse
from connector.expression_syntax import ExpressionError

TABLES = {"effort": {"sonar": "fast", "deep": None}}
SCOPE = {
    "model": "sonar",
    "zero": 0,
    "no": False,
    "blank": "",
    "none": None,
    "tags": ["a", "b"],
    "nothing": [],
    "rows": [{"k": "x", "n": 1, "in": {"v": 1}}, {"k": "y", "n": None}, {"k": "x", "n": 3}],
    "lists": [["p"], [], ["q", ["r"]], "s"],
}


def evaluate(text: str, scope: Any = None, *, strict: bool = False, omit_null: bool = False) -> Any:
    mode = Mode(strict=strict, omit_null=omit_null)
    return compile_node(parse(text), TABLES, mode)(SCOPE if scope is None else scope)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("model", "sonar"),
        ("missing", None),
        ("missing.deeper[0]", None),
        ("model.deeper", None),
        ("tags[1]", "b"),
        ("tags[-1]", "b"),
        ("tags[2]", None),
        ("tags[-3]", None),
        ("rows[*].n", [1, 3]),
        ("rows[*].in.v", [1]),
        ("model[*].n", None),
        ("lists[]", ["p", "q", ["r"], "s"]),
        ("rows[?k == 'x'].n", [1, 3]),
        ("rows[?n != null].k", ["x", "x"]),
        ("rows[?n == null].k", ["y"]),
        ("lists[?n == null]", [["p"], [], ["q", ["r"]], "s"]),
        ("rows[?k == 'x' && n > `1`].n", [3]),
        ("rows[?!(k == 'x')].k", ["y"]),
        ("rows[?k == 'z']", []),
        ("rows[].{a: k, b: n}", [{"a": "x", "b": 1}, {"a": "y", "b": None}, {"a": "x", "b": 3}]),
        ("rows[] | [0].k", "x"),
        ("none.{a: b}", None),
        ("zero || 'other'", 0),
        ("no || 'other'", "other"),
        ("blank || nothing || missing", None),
        ("zero && 'both'", "both"),
        ("no && 'both'", False),
        ("!zero", False),
        ("!nothing", True),
        ("zero == no", False),
        ("zero == `0.0`", True),
        ("zero < `1`", True),
        ("zero >= `0`", True),
        ("model > `1`", None),
        ("model > 'a'", None),
        ("join('-', tags)", "a-b"),
        ("join('-', none)", None),
        ("length(tags)", 2),
        ("length(model)", 5),
        ("length(none)", None),
        ("to_string(tags)", '["a","b"]'),
        ("to_string(model)", "sonar"),
        ("to_string(none)", None),
        ("contains(model, 'ona')", True),
        ("contains(model, zero)", False),
        ("contains(tags, 'b')", True),
        ("contains([`1`], `true`)", False),
        ("contains(['sonar', 'deep'], model)", True),
        ("contains(['sonar', 'deep'], zero)", False),
        ("contains(['sonar', 'deep'], tags)", False),
        ("model == 'sonar'", True),
        ("'sonar' != model", False),
        ("none != 'sonar'", True),
        ("contains(none, 'b')", None),
        ("not_null(none, missing, zero)", 0),
        ("lookup('effort', model)", "fast"),
        ("lookup('effort', blank)", None),
        ("lookup('effort', zero)", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_evaluate(text: str, value: Any) -> None:
    """Each kind of expression gives what the language says."""
    assert evaluate(text) == value
    assert type(evaluate(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "expected", "got", "step"),
    [
        ("model.x", "object", "text", "`.x`"),
        ("tags.x", "object", "list", "`.x`"),
        ("model[0]", "list", "text", "`[0]`"),
        ("rows[0][0]", "list", "object", "`[0]`"),
        ("model[*].x", "list", "text", "`model[*]`"),
        ("zero[]", "list", "whole number", "`zero[]`"),
        ("rows[0][?k == 'x']", "list", "object", "`rows[?...]`"),
        ("model.{a: b}", "object", "text", "a row"),
    ],
)
def test_strict(text: str, expected: str, got: str, step: str) -> None:
    """What has changed its shape is told, with the step at which it shows; what is absent is null all the same."""
    assert evaluate(text) in (None, {"a": None})
    with pytest.raises(Drift) as caught:
        evaluate(text, strict=True)
    assert (caught.value.expected, caught.value.got, caught.value.step) == (expected, got, step)
    assert evaluate("missing.x[0].y[*].z[].q | [?a == 'b'].{c: d}", strict=True) is None


@pytest.mark.parametrize(
    "text", ["join(',', model)", "join(',', rows)", "length(zero)", "contains(zero, 'a')"]
)
def test_functions_of_another_type(text: str) -> None:
    """A function that is given a value of another type does not guess."""
    with pytest.raises(Drift):
        evaluate(text)


def test_filter_passes_over_items_of_another_kind() -> None:
    """Strictly too, an item that has not the field of a condition does not match."""
    assert evaluate("a[?t == 'x'].v", {"a": [1, {"t": "x", "v": 2}, "x", None]}, strict=True) == [2]


@pytest.mark.hazard("C10")
@pytest.mark.parametrize("text", ["a[*]", "a[].v", "a[].{v: v}", "b.a[*].v"])
def test_a_null_among_items_is_told_strictly(text: str) -> None:
    """A row that is lost is no row that never was. Else JMESPath drops it."""
    items = [{"v": 1}, None]
    scope = {"a": items, "b": {"a": items}}
    assert evaluate(text, scope) in ([1], [{"v": 1}])
    with pytest.raises(Drift) as caught:
        evaluate(text, scope, strict=True)
    assert (caught.value.got, "item 1" in caught.value.step) == ("null", True)


@pytest.mark.hazard("C10")
@pytest.mark.parametrize("text", ["1e999", "-1e999", "nan", "NaN", "Infinity", "inf", "", "1_0", "0x1"])
def test_what_is_no_finite_number_is_none(text: str) -> None:
    """No output may be a number that JSON has not."""
    scope = {"text": text, "in_json": f"[{text}]" if text else "["}
    assert evaluate("to_number(text)", scope) is None
    assert evaluate("parse_json(in_json)", scope) is None


@pytest.mark.parametrize("text", ["rows[].{a: k, b: n}", "rows[].{a: k, b: n || null}"])
def test_rows_leave_null_out(text: str) -> None:
    """In a request, rows leave out what the items lack, whether they pick fields or do more."""
    assert evaluate(text, omit_null=True) == [
        {"a": "x", "b": 1},
        {"a": "y"},
        {"a": "x", "b": 3},
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1], [True], False),
        ([[0]], [[0.0]], True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
        (None, False, False),
    ],
)
def test_equal(one: Any, other: Any, same: bool) -> None:
    """Equality is JSON's: true is no number at any depth, 1 is 1.0, the order of keys is nothing."""
    assert equal(one, other) is same
    assert equal(other, one) is same


@pytest.mark.parametrize("value", [0, 0.0, "0", [0], {"a": None}, True], ids=repr)
def test_true(value: Any) -> None:
    """A value that is there is true, 0 included."""
    assert is_true(value)


@pytest.mark.parametrize("value", [None, False, "", [], {}], ids=repr)
def test_false(value: Any) -> None:
    """Only null, false and what is empty are not."""
    assert not is_true(value)


@pytest.mark.parametrize(
    ("value", "name", "with_article"),
    [
        (None, "null", "null"),
        (True, "true or false", "true or false"),
        ("a", "text", "text"),
        (1, "whole number", "a whole number"),
        (1.5, "number", "a number"),
        ([], "list", "a list"),
        ({}, "object", "an object"),
        ((), "tuple", "a tuple"),
    ],
)
def test_names_of_types(value: Any, name: str, with_article: str) -> None:
    """Types have names that people read."""
    assert (type_name(value), described(value)) == (name, with_article)


def test_text_of() -> None:
    """Text stays as it is; anything else becomes JSON, with its letters."""
    assert text_of("a") == "a"
    assert text_of({"é": [1, None, True]}) == '{"é":[1,null,true]}'


# The same as jmespath

NAMES = st.sampled_from(["a", "b", "c"])
# no 0 and 1, and letters of ASCII only: see the differences in evaluate's docstring
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(2, 9), st.sampled_from(["", "a", "x", "ab"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=15,
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3)
SCOPES = st.fixed_dictionaries({"a": VALUES, "b": ROWS, "c": st.one_of(ROWS, VALUES)})
LITERALS = st.sampled_from(["'x'", "'a'", "`2`", "`5`", "`true`", "`null`", "`[2]`", "null", '`["x", 2]`'])
CONDITIONS = st.recursive(
    st.tuples(NAMES, st.sampled_from(["==", "!="]), LITERALS).map(" ".join)
    | st.tuples(NAMES, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["`2`", "`5`"])).map(
        " ".join
    ),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(" ".join) | inner.map("!({})".format)
    ),
    max_leaves=3,
)
STEPS = st.one_of(
    NAMES.map(".{}".format),
    st.integers(-2, 2).map("[{}]".format),
    st.sampled_from(["[*]", "[]", "[*].a", "[].b"]),
    CONDITIONS.map("[?{}]".format),
    st.tuples(NAMES, NAMES).map(lambda names: f".{{x: {names[0]}, y: {names[1]}}}"),
    NAMES.map(" | {}".format),
    st.integers(-1, 1).map(" | [{}]".format),
)
PATHS = st.tuples(NAMES, st.lists(STEPS, max_size=4).map("".join)).map("".join)
EXPRESSIONS = st.recursive(
    PATHS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["||", "&&"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
        st.tuples(inner, st.sampled_from(["==", "!="]), LITERALS).map("({0[0]}) {0[1]} {0[2]}".format),
        st.tuples(LITERALS, st.sampled_from(["==", "!="]), inner).map("{0[0]} {0[1]} ({0[2]})".format),
        st.tuples(inner, PATHS).map("({0[0]}).{{x: {0[1]}, y: a}}".format),
        st.tuples(inner, STEPS).map("({0[0]}){0[1]}".format),
        inner.map("!({})".format),
        inner.map("length({})".format),
        inner.map("to_string({})".format),
        inner.map("join('-', {})".format),
        inner.map("contains({}, 'a')".format),
        inner.map('contains(`["x", "a"]`, {})'.format),
        st.tuples(inner, inner).map("not_null({0[0]}, {0[1]})".format),
    ),
    max_leaves=4,
)


class OurNulls(functions.Functions):
    """jmespath's functions, but null as the text of null."""

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> Any:
        return None if value is None else text_of(value)


@bounded(250)
@given(EXPRESSIONS, SCOPES)
def test_same_as_jmespath(text: str, value: Any) -> None:
    """Every expression of the subset gives what jmespath gives, or is an error where jmespath has one."""
    try:
        evaluator = compile_node(parse(text), {}, Mode())
        expected = jmespath.search(
            re.sub(r"(?<![`_])null", "`null`", text), value, jmespath.Options(custom_functions=OurNulls())
        )
    except (
        ExpressionError,
        JMESPathError,
        TypeError,
    ):  # a TypeError where the package compares text and number
        assume(False)
    try:
        found = evaluator(value)
    except Drift as drift:
        found = drift
    assert equal(found, expected)


# The same whichever way it is compiled


def disguised(node: Any) -> Any:
    """The same tree with not_null() around its leaves: no special function is meant for it any more."""
    if isinstance(node, (Field, Literal, Current)):
        return Call("not_null", (node,))
    if isinstance(node, tuple):
        return tuple(map(disguised, node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return type(node)(*(disguised(getattr(node, field.name)) for field in dataclasses.fields(node)))
    return node


SPECIAL = st.sampled_from(
    [
        "a.b",
        "c.a.b",
        "a == 'x'",
        "'x' != a.b",
        'contains(`["x", "ab"]`, a.b)',
        "a[]",
        "c[*].a.b",
        "a.{x: b, y: c}",
        "b[].{x: a, y: c}",
        "c[].{x: a.b, y: c}",
        "c[?a == 'x' || 'a' != b.a].{y: b}",
    ]
)


@bounded(250)
@given(SPECIAL | EXPRESSIONS, SCOPES, st.builds(Mode, strict=st.booleans(), omit_null=st.booleans()))
def test_special_functions_give_what_the_general_ones_give(text: str, value: Any, mode: Mode) -> None:
    """Paths, rows of fields and comparisons with texts are special in speed only, in every mode."""

    def outcome(node: Node) -> Any:
        try:
            return compile_node(node, {}, mode)(value)
        except Drift as drift:
            return [drift.expected, drift.got]

    try:
        node = parse(text)
    except ExpressionError:
        assume(False)
    assert equal(outcome(node), outcome(disguised(node)))
