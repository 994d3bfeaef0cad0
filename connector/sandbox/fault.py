"""A fault as people write it, `429,times=3,retry-after=2`, and the requests that it is for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.errors import InputError, Problem, did_you_mean
from connector.sandbox.fault_names import BY_NAME, READ, STATUS, FaultName, arguments_of
from connector.sandbox.seed import Seed

_MOST_COUNTS = 10_000
_LONGEST = 500
_COMMON_STATUSES = ("429", "500", "503")


@dataclass(frozen=True)
class Fault:
    """A fault with its arguments.

    Attributes:
        text: as it was written.
        name: of the table; `400..599` for a status.
        status: of a fault that is just a status, else 0.
        arguments: every one that the name takes, defaults included.
    """

    text: str
    name: str
    status: int
    arguments: Mapping[str, Any]

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]


def parse_fault(text: str, where: str) -> Fault:
    """The fault that a text names.

    Args:
        text: a name, and arguments after commas.
        where: where it was written, for the error.

    Raises:
        InputError: no such fault, or an argument that it does not take so.
    """
    name, *words = (word.strip() for word in text.strip().split(","))
    if len(text) > _LONGEST or not (text.isascii() and text.isprintable()):
        raise _wrong(
            where, f"A fault has at most {_LONGEST} characters, all of them of ASCII.", "Write it anew."
        )
    row = _row(name, where)
    allowed = arguments_of(row)
    given: dict[str, Any] = {}
    for word in words:
        key, equals, value = (part.strip() for part in word.partition("="))
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            raise _wrong(where, f"The fault {name} takes no {key!r}.", hint)
        if key in given:
            raise _wrong(where, f"{key} is given twice.", "Leave one out.")
        try:
            given[key] = READ[key](value)
        except ValueError as error:
            said = f"{value!r}" if equals else "missing"
            raise _wrong(where, f"{key} is {said}.", f"Write {key}= and {error}.") from None
    status = int(name) if row.name == STATUS else 0
    return Fault(",".join([name, *words]), row.name, status, {**allowed, **given})


def _row(name: str, where: str) -> FaultName:
    if len(name) == 3 and name.isdigit() and 400 <= int(name) <= 599:
        return BY_NAME[STATUS]
    if name in BY_NAME and name != STATUS:
        return BY_NAME[name]
    if name.isdigit():
        raise _wrong(where, f"{name} is not the status of a failure.", "Take one from 400 to 599.")
    known = [*_COMMON_STATUSES, *(other for other in BY_NAME if other != STATUS)]
    raise _wrong(where, f"There is no fault {name!r}.", did_you_mean(name, known))


def _wrong(where: str, message: str, hint: str) -> InputError:
    return InputError([Problem(where, message, hint)])


class Turns:
    """Counts for each key and each fault how many requests there were, and so whose turn it is."""

    def __init__(self) -> None:
        self._counts: dict[tuple[bytes, str], tuple[int, int]] = {}

    def takes(self, fault: Fault, key: str, path: str) -> bool:
        """Whether a fault is for this request, which counts from now on.

        Args:
            fault: with `times`, `skip`, `every`, `rate`, `seed` and `on`.
            key: whoever asks: the Authorization header.
            path: of the request.
        """
        if not _fits(path, fault["on"]):
            return False
        place = (hashlib.sha256(key.encode()).digest(), fault.text)
        asked, taken = self._counts.pop(place, (0, 0))
        number = asked + 1 - fault["skip"]
        mine = (
            number > 0
            and number % fault["every"] == 0
            and (fault["times"] is None or taken < fault["times"])
            and _drawn(fault, number)
        )
        self._counts[place] = (asked + 1, taken + mine)
        if len(self._counts) > _MOST_COUNTS:
            del self._counts[next(iter(self._counts))]
        return mine


def _fits(path: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    return path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted


def _drawn(fault: Fault, number: int) -> bool:
    share: float = fault["rate"]
    return share >= 1 or Seed("turn", fault["seed"], number).number("draw", 1_000_000) < share * 1_000_000
