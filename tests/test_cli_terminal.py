"""The command line as a process: encodings, pipes, closed streams, a terminal, and what is imported."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connector.cli.endings import Exit

ROOT = Path(__file__).parent.parent
CONNECTOR = [sys.executable, "-m", "connector.cli"]
SEARCH = ["run", "perplexity.execute_search", "query=AI 最新ニュース", "max_results:=1"]
LIBRARIES = (
    "rich",
    "httpx",
    "yaml",
    "pydantic",
    "starlette",
    "uvicorn",
    "keyring",
    "cryptography",
    "jsonschema",
)

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX streams and signals")


@pytest.fixture
def environment(tmp_path: Path, sandbox_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "CONNECTOR_HOME": str(tmp_path),
        "CONNECTOR_PASSPHRASE": "correct horse battery",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PERPLEXITY_BASE_URL": sandbox_url,
        "PERPLEXITY_API_KEY": "pplx-test-process",
    }


def run(environment: dict[str, str], *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, **options}
    return subprocess.run([*CONNECTOR, *arguments], env=environment, timeout=20, check=False, **options)


@pytest.mark.parametrize("arguments", [["--help"], ["lst"]], ids=" ".join)
def test_help_imports_nothing_heavy(environment: dict[str, str], arguments: list[str]) -> None:
    """Help and mistakes in the usage come without the libraries that commands need."""
    code = (
        "import sys; from connector.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, check=True
    )
    assert {name.partition(".")[0] for name in done.stderr.decode().split()}.isdisjoint(LIBRARIES)


@pytest.mark.parametrize(
    ("form", "variables"),
    [
        pytest.param("json", {"LANG": "C"}, id="LANG=C"),
        pytest.param(
            "json", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="ASCII locale"
        ),
        pytest.param("json", {"PYTHONIOENCODING": "latin-1"}, id="Latin-1"),
        pytest.param("table", {"PYTHONIOENCODING": "ascii"}, id="ASCII"),
        pytest.param("table", {"COLUMNS": "1", "NO_COLOR": "1", "TERM": "dumb"}, id="one column"),
    ],
)
def test_every_encoding_is_written(environment: dict[str, str], variables: dict[str, str], form: str) -> None:
    """What an encoding cannot carry is escaped; JSON stays the same JSON."""
    arguments = [SEARCH[0], SEARCH[1], "--input", "-", "--format", form]
    inputs = json.dumps({"query": "AI 最新ニュース", "max_results": 1}).encode()
    done = run({**environment, **variables}, *arguments, stdin=None, input=inputs)
    assert (done.returncode, done.stderr) == (Exit.OK, b"")
    if form == "json":
        assert "ニュース" in json.loads(done.stdout.decode("utf-8"))["first_title"]


@posix
def test_text_that_no_encoding_has_is_refused(environment: dict[str, str]) -> None:
    """Bytes that are no text are an error, not a traceback."""
    done = run(environment, "run", "perplexity.execute_search", b"query=\xff")  # type: ignore[arg-type]
    assert done.returncode == Exit.WRONG
    assert done.stderr.startswith(b"error: Argument 3 is not text")


@posix
@pytest.mark.parametrize("arguments", [["show", "create_chat_completion"], ["--help"]], ids=" ".join)
def test_a_reader_may_go_away(environment: dict[str, str], arguments: list[str]) -> None:
    """A closed pipe, as after `| head -1`, ends quietly with 141."""
    reading, writing = os.pipe()
    os.close(reading)
    done = run(environment, *arguments, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (Exit.PIPE, b"")


@posix
@pytest.mark.parametrize(
    ("streams", "code"),
    [("<&- 2>&-", 0), (">&-", 0), (">/dev/full", Exit.FAULT)],
)
def test_streams_may_be_closed_or_full(environment: dict[str, str], streams: str, code: int) -> None:
    """A missing stream is an empty one; a full disk is an error in one line."""
    command = f'exec "$@" {streams}'
    done = subprocess.run(
        ["sh", "-c", command, "sh", *CONNECTOR, *SEARCH], env=environment, capture_output=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count(b"\n") == (code != Exit.OK)


@pytest.mark.hazard("C11", "I6")
@posix
def test_a_terminal_gets_tables_and_nothing_that_steers_it(environment: dict[str, str]) -> None:
    """On a terminal run prints tables in colour; escapes in an answer are shown, not obeyed."""
    pty = pytest.importorskip("pty")
    primary, secondary = pty.openpty()
    question = 'messages:=[{"role": "user", "content": "a\\u001b]0;b\\u0007"}]'
    done = run(
        {**environment, "TERM": "xterm", "COLUMNS": "100"},
        "run",
        "perplexity.create_chat_completion",
        "model=sonar",
        question,
        capture_output=False,
        stdout=secondary,
        stderr=subprocess.PIPE,
    )
    os.close(secondary)
    shown = b""
    while piece := _read(primary):
        shown += piece
    os.close(primary)
    assert (done.returncode, done.stderr) == (Exit.OK, b"")
    assert b"\x1b[36m" in shown
    assert b"a\\x1b]0;b\\x07" in shown
    assert b"\x1b]" not in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how a terminal that nobody writes to ends on Linux
        return b""


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a command, and ends it after the test if it has not ended itself."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        words = [*CONNECTOR, *arguments]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@posix
def test_the_sandbox_tells_how_to_use_it_and_ends_quietly(
    environment: dict[str, str], started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """The two variables to paste stand on stderr; Ctrl-C ends with 0."""
    server = started("sandbox", "--port", "0")
    assert server.stderr is not None
    lines = [server.stderr.readline().decode() for _ in range(3)]
    variables = dict(word.split("=", 1) for word in lines[2].split()[1:])
    assert run({**environment, **variables}, *SEARCH).returncode == Exit.OK
    server.send_signal(signal.SIGINT)
    rest, more = server.communicate(timeout=10)
    assert (server.returncode, rest, more) == (Exit.OK, b"", b"")


@posix
def test_ctrl_c_during_a_request_ends_with_130(started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Waiting for an answer can be interrupted, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        waiting = started(*SEARCH, "--base-url", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with closing(silent.accept()[0]) as connection:
            connection.recv(65536)
            time.sleep(
                0.3
            )  # until it waits: in the instant before, Python notes a signal and then waits all the same
            waiting.send_signal(signal.SIGINT)
            out, err = waiting.communicate(timeout=10)
    assert (waiting.returncode, out, err) == (Exit.INTERRUPTED, b"", b"\n")


def test_recording_says_what_it_needs(environment: dict[str, str]) -> None:
    """Without vcrpy, record says how to install it."""
    code = "import sys; sys.modules['vcr'] = None; from connector.cli import main; sys.exit(main(['record']))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert done.returncode == Exit.WRONG
    assert b"python -m pip install 'perplexity-connector[test]'" in done.stderr


def test_a_shell_can_complete_actions(environment: dict[str, str]) -> None:
    """click's completion proposes the shipped actions."""
    words = {"COMP_WORDS": "connector run perpl", "COMP_CWORD": "2", "_CONNECTOR_COMPLETE": "bash_complete"}
    done = run({**environment, **words})
    assert b"perplexity.execute_search" in done.stdout
