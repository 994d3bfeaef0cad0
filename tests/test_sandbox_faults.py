"""The sandbox misbehaving on purpose: names and arguments, whose turn it is, and what comes over the wire."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connector.errors import InputError
from connector.sandbox import Sandbox, create_app
from connector.sandbox.fault import Turns, parse_fault
from connector.sandbox.fault_names import ARGUMENTS, FAULTS, READ, arguments_of
from connector.sandbox.fault_refusal import refusal
from connector.sandbox.spoilt import Answer, spoilt
from connector.strict_json import parse

KEYS = (f"pplx-test-fault-{number}" for number in itertools.count())
SEARCH = ("/search", {"query": "latest AI news"})
AGENT = ("/v1/agent", {"effort": "fast", "input": "hello"})
STREAM = ("/v1/agent", {"effort": "fast", "input": "hello", "stream": True})
CHAT = ("/chat/completions", {"model": "sonar", "messages": [{"role": "user", "content": "hello"}]})
CHAT_STREAM = ("/chat/completions", {**CHAT[1], "stream": True})
Asked = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        Sandbox(sonar=True) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False, timeout=0.3) as client,
    ):
        yield client


def ask(client: httpx.Client, asked: Asked, fault: str = "", key: str = "") -> httpx.Response:
    """One request with a fault of its own."""
    headers = {
        "authorization": f"Bearer {key or next(KEYS)}",
        **({"x-sandbox-fault": fault} if fault else {}),
    }
    return client.post(asked[0], json=asked[1], headers=headers)


# --- names and arguments


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("ctu", "There is no fault 'ctu'. Did you mean 'cut'?", id="misspelt"),
        pytest.param("", "There is no fault ''. Known here: 429, 500", id="empty"),
        pytest.param("400..599", "There is no fault '400..599'.", id="the heading of all statuses"),
        pytest.param("200", "200 is not the status of a failure. Take one from 400 to 599.", id="no failure"),
        pytest.param(
            "429,tmes=2", "The fault 429 takes no 'tmes'. Did you mean 'times'?", id="misspelt argument"
        ),
        pytest.param("slow,mb=2", "The fault slow takes no 'mb'.", id="an argument of another"),
        pytest.param(
            "429,times=x", "times is 'x'. Write times= and a whole number from 1 to 1000000.", id="text"
        ),
        pytest.param("429,times", "times is missing. Write times= and a whole number", id="no value"),
        pytest.param("429,times=0", "times is '0'.", id="too small"),
        pytest.param(
            "429,times=\u0663", "A fault has at most 500 characters, all of them of ASCII.", id="digits"
        ),
        pytest.param("429,rate=nan", "rate is 'nan'. Write rate= and a number from 0 to 1.", id="NaN"),
        pytest.param("429,times=1,times=2", "times is given twice. Leave one out.", id="twice"),
        pytest.param(
            "429,retry-after=soon",
            "retry-after is 'soon'. Write retry-after= and 2, 1500ms or date+2.",
            id="no time",
        ),
        pytest.param("503,on=search", "on is 'search'. Write on= and a path, as /search.", id="no path"),
        pytest.param("cut," + "a" * 600, "A fault has at most 500 characters", id="long"),
    ],
)
def test_a_wrong_fault_is_explained(text: str, said: str) -> None:
    """Where, what, and what to write instead."""
    with pytest.raises(InputError) as error:
        parse_fault(text, "--fault")
    assert str(error.value).startswith(f"--fault: {said}")


def test_every_argument_of_the_table_can_be_read() -> None:
    """Each fault takes only arguments that are described, and each of those belongs to a fault."""
    taken = {argument for fault in FAULTS for argument in arguments_of(fault)}
    assert taken == set(READ) == {argument.name for argument in ARGUMENTS}


# --- whose turn it is


@pytest.mark.parametrize(
    ("fault", "turns"),
    [
        ("429", "xxxxxxxx"),
        ("429,times=2", "xx......"),
        ("429,skip=3", "...xxxxx"),
        ("429,skip=1,times=2", ".xx....."),
        ("429,every=3", "..x..x.."),
        ("429,every=3,times=1", "..x....."),
        ("429,rate=0", "........"),
        ("429,rate=1", "xxxxxxxx"),
        ("429,on=/search", "xxxxxxxx"),
        ("429,on=/sea*", "xxxxxxxx"),
        ("429,on=/sea", "........"),
        ("429,on=/v1/agent", "........"),
    ],
)
def test_a_fault_takes_its_turns(fault: str, turns: str) -> None:
    """Of eight requests of one key to /search."""
    parsed, counted = parse_fault(fault, "here"), Turns()
    assert "".join("x" if counted.takes(parsed, "key", "/search") else "." for _ in turns) == turns


def test_a_share_is_drawn_the_same_each_time() -> None:
    """`rate` and `seed` say which requests, and about how many."""

    def drawn(text: str) -> list[bool]:
        fault, turns = parse_fault(text, "here"), Turns()
        return [turns.takes(fault, "key", "/search") for _ in range(1000)]

    first = drawn("503,rate=0.3,seed=7")
    assert first == drawn("503,rate=0.3,seed=7")
    assert first != drawn("503,rate=0.3,seed=8")
    assert 250 < sum(first) < 350


def test_each_key_is_counted_apart() -> None:
    """Another key rehearses from the beginning."""
    fault, turns = parse_fault("503,times=1", "here"), Turns()
    assert [turns.takes(fault, key, "/search") for key in ("a", "a", "b", "b")] == [True, False, True, False]


def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that was silent for longest is forgotten."""
    monkeypatch.setattr("connector.sandbox.fault._MOST_COUNTS", 2)
    fault, turns = parse_fault("503,times=1", "here"), Turns()
    assert [turns.takes(fault, key, "/") for key in "abacab"] == [True, True, False, True, False, True]


# --- refusals


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("400", 400, "invalid_request"),
        ("429", 429, "request_rate_limit_exceeded"),
        ("418", 418, "invalid_request"),
        ("500", 500, "internal_error"),
        ("599", 599, "internal_error"),
        ("expired-key", 401, "invalid_api_key"),
        ("no-credit", 401, "insufficient_quota"),
        ("not-allowed", 403, "forbidden"),
        ("retired", 403, "chat_completions_not_available"),
    ],
)
def test_a_refusal_has_the_apis_envelope(client: httpx.Client, fault: str, status: int, kind: str) -> None:
    """The status, the type, and the status again as the code; also for a stream, and without a body."""
    for answer in (
        ask(client, SEARCH, fault),
        ask(client, STREAM, fault),
        client.get("/v1/models", headers={"x-sandbox-fault": fault}),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["code"]) == (status, kind, status)
        assert answer.headers["x-sandbox-fault"] == fault
        assert answer.headers["x-request-id"]


def test_a_rehearsed_429_leaves_nothing_of_the_limit(client: httpx.Client) -> None:
    """The headers of the rate limit agree with the refusal."""
    assert ask(client, SEARCH, "429").headers["x-ratelimit-remaining"] == "0"


@pytest.mark.parametrize(
    ("wanted", "name", "value"),
    [
        ("2", "retry-after", "2"),
        ("1500ms", "retry-after-ms", "1500"),
        ("date+90", "retry-after", "Sat, 21 Nov 2026 09:01:30 GMT"),
    ],
)
def test_a_refusal_says_when_to_come_back(wanted: str, name: str, value: str) -> None:
    """In each of the three forms that services use."""
    answer = refusal(
        parse_fault(f"429,retry-after={wanted}", "here"), lambda: datetime(2026, 11, 21, 9, tzinfo=UTC)
    )
    assert answer is not None
    assert answer.headers[name] == value


@pytest.mark.parametrize(("form", "beginning"), [("html", "<html>"), ("empty", "")])
def test_a_proxy_refuses_without_the_envelope(client: httpx.Client, form: str, beginning: str) -> None:
    """With a page, or with nothing."""
    answer = ask(client, SEARCH, f"502,body={form}")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert answer.text[:6] == beginning


# --- answers that are spoilt


WHOLE = Answer(200, {"content-type": "application/json"}, [b'{"id":"a","results":[{"url":"u","score":1.5}]}'])
RESPONSE = {"object": "response", "status": "completed", "output": [{"type": "message"}]}


def event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


EVENTS = [
    event({"type": "response.created", "response": RESPONSE}),
    b": ping\n\n",
    event({"type": "response.output_text.delta", "delta": "Hello"}),
    event({"type": "response.completed", "response": RESPONSE}),
]
STREAMED = Answer(200, {"content-type": "text/event-stream; charset=utf-8"}, EVENTS)


def spoil(answer: Answer, fault: str) -> Answer:
    changed = spoilt(answer, parse_fault(fault, "here"))
    assert changed is not None
    return changed


def last_response(answer: Answer) -> Any:
    return json.loads(answer.pieces[-1].partition(b"data: ")[2])["response"]


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("missing-field", {"id": "a"}),
        ("missing-field,field=id", {"results": [{"url": "u", "score": 1.5}]}),
        ("missing-field,field=results[0].url", {"id": "a", "results": [{"score": 1.5}]}),
        ("wrong-field", {"id": "a", "results": "text"}),
        ("wrong-field,field=id", {"id": 7, "results": [{"url": "u", "score": 1.5}]}),
        ("wrong-field,field=results.0", {"id": "a", "results": [["text"]]}),
        ("wrong-field,field=results[0].score", {"id": "a", "results": [{"url": "u", "score": "seven"}]}),
    ],
)
def test_a_field_is_spoilt(fault: str, body: dict[str, Any]) -> None:
    """The one that is named, or the one that holds the answer."""
    assert json.loads(spoil(WHOLE, fault).body) == body


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("missing-field", {"object": "response", "status": "completed"}),
        ("wrong-field", {**RESPONSE, "output": "text"}),
        ("wrong-field,field=status", {**RESPONSE, "status": 7}),
    ],
)
def test_a_field_of_a_streams_last_event_is_spoilt(fault: str, expected: dict[str, Any]) -> None:
    """The events before it stay as they are."""
    changed = spoil(STREAMED, fault)
    assert list(changed.pieces[:-1]) == EVENTS[:-1]
    assert last_response(changed) == expected


@pytest.mark.parametrize("fault", ["bad-json", "nan", "duplicate-key"])
@pytest.mark.parametrize("answer", [WHOLE, STREAMED], ids=["whole", "stream"])
def test_json_that_is_none_is_not_taken_by_a_strict_reader(fault: str, answer: Answer) -> None:
    """Broken off, with NaN, or with a key that stands twice."""
    changed = spoil(answer, fault)
    texts = re.findall(rb"data: (.*)", changed.body) if answer is STREAMED else [changed.body]
    wrong = 0
    for text in texts:
        try:
            parse(text)
        except ValueError:
            wrong += 1
    assert wrong == 1


def test_a_compressed_answer_lacks_its_end() -> None:
    """It says gzip, and cannot be unpacked to the end."""
    changed = spoil(WHOLE, "gzip-cut")
    assert changed.headers["content-encoding"] == "gzip"
    with pytest.raises(EOFError):
        gzip.decompress(changed.body)


@pytest.mark.parametrize(
    ("fault", "status", "header", "value", "body"),
    [
        ("html", 200, "content-type", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("empty", 200, "content-type", "application/json", b""),
        ("wrong-type", 200, "content-type", "text/html; charset=utf-8", WHOLE.body),
        ("redirect", 307, "location", "https://elsewhere.example", b""),
        ("redirect,status=302,to=http://a.example/b", 302, "location", "http://a.example/b", b""),
    ],
)
def test_something_else_answers(fault: str, status: int, header: str, value: str, body: bytes) -> None:
    """A page, nothing, another type, a redirect."""
    changed = spoil(WHOLE, fault)
    assert (changed.status, changed.headers[header]) == (status, value)
    assert changed.body.startswith(body)
    assert bool(changed.body) == bool(body)


def test_an_answer_says_that_it_failed() -> None:
    """With status 200: whole, and as the last event of a stream."""
    whole = Answer(200, WHOLE.headers, [json.dumps(RESPONSE).encode()])
    changed = spoil(STREAMED, "failed")
    for value in (json.loads(spoil(whole, "failed").body), last_response(changed)):
        assert (value["status"], value["error"]["type"], value["output"]) == ("failed", "internal_error", [])
    assert changed.pieces[-1].startswith(b'event: response.failed\ndata: {"type":"response.failed"')


@pytest.mark.parametrize(("after", "left"), [(0, 0), (1, 2), (2, 3), (99, 3)])
def test_a_stream_ends_early(after: int, left: int) -> None:
    """After so many events, comments not counted, and always before the last."""
    assert list(spoil(STREAMED, f"early-end,after={after}").pieces) == EVENTS[:left]


def test_a_stream_is_broken_off_by_an_event(client: httpx.Client) -> None:
    """In the form of each of the two streams."""
    agent = ask(client, STREAM, "error-event,after=3,code=429").text.rstrip().split("\n\n")
    assert (len(agent), agent[-1].split("\n")[0]) == (4, "event: error")
    assert '"type": "request_rate_limit_exceeded"' in agent[-1]
    chat = ask(client, CHAT_STREAM, "error-event").text.rstrip().split("\r\n\r\n")
    assert json.loads(chat[-1].removeprefix("data: "))["error"]["code"] == 500


@pytest.mark.parametrize("answer", [WHOLE, STREAMED], ids=["whole", "stream"])
def test_a_huge_answer_takes_no_memory_here(answer: Answer) -> None:
    """It is one piece, sent over and over, and still JSON."""
    changed = spoil(answer, "huge,mb=4096")
    assert sum(map(len, changed.pieces)) > 4_000_000_000
    assert len({id(piece) for piece in changed.pieces}) < 10
    small = spoil(answer, "huge,mb=1").body
    assert len(json.loads(small.partition(b"data: ")[2].partition(b"\n")[0] or small)["padding"]) > 1_000_000


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        pytest.param("early-end", WHOLE, id="no stream to end"),
        pytest.param("error-event", WHOLE, id="no stream for an event"),
        pytest.param("pings", WHOLE, id="no stream for comments"),
        pytest.param("failed", WHOLE, id="no response object"),
        pytest.param("missing-field,field=usage.cost", WHOLE, id="no such field"),
        pytest.param("wrong-field,field=results[7]", WHOLE, id="no such row"),
        pytest.param("wrong-field,field=id.a", WHOLE, id="a field of a text"),
        pytest.param("nan", Answer(200, {}, [b"plain"]), id="no JSON"),
        pytest.param("nan", Answer(200, {}, [b"[]"]), id="no object"),
        pytest.param("huge", Answer(200, {}, [b""]), id="nothing to fill"),
        pytest.param("duplicate-key", Answer(200, {}, [b"{}"]), id="no key"),
    ],
)
def test_there_may_be_nothing_to_spoil(fault: str, answer: Answer) -> None:
    """Then the answer stays as it is, and the sandbox can say so."""
    assert spoilt(answer, parse_fault(fault, "here")) is None


# --- over the wire


@pytest.mark.parametrize(
    ("fault", "whole", "stream"),
    [
        ("slow,seconds=30", httpx.ReadTimeout, httpx.ReadTimeout),
        ("hang", httpx.ReadTimeout, httpx.ReadTimeout),
        ("stall", httpx.ReadTimeout, httpx.ReadTimeout),
        ("close", httpx.RemoteProtocolError, httpx.RemoteProtocolError),
        ("reset", httpx.ReadError, httpx.ReadError),
        ("cut", httpx.RemoteProtocolError, httpx.RemoteProtocolError),
        ("bad-chunk", httpx.RemoteProtocolError, httpx.RemoteProtocolError),
        ("garbage", httpx.RemoteProtocolError, httpx.RemoteProtocolError),
        ("slow,seconds=0", None, None),
        ("drip,seconds=0.05", None, None),
        ("wrong-type", None, None),
        ("early-end", None, "shorter"),
        ("pings,times=1,skip=1", None, None),
    ],
)
def test_what_a_client_sees(client: httpx.Client, fault: str, whole: Any, stream: Any) -> None:
    """An error of the connection, or the bytes of a right answer."""
    for asked, expected in ((SEARCH, whole), (STREAM, stream)):
        if isinstance(expected, type):
            with pytest.raises(expected):
                ask(client, asked, fault)
        else:
            right, given = ask(client, asked).content, ask(client, asked, fault).content
            assert right.startswith(given)
            assert (given == right) is (expected is None)


@pytest.mark.parametrize(
    ("fault", "events"), [("cut", 2), ("cut,after=5", 5), ("stall", 2), ("drip,seconds=60", 0)]
)
def test_what_came_before_the_fault_can_be_read(client: httpx.Client, fault: str, events: int) -> None:
    """The events before the cut arrive whole; the first bytes of a drip arrive."""
    headers = {"authorization": f"Bearer {next(KEYS)}", "x-sandbox-fault": fault}
    came = b""
    with client.stream("POST", STREAM[0], json=STREAM[1], headers=headers) as answer:
        assert (answer.status_code, answer.headers["x-sandbox-fault"]) == (200, fault)
        for piece in answer.iter_raw():
            came += piece
            if came.count(b"\n\n") == events:
                break
    assert came.startswith(b"event: response.created"[: len(came)])
    assert came


def test_a_cut_answer_promises_its_whole_length(client: httpx.Client) -> None:
    """Half of it comes."""
    whole = len(ask(client, SEARCH).content)
    with pytest.raises(httpx.RemoteProtocolError, match=rf"received {whole // 2} bytes, expected {whole}"):
        ask(client, SEARCH, "cut")


def test_comments_do_not_end(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the events come pings, until the client leaves."""
    monkeypatch.setattr("connector.sandbox.faulty._SECONDS_BETWEEN_PINGS", 0.001)
    headers = {"authorization": f"Bearer {next(KEYS)}", "x-sandbox-fault": "pings"}
    with client.stream("POST", STREAM[0], json=STREAM[1], headers=headers) as answer:
        lines = answer.iter_lines()
        while next(lines) != ": ping":
            pass
        assert list(itertools.islice(lines, 20)).count(": ping") == 10


def test_others_are_served_while_one_hangs(client: httpx.Client) -> None:
    """A fault is for one request alone."""
    headers = {"authorization": f"Bearer {next(KEYS)}", "x-sandbox-fault": "stall"}
    with client.stream("POST", STREAM[0], json=STREAM[1], headers=headers):
        assert ask(client, SEARCH).status_code == 200


def test_a_large_request_is_read_before_it_is_refused(client: httpx.Client) -> None:
    """The client sees the answer, or the end that was asked for, and not a broken pipe."""
    body = ("/search", {"query": "x" * 3_000_000})
    assert ask(client, body, "503").status_code == 503
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        ask(client, body, "close")


def test_faults_follow_each_other() -> None:
    """The first whose turn it is decides; the next one counts what comes through to it."""
    with (
        Sandbox(faults=["429,times=2,on=/search", "503,times=1,on=/search"]) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False) as client,
    ):
        statuses = [ask(client, SEARCH, key="pplx-test-order").status_code for _ in range(4)]
        assert statuses == [429, 429, 503, 200]
        assert ask(client, AGENT, key="pplx-test-order").status_code == 200
        assert ask(client, SEARCH, "400", key="pplx-test-order").status_code == 400


def test_a_wrong_header_is_a_400(client: httpx.Client) -> None:
    """With the sentence that the command line gives."""
    answer = ask(client, SEARCH, "429,tmes=2")
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "header X-Sandbox-Fault: The fault 429 takes no 'tmes'. Did you mean 'times'?",
        "type": "invalid_request",
        "code": 400,
        "param": "X-Sandbox-Fault",
    }


def test_each_fault_is_told() -> None:
    """Who serves the sandbox sees which request met which fault, and which met nothing."""
    lines: list[str] = []

    async def ask_twice() -> None:
        transport = httpx.ASGITransport(create_app(faults=["early-end", "429"], told=lines.append))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.example") as client:
            await client.get("/v1/models", headers={"x-sandbox-fault": "503"})
            answer = await client.get("/v1/models", headers={"authorization": "Bearer pplx-test-told"})
            assert "x-sandbox-fault" not in answer.headers

    asyncio.run(ask_twice())
    assert lines == [
        "GET /v1/models: 503",
        "GET /v1/models: early-end",
        "GET /v1/models: early-end found nothing to spoil",
    ]


def test_nothing_is_printed(
    client: httpx.Client, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """No fault ends in a traceback on the server's side, or in a warning."""
    for fault in FAULTS[1:]:
        for asked in (SEARCH, AGENT, STREAM, CHAT, CHAT_STREAM):
            short = f"{fault.name},seconds=0.01" if fault.name in {"slow", "drip"} else fault.name
            if fault.name in {"hang", "stall", "pings"}:
                continue  # they wait for the client; the tests above leave them
            if fault.name == "huge":
                short = "huge,mb=1"
            try:
                ask(client, asked, short)
            except httpx.TransportError:
                pass
            except httpx.DecodingError:
                pass
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


# --- the command line


def test_the_help_lists_every_fault_and_argument(cli: Callable[..., Any]) -> None:
    """One line each, from the table."""
    lines = cli("sandbox", "--help").out.splitlines()
    for row in (*FAULTS, *ARGUMENTS):
        assert [line for line in lines if line.startswith(f"  {row.name} ")], row.name


def test_a_wrong_fault_ends_the_command(cli: Callable[..., Any]) -> None:
    """Before anything is served, with exit code 2."""
    ended = cli("sandbox", "--port", "0", "--fault", "ctu")
    assert ended == (2, "", "error: --fault: There is no fault 'ctu'. Did you mean 'cut'?\n")


def test_the_command_hands_its_faults_on(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it rehearses, and each request that meets a fault."""

    def serve(**given: Any) -> None:
        assert given["faults"] == ("429,times=2", "cut")
        given["ready"]("http://127.0.0.1:1")
        given["told"]("POST /search: cut")

    monkeypatch.setattr("connector.sandbox.serve", serve)
    ended = cli("sandbox", "--fault", "429,times=2", "--fault", "cut")
    assert ended.code == 0
    assert "It rehearses 429,times=2.\nIt rehearses cut.\nPOST /search: cut\n" in ended.err
