"""Connections that are kept: no answer but one's own, no cookie, nothing for another host; and answers of text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from faults.asking import SHIPPED, SUBJECTS, Subject, ask, ask_in_turn
from faults.judging import nothing_left
from faults.wire import CHUNKED, GZIP, chunked, failed, head, ok, raw, spoilt, zipped
from jsonschema import Draft202012Validator
from leaks import KEY
from loopback import Answer, Loopback, close, http, reset

from connector.errors import ConnectorError
from connector.output import Result

WAYS = ("sync", "async")
SEARCH = SUBJECTS["search"]
ONE = json.dumps({"id": "one", "results": []}).encode()
TWO = json.dumps({"id": "two", "results": []}).encode()
EVIL = ok({"id": "evil", "results": []})


def ids(outcomes: list[Any]) -> list[str]:
    """The id of each search's answer, or the kind of its error."""
    return [one.outputs["search_id"] if isinstance(one, Result) else one.kind for one in outcomes]


POISONS: dict[str, Answer] = {
    "poison": ok(ONE) + EVIL,
    "poison,apart": (ok(ONE), EVIL),
    "poison,late": (ok(ONE), 0.03, EVIL),
    "poison,many": ok(ONE) + EVIL * 50,
    "poison,half": ok(ONE) + EVIL[:40],
    "poison,1xx": ok(ONE) + b"HTTP/1.1 100 Continue\r\n\r\n" + EVIL,
    "poison,chunked": ok(chunked(ONE), CHUNKED, length=False) + EVIL,
    "poison,gzip": ok(zipped(ONE), GZIP) + EVIL,
    "poison,says-close": ok(ONE, {"Connection": "close"}) + EVIL,
    "poison,http10": raw(ONE, "Connection: keep-alive", first="HTTP/1.0 200 OK") + EVIL,
    "poison,byte": ok(ONE) + b"\0",
    "poison,blank": ok(ONE) + b"\r\n\r\n",
    "clte": ok(chunked(ONE), CHUNKED),
    "clte,poison": http(200, chunked(ONE) + EVIL, {**CHUNKED, "Content-Length": "5"}, length=False),
    "short": head("Content-Type: application/json", f"Content-Length: {len(ONE)}") + ONE + b"}" * 99,
    "done,close": (ok(ONE), close),
    "done,reset": (ok(ONE), 0.02, reset),
}
EMPTY: dict[str, Answer] = {
    "204,poison": head(first="HTTP/1.1 204 No Content") + EVIL,
    "304,poison": head(first="HTTP/1.1 304 Not Modified") + EVIL,
    "cl=0,poison": ok(b"") + EVIL,
    "500,poison": http(500, failed()) + EVIL,
    "dupcl,same": raw(ONE, f"Content-Length: {len(ONE)}") + EVIL,
    "trunc,hang": (ok(ONE)[:-2], 0.4, EVIL),
}


@pytest.mark.hazard("E12")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_each_search_gets_its_own_answer(poison: Answer, way: str) -> None:
    """Bytes that nobody asked for end the connection; the next search goes over another."""
    with nothing_left(), Loopback(poison, ok(TWO), ok(TWO)) as server:
        outcomes = ask_in_turn(way, server.url, SEARCH, 3, pause=0.06)
        assert server.still_open() == 0
        assert len(server.requests) == 3
    assert ids(outcomes) == ["one", "two", "two"]


@pytest.mark.hazard("E12")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("poison", EMPTY.values(), ids=EMPTY)
def test_an_answer_after_a_failure_is_not_taken(poison: Answer, way: str) -> None:
    """Nor is one that follows an answer without a body, or one that was given up."""
    with nothing_left(), Loopback(poison, ok(TWO)) as server:
        outcomes = ask_in_turn(way, server.url, SEARCH, 2, deadline=0.3)
        assert server.still_open() == 0
    assert isinstance(outcomes[0], ConnectorError)
    assert ids(outcomes)[1] == "two"


def test_wrong_answers(figure: Callable[[str, str], None]) -> None:
    """What the two tests above hold."""
    figure("E12", f"{len(POISONS) + len(EMPTY)} poisoned connections, sync and async: 0 wrong answers")


@pytest.mark.hazard("E13")
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_ended_meanwhile_is_made_anew(way: str, figure: Callable[[str, str], None]) -> None:
    """Ended or reset by the server: no run fails, and none is sent twice."""
    with nothing_left(), Loopback(*[(ok(ONE), close), (ok(ONE), 0.02, reset)] * 5) as server:
        outcomes = ask_in_turn(way, server.url, SEARCH, 10, pause=0.05)
        assert (len(server.requests), server.connections) == (10, 10)
    assert ids(outcomes) == ["one"] * 10
    figure("E13", "10 runs over connections that the server had ended or reset: 10 right, 10 requests")


@pytest.mark.hazard("E13", "G1")
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_breaks_under_a_request_is_told(way: str) -> None:
    """Nobody knows whether the service has read it: it is not sent again."""
    with nothing_left(), Loopback(ok(ONE), (reset,), ok(TWO)) as server:
        outcomes = ask_in_turn(way, server.url, SEARCH, 3)
        assert len(server.requests) == 3
    assert ids(outcomes) == ["one", "cut_off", "two"]


@pytest.mark.hazard("E16")
@pytest.mark.parametrize("way", WAYS)
def test_no_cookie_is_sent_back(way: str, figure: Callable[[str, str], None]) -> None:
    """Not even to the same host on the same connection."""
    with Loopback(ok(ONE, {"Set-Cookie": "session=1; Path=/"})) as server:
        ask_in_turn(way, server.url, SEARCH, 3)
    sent = [request for request in server.requests if "cookie" in request.headers]
    assert (sent, server.connections) == ([], 1)
    figure("E16", "3 runs after Set-Cookie: 0 cookies sent")


@pytest.mark.hazard("E10")
@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_takes_nothing_to_another_host(way: str, figure: Callable[[str, str], None]) -> None:
    """Whatever the action and the status: no connection is made, and the error names the host."""
    count = 0
    with Loopback(ok(ONE)) as other:
        for status in (300, 301, 302, 303, 307, 308):
            for name in ("search", "agent", "models"):
                moved = http(status, b"", {"Location": other.url.replace("127.0.0.1", "localhost") + "/x"})
                with Loopback(moved) as server:
                    outcome = ask(way, server.url, SUBJECTS[name])
                    assert len(server.requests) == 1
                assert isinstance(outcome, ConnectorError)
                assert "localhost" in outcome.message
                count += 1
        assert (other.connections, other.requests) == (0, [])
    figure(
        "E10", f"{count} redirects to another origin, sync and async: 0 connections to it, 0 keys, 0 bodies"
    )


@pytest.mark.hazard("E14")
@pytest.mark.parametrize("way", WAYS)
def test_a_proxy_of_the_environment_sees_nothing(
    way: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str, str], None]
) -> None:
    """The key goes to the connection's own host."""
    with Loopback(http(502, b"proxy")) as proxy, Loopback(ok(ONE)) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert ids([ask(way, server.url, SEARCH)]) == ["one"]
        assert proxy.connections == 0
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    figure("E14", "6 variables that name a proxy: 0 connections to it")


# --- whatever stands in the body


@pytest.mark.hazard("E9", "C10")
@pytest.mark.parametrize("name", ["search", "agent", "sonar", "models"])
def test_a_spoilt_answer_gives_no_spoilt_result(name: str, figure: Callable[[str, str], None]) -> None:
    """Each value in turn is left out or replaced by ten others: typed outputs, or one error."""
    subject = SUBJECTS[name]
    bodies = list(spoilt(subject.body))
    answers = [ok(json.dumps(one).encode()) for one in bodies]
    with Loopback(*answers, ok(b"")) as server:
        outcomes = ask_in_turn("sync", server.url, subject, len(bodies))
    results = [one for one in outcomes if isinstance(one, Result)]
    assert len(results) < len(outcomes) == len(bodies) > 50
    wrong = [(one.outputs, found) for one in results if (found := misfits(subject, one))]
    assert wrong == []
    figure("E9", f"{name}: {len(bodies)} answers with one value spoilt: 0 results of a wrong type")


def misfits(subject: Subject, result: Result) -> list[str]:
    """The outputs that are not what the action promises; null stands for what an answer does not have."""
    action = SHIPPED.actions[subject.action]
    required = action.outputs.get("required", ())
    promised = {
        name: _nullable(schema) if name in required else {"anyOf": [_nullable(schema), {"type": "null"}]}
        for name, schema in action.output_fields.items()
    }
    return [
        name
        for name, schema in promised.items()
        if not Draft202012Validator(schema).is_valid(result.outputs[name])
    ]


def _nullable(schema: Any) -> Any:
    """The schema of rows whose columns may be null."""
    if "properties" not in schema.get("items", {}):
        return schema
    columns = {
        name: {**column, "type": [column["type"], "null"]}
        for name, column in schema["items"]["properties"].items()
    }
    return {**schema, "items": {**schema["items"], "properties": columns}}


# --- answers of plain text, where nothing in the body tells that its end is missing

FILE = SUBJECTS["file"]
LINES = "".join(f'{{"custom_id": "{n}", "text": "Grüße"}}\n' for n in range(50)).encode()
TEXTS: dict[str, tuple[Answer, str]] = {
    "plain": (ok(LINES, form="text/plain"), "right"),
    "gzip": (ok(zipped(LINES), GZIP), "right"),
    "charset": (ok(LINES, form="text/plain; charset=latin-1"), "right"),
    "gzip,bad=trunc": (ok(zipped(LINES)[:-9], GZIP), "cut_off"),
    "gzip,bad=lastbyte": (ok(zipped(LINES)[:-1], GZIP), "cut_off"),
    "gzip,bad=member": (ok(zipped(LINES[:9]) + zipped(LINES[9:])[:-4], GZIP), "cut_off"),
    "gzip,bad=crc": (ok(zipped(LINES)[:-8] + b"12345678", GZIP), "cut_off"),
    "trunc": ((ok(LINES)[:-9], close), "cut_off"),
    "chunked,noend": ((ok(chunked(LINES, end=b""), CHUNKED, length=False), close), "cut_off"),
    "reset,nolength": ((head() + LINES, 0.05, reset), "cut_off"),
    "404": (http(404, failed("No such file")), "not_found"),
}


@pytest.mark.hazard("E5")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("answer", "right"), TEXTS.values(), ids=TEXTS)
def test_a_text_is_whole_or_an_error(answer: Answer, right: str, way: str) -> None:
    """No cut text passes for a whole one."""
    with nothing_left(), Loopback(answer) as server:
        outcome = ask(way, server.url, FILE, retries=0)
        assert server.still_open() == 0
    if isinstance(outcome, Result):
        assert (right, outcome.outputs["content"]) == ("right", LINES.decode())
    else:
        assert outcome.kind == right


def test_lost_text(figure: Callable[[str, str], None]) -> None:
    """What the test above holds."""
    cut = sum(1 for _, right in TEXTS.values() if right == "cut_off")
    figure("E5", f"{cut} cut texts, sync and async: 0 taken for whole")
