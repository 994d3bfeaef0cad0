"""The types of expressions, and what is wrong in them before anything runs."""

from __future__ import annotations

import pytest

from connector.evaluate import Tables
from connector.expression_parser import parse
from connector.inference import Inference
from connector.shape import Shape, of_schema

INPUTS = {
    "type": "object",
    "required": ["text", "rows"],
    "properties": {
        "text": {"type": "string"},
        "choice": {"type": "string", "enum": ["low", "high"]},
        "limit": {"type": "integer"},
        "flag": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "mixed": {"type": ["string", "array"], "items": {"type": "string"}},
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "age": {"type": "integer"},
                    "home": {"type": "object", "properties": {"city": {"type": "string"}}},
                },
            },
        },
        "open": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
        "any": {},
    },
}  # fmt: skip
SCOPE = Shape(frozenset({"object"}), {"inputs": of_schema(INPUTS, ("inputs",))})
TABLES: Tables = {"effort": {"a": "fast", "b": "slow"}, "mixed": {"a": 1, "b": "x"}}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("inputs.text", "string"),
        ("inputs.limit", "integer null"),
        ("inputs.rows", "array"),
        ("inputs.rows[0]", "null object"),
        ("inputs.rows[0].name", "null string"),
        ("inputs.rows[*].name", "array"),
        ("inputs.rows[?age > `5`].name", "array"),
        ("inputs.rows[?name == 'x'].name | [0]", "null string"),
        ("inputs.tags[]", "array null"),
        ("inputs.rows[].{n: name}", "array"),
        ("inputs.rows[0].{n: name}", "null object"),
        ("inputs.any.x[0].y", ""),
        ("inputs.open.a", "null string"),
        ("inputs.open.other", "integer"),
        ("inputs.limit || 'none'", "integer string"),
        ("inputs.limit || inputs.text", "integer string"),
        ("inputs.text && inputs.rows", "array null"),
        ("inputs.flag && inputs.text", "false null string"),
        ("!(inputs.text)", "boolean"),
        ("inputs.text == 'x'", "boolean"),
        ("inputs.limit > `5`", "boolean null"),
        ("'x'", "string"),
        ("`5`", "integer"),
        ("null", "null"),
        ("['x', 'y']", "array"),
        ("join(', ', inputs.tags)", "null string"),
        ("length(inputs.text)", "integer"),
        ("length(inputs.tags)", "integer null"),
        ("to_string(inputs.limit)", "null string"),
        ("contains(inputs.text, 'a')", "boolean"),
        ("not_null(inputs.limit, inputs.text)", "integer string"),
        ("not_null(inputs.limit, inputs.choice)", "integer null string"),
        ("lookup('effort', inputs.text)", "null string"),
        ("lookup('mixed', inputs.text)", "integer null string"),
    ],
)
def test_kinds(text: str, kinds: str) -> None:
    """The type of an expression follows from the schemas; null is part of it where something may be absent."""
    inference = Inference(TABLES)
    shape = inference.shape(parse(text), SCOPE)
    assert " ".join(sorted(shape.kinds)) == kinds
    assert inference.findings == []


@pytest.mark.parametrize(
    ("text", "message", "hint", "word"),
    [
        ("inputs.txet", "There is no field 'txet' here.", "Did you mean 'text'?", "txet"),
        ("inputs.rows[0].nmae", "There is no field 'nmae' here.", "Did you mean 'name'?", "nmae"),
        ("inputs.rows[*].home.ctiy", "There is no field 'ctiy' here.", "Did you mean 'city'?", "ctiy"),
        ("inputs.rows[?nmae == 'x'].name", "There is no field 'nmae' here.", "Did you mean 'name'?", "nmae"),
        ("inputs.rows[].{a: nmae}", "There is no field 'nmae' here.", "Did you mean 'name'?", "nmae"),
        ("inputs.text.x", "`.x` reads a field; this is text.", "Remove it.", "x"),
        ("inputs.rows.name", "`.name` reads a field; this is a list.", "Write [*].name for each item, or [0].name for the first.", "name"),
        ("inputs.text[0]", "[0] reads a list; this is text.", "Remove it.", "[0]"),
        ("inputs.text[*].x", "`[*]` reads a list; this is text.", "Remove it.", "[*]"),
        ("inputs.limit[]", "`[]` reads a list; this is a whole number.", "Remove it.", "[]"),
        ("inputs.text[?x == 'y']", "`[?` reads a list; this is text.", "Remove it.", "[?"),
        ("inputs.rows[*].age", "'age' may be null, and a list drops its nulls: the positions would shift.", "Keep rows with [].{age: age}, or make it required in the schema.", "age"),
        ("inputs.rows[*].home.city", "'home.city' may be null, and a list drops its nulls: the positions would shift.", "Keep rows with [].{city: home.city}, or make it required in the schema.", "city"),
        ("inputs.text > `5`", "`>` compares numbers; this is text.", "Compare texts with == or !=.", ">"),
        ("inputs.limit < 'x'", "`<` compares numbers; this is text.", "Compare texts with == or !=.", "<"),
        ("inputs.limit == 'x'", "inputs.limit is a whole number, which never equals 'x'.", "Compare it with a value that it can have.", "x"),
        ("inputs.choice != 'hgih'", "inputs.choice is never 'hgih'.", "Did you mean 'high'?", "hgih"),
        ("`true` == inputs.text", "inputs.text is text, which never equals 'true'.", "Compare it with a value that it can have.", "true"),
        ("join(',', inputs.text)", "join needs a list of text; this is text.", "Take a text of each item, such as [*].name.", "join"),
        ("join(',', inputs.rows)", "join needs a list of text; this is a list, each item an object.", "Take a text of each item, such as [*].name.", "join"),
        ("length(inputs.limit)", "length counts text, a list or an object; this is a whole number.", "Remove it.", "length"),
        ("contains(inputs.limit, 'a')", "contains looks into text or a list; this is a whole number.", "Compare with == instead.", "contains"),
        ("lookup('effort', inputs.limit)", "The key is a whole number, and keys are text.", "Use to_string().", "lookup"),
    ],
    ids=lambda value: value if isinstance(value, str) and "inputs" in value else "",
)  # fmt: skip
def test_findings(text: str, message: str, hint: str, word: str) -> None:
    """What cannot be meant is told with the wrong word and a way out, once."""
    inference = Inference(TABLES)
    inference.shape(parse(text), SCOPE)
    assert [(f.message, f.hint, f.word) for f in inference.findings] == [(message, hint, word)]


@pytest.mark.parametrize(
    "text",
    [
        "inputs.limit == null",
        "inputs.limit == `5.0`",
        "inputs.any == 'x'",
        "inputs.any > `5`",
        "inputs.mixed == 'x'",
        "inputs.mixed[0]",
        "inputs.mixed[]",
        "inputs.open.anything",
        "inputs.rows[*]",
        "inputs.rows[?age == `5`]",
        "inputs.tags[*]",
        "length(inputs.mixed)",
        "join(',', inputs.mixed)",
        "contains(inputs.any, 'x')",
    ],
)
def test_no_false_alarm(text: str) -> None:
    """What can be meant is not told."""
    inference = Inference(TABLES)
    inference.shape(parse(text), SCOPE)
    assert inference.findings == []


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("inputs.text", ["text"]),
        ("inputs.rows[*].name", ["rows.name"]),
        ("inputs.rows[].{a: name, b: home.city}", ["rows.home.city", "rows.name"]),
        ("inputs.rows[?age > `5`].name", ["rows.age", "rows.name"]),
        ("inputs.rows", ["rows"]),
        ("inputs.limit || inputs.text", ["limit", "text"]),
        ("inputs.flag && inputs.text", ["flag", "text"]),
        ("lookup('effort', inputs.choice)", ["choice"]),
        ("inputs.choice == 'low'", ["choice"]),
        ("inputs", [""]),
    ],
)
def test_used(text: str, used: list[str]) -> None:
    """The inputs that flow into an expression are known, down to the fields in lists."""
    inference = Inference(TABLES)
    inference.shape(parse(text), SCOPE)
    assert sorted(".".join(path[1:]) for path in inference.used) == used
