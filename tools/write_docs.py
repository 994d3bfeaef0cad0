"""Write the parts of the documentation that derive from the manifests and tables; with --check, say whether they are fresh."""

from __future__ import annotations

import sys
from pathlib import Path

import connector
from connector.document import parse
from connector.documenting.connector_page import actions_table, whole_page
from connector.documenting.editor_schema import KINDS, file_name, schema_text
from connector.documenting.manifest_page import manifest_page
from connector.documenting.wording import command_line
from connector.loading import shipped_names
from connector.sandbox.fault_names import FAULTS, described, own_arguments, shared_arguments

ROOT = Path(__file__).parent.parent


def filled(text: str, name: str, table: str) -> str:
    """The page with what stands between <!-- name --> and <!-- /name --> written anew."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = text.split(start)
    _, after = rest.split(end)
    return before + start + table + end + after


def rehearse_page(text: str) -> str:
    """The page of faults with its tables, from the sandbox's own."""
    tables = {
        "faults": ("fault", [(f"`{one.name}`", described(one)) for one in FAULTS]),
        "turns": ("argument", [(f"`{one.name}`", one.about) for one in shared_arguments()]),
        "arguments": ("argument", [(f"`{one.name}`", one.about) for one in own_arguments()]),
    }
    for name, (heading, rows) in tables.items():
        lines = [f"| {heading} | what it does |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]
        text = filled(text, name, "\n".join(lines) + "\n")
    return text


def endpoints_page() -> str:
    """What a public directory claims of this API, and what is true: from docs/endpoints.yaml."""
    path = ROOT / "docs" / "endpoints.yaml"
    claims = parse(path.read_text(encoding="utf-8"), str(path)).value
    lines = [
        "# Endpoints that are claimed, and what is true",
        "",
        "A public directory lists 14 endpoints and 5 MCP tools for this API. Most of them are not in the vendor's",
        "reference. Each gets its honest answer here, as of 2026-11-21; every command below is run by the tests",
        "against the sandbox.",
        "",
        "*real*: it exists under this name. *retired*: the vendor has switched it off. *other path*: it exists",
        "elsewhere. *not offered*: neither the vendor's reference nor its SDK has it.",
    ]
    for heading, key in (("The endpoints", "endpoints"), ("The MCP tools", "mcp_tools")):
        lines += ["", f"## {heading}"]
        for entry in claims[key]:
            claim = entry["claim"]
            name = claim.get("tool") or f"{claim['method']} {claim['path']}"
            lines += ["", f"### `{name}`: {entry['verdict']}", "", entry["sentence"].strip()]
            if "use" in entry:
                use = entry["use"]
                command = command_line(f"perplexity.{use['action']}", use["inputs"])
                lines += ["", "```sh", command, "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write, or check."""
    shipped = [(name, connector.load(name)) for name in shipped_names()]
    readme, rehearse = ROOT / "README.md", ROOT / "docs" / "rehearse.md"
    pages = {
        readme: filled(readme.read_text(encoding="utf-8"), "actions", actions_table(shipped)),
        rehearse: rehearse_page(rehearse.read_text(encoding="utf-8")),
        ROOT / "docs" / "endpoints.md": endpoints_page(),
        ROOT / "docs" / "manifest.md": manifest_page(),
        **{ROOT / "docs" / f"{name}.md": whole_page(loaded, name) for name, loaded in shipped},
        **{ROOT / "schemas" / file_name(kind): schema_text(kind) for kind in KINDS},
    }
    stale = [
        page for page, text in pages.items() if not page.exists() or page.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for page in stale:
            print(f"{page.relative_to(ROOT)} is not fresh: run `python tools/write_docs.py`", file=sys.stderr)
        return 1 if stale else 0
    for page in stale:
        page.write_text(pages[page], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
