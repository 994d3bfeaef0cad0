"""The declared types of outputs: what fits stands as it is, what does not is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from connector.output_types import Mismatch, typed

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
ROW = {"type": "object", "properties": {"name": TEXT, "count": WHOLE}}
KEYED = {**ROW, "required": ["name"]}
ROWS = {"type": "array", "items": ROW}


@pytest.mark.parametrize(
    ("schema", "value", "given"),
    [
        (TEXT, "", ""),
        (NUMBER, 1, 1),
        (NUMBER, 1.5, 1.5),
        (WHOLE, 0, 0),
        (WHOLE, 2.0, 2),
        ({"type": "boolean"}, False, False),
        ({"type": "object"}, {"any": [1]}, {"any": [1]}),
        ({"type": ["string", "null"]}, 5, 5),
        ({}, [None], [None]),
        ({"type": "array"}, [None, 1], [None, 1]),
        ({"type": "array", "items": WHOLE}, [1, 2.0], [1, 2]),
        (ROW, {"name": "a", "other": 1}, {"name": "a", "count": None}),
        (ROW, {"count": 1, "name": "a"}, {"name": "a", "count": 1}),
        (KEYED, {"name": ""}, {"name": "", "count": None}),
        (
            ROWS,
            [{"name": None, "count": 3.0}, {}],
            [{"name": None, "count": 3}, {"name": None, "count": None}],
        ),
    ],
)
def test_what_fits(schema: dict[str, Any], value: Any, given: Any) -> None:
    """A value has its declared type, and a row all its columns in their order."""
    found = typed(schema)(value)
    assert repr(found) == repr(given)


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(
    ("schema", "value", "path", "expected", "got"),
    [
        (TEXT, 5, "", "text", "whole number"),
        (TEXT, True, "", "text", "true or false"),
        (NUMBER, "5", "", "number", "text"),
        (NUMBER, True, "", "number", "true or false"),
        (WHOLE, 2.5, "", "whole number", "number"),
        (WHOLE, False, "", "whole number", "true or false"),
        ({"type": "boolean"}, 1, "", "true or false", "whole number"),
        ({"type": "object"}, [], "", "object", "list"),
        (ROW, [], "", "object", "list"),
        ({"type": "array"}, {}, "", "list", "object"),
        ({"type": "array", "items": TEXT}, ["a", None], "[1]", "text", "null"),
        ({"type": "array", "items": NUMBER}, [None], "[0]", "number", "null"),
        ({"type": "array", "items": WHOLE}, [1, True], "[1]", "whole number", "true or false"),
        (ROW, {"name": 5}, ".name", "text", "whole number"),
        (ROWS, [{}, {"name": "a", "count": "b"}], "[1].count", "whole number", "text"),
        (ROWS, [None], "[0]", "object", "null"),
        (KEYED, {"name": None, "count": 1}, ".name", "text", "null"),
        ({"type": "array", "items": KEYED}, [{"name": "a"}, {}], "[1].name", "text", "null"),
        ({"type": "array", "items": ROWS}, [[], [{}, 5]], "[1][1]", "object", "whole number"),
    ],
)
def test_what_does_not_fit(schema: dict[str, Any], value: Any, path: str, expected: str, got: str) -> None:
    """It is told with the path to it."""
    with pytest.raises(Mismatch) as caught:
        typed(schema)(value)
    assert (caught.value.path, caught.value.expected, caught.value.got) == (path, expected, got)


def test_a_list_of_an_output_is_its_own() -> None:
    """Whoever changes it does not change the answer, nor the inputs that it came from."""
    value = ["a"]
    assert typed({"type": "array", "items": TEXT})(value) is not value
