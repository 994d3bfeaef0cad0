"""The sandbox as a server: keys, limits, headers, paths, bodies, starting and stopping."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connector.sandbox import Sandbox, create_app, serve
from connector.sandbox.agent_shapes import REQUEST_SHAPE
from connector.sandbox.gate import LIMIT, Window
from connector.sandbox.refusal import Refused
from connector.sandbox.search import _SHAPE as SEARCH_SHAPE
from connector.sandbox.shape import Fields, Rows, Text, check
from connector.sandbox.sonar_request import _SHAPE as SONAR_SHAPE

KEYS = (f"pplx-test-server-{number}" for number in itertools.count())
HELLO = {"effort": "fast", "input": "hello"}


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """A client with a key of its own, so that no test spends another one's rate limit."""
    shared.headers["authorization"] = f"Bearer {next(KEYS)}"
    return shared


@pytest.mark.parametrize(
    ("authorization", "status", "kind"),
    [
        pytest.param(None, 401, "invalid_api_key", id="none"),
        pytest.param("Bearer sk-other", 401, "invalid_api_key", id="another vendor's"),
        pytest.param("Basic pplx-test-1", 401, "invalid_api_key", id="another scheme"),
        pytest.param("Bearer pplx-test-invalid", 401, "invalid_api_key", id="rehearsed invalid"),
        pytest.param("Bearer pplx-test-no-credit", 401, "insufficient_quota", id="rehearsed no credit"),
        pytest.param("Bearer pplx-test-not-allowed", 403, "forbidden", id="rehearsed not allowed"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/agent", "/search", "/chat/completions"])
def test_bad_keys_are_refused(
    client: httpx.Client, path: str, authorization: str | None, status: int, kind: str
) -> None:
    """A bad key gets the error envelope at every endpoint, before the body is looked at."""
    client.headers.pop("authorization")
    headers = {} if authorization is None else {"authorization": authorization}
    answer = client.request("GET" if path == "/v1/models" else "POST", path, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (status, kind, status)


def test_the_retired_endpoints_refuse_a_good_key(client: httpx.Client) -> None:
    """Without `sonar`, every chat path answers 403 and says what replaced it."""
    paths = ["/chat/completions", "/v1/chat/completions", "/v1/sonar", "/async/chat/completions"]
    for answer in [*(client.post(path, json={}) for path in paths), client.get("/v1/async/sonar/abc")]:
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (403, "chat_completions_not_available")
        assert "Agent API" in error["message"]


def test_unknown_paths_have_no_body(client: httpx.Client) -> None:
    """`GET /models` is a 404 without content, as it is at the real API."""
    answer = client.get("/models")
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_wrong_method_is_told_the_right_one(client: httpx.Client) -> None:
    """405 comes as JSON, with an Allow header."""
    answer = client.get("/search")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == 405


def test_every_answer_carries_the_limit_headers(client: httpx.Client) -> None:
    """Also a 404 and a 401 say where the limit stands, and have a request id."""
    bad = {"authorization": "Bearer nothing"}
    for answer in [client.get("/v1/models"), client.get("/nowhere"), client.get("/v1/models", headers=bad)]:
        headers = answer.headers
        assert int(headers["x-ratelimit-limit"]) == LIMIT
        assert int(headers["x-ratelimit-remaining"]) == LIMIT - int(headers["x-ratelimit-used"])
        assert int(headers["x-ratelimit-reset"]) > 1_600_000_000
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])


def test_the_request_id_of_an_agent_answer_is_its_id(client: httpx.Client) -> None:
    """`x-request-id` is the response's id without `resp_`."""
    answer = client.post("/v1/agent", json=HELLO)
    assert answer.json()["id"] == "resp_" + answer.headers["x-request-id"]


def test_the_51st_request_of_a_second_is_one_too_many(client: httpx.Client) -> None:
    """The rate limit counts by key, and says when to come back."""
    answers = [client.get("/v1/models") for _ in range(LIMIT + 5)]
    refused = [answer for answer in answers if answer.status_code == 429]
    if not refused:  # a slow machine needed more than a second for the 55
        pytest.skip("the requests took longer than the window")
    assert refused[0].json()["error"]["type"] == "request_rate_limit_exceeded"
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["x-ratelimit-remaining"] == "0"
    client.headers["authorization"] = f"Bearer {next(KEYS)}"
    assert client.get("/v1/models").status_code == 200


def test_the_window_slides() -> None:
    """A place is free again one second after it was taken, not at the turn of a second."""
    now = 100.9
    window = Window(clock=lambda: now)
    assert not any(window.take("one").wait for _ in range(LIMIT))
    now = 101.5
    assert window.take("one").wait == pytest.approx(0.4)
    assert window.take("two").wait == 0
    now = 101.9
    assert window.take("one").wait == 0


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b'{"temperature": NaN}', id="NaN"),
        pytest.param(b'{"temperature": 1e999}', id="infinite"),
        pytest.param(b'{"max_steps": ' + b"9" * 5000 + b"}", id="a number of 5000 digits"),
        pytest.param(b'{"input": ' + DEEP.encode() + b"}", id="100000 levels"),
        pytest.param(b'{"input": ' + (b"[" * 90 + b"]" * 90) + b"}", id="90 levels"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/agent", "/search"])
def test_bodies_that_are_not_json_objects_are_refused(client: httpx.Client, path: str, body: bytes) -> None:
    """Whatever the bytes are, the answer is a 400 in the envelope."""
    answer = client.post(path, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request"


def test_a_body_over_32_mib_is_too_large(client: httpx.Client) -> None:
    """The client gets a 413, not a broken connection."""
    answer = client.post("/search", content=b" " * (33 * 1024 * 1024))
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "payload_too_large")


def test_lone_surrogates_become_replacement_characters(client: httpx.Client) -> None:
    """Half a surrogate pair is replaced, as the real decoder does; a whole pair is a character."""
    raw = rb'{"effort": "fast", "input": "half \ud83d whole \ud83d\ude00"}'
    answer = client.post("/v1/agent", content=raw)
    assert "half \ufffd whole \U0001f600" in answer.text


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, 10**40, "", "x" * 3000, [], [[]], {}, {"type": []}, [None], [{"a": {}}]]
)
@pytest.mark.parametrize(
    ("path", "start"),
    [
        ("/v1/agent", {"effort": "fast", "input": "hello"}),
        ("/search", {"query": "hello"}),
        ("/chat/completions", {"model": "sonar", "messages": [{"role": "user", "content": "hello"}]}),
    ],
)
def test_no_value_of_any_field_breaks_the_sandbox(path: str, start: dict[str, Any], value: Any) -> None:
    """Any JSON value in any known field is either taken or refused with a 400."""
    shapes = {"/v1/agent": REQUEST_SHAPE, "/search": SEARCH_SHAPE, "/chat/completions": SONAR_SHAPE}
    transport = httpx.ASGITransport(create_app(sonar=True))

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.example") as client:
            return [
                (
                    await client.post(
                        path,
                        content=json.dumps({**start, field: value}),
                        headers={"authorization": f"Bearer {next(KEYS)}"},
                    )
                ).status_code
                for field in shapes[path].known
            ]

    assert set(asyncio.run(statuses())) <= {200, 400}


def test_models_are_listed_with_prices(client: httpx.Client) -> None:
    """The list has the vendor's shape and ids of the form provider/name."""
    body = client.get("/v1/models").json()
    assert body["object"] == "list"
    first = body["data"][0]
    assert set(first) == {"id", "object", "created", "owned_by", "pricing"}
    assert {model["owned_by"] for model in body["data"]} == {
        "anthropic",
        "google",
        "openai",
        "perplexity",
        "xai",
    }
    assert first["pricing"]["unit"] == "usd_per_1m_tokens"


def test_a_taken_port_is_an_oserror() -> None:
    """Both ways of starting say so before anything runs."""
    with Sandbox() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), Sandbox(port=port):
            pass
        with pytest.raises(OSError, match="in use"):
            serve(port=port, sonar=False, ready=lambda url: None)


def test_a_port_that_does_not_exist_is_an_oserror() -> None:
    """So that one except clause is enough for a command line."""
    with pytest.raises(OSError, match="no port 70000"), Sandbox(port=70_000):
        pass


def test_nothing_is_left_behind() -> None:
    """After the with block the port is free and the thread has ended."""
    threads = threading.active_count()
    with Sandbox() as sandbox:
        httpx.get(f"{sandbox.url}/v1/models", trust_env=False)
    assert threading.active_count() == threads, threading.enumerate()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(sandbox.url.rpartition(":")[2]))) != 0


def test_serve_tells_its_url_and_ends_quietly_on_ctrl_c(capfd: pytest.CaptureFixture[str]) -> None:
    """`serve` blocks; an interrupt ends it without a traceback, and nothing is printed."""
    urls: list[str] = []

    def ready(url: str) -> None:
        urls.append(url)
        os.kill(os.getpid(), signal.SIGINT)

    serve(port=0, sonar=False, ready=ready)
    assert urls[0].startswith("http://127.0.0.1:")
    assert capfd.readouterr() == ("", "")


def test_a_refusal_names_the_place_of_the_wrong_value() -> None:
    """The path of a wrong value goes into `param`, with the places in lists."""
    shape = Fields({"rows": Rows(Fields({"name": Text()}))})
    with pytest.raises(Refused) as refused:
        check({"rows": [{"name": "a"}, {"name": 1}]}, shape)
    assert refused.value.param == "rows[1].name"
