"""One call and one stream, as each client makes them. A client is built once and then asked again and again.

What is built gives the answer's text (a call) or the number of its pieces of text (a stream), so that nobody is
measured who does not do the work. Each client is imported when it is built: in its own process.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from benchmarks.answers import BODY, INPUTS, KEY, MODEL, QUERY

Call = Callable[[], str]
Stream = Callable[[], int]

_DELTA = "response.output_text.delta"
_HEADERS = {"Authorization": f"Bearer {KEY}"}


def opened(url: str, **more: Any) -> Any:
    """A connection of ours that waits for no limit of an account."""
    import connector
    from connector.manifest import Limits

    return connector.connect("perplexity", api_key=KEY, base_url=url, limits=Limits(), **more)


def _connector_call(url: str) -> Call:
    run = opened(url).run
    return lambda: str(run("create_chat_completion", INPUTS).outputs["content"])


def _connector_search(url: str) -> Call:
    run = opened(url).run
    return lambda: str(run("execute_search", QUERY).outputs["first_url"])


def _transport_call(url: str) -> Call:
    """The connector's own transport, called directly: what is left is the connector's own work."""
    import httpx

    from connector import transport as network

    sent: list[httpx.Request] = []

    class Watched(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return transport.handle_request(request)

    transport = network.open_transport()
    opened(url, transport=Watched()).run("create_chat_completion", INPUTS)
    request = sent[0]

    def call() -> str:
        response = transport.handle_request(request)
        content = response.read()
        response.close()
        return content.decode()

    return call


def _httpx_call(url: str) -> Call:
    import httpx

    client = httpx.Client(base_url=url, headers=_HEADERS, timeout=60)
    return lambda: text_of(client.post("/v1/agent", json=BODY).json())


def _httpx_transport_call(url: str) -> Call:
    """What carries a call of httpx, called directly: no client above it, and a body that is ready."""
    import httpx

    transport = httpx.HTTPTransport()
    place, body = httpx.URL(f"{url}/v1/agent"), json.dumps(BODY).encode()

    def call() -> str:
        response = transport.handle_request(httpx.Request("POST", place, headers=_HEADERS, content=body))
        content = response.read()
        response.close()
        return content.decode()

    return call


def _httpx_search(url: str) -> Call:
    import httpx

    client = httpx.Client(base_url=url, headers=_HEADERS, timeout=60)
    return lambda: str(client.post("/search", json=QUERY).json()["results"][0]["url"])


def _httpx2_call(url: str) -> Call:
    import httpx2

    client = httpx2.Client(base_url=url, headers=_HEADERS, timeout=60)
    return lambda: text_of(client.post("/v1/agent", json=BODY).json())


def _sdk_call(url: str) -> Call:
    from perplexity import Perplexity

    create: Any = Perplexity(api_key=KEY, base_url=url, max_retries=0).responses.create
    return lambda: str(create(**BODY).output_text)


def _openai_call(url: str) -> Call:
    from openai import OpenAI

    create: Any = OpenAI(api_key=KEY, base_url=url, max_retries=0).responses.create
    return lambda: str(create(extra_body=BODY).output_text)


def _socket_call(url: str) -> Call:
    wire = _Wire(url)

    def call() -> str:
        wire.send(BODY)
        head, _, body = wire.receive().partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += wire.receive()
        return text_of(json.loads(body))

    return call


class _Wire:
    """A socket that speaks as much HTTP as this server needs: the limit of what Python can do."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), int(parts.port or 80)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"POST /v1/agent HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {KEY}\r\n"

    def send(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self._socket.sendall(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def receive(self) -> bytes:
        if not (received := self._socket.recv(65536)):
            raise EOFError("the server has closed the connection")
        return received


def text_of(answer: dict[str, Any]) -> str:
    """The text of a chat answer."""
    return str(answer["output"][-1]["content"][0]["text"])


def _connector_stream(url: str) -> Stream:
    stream = opened(url).stream
    return lambda: sum(event.delta is not None for event in stream("create_chat_completion", INPUTS))


def _httpx_stream(url: str) -> Stream:
    import httpx

    client = httpx.Client(base_url=url, headers=_HEADERS, timeout=60)
    return lambda: sum(map(is_delta, _lines(client)))


def _httpx2_stream(url: str) -> Stream:
    import httpx2

    client = httpx2.Client(base_url=url, headers=_HEADERS, timeout=60)
    return lambda: sum(map(is_delta, _lines(client)))


def _lines(client: Any) -> Iterator[str]:
    with client.stream("POST", "/v1/agent", json={**BODY, "stream": True}) as response:
        yield from response.iter_lines()


def is_delta(line: str | bytes) -> bool:
    """Whether a line of events is data that holds a piece of text."""
    mark = "data: " if isinstance(line, str) else b"data: "
    return line.startswith(mark) and json.loads(line[6:])["type"] == _DELTA  # type: ignore[arg-type]


def _sdk_stream(url: str) -> Stream:
    from perplexity import Perplexity

    create: Any = Perplexity(api_key=KEY, base_url=url, max_retries=0).responses.create
    return lambda: sum(event.type == _DELTA for event in create(**BODY, stream=True))


def _sdk_chat_stream(url: str) -> Stream:
    from perplexity import Perplexity

    create: Any = Perplexity(api_key=KEY, base_url=url, max_retries=0).chat.completions.create
    messages = INPUTS["messages"]
    return lambda: sum(
        bool(chunk.choices[0].delta.content) for chunk in create(model=MODEL, messages=messages, stream=True)
    )


def _openai_stream(url: str) -> Stream:
    from openai import OpenAI

    create: Any = OpenAI(api_key=KEY, base_url=url, max_retries=0).responses.create
    return lambda: sum(event.type == _DELTA for event in create(extra_body=BODY, stream=True))


def _socket_stream(url: str) -> Stream:
    wire = _Wire(url)

    def stream() -> int:
        wire.send({**BODY, "stream": True})
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += wire.receive()
        return sum(map(is_delta, received.split(b"\n")))

    return stream


CALLS: dict[str, Callable[[str], Call]] = {
    "connector": _connector_call,
    "its transport": _transport_call,
    "httpx": _httpx_call,
    "httpx's transport": _httpx_transport_call,
    "httpx2": _httpx2_call,
    "perplexityai": _sdk_call,
    "openai": _openai_call,
    "socket": _socket_call,
}
SEARCHES: dict[str, Callable[[str], Call]] = {"connector": _connector_search, "httpx": _httpx_search}
STREAMS: dict[str, Callable[[str], Stream]] = {
    "connector": _connector_stream,
    "httpx": _httpx_stream,
    "httpx2": _httpx2_stream,
    "perplexityai": _sdk_stream,
    "perplexityai, chat": _sdk_chat_stream,
    "openai": _openai_stream,
    "socket": _socket_stream,
}
