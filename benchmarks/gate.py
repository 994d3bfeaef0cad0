"""`python -m benchmarks --check`: fails if an action has become dearer beside a client that has not changed.

What is compared is CPU time of processes that take turns in short rounds, never time on the clock: whatever else
the machine does, it does to both, and the median of the rounds' ratios repeats within about one per cent. A
limit is the ratio that was measured when it was set, and 15 per cent: a change that costs a fifth is beyond it. What is
beyond it is measured twice more before it counts, so that one bad minute of the machine does not.

`--set` writes the limits anew: after a change that makes things faster, or one whose cost was wanted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rounds import interleaved, ratio

LIMITS = Path(__file__).parent / "limits.json"
_ROUNDS = 24
_TRIES = 3
_ROOM = 1.15


@dataclass(frozen=True)
class Gate:
    """A ratio that must not grow."""

    kind: str
    ours: str
    beside: str
    what: str


GATES = (
    Gate("call", "connector", "httpx", "one action beside httpx post + json"),
    Gate("event", "connector", "httpx", "one event of a stream beside httpx iter_lines + json"),
    Gate("own", "connector", "yardstick", "one action without a network beside fixed work in Python"),
)


def measure(gate: Gate, url: str) -> float:
    """The ratio now."""
    times, _ = interleaved(gate.kind, (gate.ours, gate.beside), url, rounds=_ROUNDS, seconds=0.03)
    return ratio(times, gate.ours, gate.beside)


def check(url: str) -> bool:
    """Measure, and say how it went; whether all is within the limits."""
    limits = json.loads(LIMITS.read_text(encoding="utf-8"))
    within = [_is_within(gate, limits[gate.kind], url) for gate in GATES]  # all are told
    return all(within)


def _is_within(gate: Gate, limit: float, url: str) -> bool:
    for _ in range(_TRIES):
        value = measure(gate, url)
        print(f"{gate.what}: {value:.3f}, limit {limit:.3f}", flush=True)
        if value <= limit:
            return True
    print(f"{gate.what} has become dearer. If that was wanted: python -m benchmarks --set", flush=True)
    return False


def set_limits(url: str) -> None:
    """Write the limits anew: today's ratios and 15 per cent."""
    limits = {gate.kind: round(_ROOM * measure(gate, url), 3) for gate in GATES}
    LIMITS.write_text(json.dumps(limits, indent=2) + "\n", encoding="utf-8")
    print(f"{LIMITS.name}: {limits}")
