"""The expression language: what it reads, and what it says to what it does not."""

from __future__ import annotations

import pytest
from generated import bounded
from hypothesis import given
from hypothesis import strategies as st

from connector.expression import (
    And,
    Call,
    Compare,
    Current,
    Each,
    Field,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    Or,
    Row,
    Then,
    references,
)
from connector.expression_parser import FUNCTIONS, MAX_LENGTH, MAX_NESTING, parse
from connector.expression_syntax import ExpressionError

A, B, C = Field("a"), Field("b"), Field("c")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("a", A),
        (" a ", A),
        ("a.b", Then(A, B)),
        ("a.b.c", Then(Then(A, B), C)),
        ("a | b.c", Then(Then(A, B), C)),
        ("a.b[*].c", Each(Then(A, B), C, flatten=False)),
        ("a | b[?c == 'x']", Filter(Then(A, B), Compare("==", C, Literal("x")), Current())),
        ('a."x-y"', Then(A, Field("x-y"))),
        ("a[0]", Then(A, Index(0))),
        ("a[-1]", Then(A, Index(-1))),
        ("a[*]", Each(A, Current(), flatten=False)),
        ("a[*].b", Each(A, B, flatten=False)),
        ("a[]", Each(A, Current(), flatten=True)),
        ("a[].b.c", Each(A, Then(B, C), flatten=True)),
        ("a[].{x: b}", Each(A, Row((("x", B),)), flatten=True)),
        ("a[?b == 'x'].c", Filter(A, Compare("==", B, Literal("x")), C)),
        ("a | b", Then(A, B)),
        ("a[] | [0]", Then(Each(A, Current(), flatten=True), Index(0))),
        ("a || b && c", Or(A, And(B, C))),
        ("!a", Not(A)),
        ("!(a.b)", Not(Then(A, B))),
        ("a != `null`", Compare("!=", A, Literal(None))),
        ("a == null", Compare("==", A, Literal(None))),
        ("a >= `2.5`", Compare(">=", A, Literal(2.5))),
        ("'it\\'s'", Literal("it's")),
        ("`true`", Literal(value=True)),
        ('`{"x": [1]}`', Literal({"x": [1]})),
        ("['x', `1`]", Literal(["x", 1])),
        ("length(a)", Call("length", (A,))),
        ("lookup('t', a)", Call("lookup", (Literal("t"), A))),
        ("not_null(a, b, 'c')", Call("not_null", (A, B, Literal("c")))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parse(text: str, node: Node) -> None:
    """An expression of the subset becomes one tree of few kinds of node."""
    assert parse(text) == node


@pytest.mark.hazard("C2")
@pytest.mark.parametrize(
    ("text", "message", "hint", "word"),
    [
        ("", "The expression is empty.", "inputs.query", ""),
        ("a.", "Not an expression", "Write a path", "a."),
        ("length(a", "The expression stops too early.", "", "length(a"),
        ("a b", "'b' is unexpected here", "Write a path", "b"),
        ("a > 5", "'5' is unexpected here", "between backticks", "5"),
        (
            "a.max-tokens",
            "'-tokens' is unexpected here",
            "a name that holds a hyphen in double quotes",
            "-tokens",
        ),
        ("a and b", "'and' is unexpected here", "&&", "and"),
        ("a or b", "'or' is unexpected here", "||", "or"),
        ("not a", "'a' is unexpected here", "! for not", "a"),
        ("a = 'x'", "'=' is unexpected here", "==", "="),
        ("a + b", "'+' is unexpected here", "no arithmetic", "+"),
        ("a ? b : c", "'?' is unexpected here", "&& b || c", "?"),
        ("a in b", "'in' is unexpected here", "contains(list, value)", "in"),
        ("a[?b]", "A filter compares fields with literals.", "field == 'text'", "[?b]"),
        ("a[?b == c]", "A filter compares fields with literals.", "field == 'text'", "[?b == c]"),
        ("a[*]b", "'b' is unexpected here", "[*].field", "b"),
        ("a[1:2]", "A slice `[a:b]` is not part", "[0]", "[1:2]"),
        ("a.*", "`.*` (all values of an object) is not part", "Name the fields", ".*"),
        ("@", "`@` is not part", "Start the path", "@"),
        ("sort_by(a, &b)", "There is no function 'sort_by'.", "join", "sort_by"),
        ("lenght(a)", "There is no function 'lenght'.", "Did you mean 'length'?", "lenght"),
        ("length(a, b)", "length takes 1 arguments, not 2.", "docs", "length"),
        ("lookup(t, a)", "lookup names its table with a text in single quotes.", "lookup('table'", "lookup"),
        ("!a.b", "`!` takes only the first name after it.", "!(a.b)", "!"),
        ("a[0] == true", "`true` here would be a field.", "`true`", "true"),
        ("{x: a, x: b}", "The row names 'x' twice.", "Keep one", "x"),
        ("[a, b]", "A list here holds literals only.", "[].{name: field}", "[a, b]"),
        ("a == `x`", "This is not JSON.", "single quotes", "`x`"),
        ("a == `NaN`", "A literal must be a finite JSON value.", "number", "a == `NaN`"),
        ("a == `1e999`", "A literal must be a finite JSON value.", "number", "a == `1e999`"),
        ("é", "'é' is unexpected here", "Write a path", "é"),
        ("a" * (MAX_LENGTH + 1), f"The expression has {MAX_LENGTH + 1} characters", "table", "a" * 20),
        (
            "(" * 13 + "a" + ")" * 13,
            f"Nested deeper than {MAX_NESTING} levels.",
            "Simplify",
            "(" * 13 + "a" + ")" * 6,
        ),
        ("!" * 13 + "a", f"Nested deeper than {MAX_NESTING} levels.", "Simplify", "!" * 13 + "a"),
        (
            "`" + "[" * 40 + "]" * 40 + "`",
            f"Nested deeper than {MAX_NESTING} levels.",
            "Simplify",
            "`" + "[" * 19,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(text: str, message: str, hint: str, word: str) -> None:
    """What is left out, or is no expression, is refused with the wrong part and a way out."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.word == word


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_counts_its_arguments(name: str) -> None:
    """No function takes fewer or more arguments than it is written for."""
    least, most = FUNCTIONS[name]
    for count in (least - 1, most + 1):
        arguments = ["'t'", *["a"] * count][:count]
        with pytest.raises(ExpressionError):
            parse(f"{name}({', '.join(arguments)})")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("inputs.a.b", [("inputs", "a", "b")]),
        ("inputs.a[0].b", [("inputs", "a")]),
        ("inputs.a[*].b", [("inputs", "a")]),
        ("inputs.a[?b == 'x'].c", [("inputs", "a")]),
        ("inputs.a | b", [("inputs", "a", "b")]),
        ("inputs.a || response.b", [("inputs", "a"), ("response", "b")]),
        ("join(inputs.a, response.b.c)", [("inputs", "a"), ("response", "b", "c")]),
        ("{x: inputs.a, y: inputs.b}", [("inputs", "a"), ("inputs", "b")]),
        ("inputs.a[].{x: b}", [("inputs", "a")]),
        ("!(inputs.a) && inputs.b > `1`", [("inputs", "a"), ("inputs", "b")]),
        ("lookup('t', inputs.a)", [("inputs", "a")]),
        ("'text'", []),
    ],
)
def test_references(text: str, paths: list[tuple[str, ...]]) -> None:
    """The paths that an expression starts from, in reading order, up to an index, list or row."""
    assert list(references(parse(text))) == paths


PIECES = [
    "a",
    "b.c",
    "[",
    "]",
    "[*]",
    "[]",
    "[?",
    "(",
    ")",
    "{",
    "}",
    ".",
    ",",
    ":",
    "|",
    "||",
    "&&",
    "!",
    "==",
    "!=",
    "<",
    ">=",
    "'x'",
    "`5`",
    '"',
    "'",
    "`",
    "&",
    "@",
    "*",
    "-",
    "1",
    "null",
    "true",
    "length(",
    "lookup('t',",
    "join(",
]


@pytest.mark.hazard("C2")
@bounded(500)
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join), st.text(max_size=40)))
def test_any_text(text: str) -> None:
    """Any text at all is an expression, or is refused with a message, a hint and the wrong part of it."""
    error = None
    try:
        parse(text)
    except ExpressionError as raised:
        error = raised
    assert error is None or (error.message and error.hint and error.word in text)
