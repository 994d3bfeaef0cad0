"""Write docs/reliability.md: what can go wrong, what happens then, and the tests that show it.

    HAZARDS_FILE=/tmp/hazards.json python -m pytest
    python tools/write_reliability.py /tmp/hazards.json            # --check: only say whether the page is fresh

docs/hazards.yaml says what happens; the file of the test run says which tests showed it, and their figures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connector.document import parse

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reliability.md"
HAZARDS = ROOT / "docs" / "hazards.yaml"
HEAD = """# Reliability

What can go wrong with a program of this kind, what happens here when it does, and the tests that show it. A
hazard is *handled* (the right answer, or one typed error that says where, what and what to do), *refused* (by
design: the reason is given), or *not built* (what it is about does not exist here yet).

This page is written from the tests' own run:

```
HAZARDS_FILE=hazards.json python -m pytest && python tools/write_reliability.py hazards.json
```
"""


def page(sections: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """The page: a table for each section."""
    entries = [entry for section in sections.values() for entry in section["hazards"].values()]
    counts = {
        state: sum(entry["state"] == state for entry in entries)
        for state in ("handled", "refused", "not built")
    }
    total = f"{len(entries)} hazards: " + ", ".join(f"{count} {state}" for state, count in counts.items())
    lines = [HEAD, f"{total}."]
    for letter, section in sections.items():
        lines += ["", f"## {letter}. {section['title']}", "", "| | hazard | what happens | tests | figures |"]
        lines += ["|---|---|---|---|---|"]
        for hazard, entry in section["hazards"].items():
            found = shown.get(hazard, {"tests": [], "figures": []})
            state = "" if entry["state"] == "handled" else f"*{entry['state']}.* "
            cells = [
                hazard,
                entry["hazard"],
                state + entry["happens"],
                ", ".join(_files(found["tests"])),
                "; ".join(found["figures"]),
            ]
            lines.append("| " + " | ".join(cell.replace("|", "\\|").strip() for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _files(tests: list[str]) -> Iterator[str]:
    """`test_faults.py (3)`: the files that hold the tests, and how many there are."""
    files = [test.partition("::")[0].rpartition("/")[2] for test in tests]
    for file in dict.fromkeys(files):
        yield f"`{file}` ({files.count(file)})"


def problems(sections: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
    """What is claimed and not shown, or shown and not described."""
    known = {hazard: entry for section in sections.values() for hazard, entry in section["hazards"].items()}
    for hazard, entry in known.items():
        if entry["state"] == "handled" and hazard not in shown:
            yield f"{hazard}: it is said to be handled, and no test that passed is marked with it"
    for hazard in shown:
        if hazard not in known:
            yield f"{hazard}: a test is marked with it, and docs/hazards.yaml does not have it"


def main() -> int:
    """Write, or check."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    if len(arguments) != 1:
        print("usage: python tools/write_reliability.py FILE [--check]", file=sys.stderr)
        return 2
    shown = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    sections = parse(HAZARDS.read_text(encoding="utf-8"), str(HAZARDS)).value
    wrong = list(problems(sections, shown))
    text = page(sections, shown)
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            wrong.append("docs/reliability.md is not fresh: run the tests and write it anew")
    else:
        PAGE.write_text(text, encoding="utf-8")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
