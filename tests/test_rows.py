"""Rows of inputs from JSON Lines and CSV, in whatever encoding they come."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from connector.errors import InputError
from connector.rows import Row, read

SEARCH: dict[str, Any] = {
    "query": {"type": ["string", "array"], "items": {"type": "string"}},
    "max_results": {"type": "integer"},
    "ratio": {"type": ["number", "null"]},
    "fast": {"type": "boolean"},
    "domains": {"type": "array", "items": {"type": "string"}},
    "messages": {
        "type": "array",
        "items": {"type": "object", "properties": {"role": {"type": "string"}, "size": {"type": "integer"}}},
    },
}


def rows(content: bytes, *, as_csv: bool = False) -> list[Row]:
    return list(read(io.BytesIO(content), "rows.x", as_csv=as_csv, inputs=SEARCH))


def inputs(content: bytes, *, as_csv: bool = False) -> list[Any]:
    return [row.inputs for row in rows(content, as_csv=as_csv)]


@pytest.mark.parametrize(
    ("content", "gives"),
    [
        (b'{"query": "a"}\n{"query": "b"}\n', [{"query": "a"}, {"query": "b"}]),
        (b'{"query": "a"}\r\n\r\n  \n{"query": "b"}', [{"query": "a"}, {"query": "b"}]),
        ('\ufeff{"query": "ä"}\n'.encode(), [{"query": "ä"}]),
        ('{"query": "ä"}\r\n'.encode("utf-16"), [{"query": "ä"}]),
        ('{"query": "ä"}\n'.encode("utf-16-le"), [{"query": "ä"}]),
        ('{"query": "a\u2028b\x0c"}\n'.encode().replace(b"\x0c", b"\\f"), [{"query": "a\u2028b\x0c"}]),
        (b"", []),
    ],
    ids=["lines", "crlf_and_empty_lines", "bom", "utf16", "utf16_without_bom", "odd_separators", "empty"],
)
def test_json_lines_are_read(content: bytes, gives: list[Any]) -> None:
    """One object a line, whatever ends a line."""
    assert inputs(content) == gives


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not an object"),
        (b'{"query": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b'{"query": "\xff"}', "bytes that are no text"),
        (rb'{"query": "\ud800"}', "half of a surrogate pair"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"query": ' + b"9" * 5000 + b"}", "a number is too long"),
    ],
    ids=["cut", "list", "nan", "twice", "latin1", "half", "deep", "long_number"],
)
def test_a_wrong_line_is_the_problem_of_its_row_alone(line: bytes, says: str) -> None:
    """The rows around it are read, and it knows its line."""
    before, wrong, after = rows(b'\n{"query": "a"}\n' + line + b'\n{"query": "b"}\n')
    assert (before.inputs, after.inputs) == ({"query": "a"}, {"query": "b"})
    assert (wrong.line, wrong.inputs) == (3, None)
    assert says in wrong.problem


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    """What is longer than any request may be is passed over."""
    content = b'{"query": "a"}\n' + b"x" * (70 << 20) + b'\n{"query": "b"}'
    file = io.BytesIO(content)
    tracemalloc.start()
    try:
        found = list(read(file, "rows.x", as_csv=False, inputs=SEARCH))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [row.inputs for row in found] == [{"query": "a"}, None, {"query": "b"}]
    assert peak < 200 << 20


@pytest.mark.hazard("J6")
@pytest.mark.parametrize(
    ("content", "gives"),
    [
        (b"query,max_results\na,3\nb,\n", [{"query": "a", "max_results": 3}, {"query": "b"}]),
        (b'\xef\xbb\xbfquery\r\n"a\r\nb"\r\n', [{"query": "a\r\nb"}]),
        ("query;fast\r\nä;WAHR\r\nö;TRUE\r\n".encode("utf-16"), [None, {"query": "ö", "fast": True}]),
        (b"query\tratio\n2024\t0.5\n", [{"query": "2024", "ratio": 0.5}]),
        (b'query\n"say ""hi"", now"\n', [{"query": 'say "hi", now'}]),
        (b'query,domains\na,"[""x.org"", ""y.org""]"\n', [{"query": "a", "domains": ["x.org", "y.org"]}]),
        (b'query:=\n"[""a"", ""b""]"\n', [{"query": ["a", "b"]}]),
        (b'query\n"[1]"\n', [{"query": "[1]"}]),
        (b"query,max_results\n,\na,1\n", [{"query": "a", "max_results": 1}]),
        (
            b"messages[0].role,messages[0].size,messages[1].role\nuser,1,tool\nuser,,\n",
            [
                {"messages": [{"role": "user", "size": 1}, {"role": "tool"}]},
                {"messages": [{"role": "user"}]},
            ],
        ),
    ],
    ids=[
        "types",
        "bom_and_quoted_newline",
        "utf16_semicolons",
        "tabs",
        "quotes",
        "json_list",
        "json_column",
        "text_stays_text",
        "empty_line",
        "places",
    ],
)
def test_cells_become_what_their_input_can_be(content: bytes, gives: list[Any]) -> None:
    """By the schema of the input; an empty cell is not given."""
    assert inputs(content, as_csv=True) == gives


@pytest.mark.hazard("J6")
@pytest.mark.parametrize(
    ("record", "says"),
    [
        (b"a,three", "max_results: It is not a number"),
        (b"a,1,more", "a column without a name"),
        (b'"a"b,1', "It is not CSV"),
        (b"\xff,1", "query: It holds bytes"),
    ],
    ids=["not_a_number", "too_many_cells", "quotes", "latin1"],
)
def test_a_wrong_record_is_the_problem_of_its_row_alone(record: bytes, says: str) -> None:
    """The rows around it are read, and it knows its line."""
    before, wrong, after = rows(b"query,max_results\na,1\n" + record + b"\nb,2\n", as_csv=True)
    assert (before.inputs, after.inputs) == (
        {"query": "a", "max_results": 1},
        {"query": "b", "max_results": 2},
    )
    assert (wrong.line, wrong.inputs) == (3, None)
    assert says in wrong.problem


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"qeury\n", "Did you mean 'query'?"),
        (b"query,query\n", "Two columns have one name"),
        (b"query,messages[0\n", "There is no input 'messages\\[0'"),
        (b'"query\n', "does not name inputs"),
        (b"", "does not name inputs"),
    ],
    ids=["misspelt", "twice", "no_path", "quote", "empty"],
)
def test_a_first_line_that_names_no_inputs_is_an_error_at_once(header: bytes, says: str) -> None:
    """Before any row is read: it would be the problem of every row."""
    with pytest.raises(InputError, match=says):
        read(io.BytesIO(header), "rows.csv", as_csv=True, inputs=SEARCH)


@pytest.mark.hazard("J1")
@pytest.mark.parametrize(
    ("as_csv", "header", "record"),
    [(False, b"", lambda n: b'{"query": "row %d"}\n' % n), (True, b"query\n", lambda n: b"row %d\n" % n)],
    ids=["json_lines", "csv"],
)
def test_reading_holds_one_row_at_a_time(
    as_csv: bool, header: bytes, record: Callable[[int], bytes], figure: Callable[[str, str], None]
) -> None:
    """Ten thousand rows take no more memory than ten."""
    file = io.BytesIO(header + b"".join(map(record, range(10_000))))
    tracemalloc.start()
    try:
        count = len([None for _ in read(file, "rows", as_csv=as_csv, inputs=SEARCH)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (count, peak < 1 << 20) == (10_000, True)
    figure("J1", "10,000 rows are read within 1 MiB")
