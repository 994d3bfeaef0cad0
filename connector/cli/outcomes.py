"""The output of a bulk run: JSON Lines, or CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any, Final

from connector.cli.visible import visible

_OF_THE_ROW: Final = ("row", "status", "attempts", "cost")
_OF_THE_ERROR: Final = ("error_kind", "error_message", "error_hint", "error_status", "request_id", "warnings")
# what a spreadsheet takes for the beginning of a formula; the wide forms are those of East Asian keyboards
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Outcomes:
    """The file. It is written anew from its first row on, for the ledger has all of them.

    Attributes:
        rows: how many it holds.
    """

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        """Open it.

        Args:
            path: CSV if it ends so, else JSON Lines.
            names: of the outputs, which are columns of a CSV file.
        """
        self.rows = 0
        self._is_csv = path.suffix.lower() == ".csv"
        self._names = tuple(names)
        self._file = path.open("w", encoding="utf-8", newline="")
        if self._is_csv:
            taken = {*_OF_THE_ROW, *_OF_THE_ERROR}
            outputs = [f"output_{name}" if name in taken else name for name in self._names]
            self._file.write(_record([*_OF_THE_ROW, *outputs, *_OF_THE_ERROR]))

    def add(self, lines: Iterable[str]) -> None:
        """Write the lines of the rows that come next, and hand them to the system."""
        for line in lines:
            self._file.write(self._as_csv(json.loads(line)) if self._is_csv else f"{line}\n")
            self.rows += 1
        self._file.flush()

    def close(self) -> None:
        """Close the file. What could not be written has been told by `add`, and the ledger has it."""
        with suppress(OSError):
            self._file.close()

    def _as_csv(self, row: Mapping[str, Any]) -> str:
        outputs, error = row.get("outputs") or {}, row.get("error") or {}
        values = [row.get(name) for name in _OF_THE_ROW]
        values += [outputs.get(name) for name in self._names]
        values += [error.get(name) for name in ("kind", "message", "hint", "status", "request_id")]
        values.append(" ".join(row.get("warnings", ())) or None)
        return _record([_cell(value) for value in values])


def _record(cells: Iterable[str]) -> str:
    written = StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # a space before it does not keep a spreadsheet from seeing a formula
        begins = value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)
        return ("'" if begins else "") + visible(value)
    return json.dumps(value)
