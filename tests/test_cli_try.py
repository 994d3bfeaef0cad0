"""`connector try` and `connector sandbox PATH`: who answers, what is shown, and that it goes on when a file is saved."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import foreign
import pytest
import tiny
from conftest import shipped

from connector.cli.endings import Exit
from connector.mock import Mock

ROOT = Path(__file__).parent.parent
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")


@pytest.fixture
def tickets(tmp_path: Path) -> str:
    foreign.write_foreign(tmp_path / "tickets", "tickets")
    return str(tmp_path / "tickets")


def tried(cli: Any, *arguments: str) -> Any:
    ended = cli("try", *arguments, "--json")
    assert ended.code == Exit.OK, ended.err
    return json.loads(ended.out)


def change(folder: str, action: str, before: str, after: str) -> None:
    file = Path(folder) / "actions" / f"{action}.yaml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


# --- who answers


def test_without_credentials_a_mock_answers(cli: Any, tickets: str) -> None:
    """And the first line says so."""
    ended = cli("try", tickets, "get_ticket", "ticket_id:=7")
    assert ended.code == Exit.OK
    assert "answered by a MOCK, for want of credentials" in " ".join(ended.out.split())
    assert ended.err == ""


def test_with_credentials_the_service_answers(
    cli: Any, tickets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is named; its key is masked everywhere."""
    with Mock(tickets) as service:
        key = service.fields["key"].reveal()
        monkeypatch.setenv("TICKETS_KEY", key)
        monkeypatch.setenv("TICKETS_BASE_URL", service.url)
        shown = cli("try", tickets, "get_ticket", "ticket_id:=7")
        assert f"answered by the service at {service.url}" in " ".join(shown.out.split())
        assert "Bearer ********" in shown.out
        assert key not in shown.out
        assert tried(cli, tickets, "get_ticket", "--mock")["mock"] is True
        assert tried(cli, tickets, "get_ticket")["base_url"] == service.url


def test_real_insists(cli: Any, tickets: str) -> None:
    """Without credentials, --real is an error of the connection; nothing is sent."""
    ended = cli("try", tickets, "get_ticket", "ticket_id:=7", "--real")
    assert (ended.code, ended.out) == (Exit.CONNECTION, "")
    assert "Set TICKETS_KEY" in ended.err


@pytest.mark.parametrize("auth", [auth for auth in tiny.AUTHS if auth != "odd"])
def test_no_secret_is_shown(cli: Any, tmp_path: Path, auth: str) -> None:
    """Of any kind of auth, tokens that are fetched included."""
    (tmp_path / "own").mkdir()
    made = tiny.write_tiny(tmp_path / "own", auth=auth)
    with Mock(made) as mock:
        secrets = [value.reveal() for value in mock.fields.values() if not isinstance(value, str)]
    for ended in (cli("try", str(tmp_path / "own"), "look", *more) for more in ([], ["--json"])):
        assert ended.code == Exit.OK, ended.err
        assert [secret for secret in secrets if secret in ended.out + ended.err] == []
        assert auth == "none" or "********" in ended.out


# --- what is shown


def test_all_of_a_run_is_shown(cli: Any, tickets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan with its sources, the exchange, the outputs with their types: one below the other, or side by side."""
    for columns, beside in (("80", False), ("140", True)):
        monkeypatch.setenv("COLUMNS", columns)
        out = cli("try", tickets, "list_tickets").out
        assert max(map(len, out.splitlines())) <= int(columns)
        for part in (
            "inputs of the example open_ones",
            "the manifest's",
            "/tickets?state=open&per_page=20",
            "x-requests-left:",
            '"next_cursor": "next cursor 1"',
            "list of objects: id,",
            "number; or nothing",
        ):
            assert part in out, part
        assert bool(re.search(r"^Request .* Sent$", out, re.MULTILINE)) is beside


def test_json_has_it_all(cli: Any, tickets: str) -> None:
    """One object: the plan, the exchanges, the outputs with types and values."""
    told = tried(cli, tickets, "open_ticket", "title=It is down", "priority:=2")
    assert told["plan"]["body"] == {"kind": "ticket", "title": "It is down", "details": {"priority": 2}}
    assert told["exchanges"][0]["request"]["method"] == "POST"
    assert json.loads(told["exchanges"][0]["request"]["body"]) == told["plan"]["body"]
    assert told["exchanges"][0]["answer"]["status"] == 200
    assert told["outputs"][0] == {
        "name": "id",
        "declared": "whole number",
        "derived": "whole number",
        "value": 1,
    }
    assert (told["error"], told["differences"], told["inputs_from"]) == (None, [], "the command line")


def test_every_request_of_a_run_is_shown(cli: Any, tmp_path: Path) -> None:
    """Waiting asks twice, and both are there."""
    foreign.write_foreign(tmp_path / "jobs", "jobs")
    told = tried(cli, str(tmp_path / "jobs"), "render")
    assert [one["request"]["method"] for one in told["exchanges"]] == ["POST", "GET"]
    streamed = tried(cli, str(tmp_path / "jobs"), "complete", "prompt=a", "stream:=true")
    assert streamed["exchanges"][0]["answer"]["body"].count("data: ") == 6


def test_a_failure_is_shown_with_its_exchange(
    cli: Any, tickets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's own words, the connector's kind, and the exit code of `run`."""
    with Mock(tickets, faults=["404"]) as service:
        monkeypatch.setenv("TICKETS_KEY", service.fields["key"].reveal())
        monkeypatch.setenv("TICKETS_BASE_URL", service.url)
        ended = cli("try", tickets, "get_ticket")
        told = json.loads(cli("try", tickets, "get_ticket", "--json").out)
    assert ended.code == Exit.REFUSED
    assert "Failed  not_found" in ended.out
    assert "404 Not Found" in ended.out
    assert told["error"]["kind"] == "not_found"
    assert told["exchanges"][0]["answer"]["status"] == 404


def test_no_answer_is_shown(cli: Any, tickets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that cannot be reached."""
    monkeypatch.setenv("TICKETS_KEY", "test-0123456789")
    monkeypatch.setenv("TICKETS_BASE_URL", "http://127.0.0.1:9")
    ended = cli("try", tickets, "open_ticket")
    assert (ended.code, "No answer" in ended.out) == (Exit.NO_ANSWER, True)


def test_what_differs_from_the_response_schema_is_told(
    cli: Any, tickets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit, and what the schema does not know."""
    foreign.write_foreign(tmp_path / "other", "tickets")
    change(
        str(tmp_path / "other"),
        "get_ticket",
        "id: {type: integer}, title: {type: string}",
        "id: {type: integer}, title: {type: integer}, extra: {type: array, items: {type: object, properties: {deep: {type: string}}}}",
    )
    change(
        str(tmp_path / "other"),
        "get_ticket",
        "title: {type: string, title: Title}",
        "title: {type: integer, title: Title}",
    )
    with Mock(str(tmp_path / "other")) as service:
        monkeypatch.setenv("TICKETS_KEY", service.fields["key"].reveal())
        monkeypatch.setenv("TICKETS_BASE_URL", service.url)
        told = json.loads(cli("try", tickets, "get_ticket", "--json").out)
        assert "differ" in cli("try", tickets, "get_ticket").out
    assert [one["where"] for one in told["differences"]] == ["title", "extra"]


def test_suggest_gives_what_passes_lint(cli: Any, tmp_path: Path) -> None:
    """Pasted into the manifest, it reads the same answer."""
    foreign.write_foreign(tmp_path / "rates", "rates")
    folder = str(tmp_path / "rates")
    suggested = tried(cli, folder, "convert", "to=EUR", "--suggest")["suggested"]
    assert suggested["outputs"]["properties"]["result"] == {"type": "integer"}
    file = tmp_path / "rates" / "actions" / "convert.yaml"
    head = file.read_text(encoding="utf-8").partition("outputs:")[0]
    request = {
        "method": "GET",
        "path": "/convert",
        "query": {"to": "${{ inputs.to }}", "amount": "${{ inputs.amount }}"},
    }
    main = {"request": request, **suggested["routes"]["main"]}
    file.write_text(
        f"{head}outputs: {json.dumps(suggested['outputs'])}\nroutes: {json.dumps({'main': main})}\nexamples: [{{id: one, inputs: {{to: EUR}}}}]\n"
    )
    assert cli("lint", folder).code == Exit.OK
    again = tried(cli, folder, "convert", "to=EUR")
    assert {one["name"]: one["value"] for one in again["outputs"]}["result"] == 1
    shown = cli("try", folder, "convert", "to=EUR", "--suggest").out
    assert "result: ${{ response.body.result }}" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["nowhere", "x"], Exit.WRONG, "no connector named 'nowhere'", id="no connector"),
        pytest.param(["{folder}", "get_tiket"], Exit.WRONG, "Did you mean 'get_ticket'?", id="no action"),
        pytest.param(["{folder}", "get_ticket", "ticket_id=x"], Exit.WRONG, "ticket_id", id="inputs"),
        pytest.param(["{folder}", "get_ticket", "oops"], Exit.WRONG, "It is not an input", id="no input"),
        pytest.param(["{folder}", "get_ticket", "--mock", "--base-url", "http://127.0.0.1:1"], Exit.WRONG, "--mock takes no", id="two answerers"),
        pytest.param(["{folder}", "get_ticket", "--watch", "--input", "-"], Exit.WRONG, "--watch reads", id="stdin and watch"),
        pytest.param(["{folder}", "get_ticket", "--route", "x"], Exit.WRONG, "has no route 'x'", id="route"),
        pytest.param(["{folder}"], Exit.WRONG, "Missing argument 'ACTION'", id="no action named"),
    ],
)  # fmt: skip
def test_mistakes_are_told(cli: Any, tickets: str, arguments: list[str], code: Exit, said: str) -> None:
    """In a sentence, without a traceback."""
    ended = cli("try", *(word.replace("{folder}", tickets) for word in arguments))
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert "Traceback" not in ended.err


def test_inputs_are_made_where_there_is_no_example(cli: Any, tickets: str) -> None:
    """For a mock only: nobody's real service gets made-up inputs."""
    change(tickets, "get_ticket", "examples:\n  - {id: one, inputs: {ticket_id: 4711}}", "")
    assert tried(cli, tickets, "get_ticket")["inputs_from"] == "inputs made from the schema"
    ended = cli("try", tickets, "get_ticket", "--base-url", "http://127.0.0.1:9")
    assert ended.code in {Exit.WRONG, Exit.CONNECTION}


def test_problems_of_the_manifest_are_noted(cli: Any, tickets: str) -> None:
    """A run goes through all the same; a manifest that cannot be read is an error."""
    change(
        tickets, "get_ticket", 'title: "${{ response.body.title }}"', 'title: "${{ response.body.titel }}"'
    )
    ended = cli("try", tickets, "get_ticket")
    assert (ended.code, "connector lint" in ended.err) == (Exit.OK, True)
    change(tickets, "get_ticket", "routes:", "rotes:")
    assert cli("try", tickets, "get_ticket").code == Exit.WRONG


def test_the_shipped_connector_can_be_tried(cli: Any) -> None:
    """By its name, against a mock of its manifest."""
    assert tried(cli, "perplexity", "execute_search", "--mock")["outputs"][1]["value"] is not None
    assert shipped().id == "perplexity"


# --- watching, and the sandbox


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command, and ends it after the test if it has not ended itself."""
    running: list[subprocess.Popen[str]] = []
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "CONNECTOR_HOME": str(tmp_path / "home"),
    }

    def start(*arguments: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-u", "-m", "connector.cli", *arguments]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def lines_of(stream: Any) -> Callable[[], Any]:
    """Reads a stream line by line in a thread; gives the next line, or fails after ten seconds."""
    taken = iter(range(10**6))
    lines: list[str] = []

    threading.Thread(target=lambda: lines.extend(iter(stream.readline, "")), daemon=True).start()

    def following() -> str:
        number = next(taken)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if len(lines) > number:
                return lines[number]
            time.sleep(0.02)
        raise AssertionError("nothing came")

    return following


@posix
def test_watch_runs_again_on_save(tickets: str, started: Callable[..., subprocess.Popen[str]]) -> None:
    """A mistake is shown instead of the run, its mending runs again, and Ctrl-C ends with 0."""
    watching = started("try", tickets, "get_ticket", "--mock", "--watch", "--json")
    following = lines_of(watching.stdout)
    assert json.loads(following())["outputs"][0]["value"] == 4711
    change(tickets, "get_ticket", "/tickets/${{ inputs.ticket_id }}", "/tickets/${{ inputs.ticket_i }}")
    assert "inputs.ticket_i" in json.loads(following())["lint"][0]
    change(tickets, "get_ticket", "/tickets/${{ inputs.ticket_i }}", "/tickets/${{ inputs.ticket_id }}/x")
    assert json.loads(following())["plan"]["url"].endswith("/tickets/4711/x")
    watching.send_signal(signal.SIGINT)
    assert watching.wait(10) == Exit.OK
    assert watching.stderr is not None
    assert "Traceback" not in watching.stderr.read()


@posix
def test_the_sandbox_of_a_connector_tells_how_to_use_it(
    cli: Any, tickets: str, started: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed variables and the printed command work together; Ctrl-C ends with 0."""
    server = started("sandbox", tickets, "--port", "0", "--fault", "503,on=/nothing")
    following = lines_of(server.stderr)
    assert re.match(
        r"A mock of Tickets serves http://127.0.0.1:\d+: 3 actions\. Ctrl-C ends it\.", following()
    )
    following()
    for word in shlex.split(following())[1:]:
        monkeypatch.setenv(*word.split("=", 1))
    command = shlex.split(following())
    assert following() == "It rehearses 503,on=/nothing.\n"
    ended = cli(*command[1:])
    assert (ended.code, json.loads(ended.out)["id"]) == (Exit.OK, 4711), ended.err
    monkeypatch.setenv("TICKETS_KEY", "test-0123456789")
    assert cli(*command[1:]).code == Exit.CONNECTION
    server.send_signal(signal.SIGINT)
    assert server.wait(10) == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["nowhere"], "no connector named 'nowhere'", id="no connector"),
        pytest.param(["{folder}", "--sonar"], "--sonar is for the Perplexity API", id="sonar"),
        pytest.param(["{folder}", "--fault", "x"], "There is no fault 'x'", id="fault"),
    ],
)
def test_mistakes_of_the_sandbox_are_told(cli: Any, tickets: str, arguments: list[str], said: str) -> None:
    """Before anything is served."""
    ended = cli("sandbox", *(word.replace("{folder}", tickets) for word in arguments))
    assert (ended.code, said in ended.err) == (Exit.WRONG, True), ended.err
