"""Templates: values keep their types, nothing is read twice, and what is absent leaves no trace."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from generated import JSON, TEXTS, bounded
from hypothesis import given
from hypothesis import strategies as st

from connector.template import Expression, Template
from connector.template_parser import TemplateError, Within

REQUEST = Within("inputs", omit_null=True)
TABLES = {"effort": {"sonar": "fast"}}
INPUTS = {
    "text": "2024",
    "n": 0,
    "yes": True,
    "no": False,
    "none": None,
    "blank": "",
    "list": ["a", "b"],
    "empty": [],
    "object": {"a": 1},
    "rows": [{"a": 1, "b": None}, {"a": None}],
    "model": "sonar",
}


def template(value: Any) -> Template:
    return REQUEST.template(value, TABLES)


def filled(value: Any, inputs: Any = None) -> Any:
    return template(value).fill({"inputs": INPUTS if inputs is None else inputs})


@pytest.mark.parametrize(
    ("value", "given_back"),
    [
        ("text", "text"),
        (5, 5),
        ("${{ inputs.text }}", "2024"),
        ("${{inputs.text}}", "2024"),
        ("${{ inputs.n }}", 0),
        ("${{ inputs.no }}", False),
        ("${{ inputs.list }}", ["a", "b"]),
        ("${{ inputs.object }}", {"a": 1}),
        ("${{ inputs.none }}", None),
        ("a ${{ inputs.text }}", "a 2024"),
        (" ${{ inputs.text }}", " 2024"),
        ("${{ inputs.text }}${{ inputs.n }}", "20240"),
        ("${{ inputs.yes }}, ${{ inputs.list }}", 'true, ["a","b"]'),
        ("a ${{ inputs.none }}", None),
        ("${{ lookup('effort', inputs.model) }}", "fast"),
        ("${{ '}}' }}", "}}"),
        ("${{ '${{' }} inputs }}", "${{ inputs }}"),
        ("${{ inputs.object | {x: a} }}", {"x": 1}),
        ('${{ `{"a": {"b": "}}"}}` }}', {"a": {"b": "}}"}}),
        ("costs 5 $ {{ x }} }}", "costs 5 $ {{ x }} }}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_scalars(value: Any, given_back: Any) -> None:
    """One expression gives its value with its type; with text around it, text; a text alone is itself."""
    assert filled(value) == given_back
    assert type(filled(value)) is type(given_back)


@pytest.mark.parametrize(
    ("value", "given_back"),
    [
        ({"a": "${{ inputs.text }}", "b": "${{ inputs.none }}"}, {"a": "2024"}),
        ({"a": "${{ inputs.missing }}"}, None),
        ({"a": {"b": {"c": "${{ inputs.missing }}"}}}, None),
        ({"a": {"b": "${{ inputs.missing }}"}, "c": 1}, {"c": 1}),
        ({"a": "${{ inputs.blank }}", "b": "${{ inputs.n }}"}, {"a": "", "b": 0}),
        ({"a": "${{ inputs.no }}", "b": "${{ inputs.empty }}"}, {"a": False, "b": []}),
        (["${{ inputs.missing }}", "${{ inputs.n }}", None], [0]),
        (["${{ inputs.missing }}"], None),
        ([{"a": "${{ inputs.missing }}"}, {"a": "${{ inputs.n }}"}], [{"a": 0}]),
        ({"a": None}, None),
        ({"a": {"b": None}, "c": 1}, {"c": 1}),
        ([None], None),
        ([{"a": None, "b": 1}, None], [{"b": 1}]),
        ({}, {}),
        ([], []),
        ({"a": {}, "b": [], "c": "", "d": 0, "e": False}, {"a": {}, "b": [], "c": "", "d": 0, "e": False}),
        (None, None),
        ({"a": "${{ inputs.rows }}"}, {"a": [{"a": 1, "b": None}, {"a": None}]}),
        ({"a": "${{ inputs.rows[].{a: a, b: b} }}"}, {"a": [{"a": 1}, {}]}),
    ],
    ids=str,
)
def test_absent(value: Any, given_back: Any) -> None:
    """What is absent or null leaves no key and no item, nor a mapping or list that it leaves empty."""
    assert filled(value) == given_back


def test_expressions() -> None:
    """A template lists its expressions, each with its place and whether text stands around it."""
    found = template({"a": ["${{ inputs.x }}", "b ${{ inputs.y }}${{ inputs.z.q }}"], "c": 1}).expressions()
    assert [(path, expression.references, in_text) for path, expression, in_text in found] == [
        (("a", 0), (("inputs", "x"),), False),
        (("a", 1), (("inputs", "y"),), True),
        (("a", 1), (("inputs", "z", "q"),), True),
    ]


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("${{ inputs.a", [((), "${{", "`${{` is not closed.", "a bare ` #` starts a comment")]),
        ("${{ inputs.it's }}", [((), "${{ inputs.it's }}", "The `}}` stands inside quotes or braces.", "quotes")]),
        ("${{ }}", [((), "", "The expression is empty.", "inputs.query")]),
        ("${{ query }}", [((), "query", "There is no 'query' here.", "such as `inputs.query`.")]),
        ("${{ input.query }}", [((), "input", "There is no 'input' here.", "Did you mean 'inputs'?")]),
        ("${{ response.body }}", [((), "response", "'response' cannot be read here.", "Only outputs")]),
        ("${{ connection.key }}", [((), "connection", "'connection' cannot be read here.", "Only auth")]),
        ('${{ inputs.a == "x" }}', [((), "x", "There is no 'x' here.", "single quotes: 'x'.")]),
        ("${{ lookup('efort', inputs.a) }}", [((), "efort", "There is no table 'efort'.", "'effort'?")]),
        ({"a": ["${{ x }} ${{ y }}", "ok"], "b": "${{ lenght(inputs.a) }}"}, [
            (("a", 0), "x", "There is no 'x' here.", "inputs"),
            (("a", 0), "y", "There is no 'y' here.", "inputs"),
            (("b",), "lenght", "There is no function 'lenght'.", "'length'?"),
        ]),
        ({"${{ inputs.a }}": 1}, [(("${{ inputs.a }}",), "${{ inputs.a }}", "A key cannot hold an expression.", "")]),
    ],
    ids=str,
)  # fmt: skip
def test_problems(value: Any, problems: list[tuple[tuple[str | int, ...], str, str, str]]) -> None:
    """Everything that is wrong in a template is told at once, each at its place with the wrong word."""
    with pytest.raises(TemplateError) as caught:
        template(value)
    assert [(path, error.word, error.message) for path, error in caught.value.problems] == [
        problem[:3] for problem in problems
    ]
    assert all(
        hint in error.hint for (_, error), (*_, hint) in zip(caught.value.problems, problems, strict=True)
    )


def test_no_tables() -> None:
    """Where there is no table at all, the author is told where one is declared."""
    with pytest.raises(TemplateError) as caught:
        REQUEST.template("${{ lookup('effort', inputs.a) }}", {})
    assert caught.value.problems[0][1].hint == "Declare it under `tables` in connector.yaml."


def test_one_expression() -> None:
    """Where one expression is wanted, exactly one is compiled."""
    expression = Within("inputs").expression("${{ inputs.a.b }}", {})
    assert isinstance(expression, Expression)
    assert (expression.text, expression.evaluate({"inputs": {"a": {"b": 5}}})) == ("inputs.a.b", 5)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("inputs.a == 'x'", "Put braces around it: `${{ inputs.a == 'x' }}`."),
        ("a thing", "Write one `${{ ... }}` and nothing else."),
        ("${{ inputs.a }} ${{ inputs.b }}", "Write one `${{ ... }}` and nothing else."),
        (5, "Write one `${{ ... }}` and nothing else."),
        (["${{ inputs.a }}"], "Write one `${{ ... }}` and nothing else."),
    ],
    ids=str,
)
def test_not_one_expression(value: Any, hint: str) -> None:
    """Anything else than one expression is refused, and one without braces is shown with them."""
    with pytest.raises(TemplateError) as caught:
        Within("inputs").expression(value, {})
    assert caught.value.problems[0][1].hint == hint


def exactly(value: Any) -> str:
    """Tells 1 from 1.0 and from true."""
    return json.dumps(value)


PLACES = [
    ("${{ inputs.x }}", lambda value: value),
    ({"a": "${{ inputs.x }}", "b": 1}, lambda value: {"a": value, "b": 1}),
    ({"a": {"b": ["c", "${{ inputs.x }}"]}}, lambda value: {"a": {"b": ["c", value]}}),
    ({"a": [{"b": "${{ inputs.x }}"}, 2]}, lambda value: {"a": [{"b": value}, 2]}),
]


@pytest.mark.hazard("C4")
@bounded(200)
@given(JSON.filter(lambda value: value is not None), st.sampled_from(PLACES))
def test_any_value_is_unchanged(value: Any, place: Any) -> None:
    """Whatever an input holds comes out as it is, and the shape around it is the manifest's."""
    written, expected = place
    assert exactly(filled(written, {"x": value})) == exactly(expected(value))


@pytest.mark.hazard("C1")
@bounded(100)
@given(TEXTS, TEXTS)
def test_any_text_is_read_once(one: str, other: str) -> None:
    """Texts with braces, quotes and lines in them stand in text as they are."""
    assert (
        filled("<${{ inputs.one }}|${{ inputs.other }}>", {"one": one, "other": other}) == f"<{one}|{other}>"
    )


def pruned(value: Any) -> Any:
    """The rule for what is absent, written down a second time."""
    if isinstance(value, dict):
        left: Any = {key: kept for key, inner in value.items() if (kept := pruned(inner)) is not None}
    elif isinstance(value, list):
        left = [kept for inner in value if (kept := pruned(inner)) is not None]
    else:
        return value
    return left if left or not value else None


WRITTEN: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, "", 0, False, "text", "${{ inputs.there }}", "${{ inputs.missing }}", {}, []]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.hazard("C5")
@bounded(200)
@given(WRITTEN)
def test_no_key_comes_or_goes_otherwise(written: Any) -> None:
    """A template gives the keys and items that the manifest has, less what is absent, and no others."""
    as_values = json.loads(
        json.dumps(written).replace('"${{ inputs.there }}"', "7").replace('"${{ inputs.missing }}"', "null")
    )
    assert exactly(filled(written, {"there": 7})) == exactly(pruned(as_values))


def test_a_template_can_be_pickled() -> None:
    """What was compiled stays behind, and is made anew: the copy gives the same, with its mode and tables."""
    written = {"a": "${{ inputs.rows[].{a: a, b: b} }}", "b": "x ${{ lookup('effort', inputs.model) }}"}
    made = template(written)
    expected = made.fill({"inputs": INPUTS})
    copy = pickle.loads(pickle.dumps(made))
    assert copy == made
    assert copy.fill({"inputs": INPUTS}) == expected == {"a": [{"a": 1}, {}], "b": "x fast"}


def test_a_pickled_expression_takes_only_its_own_tables() -> None:
    """A manifest's other tables are not carried along."""
    expression = REQUEST.expression("${{ lookup('effort', inputs.model) }}", {**TABLES, "other": {"a": "b"}})
    assert pickle.loads(pickle.dumps(expression)).tables == TABLES


def test_filling_a_template_needs_no_parser() -> None:
    """A manifest that is compiled already is used without jmespath and pydantic."""
    code = "import sys, connector.template; sys.exit(bool({'jmespath', 'pydantic'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", code], check=True)
