"""Write the parts of the documentation that derive from the manifests; with --check, say whether they are fresh."""

from __future__ import annotations

import sys
from pathlib import Path

import connector
from connector.loading import shipped_names

ROOT = Path(__file__).parent.parent
START, END = "<!-- actions -->\n", "<!-- /actions -->"


def actions_table() -> str:
    """A row an action: what it does, what it needs and what it gives."""
    rows = ["| action | what it does | needs | gives |", "|---|---|---|---|"]
    for name in shipped_names():
        loaded = connector.load(name)
        for action in loaded.actions.values():
            needed = [field for field in action.input_fields if field in action.inputs.get("required", [])]
            more = len(action.input_fields) - len(needed)
            cells = [
                f"**{action.name}**<br>`{loaded.id}.{action.id}`",
                action.description,
                f"{_names(needed)}; {more} more are optional",
                _names(list(action.output_fields)),
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def fresh_readme(text: str) -> str:
    """The README with its table of actions written anew."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return before + START + actions_table() + END + after


def main() -> int:
    """Write, or check."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    fresh = fresh_readme(text)
    if "--check" in sys.argv[1:]:
        if text != fresh:
            print("README.md is not fresh: run `python tools/write_docs.py`", file=sys.stderr)
            return 1
        return 0
    readme.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
