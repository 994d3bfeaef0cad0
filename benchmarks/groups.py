"""The measurements, in groups that `--only` names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import bulk, fresh
from benchmarks.async_clients import FLIGHTS, HOLDS
from benchmarks.certificate import write
from benchmarks.clients import CALLS, SEARCHES, STREAMS
from benchmarks.goals import Detail, Measured, Row
from benchmarks.rounds import ROOT, Child, Times, interleaved, ratio, server

STREAMS_HELD = 1000
_ACTIONS = ROOT / "manifests" / "perplexity" / "actions"


@dataclass(frozen=True)
class Setting:
    """Where and how thoroughly to measure."""

    at: str
    """The server's host and port."""
    folder: Path
    """A folder of this run's own."""
    quick: bool

    @property
    def rounds(self) -> int:
        """Of clients that take turns."""
        return 5 if self.quick else 30

    @property
    def url(self) -> str:
        """The server's base URL."""
        return f"http://{self.at}"


def _ratio(times: Times, one: str, other: str) -> float | None:
    return ratio(times, one, other) if one in times and other in times else None


_TRANSPORTS = """\
"its transport" is the connector's own HTTP with a request that is ready; "httpx's transport" is what carries a call
of httpx, called directly, with its request made each time. The goal for the own work was set on a prototype that
httpx's transport carried: 60 us, what an action took beyond it. So it is measured in the same way, beyond httpx's
transport. Beyond its own, which takes less than a third of that, an action takes more: the second row."""


def _beyond(times: Times, transport: str) -> float:
    """What an action takes beyond a transport, as a part of an httpx call."""
    costs = zip(times["connector"], times[transport], times["httpx"], strict=True)
    return median((action - below) / call for action, below, call in costs)


def calls(setting: Setting, found: Measured) -> None:
    """One action after the other."""
    times, missing = interleaved("call", CALLS, setting.url, rounds=setting.rounds)
    found.missing(missing)
    found.details.append(Detail("One chat action, one after the other", times, "httpx", note=_TRANSPORTS))
    found.rows += [
        Row("one action, vs httpx post + json", _ratio(times, "connector", "httpx"), 0.75),
        Row("one action, vs the official SDK", _ratio(times, "connector", "perplexityai"), 0.35),
        Row(
            "own work (action minus httpx's transport), of an httpx call",
            _beyond(times, "httpx's transport"),
            0.15,
            "%",
        ),
        Row(
            "own work (action minus its own transport), of an httpx call",
            _beyond(times, "its transport"),
            0.15,
            "%",
        ),
    ]
    times, _ = interleaved("search", SEARCHES, setting.url, rounds=setting.rounds)
    found.details.append(Detail("One search action with 10 results", times, "httpx"))
    found.rows.append(Row("one search, vs httpx post + json", _ratio(times, "connector", "httpx"), None))


def flights(setting: Setting, found: Measured) -> None:
    """50 actions at a time."""
    times, missing = interleaved("flight", FLIGHTS, setting.url, rounds=setting.rounds)
    found.missing(missing)
    found.details.append(Detail("One of 50 chat actions in flight (asyncio)", times, "httpx"))
    found.rows += [
        Row("50 in flight, vs the SDK's async client", _ratio(times, "connector", "perplexityai"), 0.22),
        Row("50 in flight, vs httpx.AsyncClient", _ratio(times, "connector", "httpx"), 0.30),
    ]


def held(setting: Setting, found: Measured) -> None:
    """Streams that stay open."""
    for name in HOLDS:
        with Child("held", name, setting.url) as child:
            if child.missing:
                continue
            measured = child.measured(STREAMS_HELD)
        opened = measured["opened"]
        each = measured["bytes"] / opened / 1024 if opened >= STREAMS_HELD else None
        said = f"{opened} of {STREAMS_HELD} had their first event" + (
            f", {each:.0f} KB each." if each else "."
        )
        found.notes.append(f"Streams held open, {name}: {said}")
        if name == "connector":
            found.rows += [
                Row(f"{STREAMS_HELD:,} streams open: memory of each", each, 40, "KB"),
                Row(f"{STREAMS_HELD:,} streams open: those that wait", STREAMS_HELD - opened, 0, "streams"),
            ]


def events(setting: Setting, found: Measured) -> None:
    """Events as fast as they come."""
    times, missing = interleaved("event", STREAMS, setting.url, rounds=setting.rounds)
    found.missing(missing)
    note = "The chat stream of the SDK is that of the retired API: other events, of the same size."
    found.details.append(Detail("One event of a stream, burst", times, "httpx", note=note))
    found.rows += [
        Row("one event, vs httpx iter_lines + json", _ratio(times, "connector", "httpx"), 0.9),
        Row("one event, vs the SDK's chat stream", _ratio(times, "connector", "perplexityai, chat"), 0.14),
        Row("one event, vs the SDK's stream of responses", _ratio(times, "connector", "perplexityai"), None),
    ]


def start(setting: Setting, found: Measured) -> None:
    """Processes: the command line, and one action over TLS."""
    commands = {"pass": fresh.NOTHING, "--help": [*fresh.CLI, "--help"], "list": [*fresh.CLI, "list"]}
    times = fresh.processes(commands, fresh.environment(setting.folder), setting.rounds)
    found.details.append(Detail("A process of the command line", times, "pass", "ms"))
    found.rows += [
        Row(f"connector {name}, vs python -c pass", ratio(times, name, "pass"), 4.5)
        for name in ("--help", "list")
    ]
    files = [str(file) for file in write(setting.folder)]
    with server(*files) as at:
        variables = fresh.environment(setting.folder, f"https://{at}", files[0])
        commands = {"connector": fresh.ACTION, "perplexityai": fresh.SDK}
        times = fresh.processes(commands, variables, setting.rounds)
    note = "Both trust one certificate only, so neither pays for reading the system's."
    found.details.append(Detail("A process that runs one action over TLS", times, "perplexityai", "ms", note))
    value = ratio(times, "connector", "perplexityai")
    found.rows.append(Row("connector run over TLS, vs the SDK doing the same", value, 0.25))


def load(setting: Setting, found: Measured) -> None:
    """The connector: from its YAML, and as it was compiled when the package was built."""
    with Child("load", "YAML", "") as read, Child("load", "compiled", "") as kept:
        spent = {
            name: median(child.measured(1)["cpu"] for _ in range(setting.rounds))
            for name, child in (("YAML", read), ("compiled", kept))
        }
    each = {name: 1000 * seconds / len(list(_ACTIONS.glob("*.yaml"))) for name, seconds in spent.items()}
    found.rows += [
        Row("load and compile the connector from YAML, for each action", each["YAML"], 3, "ms"),
        Row("load it from its compiled form, for each action", each["compiled"], None, "ms"),
    ]


def memory(setting: Setting, found: Measured) -> None:
    """A fresh process after one action."""
    variables = fresh.environment(setting.folder, setting.url)
    sizes = {
        name: int(fresh.ended(command, variables).output.split()[-1]) / 1024 / 1024
        for name, command in (("connector", fresh.OURS_MEMORY), ("perplexityai", fresh.SDK_MEMORY))
    }
    found.rows.append(Row("memory after one action in a fresh process", sizes["connector"], 36, "MB"))
    found.notes.append(f"Memory after one action, perplexityai: {sizes['perplexityai']:.0f} MB.")


def batch(setting: Setting, found: Measured) -> None:
    """Many rows through the command line."""
    rows = 2_000 if setting.quick else 100_000
    variables = fresh.environment(setting.folder, setting.url)
    done = bulk.measured(setting.folder, variables, rows) if bulk.exists(variables) else None
    cpu, grown = (done.cpu * 1e6, done.grown / 1024 / 1024) if done else (None, None)
    note = "" if done else "(no such command yet)"
    found.rows += [
        Row(f"batch of {rows:,} rows: CPU of each", cpu, 550, "us", note),
        Row(f"batch of {rows:,} rows: memory beyond the start", grown, 16, "MB", note),
    ]


def stages(setting: Setting, found: Measured) -> None:
    """Where the time of one action goes."""
    with Child("stages", "connector", setting.url) as ours, Child("call", "httpx", setting.url) as beside:
        ours.measured(100)
        several = [
            {**ours.measured(100), "httpx": beside.measured(100)["cpu"]} for _ in range(setting.rounds)
        ]
    found.stages = {stage: median(one[stage] for one in several) / 100 for stage in several[0]}


GROUPS: dict[str, Callable[[Setting, Measured], None]] = {
    "calls": calls,
    "flights": flights,
    "held": held,
    "events": events,
    "start": start,
    "load": load,
    "memory": memory,
    "batch": batch,
    "stages": stages,
}
