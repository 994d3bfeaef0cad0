"""The whole path on real HTTP: both actions, every failure, sync and async alike, and the key nowhere."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from leaks import KEY, everything_shown, leaked
from loopback import Answer, Loopback, close, http, reset

import connector
from connector.errors import (
    ApiError,
    ConnectorError,
    CredentialError,
    CutOff,
    InputError,
    OutputError,
    Timeout,
    Unreachable,
)
from connector.manifest import Timeouts
from connector.opened import CheckResult
from connector.output import Result
from connector.request import curl

SHIPPED = connector.load("perplexity")
QUICK = replace(
    SHIPPED,
    retry=replace(SHIPPED.retry, first_wait=0.02, longest_wait=0.5),
    timeouts=Timeouts(connect=5.0, read=0.2, write=5.0),
)

FOUND = {"id": "s-1", "results": [{"title": "One", "url": "https://a.test/1", "snippet": "1", "date": None}]}
AGENT = {
    "id": "resp_1",
    "status": "completed",
    "model": "openai/gpt-test",
    "created_at": 1791000000,
    "output": [
        {"type": "search_results", "results": [{"id": 1, "title": "One", "url": "https://a.test/1"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Hello world"}]},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cost": {"total_cost": 0.001}},
}
SONAR = {
    "id": "c0ffee",
    "created": 1757000000,
    "model": "sonar",
    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hello world"}}],
    "citations": ["https://a.test/1"],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
CHAT = {"model": "sonar", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
SEARCH = {"query": "latest AI news", "max_results": 3}


def problem(message: str = "It failed", kind: str = "some_type", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": 400, **more}}


class Way:
    """Runs an action through a connection of its own, one way or the other."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, url: str, action: str, inputs: dict[str, Any], **options: Any) -> Result:
        route = options.pop("route", None)

        async def run() -> Result:
            async with connector.aconnect(QUICK, api_key=KEY, base_url=url, **options) as opened:
                return await opened.run(action, inputs, route=route)

        if self.name == "async":
            return asyncio.run(run())
        with connector.connect(QUICK, api_key=KEY, base_url=url, **options) as opened:
            return opened.run(action, inputs, route=route)

    def check(self, url: str) -> CheckResult:
        async def check() -> CheckResult:
            async with connector.aconnect(QUICK, api_key=KEY, base_url=url) as opened:
                return await opened.check()

        if self.name == "async":
            return asyncio.run(check())
        with connector.connect(QUICK, api_key=KEY, base_url=url) as opened:
            return opened.check()

    def failed(
        self, *answers: Answer, action: str = "execute_search", inputs: Any = SEARCH, **options: Any
    ) -> Any:
        """The error that the answers end in, and the requests that were made."""
        with Loopback(*answers) as server:
            with pytest.raises(ConnectorError) as caught:
                self.run(server.url, action, inputs, **options)
            return caught.value, len(server.requests)


@pytest.fixture(params=["sync", "async"])
def way(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


# --- both actions


@pytest.mark.parametrize(
    ("action", "route", "answer", "path"),
    [
        ("execute_search", None, FOUND, "/search"),
        ("create_chat_completion", "agent", AGENT, "/v1/agent"),
        ("create_chat_completion", "sonar", SONAR, "/chat/completions"),
    ],
)
def test_an_action_runs(way: Way, action: str, route: str | None, answer: Any, path: str) -> None:
    """One request with the key and the planned body, one result with the planned outputs."""
    inputs = SEARCH if action == "execute_search" else CHAT
    with Loopback(http(200, answer, {"X-Request-Id": "req-1"})) as server:
        result = way.run(f"{server.url}/prefix", action, inputs, route=route)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", f"/prefix{path}")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    with connector.connect(SHIPPED, api_key=KEY) as opened:
        assert request.json == opened.plan(action, inputs, route=route).body
    assert (result.status, result.attempts, result.request_id) == (200, 1, "req-1")
    first = {"execute_search": "first_url", "create_chat_completion": "content"}[action]
    assert result.outputs[first] in {"https://a.test/1", "Hello world"}


def test_the_connections_setting_chooses_the_route(way: Way) -> None:
    """A gateway that still speaks Sonar is a setting, not another action."""
    with Loopback(http(200, SONAR)) as server:
        result = way.run(server.url, "create_chat_completion", CHAT, chat_route="sonar")
    assert (result.route, server.requests[0].target) == ("sonar", "/chat/completions")
    assert "retired on 2026-09-27" in result.warnings[0]


def test_an_action_may_be_named_in_full(way: Way) -> None:
    """`perplexity.execute_search`, as on the command line."""
    with Loopback(http(200, FOUND)) as server:
        assert way.run(server.url, "perplexity.execute_search", SEARCH).outputs["count"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "2024",
        "true",
        "null",
        "1e5",
        "[1]",
        '"quoted"',
        "a\nb",
        "{{x}}",
        "${{ inputs.model }}",
        "🦜",
        "ünï",
        "\u2028",
    ],
    ids=ascii,
)
def test_a_query_arrives_as_that_text(way: Way, text: str) -> None:
    """On the wire: exactly that JSON string."""
    with Loopback(http(200, FOUND)) as server:
        way.run(server.url, "execute_search", {"query": text})
    assert server.requests[0].body == f'{{"query":{json.dumps(text, ensure_ascii=False)}}}'.encode()
    assert server.requests[0].headers["content-type"] == "application/json"


def test_a_compressed_answer_is_read(way: Way) -> None:
    """It is asked for, and only in the form that is read."""
    import gzip

    packed = gzip.compress(json.dumps(FOUND).encode())
    with Loopback(http(200, packed, {"Content-Encoding": "gzip"})) as server:
        assert way.run(server.url, "execute_search", SEARCH).outputs["count"] == 1
    assert server.requests[0].headers["accept-encoding"] == "gzip"


# --- nothing is sent


@pytest.mark.parametrize(
    ("action", "inputs", "said"),
    [
        ("execute_serch", SEARCH, "Did you mean 'execute_search'?"),
        (5, SEARCH, "The name of an action is text, not int."),
        ("x" * 61 + "y" * 10_000_000, SEARCH, f"no action '{'x' * 60}'."),
        ("execute_search", {}, "query: It is required."),
        ("execute_search", {"query": "x", "max_result": 1}, "Did you mean 'max_results'?"),
        ("execute_search", {"query": "\ud83e"}, "cannot be sent"),
        ("create_chat_completion", {"model": 5, "messages": "x"}, "2 problems"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_inputs_are_not_sent(way: Way, action: Any, inputs: dict[str, Any], said: str) -> None:
    """Everything that is wrong is told, and the server hears nothing."""
    with Loopback(http(200, FOUND)) as server:
        with pytest.raises(InputError) as caught:
            way.run(server.url, action, inputs)
        assert server.connections == 0
    assert said in str(caught.value)


def test_strict_turns_a_warning_into_an_error() -> None:
    """For those who would rather not run than lose an input."""
    given = httpx.MockTransport(lambda request: httpx.Response(200, json=AGENT))
    with connector.connect(SHIPPED, api_key=KEY, transport=given) as opened:
        assert opened.run("create_chat_completion", {**CHAT, "top_k": 5}).warnings
        with pytest.raises(InputError, match="top_k"):
            opened.run("create_chat_completion", {**CHAT, "top_k": 5}, strict=True)


# --- failures

SLOW: Answer = (5.0,)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        pytest.param(http(401, b"<html>401</html>"), "bad_credential", "Check the API key", id="401-page"),
        pytest.param(
            http(401, problem(kind="invalid_api_key")), "bad_credential", "Check the API key", id="401"
        ),
        pytest.param(
            http(403, problem(kind="chat_completions_not_available")),
            "retired",
            "chat_route",
            id="403-retired",
        ),
        pytest.param(http(404, b"", form="text/plain"), "not_found", "base_url", id="404-empty"),
        pytest.param(
            http(422, {"detail": [{"loc": ["body", "query"], "msg": "field required"}]}),
            "bad_input",
            "the input query",
            id="422-list",
        ),
        pytest.param(http(500, problem()), "server_fault", "later", id="500"),
        pytest.param(http(307, b"", {"Location": "https://b.test/"}), "unexpected", "b.test", id="redirect"),
        pytest.param(http(200, b"<html>login</html>"), "unexpected_output", "not JSON", id="200-page"),
        pytest.param(http(204, b""), "unexpected_output", "nothing", id="204"),
        pytest.param(http(200, {"results": 5}), "unexpected_output", "results", id="drift"),
        pytest.param((http(200, FOUND)[:-9], close), "cut_off", "connection broke", id="cut"),
        pytest.param((reset,), "cut_off", "connection broke", id="reset"),
        pytest.param(SLOW, "timeout", "too long", id="slow"),
    ],
)
def test_a_failure_is_told_once(way: Way, answer: Answer, kind: str, said: str) -> None:
    """In full, after one request: what may have been paid for is not sent again."""
    error, requests = way.failed(answer)
    assert (error.kind, requests) == (kind, 1)
    assert said in str(error)
    assert all([error.where, error.message, error.hint])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_failure_has_everything(way: Way) -> None:
    """Kind, status, where, hint, the service's id, the input that it is about, and the attempts."""
    answer = http(400, problem("too many tokens", param="max_output_tokens"), {"X-Request-Id": "req-1"})
    with Loopback(answer) as server, pytest.raises(ApiError) as caught:
        way.run(server.url, "create_chat_completion", CHAT)
    error = caught.value
    assert (error.kind, error.status, error.request_id) == ("bad_input", 400, "req-1")
    assert (error.input, error.attempts, error.retry_after) == ("max_tokens", 1, None)
    assert error.body == problem("too many tokens", param="max_output_tokens")
    assert str(error) == (
        f"POST {server.url}/v1/agent: 400 Bad Request: too many tokens. It is about the input max_tokens. "
        "Change the input and run it again. (request id req-1)"
    )


def test_a_host_that_is_not_there(way: Way) -> None:
    """Tried again, as nothing was sent; then told with the attempts."""
    with Loopback() as server:
        url = server.url
    with pytest.raises(Unreachable) as caught:
        way.run(url, "execute_search", SEARCH)
    assert caught.value.attempts == 3
    assert str(caught.value).endswith(
        "Check the network and base_url. (3 attempts: unreachable, unreachable, unreachable)"
    )


# --- again


def test_a_service_that_comes_back(way: Way) -> None:
    """The same request again, and a result that counts the attempts."""
    with Loopback(http(503, b""), http(429, problem()), http(200, FOUND)) as server:
        result = way.run(server.url, "execute_search", SEARCH)
    assert result.attempts == 3
    assert [request.body for request in server.requests] == [server.requests[0].body] * 3
    assert server.connections == 1


def test_a_service_that_does_not_come_back(way: Way) -> None:
    """The last error, with the number of attempts."""
    error, requests = way.failed(http(503, b""))
    assert (requests, error.attempts, error.status) == (3, 3, 503)
    assert str(error).endswith("(3 attempts: 503, 503, 503)")


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        (lambda: {"Retry-After": "0.3"}, 0.3),
        (lambda: {"Retry-After-Ms": "300"}, 0.3),
        (lambda: {"Retry-After": "0"}, 0.0),
        (lambda: {"Retry-After": format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)}, 0.0),
        (lambda: {"Retry-After": "soon"}, 0.01),
        (dict, 0.01),
    ],
    ids=["seconds", "milliseconds", "now", "past-date", "junk", "none"],
)
def test_the_service_says_when(way: Way, headers: Callable[[], dict[str, str]], least: float) -> None:
    """Not before it wants to be asked again, and not much later."""
    with Loopback(http(429, problem(), headers()), http(200, FOUND)) as server:
        start = time.monotonic()
        assert way.run(server.url, "execute_search", SEARCH).attempts == 2
        assert least <= time.monotonic() - start < least + 2


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("600", "10 minutes"),
        (format_datetime(datetime.now(UTC) + timedelta(hours=5), usegmt=True), "5 hours"),
    ],
    ids=["seconds", "date"],
)
def test_a_long_wait_is_told_and_not_waited_for(way: Way, asked: str, told: str) -> None:
    """At once, with when to come back."""
    start = time.monotonic()
    error, requests = way.failed(http(429, problem(), {"Retry-After": asked}))
    assert requests == 1
    assert time.monotonic() - start < 2
    assert f"The service asks to wait {told}." in error.hint
    assert error.retry_after > 500


# --- sync and async are one


@pytest.mark.parametrize(
    "answers",
    [
        (http(200, FOUND),),
        (http(503, b""), http(200, FOUND)),
        (http(400, problem(param="query")),),
        (http(200, b"<html>"),),
        (http(200, {"results": 5}),),
        ((http(200, FOUND)[:-9], reset),),
        (http(429, problem(), {"Retry-After": "600"}),),
    ],
    ids=["success", "retry", "400", "page", "drift", "cut", "429"],
)
def test_sync_and_async_give_the_same(answers: tuple[Answer, ...]) -> None:
    """The same result, or the same error to the letter."""

    def outcome(way: Way) -> Any:
        with Loopback(*answers) as server:
            try:
                return way.run(server.url, "execute_search", SEARCH)
            except ConnectorError as error:
                return type(error), str(error).replace(server.url, ""), error.kind

    assert outcome(Way("sync")) == outcome(Way("async"))


# --- the check


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param(http(200, {"object": "list", "data": []}), "works", id="works"),
        pytest.param(http(401, problem(kind="invalid_api_key")), "wrong_key", id="wrong-key"),
        pytest.param(http(401, b"<html>"), "wrong_key", id="wrong-key-page"),
        pytest.param(http(401, problem(kind="insufficient_quota")), "no_credit", id="quota"),
        pytest.param(http(402, b""), "no_credit", id="no-credit"),
        pytest.param(http(403, problem()), "not_allowed", id="not-allowed"),
        pytest.param(http(404, b""), "failing", id="404"),
        pytest.param(http(500, b""), "failing", id="500"),
        pytest.param(http(200, b"<html>login</html>"), "failing", id="login-page"),
        pytest.param(http(200, b""), "failing", id="nothing"),
        pytest.param(http(200, {"error": "invalid token"}), "failing", id="200-error"),
        pytest.param(http(200, {"error": {"code": 7}}), "failing", id="200-error-of-a-form-of-its-own"),
        pytest.param(http(200, {"detail": "Not authenticated"}), "failing", id="200-detail"),
        pytest.param(http(200, {"detail": [{"msg": 5}]}), "failing", id="200-detail-of-numbers"),
        pytest.param(http(200, {"error": None, "data": []}), "works", id="200-error-null"),
        pytest.param(http(200, b"null"), "failing", id="null"),
        pytest.param(http(200, b"5"), "failing", id="number"),
        pytest.param(http(302, b"", {"Location": "https://login.test/"}), "failing", id="redirect"),
        pytest.param((reset,), "unreachable", id="reset"),
        pytest.param(SLOW, "unreachable", id="slow"),
    ],
)
def test_a_check_says_how_a_connection_is(way: Way, answer: Answer, state: str) -> None:
    """By the free request, once; with what to do unless it works."""
    with Loopback(answer) as server:
        found = way.check(server.url)
    assert found.state == state
    assert found.message
    assert bool(found.what_to_do) == (state != "works")
    assert [(one.method, one.target, one.body) for one in server.requests] == [("GET", "/v1/models", b"")]
    assert leaked(repr(found)) == []


def test_a_check_of_a_host_that_is_not_there(way: Way) -> None:
    """Is an answer too."""
    with Loopback() as server:
        url = server.url
    assert way.check(url).state == "unreachable"


# --- closing


class Given(httpx.MockTransport):
    def __init__(self) -> None:
        super().__init__(lambda request: httpx.Response(200, json=FOUND))
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_a_closed_connection_says_so() -> None:
    """Nothing is sent over it, and closing it twice does no harm; plans need no connection."""
    given = Given()
    with connector.connect(SHIPPED, api_key=KEY, transport=given, connection_name="work") as opened:
        opened.run("execute_search", SEARCH)
    opened.close()
    assert given.closed == 1
    for use in (lambda: opened.run("execute_search", SEARCH), opened.check):
        with pytest.raises(CredentialError) as caught:
            use()
        assert str(caught.value) == "connection 'work': It is closed. Open another with connect()."
    assert opened.plan("execute_search", SEARCH).path == "/search"


def test_a_closed_async_connection_says_so() -> None:
    """As the other."""
    given = Given()

    async def use() -> None:
        async with connector.aconnect(SHIPPED, api_key=KEY, transport=given) as opened:
            await opened.run("execute_search", SEARCH)
        await opened.close()
        with pytest.raises(CredentialError, match="It is closed"):
            await opened.run("execute_search", SEARCH)
        with pytest.raises(CredentialError, match="It is closed"):
            await opened.check()

    asyncio.run(use())
    assert given.closed == 1


def test_connections_do_not_outlive_a_with_block(way: Way) -> None:
    """The server sees them closed."""
    with Loopback(http(200, FOUND)) as server:
        way.run(server.url, "execute_search", SEARCH)
        assert server.still_open() == 0


def test_one_connection_serves_many_threads() -> None:
    """Each gets its own answer."""

    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": json.loads(request.content)["query"], "results": []})

    with (
        connector.connect(SHIPPED, api_key=KEY, transport=httpx.MockTransport(echo)) as opened,
        ThreadPoolExecutor(8) as threads,
    ):
        asked = [str(number) for number in range(100)]
        found = threads.map(lambda text: opened.run("execute_search", {"query": text}), asked)
        assert [result.outputs["search_id"] for result in found] == asked


def test_one_connection_serves_many_tasks() -> None:
    """On real sockets, more at a time than the pool keeps."""

    async def all_at_once(url: str) -> list[Result]:
        async with connector.aconnect(SHIPPED, api_key=KEY, base_url=url) as opened:
            tasks: list[Awaitable[Result]] = [opened.run("execute_search", SEARCH) for _ in range(40)]
            return await asyncio.gather(*tasks)

    with Loopback(http(200, FOUND)) as server:
        assert len(asyncio.run(all_at_once(server.url))) == 40
        assert server.still_open() == 0


# --- the key is nowhere


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything that any library logs, at any level."""
    names = ["", *logging.Logger.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(1)
    yield lambda: "\n".join(
        f"{record.name} {record.getMessage()} {record.args} {vars(record)}" for record in caplog.records
    )
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


ECHO = problem(f"Bearer {KEY} is wrong")


@pytest.mark.parametrize(
    "answer",
    [
        http(200, FOUND),
        http(200, {**FOUND, "id": KEY}),
        http(200, f"<p>{KEY}".encode()),
        http(200, {"results": KEY}),
        http(400, ECHO, {"X-Request-Id": f"r-{KEY}"}),
        http(401, f"<p>{KEY}".encode()),
        http(307, b"", {"Location": f"https://{KEY}/"}),
        http(429, ECHO),
        http(500, b""),
        (http(200, FOUND)[:-9], close),
        (b"\x00garbage", close),
        (reset,),
        SLOW,
    ],
    ids=lambda answer: repr(answer).partition(" at 0x")[0][:30],
)
def test_the_key_shows_nowhere(way: Way, log: Callable[[], str], answer: Answer) -> None:
    """In no result, error, traceback with variables or log record, though the server knows and repeats it."""
    with Loopback(answer) as server:
        try:
            shown = repr(way.run(server.url, "execute_search", SEARCH))
        except ConnectorError as error:
            shown = everything_shown(error)
        shown += repr(way.check(server.url))
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert leaked(shown) == []
    assert leaked(log()) == []


def test_what_prints_does_not_print_the_key() -> None:
    """Connections, plans, requests and the curl command."""
    with connector.connect(SHIPPED, api_key=KEY, connection_name="work") as opened:
        planned = opened.plan("execute_search", SEARCH)
        for one in (opened, opened.connection, planned, planned.fields, curl(planned, opened.connection)):
            assert leaked(f"{one!r} {one}") == []
        assert repr(opened) == "<OpenConnection 'work' of perplexity>"
    assert repr(opened) == "<OpenConnection 'work' of perplexity, closed>"


def test_nothing_is_left_to_the_garbage_collector(way: Way) -> None:
    """Errors hold no answers, requests or sockets of a call that is over."""
    error, _ = way.failed((http(200, FOUND)[:-9], close))
    gc.collect()
    held = [
        one for one in gc.get_referents(error.__dict__) if isinstance(one, (httpx.Request, httpx.Response))
    ]
    assert held == []
    assert isinstance(error, CutOff)


def test_errors_are_of_the_published_types(way: Way) -> None:
    """Importable from connector.errors."""
    kinds = [
        (http(400, problem()), ApiError),
        (http(200, b"x"), OutputError),
        (SLOW, Timeout),
        ((reset,), CutOff),
    ]
    for answer, kind in kinds:
        assert type(way.failed(answer)[0]) is kind
