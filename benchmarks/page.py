"""docs/performance.md, written from what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from benchmarks.goals import Detail, Measured
from benchmarks.plot import svg
from benchmarks.rounds import ROOT, ratio
from benchmarks.server import CHAT_SIZE, SEARCH_SIZE

_PACKAGES = ("httpx", "httptools", "httpx2", "aiohttp", "perplexityai", "openai", "orjson", "click")
_HEAD = """\
# Performance

Written by `python -m benchmarks`; `python -m benchmarks --check` keeps it from getting worse.

An answer of the service takes seconds. What is measured here is what a client adds to that: it matters for the
start of a command, for many rows, for many streams at once, and for small machines. It does not make an
answer come sooner.

**How.** Every client runs in a process of its own, against one server on loopback that gives canned answers of
the real size (chat {chat} KB, search {search} KB). The clients take turns in short rounds. The figures are CPU time
(user and system) of the client's process: the median of the rounds, and for a comparison the median of the rounds'
ratios. The connector does the whole action: it checks the inputs, fills the request, sends it, reads the answer,
looks for secrets in it and gives flat, typed outputs. httpx and the others only send a body that is ready and decode
the JSON; the SDKs also make objects of it. Each one is checked to have got the answer.
"""


def write(found: Measured, server: str) -> list[Path]:
    """Write the page, and the picture where the stages were measured."""
    page, picture = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.svg"
    page.write_text("\n".join(_lines(found, server)), encoding="utf-8")
    if found.stages:
        picture.write_text(svg(found.stages), encoding="utf-8")
    return [page, picture]


def _lines(found: Measured, server: str) -> Iterator[str]:
    yield _HEAD.format(chat=round(CHAT_SIZE / 1024, 1), search=round(SEARCH_SIZE / 1024, 1))
    yield f"**Where.** {machine()}. {versions()}.\n"
    yield f"{server}\n"
    yield "## Goals\n"
    yield "| what | measured | goal | |\n|---|---|---|---|"
    yield from (f"| {' | '.join(row.shown)} |" for row in found.rows)
    if found.stages:
        yield "\n## Where the time of one action goes\n"
        yield "![The stages of one action, in microseconds of CPU](performance.svg)"
    for detail in found.details:
        yield f"\n## {detail.title}\n"
        yield f"| client | CPU {detail.unit} | x {detail.beside} |\n|---|---|---|"
        yield from (f"| {name} | {cost} | {beside} |" for name, cost, beside in rows(detail))
        if detail.note:
            yield f"\n{detail.note}"
    if found.notes:
        yield "\n## Notes\n"
        yield from (f"- {note}" for note in dict.fromkeys(found.notes))
    yield ""


def rows(detail: Detail) -> Iterator[tuple[str, str, str]]:
    """Client, CPU and ratio, as text; the cheapest first."""
    scale = {"us": 1e6, "ms": 1e3}[detail.unit]
    for name in sorted(detail.times, key=lambda name: median(detail.times[name])):
        cost = median(detail.times[name]) * scale
        beside = ratio(detail.times, name, detail.beside)
        yield name, f"{cost:.0f}" if cost >= 100 else f"{cost:.1f}", f"{beside:.2f}"


def machine() -> str:
    """The machine and Python, in a sentence."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python} on {platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def versions() -> str:
    """The packages that were measured, with their versions."""
    return ", ".join(_versions())


def _versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
