"""The key is found nowhere: whatever a server answers with it, and whoever writes it down."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from conftest import Ended
from leaks import FORMS, KEY, everything_shown
from loopback import Answer, Loopback, close, http

import connector
from connector import log_masking
from connector.connection import resolve
from connector.errors import ConnectorError, CredentialError
from connector.run import OpenConnection
from connector.saved import SavedConnection
from connector.secret import Redactor, Secret
from connector.testing.cassette import recording

HITS = (*FORMS, KEY[:8], KEY[-8:], KEY.encode().hex())


def hits(text: str) -> list[str]:
    """What of the key the text holds, in any form, its first and last 8 characters included."""
    return [form for form in HITS if form in text]


def event(**value: Any) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def stream(*events: bytes) -> bytes:
    return http(200, b"".join(events), form="text/event-stream")


ROW = {
    "title": KEY,
    "url": f"https://a.test/{quote(KEY)}",
    "snippet": base64.b64encode(KEY.encode()).decode(),
}
DONE: dict[str, Any] = {
    "type": "response.completed",
    "response": {"id": "r", "model": "m", "status": "completed", "output": []},
}

SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"It is {KEY}"}]}

# what a server may do with a key that it was sent
ECHOES: dict[str, Answer] = {
    "JSON error": http(401, {"error": {"message": f"Incorrect API key provided: {KEY}", "type": KEY}}),
    "first characters": http(401, {"error": {"message": f"Incorrect API key: {KEY[:8]}...{KEY[-4:]}"}}),
    "base64": http(400, {"error": {"message": base64.b64encode(f"u:{KEY}".encode()).decode(), "code": 400}}),
    "in the query": http(404, {"error": {"message": f"no /x?key={quote(KEY, safe='')}", "param": KEY}}),
    "FastAPI list": http(422, {"detail": [{"loc": ["body", KEY], "msg": f"got {KEY}", "input": KEY}]}),
    "escaped JSON": http(400, json.dumps({"error": "\0"}).replace("\\u0000", "".join(f"\\u{ord(c):04x}" for c in KEY)).encode(), form="application/json"),
    "page of HTML": http(403, f"<h1>Bad key {KEY}</h1>".encode()),
    "cut page": http(403, b"x" * 7990 + KEY.encode()),
    "HTML of success": http(200, f"<h1>Hello {KEY}</h1>".encode()),
    "type": http(200, b"x", form=KEY),
    "headers": http(400, {"error": "x"}, {"X-Echo": KEY, "X-Request-Id": KEY, "Retry-After": KEY}),
    "cookie": http(400, {"error": "x"}, {"Set-Cookie": f"key={KEY}; Path=/"}),
    "redirect": http(302, b"", {"Location": f"https://evil.test/?api_key={KEY}"}),
    "redirect to the key": http(307, b"", {"Location": f"https://{KEY[:16].lower()}.test/{KEY}"}),
    "reason": f"HTTP/1.1 418 {KEY}\r\nContent-Length: 0\r\n\r\n".encode(),
    "no header": f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode(),
    "bad header": f"HTTP/1.1 200 OK\r\nX-Echo: {KEY}\x00\r\n\r\n".encode(),
    "no HTTP": f"{KEY}\r\n\r\n".encode(),
    "length": f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode(),
    "chunk": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode(),
    "coding": http(200, b"x", {"Content-Encoding": KEY}),
    "gzip": http(400, gzip.compress(json.dumps({"error": KEY}).encode()), {"Content-Encoding": "gzip"}, form="application/json"),
    "cut off": (http(200, {"results": [ROW]}, {"X-Echo": KEY})[:-20], close),
    "results": http(200, {"results": [ROW], "id": KEY, "data": [{"id": KEY}], "object": "list"}),
    "wrong type": http(200, {"results": KEY, "data": {KEY: 1}}),
    "stream error": stream(event(type="error", error={"message": KEY, "type": KEY, "code": 401})),
    "stream piece": stream(event(type="response.output_text.delta", delta=f"It is {KEY}"), event(**DONE)),
    "stream cut": stream(event(type="response.output_text.delta", delta=f"It is {KEY}")),
    "stream of none": stream(f"nothing {KEY}".encode()),
    "stream junk": stream(f"data: {KEY}\n\n".encode()),
    "event name": stream(f"event: {KEY}\ndata: {{}}\n\n".encode()),
    "stream body": stream(event(**{**DONE, "response": {**DONE["response"], "id": KEY, "output": [SAID]}})),
    "event type": stream(event(type=KEY, delta=KEY), event(**DONE)),
}  # fmt: skip

CHAT = {"model": "sonar", "messages": [{"role": "user", "content": "x"}]}
RUNS: list[tuple[str, dict[str, Any]]] = [
    ("execute_search", {"query": "x"}),
    ("list_models", {}),
    ("create_chat_completion", CHAT),
    ("create_chat_completion", {**CHAT, "stream": True}),
]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that is logged, at DEBUG, as a careless program would have it."""
    written = io.StringIO()
    kept = logging.StreamHandler(written)
    kept.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield written
    root.setLevel(before)
    root.removeHandler(kept)


def shown_by_runs(url: str) -> Iterator[str]:
    """What there is to see of runs, whole and in pieces, and of the connection."""
    for transport in (None, httpx.HTTPTransport()):  # httpx's own logs what it sends and receives
        yield from shown_by_runs_through(url, transport)


def shown_by_runs_through(url: str, transport: httpx.BaseTransport | None) -> Iterator[str]:
    with connector.connect("perplexity", api_key=KEY, base_url=url, transport=transport) as opened:
        for action, inputs in RUNS:
            for way in (opened.run, opened.stream) if "stream" in inputs else (opened.run,):
                try:
                    given: Any = way(action, inputs, retries=0)
                    yield repr(given if way == opened.run else list(given))
                except ConnectorError as error:
                    yield everything_shown(error)
        yield repr(opened) + repr(vars(opened)) + repr(opened.check())


async def shown_by_async_run(url: str) -> str:
    async with connector.aconnect("perplexity", api_key=KEY, base_url=url) as opened:
        try:
            return repr(await opened.run(*RUNS[0], retries=0))
        except ConnectorError as error:
            return everything_shown(error)


@pytest.mark.hazard("D1", "D2")
@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
def test_an_echoed_key_is_written_nowhere(answer: Answer, logged: io.StringIO) -> None:
    """Not in a result, an error, its traceback with all variables, nor in any log at DEBUG."""
    with Loopback(answer) as server:
        for shown in shown_by_runs(server.url):
            assert hits(shown) == []
        assert hits(asyncio.run(shown_by_async_run(server.url), debug=True)) == []
    assert len(logged.getvalue()) > 1000
    assert hits(logged.getvalue()) == []


@pytest.mark.hazard("D1")
def test_all_echoes_are_counted(figure: Callable[[str, str], None]) -> None:
    """The figure of the test above."""
    figure(
        "D1",
        f"{len(ECHOES)} ways to echo the key, {len(RUNS)} actions, all at DEBUG: 0 hits in {len(HITS)} forms",
    )
    assert len(ECHOES) >= 30


@pytest.mark.hazard("D1", "D2", "I5")
@pytest.mark.parametrize(
    "name", ["JSON error", "headers", "no header", "results", "stream piece", "event type"]
)
def test_the_command_line_writes_no_key(
    name: str, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: io.StringIO
) -> None:
    """Not on stdout or stderr, nor in a log or the files it leaves, even with CONNECTOR_DEBUG=1."""
    monkeypatch.setenv("CONNECTOR_DEBUG", "1")
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    with Loopback(ECHOES[name]) as server:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", server.url)
        written = [
            cli("run", "create_chat_completion", "model=sonar", 'messages:=[{"role":"user","content":"x"}]', "stream:=true", "--retries", "0"),
            cli("run", "execute_search", "query=x", "--retries", "0"),
            cli("plan", "execute_search", "query=x", "--curl"),
            cli("connections", "add", "perplexity"),
            cli("connections", "test", "perplexity"),
            cli("connections", "list", "--format", "json"),
        ]  # fmt: skip
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert hits("".join([*(one.out + one.err for one in written), *files, logged.getvalue()])) == []


@pytest.mark.hazard("D1")
def test_every_logger_of_the_libraries_below_is_masked(logged: io.StringIO) -> None:
    """A logger that a newer version brings is found here."""
    with Loopback(http(200, {})) as server:
        list(shown_by_runs(server.url))
    names = [
        name
        for name in logging.root.manager.loggerDict
        if name.split(".")[0] in {"httpx", "httpcore", "hpack"}
    ]
    used = {line.split()[0] for line in logged.getvalue().splitlines() if line.startswith(("http", "hpack"))}
    assert used
    assert used <= set(log_masking.LOGGERS)
    assert {
        name for name in names if isinstance(logging.root.manager.loggerDict[name], logging.Logger)
    } - set(log_masking.LOGGERS) <= {"httpcore", "hpack"}


@pytest.mark.hazard("D1")
@pytest.mark.parametrize(
    "args", [(KEY,), ({"a": KEY.encode()},), (KEY, KEY)], ids=["text", "bytes", "too many"]
)
def test_a_record_is_masked_while_its_redactor_lives(args: tuple[Any, ...], logged: io.StringIO) -> None:
    """Its message, arguments and traceback; a record of another kind stays as it is."""
    redactor = Redactor([Secret(KEY)])
    log_masking.guard(redactor)
    logger = logging.getLogger("httpcore.http11")
    record = logger.makeRecord("httpcore.http11", logging.DEBUG, "", 0, "got %s", args, None)
    assert logger.filter(record)
    assert hits(f"{record.msg} {record.args}") == []
    plain = logger.makeRecord("httpcore.http11", logging.DEBUG, "", 0, "got %s", ("x",), None)
    logger.filter(plain)
    assert plain.args == ("x",)
    try:
        raise ValueError(KEY)
    except ValueError:
        logger.exception("x")
    assert hits(logged.getvalue()) == []


@pytest.mark.hazard("D5")
def test_a_connection_has_no_key_to_print_or_pickle() -> None:
    """repr and vars show masks; pickle is refused."""
    made = resolve(connector.load("perplexity"), {"api_key": KEY}, environ={})
    assert hits(repr(made) + repr(vars(made)) + str(made)) == []
    with pytest.raises(TypeError):
        pickle.dumps(made.secrets)


@pytest.mark.hazard("D8")
def test_a_key_stays_with_its_host(tmp_path: Path, figure: Callable[[str, str], None]) -> None:
    """A saved key goes to no other base_url, and none is an argument of a run."""
    kept = SavedConnection("a", "perplexity", {"base_url": "https://a.test"}, {"api_key": Secret(KEY)})
    others = [
        "https://b.test",
        "https://a.test:8443",
        "https://a.test.evil.test",
        "https://a.test/other",
        "http://127.0.0.1",
    ]
    for other in others:
        with pytest.raises(CredentialError, match="not sent elsewhere"):
            resolve(connector.load("perplexity"), {"base_url": other}, saved=kept, environ={})
    figure("D8", f"0 of {len(others)} other hosts get a saved key")


@pytest.mark.hazard("D10")
def test_testing_a_connection_costs_one_free_request(figure: Callable[[str, str], None]) -> None:
    """A GET that lists the models, never an action that is billed."""
    with Loopback(http(200, {"object": "list", "data": []})) as server:
        with connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened:
            assert opened.check().state == "works"
        sent = [(one.method, one.target) for one in server.requests]
    figure("D10", f"{len(sent)} request, 0 USD")
    assert sent == [("GET", "/v1/models")]


@pytest.mark.hazard("H1", "H2", "I11")
def test_a_cassette_of_a_server_that_echoes_has_no_key(
    tmp_path: Path, logged: io.StringIO, figure: Callable[[str, str], None]
) -> None:
    """Not in headers, cookies or bodies, compressed and base64 included, nor in the recorder's log."""
    said = {"results": [ROW], "x": KEY[:8], "basic": base64.b64encode(f"u:{KEY}".encode()).decode()}
    packed = gzip.compress(json.dumps(said).encode())
    headers = {"Content-Encoding": "gzip", "Set-Cookie": f"k={KEY}", "X-Request-Id": KEY}
    file = tmp_path / "c.yaml"
    with Loopback(http(200, packed, headers, form="application/json")) as server:
        made = resolve(connector.load("perplexity"), {"api_key": KEY, "base_url": server.url}, environ={})
        with recording(file, made.secrets.values(), "http://sandbox"), OpenConnection(made) as opened:
            opened.run("execute_search", {"query": KEY})
    assert "results" in file.read_text()
    assert hits(file.read_text() + logged.getvalue()) == []
    figure("H2", "0 hits in the cassette of a gzip answer with 6 echoes")
