"""Rows of inputs from a file: JSON Lines (an object a line) or CSV (a column for each input).

Read one after another, in whatever encoding a platform writes. A row that cannot be read is a row with a
problem, and the next one is read all the same. A cell of a CSV file becomes what its input can be: text where
the input takes text, else a number, true or false, or JSON; an empty cell is an input that is not given. A
column may name a place inside an input (`messages[0].content`), and one that ends with `:=` holds JSON.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, zip_longest
from typing import Any, BinaryIO, Final

from connector.errors import InputError, Problem, did_you_mean
from connector.schema import Schema
from connector.size import MAX_BYTES
from connector.strict_json import parse

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `inputs` by name, or the `problem` that it has instead. `line` is where it begins, from 1."""

    line: int
    inputs: dict[str, Any] | None
    problem: str = ""


class _Wrong(Exception):
    """What is wrong with a row, in a sentence for people."""


def read(file: BinaryIO, where: str, *, as_csv: bool, inputs: Mapping[str, Schema]) -> Iterator[Row]:
    """The rows of a file, which is read while they are taken.

    Args:
        file: at its beginning; it can be sought in, and is closed behind its last row.
        where: its name, for errors.
        as_csv: CSV instead of JSON Lines.
        inputs: the action's inputs by name, each with its schema.

    Raises:
        InputError: the first line of a CSV file does not name inputs. At once, not at the first row.
    """
    text = io.TextIOWrapper(
        file,
        _encoding(file),
        # what is not in the encoding becomes halves of surrogate pairs, which no right text has
        "surrogatepass" if _encoding(file) != "utf-8-sig" else "surrogateescape",
        newline="" if as_csv else "\n",
    )
    found = _csv_rows(text, where, inputs) if as_csv else _json_rows(text)
    return _closing(text, found)


def _closing(text: io.TextIOWrapper, rows: Iterator[Row]) -> Iterator[Row]:
    with text:
        yield from rows


def _encoding(file: BinaryIO) -> str:
    start = file.read(4)
    file.seek(0)
    if start[1:2] == b"\0" and start[:1] not in {b"", b"\0"}:  # Windows at times leaves the mark out
        return "utf-16-le"
    return next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8-sig")


def _json_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    for number in count(1):
        try:
            line = text.readline(MAX_BYTES)
            if not line:
                return
            if len(line) == MAX_BYTES and not line.endswith("\n"):
                _skip_line(text)
                raise _Wrong(f"It is longer than {MAX_BYTES // 1024 // 1024} MiB.")
            if line.isspace():
                continue
            yield Row(number, _object(line))
        except UnicodeError:  # the file ends inside a character
            yield Row(number, None, "The file ends inside a character. Save it as UTF-8.")
            return
        except _Wrong as wrong:
            yield Row(number, None, str(wrong))


def _skip_line(text: io.TextIOWrapper) -> None:
    while (rest := text.readline(MAX_BYTES)) and not rest.endswith("\n"):
        pass


def _object(line: str) -> dict[str, Any]:
    value = _json(line)
    if not isinstance(value, dict):
        raise _Wrong('It is JSON, but not an object. Write inputs by name: {"query": "latest news"}.')
    return value


def _json(text: str) -> Any:
    try:
        value = parse(text.encode())
    except UnicodeEncodeError:
        raise _Wrong("It holds bytes that are no text. Save the file as UTF-8.") from None
    except ValueError as error:
        raise _Wrong(f"It is not JSON: {error}.") from None
    if _HALF.search(text) and json.dumps(value, ensure_ascii=False).count("\ufffd") > text.count("\ufffd"):
        raise _Wrong("It holds half of a surrogate pair, which cannot be sent.")
    return value


# --- CSV

_Cell = Callable[[str], Any]
_PATH: Final = re.compile(r"([^.\[\]]+)|\[([0-9]{1,3})\]|\.")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    path: tuple[str | int, ...]
    read: _Cell


def _csv_rows(text: io.TextIOWrapper, where: str, inputs: Mapping[str, Schema]) -> Iterator[Row]:
    csv.field_size_limit(MAX_BYTES)
    try:
        names, separator = _header(text)
        columns = [_column(name, where, inputs) if name else None for name in names]
    except (_Wrong, UnicodeError) as error:
        wrong = str(error) if isinstance(error, _Wrong) else "It is not text in one encoding."
        hint = "Write the names of inputs in the first line."
        raise InputError([Problem(f"{where}:1", wrong, hint)]) from None
    if len({column.name for column in columns if column}) < len([column for column in columns if column]):
        raise InputError([Problem(f"{where}:1", "Two columns have one name.", "Remove one of them.")])
    return _records(text, columns, separator)


def _header(text: io.TextIOWrapper) -> tuple[list[str], str]:
    line = text.readline(MAX_BYTES)
    separator = max(",;\t", key=line.count)  # where a comma writes decimals, spreadsheets write semicolons
    try:
        [names] = csv.reader([line], delimiter=separator, strict=True)
        columns = [name.strip() for name in names]
    except (csv.Error, ValueError):
        columns = []
    if not any(columns):
        raise _Wrong("The first line does not name inputs.")
    return columns, separator


def _records(text: io.TextIOWrapper, columns: list[_Column | None], separator: str) -> Iterator[Row]:
    reader = csv.reader(text, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 2  # the header has been read before
        try:
            cells = next(reader)
            if any(cells):
                yield Row(line, _inputs(cells, columns))
        except StopIteration:
            return
        except UnicodeError:
            yield Row(line, None, "The file ends inside a character. Save it as UTF-8.")
            return
        except csv.Error as error:
            yield Row(line, None, f"It is not CSV: {error}. Check its quotes.")
        except _Wrong as wrong:
            yield Row(line, None, str(wrong))


def _inputs(cells: list[str], columns: list[_Column | None]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cell, column in zip_longest(cells, columns[: len(cells)]):
        if not cell:
            continue
        if column is None:
            raise _Wrong("It has a cell in a column without a name. Check its quotes and separators.")
        if not cell.isascii() and any("\ud800" <= character <= "\udfff" for character in cell):
            raise _Wrong(f"{column.name}: It holds bytes that are no text. Save the file as UTF-8.")
        try:
            value = column.read(cell)
        except _Wrong as wrong:
            raise _Wrong(f"{column.name}: {wrong}") from None
        if len(column.path) == 1:
            found[column.name if column.path == (column.name,) else str(column.path[0])] = value
        else:
            _put(found, column, value)
    return {name: _listed(value) for name, value in found.items()}


class _Sparse(dict[Any, Any]):
    """An object or a list on its way: what cells have been given, by key or by number."""


def _put(found: dict[Any, Any], column: _Column, value: Any) -> None:
    for step in column.path[:-1]:
        found = found.setdefault(step, _Sparse())
        if not isinstance(found, _Sparse):
            raise _Wrong(f"{column.name}: Another column gives the whole of it.")
    found[column.path[-1]] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, _Sparse):
        return value
    if all(isinstance(key, int) for key in value):
        return [_listed(value[key]) for key in sorted(value)]
    return {key: _listed(inner) for key, inner in value.items()}


def _column(header: str, where: str, inputs: Mapping[str, Schema]) -> _Column:
    name = header.removesuffix(":=")
    path: list[str | int] = [
        int(index) if index else word for word, index in _PATH.findall(name) if word or index
    ]
    if not path or _PATH.sub("", name) or path[0] not in inputs:
        known = did_you_mean(name, inputs)
        raise InputError([Problem(f"{where}:1", f"There is no input {name[:60]!r}.", known)])
    schema: Any = inputs[str(path[0])]
    for step in path[1:]:
        inner = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step)
        schema = inner if isinstance(inner, Mapping) else {}
    return _Column(name, tuple(path), _json if name != header else _reader(schema))


def _reader(schema: Schema) -> _Cell:
    """What makes the value of a cell; the schema itself is not asked: the row is judged as a whole."""
    kinds = schema.get("type", "string")
    kinds = set(kinds if isinstance(kinds, list) else [kinds]) - {"null"}
    if "string" in kinds:
        return str
    if kinds == {"boolean"}:
        return _truth
    return _number if kinds <= {"integer", "number"} else _json


def _truth(cell: str) -> bool:
    word = cell.strip().lower()  # spreadsheets write TRUE
    if word not in {"true", "false"}:
        raise _Wrong("It is neither true nor false.")
    return word == "true"


def _number(cell: str) -> Any:
    value = _json(cell) if cell.strip()[:1] in "-0123456789" else None
    if not isinstance(value, (int, float)):
        raise _Wrong("It is not a number, such as 3 or 0.5.")
    return value
