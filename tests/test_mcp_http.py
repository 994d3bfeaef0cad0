"""`connector mcp --http`: who may ask, how much, how slowly; and calls in both eras of the protocol."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback, Received
from loopback import http as answer
from mcp import Client
from tools_served import INITIALIZE, KEY, calls_to, command, texts, tools

from connector.errors import InputError
from connector.mcp.guard import hosts
from connector.mcp.listening import MAX_BODY, serve
from connector.secret import Secret

TOKEN = "test-token-0123456789abcdef"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Served:
    """A server in a process of its own."""

    def __init__(self, process: Any) -> None:
        self.process = process
        line = process.stderr.readline().decode()
        self.url = line.split(" at ")[1].split(". ")[0]
        self.port = int(self.url.rpartition(":")[2].partition("/")[0])

    def post(self, body: Any = INITIALIZE, **headers: str | None) -> tuple[int, bytes]:
        """The status and the body of an answer; None leaves a header out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.putrequest("POST", "/mcp", skip_host=True)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(content)), **HEADERS}
        for name, value in {**own, **named}.items():
            if value is not None:
                line.putheader(name, value)
        line.endheaders(content)
        response = line.getresponse()
        status, start = response.status, response.read(4000) if response.status >= 400 else b""
        line.close()
        return status, start


@pytest.fixture(scope="module")
def served(sandbox_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = str(tmp_path_factory.mktemp("home"))
    with command("--http", "--port", "0", url=sandbox_url, CONNECTOR_HOME=home) as process:
        yield Served(process)


HOSTS = [
    "evil.test",
    "evil.test:{port}",
    "127.0.0.1:1",
    "localhost:{port}@evil.test",
    "127.0.0.1:{port}.evil.test",
    "localhost.:{port}",
    "LOCALHOST:{port}",
    "[::1]",
    "",
]
ORIGINS = [
    "http://evil.test",
    "null",
    "http://127.0.0.1:1",
    "http://localhost:{port}@evil.test",
    "http://127.0.0.1:{port}.evil.test",
    "http://localhost.:{port}",
    "http://LOCALHOST:{port}",
    "file://",
    "",
]


@pytest.mark.hazard("I1")
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        *(pytest.param("Host", value, 421, id=f"Host {value or 'empty'}") for value in HOSTS),
        *(pytest.param("Origin", value, 403, id=f"Origin {value or 'empty'}") for value in ORIGINS),
    ],
)
def test_a_page_that_was_led_here_is_refused(
    served: Served, name: str, value: str, status: int, figure: Callable[[str, str], None]
) -> None:
    """Host and Origin have to be this server's, letter by letter."""
    refused, body = served.post(**{name: value.format(port=served.port)})
    assert refused == status
    assert json.loads(body)["error"]["message"]
    figure(
        "I1",
        f"{len(HOSTS)} of {len(HOSTS)} values of Host and {len(ORIGINS)} of {len(ORIGINS)} of Origin refused",
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:{port}"},
        {"Host": "[::1]:{port}"},
        {"Origin": "http://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}", "Host": "localhost:{port}"},
    ],
    ids=str,
)
def test_its_own_clients_are_answered(served: Served, headers: dict[str, str]) -> None:
    """By each name of this computer."""
    status, _ = served.post(**{name: value.format(port=served.port) for name, value in headers.items()})
    assert status == 200


def test_requests_without_a_host_or_with_two_are_refused(served: Served) -> None:
    """One of two could be anything."""
    assert served.post(Host=None)[0] == 400
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        own = f"127.0.0.1:{served.port}"
        line.sendall(f"GET /mcp HTTP/1.1\r\nHost: {own}\r\nHost: evil.test\r\n\r\n".encode())
        assert line.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))


@pytest.mark.hazard("I3")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 400),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 400),
        ({"Content_Type": None}, 400),
        ({"Accept": "text/html"}, 406),
        ({"Mcp_Session_Id": "none"}, 404),
    ],
    ids=str,
)
def test_what_a_form_of_a_page_could_send_is_refused(
    served: Served, headers: dict[str, str | None], status: int
) -> None:
    """Only JSON is taken, which a page of another origin cannot send unasked."""
    assert served.post(**headers)[0] == status


@pytest.mark.hazard("I10")
def test_a_body_is_bounded(served: Served, figure: Callable[[str, str], None]) -> None:
    """Announced or not; and the server goes on."""
    assert served.post(Content_Length=str(100 * 1024 * 1024))[0] == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(MAX_BODY // 65536 + 2):
            yield b"x" * 65536

    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    line.request(
        "POST", "/mcp", pieces(), {**HEADERS, "Host": f"127.0.0.1:{served.port}"}, encode_chunked=True
    )
    assert line.getresponse().status == 413
    line.close()
    assert served.post()[0] == 200
    figure("I10", f"bodies above {MAX_BODY // 1024 // 1024} MiB refused")


def test_a_client_that_goes_away_leaves_no_traceback(tmp_path: Path) -> None:
    """In the middle of its request's body; the server goes on."""
    with command("--http", "--port", "0", CONNECTOR_HOME=str(tmp_path)) as process:
        here = Served(process)
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nContent-Length: 500\r\n"
        with socket.create_connection(("127.0.0.1", here.port)) as line:
            line.sendall(
                (head + "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items()) + "\r\n{").encode()
            )
            time.sleep(0.3)
        assert here.post()[0] == 200
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    assert "ClientDisconnect" not in said


@pytest.mark.hazard("I10")
def test_clients_that_say_nothing_do_not_keep_others_out(served: Served) -> None:
    """200 connections that have begun a request, and go on with a byte at a time."""
    lines = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(200)]
    try:
        for line in lines:
            line.sendall(b"POST /mcp HTTP/1.1\r\nX-Slow: ")
        begun = time.monotonic()
        assert served.post()[0] == 200
        assert time.monotonic() - begun < 5
    finally:
        for line in lines:
            line.close()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_lists_and_calls(served: Served, mode: str) -> None:
    """In both eras of the protocol, with progress."""
    reports: list[str | None] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append(message)

    async def run() -> Any:
        async with Client(served.url, mode=mode) as client:
            assert len((await client.list_tools()).tools) == 19
            question = {"input": "Why is the sky blue?", "effort": "fast"}
            return await client.call_tool("perplexity_create_response", question, progress_callback=report)

    result = asyncio.run(run())
    assert not result.is_error
    assert texts(result)[0].startswith(result.structured_content["content"])
    assert "reasoning: search queries" in reports


def polled(request: Received) -> bytes:
    if request.target.endswith("/cancel"):
        return answer(200, {"response_id": "resp_1", "status": "cancelling"})
    return answer(200, {"id": "resp_1", "status": "in_progress", "output": []})


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("leaves", ["client", "server"])
def test_whoever_leaves_a_run_cancels_it_at_the_service(mode: str, leaves: str, tmp_path: Path) -> None:
    """The client that cancels its call, or the server that ends."""
    arguments = {"input": "Why?", "effort": "fast", "background": True, "wait": True}

    async def run(upstream: Loopback, here: Served) -> None:
        async with Client(here.url, mode=mode) as client:
            call = asyncio.create_task(client.call_tool("perplexity_create_response", arguments))
            for _ in range(1000):
                await asyncio.sleep(0.01)
                if upstream.requests:
                    break
            await asyncio.sleep(0.1)
            if leaves == "server":
                here.process.send_signal(signal.SIGINT)
                await asyncio.to_thread(here.process.wait, 20)
            call.cancel()
            for _ in range(500):
                await asyncio.sleep(0.01)
                if upstream.requests[-1].target.endswith("/cancel"):
                    break

    with (
        Loopback(polled) as upstream,
        command("--http", "--port", "0", url=upstream.url, CONNECTOR_HOME=str(tmp_path)) as process,
    ):
        try:
            asyncio.run(asyncio.wait_for(run(upstream, Served(process)), 30))
        except BaseExceptionGroup:
            assert leaves == "server"  # its client notices
    assert [one.target for one in upstream.requests if "cancel" in one.target] == ["/v1/agent/resp_1/cancel"]


@pytest.mark.hazard("I4")
def test_the_bearer_token_of_a_client_stays_here(tmp_path: Path, figure: Callable[[str, str], None]) -> None:
    """It is asked for where one is set; the service sees the connection's key only."""
    results = answer(200, {"results": [{"title": "T", "url": "https://u.example", "snippet": ""}]})
    with (
        Loopback(results) as upstream,
        command(
            *("--http", "--port", "0", "--auth-token-env", "TOOLS_TOKEN"),
            url=upstream.url,
            TOOLS_TOKEN=TOKEN,
            CONNECTOR_HOME=str(tmp_path),
        ) as process,
    ):
        here = Served(process)
        wrong: list[str | None] = [
            None,
            "",
            "Bearer",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
        ]
        assert [here.post(Authorization=value)[0] for value in wrong] == [401] * len(wrong)
        assert here.post(Authorization=f"Bearer {TOKEN}")[0] == 200

        async def run() -> Any:
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            async with (
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as sending,
                Client(streamable_http_client(here.url, http_client=sending)) as client,
            ):
                return await client.call_tool("perplexity_execute_search", {"query": "AI"})

        assert not asyncio.run(run()).is_error
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        said = process.stderr.read() + process.stdout.read()
    (request,) = upstream.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    hits = sum(TOKEN in text for text in (*request.headers.values(), request.body.decode(), said.decode()))
    assert hits == 0
    figure("I4", f"{hits} of a client's bearer token sent on or logged")


@pytest.mark.hazard("I2")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.test"])
def test_other_computers_are_served_with_a_token_only(host: str) -> None:
    """Whoever reaches the server spends the account's credit."""
    with pytest.raises(InputError, match="--auth-token-env"):
        serve(tools(), calls_to("http://127.0.0.1:9"), port=0, ready=print, host=host)


def test_a_short_token_is_refused() -> None:
    """It could be guessed."""
    with pytest.raises(InputError, match="fewer than 16"):
        serve(tools(), calls_to("http://127.0.0.1:9"), port=0, ready=print, token=Secret("test-short"))


@pytest.mark.parametrize(
    ("bound", "port", "more", "has", "has_not"),
    [
        ("127.0.0.1", 8766, [], "127.0.0.1:8766", "127.0.0.1"),
        ("127.0.0.1", 80, [], "localhost", "127.0.0.1:8080"),
        ("::1", 8766, [], "[::1]:8766", "::1:8766"),
        ("192.0.2.1", 8766, [], "192.0.2.1:8766", "192.0.2.2:8766"),
        ("127.0.0.1", 8766, ["tools.example"], "tools.example", "tools.example:8766"),
    ],
)
def test_the_names_of_a_server(bound: str, port: int, more: list[str], has: str, has_not: str) -> None:
    """Its address and this computer's names, with the port; and those that it was told."""
    names = hosts(bound, port, more)
    assert has in names
    assert has_not not in names


def test_a_server_without_a_key_says_so_when_it_starts(tmp_path: Path) -> None:
    """And serves: the tools can be listed, and the key may still come."""
    with command("--http", "--port", "0", key=None, CONNECTOR_HOME=str(tmp_path)) as process:
        here = Served(process)
        assert b"no tool of Perplexity can be called yet" in process.stderr.readline()
        assert here.post()[0] == 200
