"""`python -m faults`: serves every fault. A search for "NAME NUMBER" meets the fault of that name.

The right answer to it has the number as its id, so that an answer to another search is found out. It ends when
its stdin does.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

from loopback import Loopback, Received, Wire

from faults.table import MODES


class _Served:
    """Which attempt of which search it is."""

    def __init__(self) -> None:
        self._attempts: Counter[str] = Counter()

    def answer(self, received: Received) -> Wire:
        query = received.json["query"]
        name, _, number = query.rpartition(" ")
        self._attempts[query] += 1
        answers = MODES[name].answers(found(number))
        wire = answers[min(self._attempts[query], len(answers)) - 1]
        assert not callable(wire)
        return wire


def found(number: str) -> bytes:
    """What a search finds."""
    results = [{"title": "One", "url": f"https://a.test/{number}", "snippet": "x" * 300}]
    return json.dumps({"id": number, "results": results}).encode()


if __name__ == "__main__":
    with Loopback(_Served().answer) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
