"""`python -m benchmarks`: measure, print the table, and write docs/performance.md."""

from __future__ import annotations

import argparse
import json
import tempfile
import urllib.request
from pathlib import Path

from benchmarks import gate, page
from benchmarks.goals import Measured, table
from benchmarks.groups import GROUPS, Setting
from benchmarks.plot import with_the_rest
from benchmarks.rounds import Child, server


def main() -> int:
    """The exit code: 1 if --check has found something dearer than it was."""
    options = _options()
    with server() as at, tempfile.TemporaryDirectory() as folder:
        if options.check:
            return 0 if gate.check(f"http://{at}") else 1
        if options.set:
            gate.set_limits(f"http://{at}")
            return 0
        found = Measured()
        for name in options.only or GROUPS:
            print(f"... {name}", flush=True)
            GROUPS[name](Setting(at, Path(folder), options.quick), found)
        capacity = _capacity(at)
    _show(found, capacity)
    if not options.quick and not options.only:
        for file in page.write(found, capacity):
            print(f"wrote {file}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows; writes nothing")
    parser.add_argument("--only", action="append", choices=GROUPS, help="one group; writes nothing")
    parser.add_argument("--check", action="store_true", help="compare with the limits; fails beyond them")
    parser.add_argument("--set", action="store_true", help="write the limits anew")
    return parser.parse_args()


def _capacity(at: str) -> str:
    """What an answer costs the server, asked by the client that costs least."""
    with Child("call", "socket", f"http://{at}") as child:
        before = _spent(at)
        child.measured(2000)
        after = _spent(at)
    each = (after["seconds"] - before["seconds"]) / (after["requests"] - before["requests"])
    return (
        f"A chat answer costs the server {each * 1e6:.0f} us of CPU: it can give {round(1 / each, -2):,.0f} a second, "
        "more than any of these clients asks for."
    )


def _spent(at: str) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{at}/spent") as answer:
        spent: dict[str, float] = json.load(answer)
    return spent


def _show(found: Measured, capacity: str) -> None:
    for detail in found.details:
        heads = ("client", f"CPU {detail.unit}", f"x {detail.beside}")
        print(f"\n{detail.title}\n{table([heads, *page.rows(detail)])}")
    if found.stages:
        cells = [(name, f"{seconds * 1e6:.0f} us") for name, seconds in with_the_rest(found.stages).items()]
        print(f"\nOne action\n{table(cells)}")
    print("\n" + "\n".join(dict.fromkeys(found.notes)) + f"\n{capacity}\n{page.machine()}")
    if found.rows:
        print("\n" + table([("what", "measured", "goal", ""), *(row.shown for row in found.rows)]))


if __name__ == "__main__":
    raise SystemExit(main())
