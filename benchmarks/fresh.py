"""What a process costs from its start to its end, and one action in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers import KEY, MODEL
from benchmarks.rounds import ROOT, Times

_SCRIPT = Path(sys.executable).parent / "connector"
CLI = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "connector.cli"]
_QUESTION = "How many stars are there in our galaxy?"
ACTION = [
    *CLI,
    "run",
    "perplexity.create_chat_completion",
    f"model={MODEL}",
    f'messages:=[{{"role": "user", "content": "{_QUESTION}"}}]',
]
_SDK = f"""
import os
from perplexity import Perplexity
with Perplexity(api_key={KEY!r}, base_url=os.environ["PERPLEXITY_BASE_URL"]) as client:
    message = {{"type": "message", "role": "user", "content": {_QUESTION!r}}}
    answer = client.responses.create(effort="low", input=[message], tools=[{{"type": "web_search"}}])
    print(answer.output_text)
"""
_OURS = f"""
import connector
with connector.connect("perplexity") as perplexity:
    message = {{"role": "user", "content": {_QUESTION!r}}}
    result = perplexity.run("create_chat_completion", {{"model": {MODEL!r}, "messages": [message]}})
    print(result.outputs["content"])
"""
_MEMORY = "\nfrom benchmarks.memory import resident\nprint(resident())\n"
NOTHING = [sys.executable, "-c", "pass"]
SDK = [sys.executable, "-c", _SDK]
OURS_MEMORY = [sys.executable, "-c", _OURS + _MEMORY]
SDK_MEMORY = [sys.executable, "-c", _SDK + _MEMORY]


@dataclass(frozen=True)
class Ended:
    """A process that has ended well: seconds of CPU, the most bytes in memory, and what it printed."""

    cpu: float
    most: int
    output: str


def environment(home: Path, base_url: str = "", certificate: str = "") -> dict[str, str]:
    """The variables of a process: a key, where to send, whom to trust, and a home of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    # what is on this process's own path is on that of its children
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"HOME": str(home), "CONNECTOR_HOME": str(home), "PYTHONPATH": paths, "PERPLEXITY_API_KEY": KEY}
    given = {"PERPLEXITY_BASE_URL": base_url, "SSL_CERT_FILE": certificate}
    return {**kept, **own, **{name: value for name, value in given.items() if value}}


def ended(command: Sequence[str], variables: Mapping[str, str]) -> Ended:
    """Run a command to its end."""
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"benchmarks: {' '.join(command)[:200]} ended with {process.returncode}.")
    unit = 1 if sys.platform == "darwin" else 1024
    return Ended(used.ru_utime + used.ru_stime, used.ru_maxrss * unit, output)


def processes(commands: Mapping[str, Sequence[str]], variables: Mapping[str, str], rounds: int) -> Times:
    """The CPU of each command, in rounds in which they take turns; the first, which fills caches, is not told."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            spent = ended(command, variables).cpu
            if number:
                times[name].append(spent)
    return times
