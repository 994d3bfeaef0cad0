"""A picture of where the time of one action goes: hand-made SVG, for light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from benchmarks.stages import STAGES

_WIDTH, _LEFT, _BAR, _GAP, _TOP = 760, 250, 22, 12, 58
_ROOM = 90  # for the number behind the longest bar
_SAID = {
    "plan": "plan: check inputs, fill",
    "build": "build: the HTTP request",
    "send": "send: sockets, httptools",
    "read": "read: JSON, secrets out",
    "pick": "pick: flat outputs",
    "run": "run: turns, deadlines, retries",
    "all": "the whole action",
    "httpx": "bare httpx post + json",
}
_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 16px; }
  .quiet { fill: #59636e; font-size: 12px; }
  .ours { fill: #544ce8; } .whole { fill: #312a94; } .beside { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
    .ours { fill: #8f89ff; } .whole { fill: #b9b5ff; } .beside { fill: #656c76; }
  }
"""


def svg(stages: Mapping[str, float]) -> str:
    """The picture.

    Args:
        stages: seconds of CPU for each stage, for `all` of them, and for `httpx`.
    """
    bars = with_the_rest(stages)
    scale = (_WIDTH - _LEFT - _ROOM) / max(bars.values())
    height = _TOP + len(bars) * (_BAR + _GAP) + 8
    label = escape(_label(bars))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">',
        f"<style>{_STYLE}</style>",
        '<text class="title" x="0" y="18">Where the time of one action goes</text>',
        '<text class="quiet" x="0" y="38">microseconds of CPU, one chat action on loopback</text>',
    ]
    for number, (name, seconds) in enumerate(bars.items()):
        y = _TOP + number * (_BAR + _GAP)
        kind = {"all": "whole", "httpx": "beside"}.get(name, "ours")
        width = max(1.0, seconds * scale)
        lines += [
            f'<text x="{_LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(_SAID[name])}</text>',
            f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="3"/>',
            f'<text x="{_LEFT + width + 8:.1f}" y="{y + 16}">{seconds * 1e6:.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def with_the_rest(stages: Mapping[str, float]) -> dict[str, float]:
    """The stages in the order of the path, and what a run spends beside them."""
    path = {name: stages[name] for name in STAGES}
    rest = max(0.0, stages["all"] - sum(path.values()))
    return {**path, "run": rest, "all": stages["all"], "httpx": stages["httpx"]}


def _label(bars: Mapping[str, float]) -> str:
    return "; ".join(f"{_SAID[name]} {seconds * 1e6:.0f} us" for name, seconds in bars.items())
