"""The network: whatever a server does, a whole answer or an error of ours, and the key goes nowhere else."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import os
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from leaks import KEY, everything_shown, leaked
from loopback import Answer, Loopback, close, http, reset

from benchmarks.certificate import write
from connector import certificates, wire
from connector.errors import CutOff, Timeout, TransportError, Unreachable
from connector.network_errors import place, translated
from connector.transport import (
    MAX_BYTES,
    open_async_transport,
    open_transport,
    send,
    send_async,
)

Fetch = Callable[..., list[httpx.Response]]

HEAD = b"HTTP/1.1 200 OK\r\n"
TEXT = b'{"a": "' + b"text " * 1000 + b'"}'
ZIPPED = gzip.compress(TEXT)


def asked(url: str, *, read: float = 5.0, path: str = "/x", **headers: str) -> httpx.Request:
    limits = {"connect": 5.0, "read": read, "write": 5.0, "pool": 5.0}
    given = {"Authorization": f"Bearer {KEY}", **headers}
    return httpx.Request(
        "POST", url + path, headers=given, content=b'{"q":1}', extensions={"timeout": limits}
    )


@pytest.fixture(params=["sync", "async", "uvloop"])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    """Sends requests one after the other through one pool, whatever waits; gives the answers."""

    def in_turn(*requests: httpx.Request, pause: float = 0.0) -> list[httpx.Response]:
        opened, answers = open_transport(), []
        try:
            for one in requests:
                answers.append(send(opened, one))
                time.sleep(pause)
        finally:
            opened.close()
        return answers

    async def in_turn_async(*requests: httpx.Request, pause: float = 0.0) -> list[httpx.Response]:
        opened, answers = open_async_transport(), []
        try:
            for one in requests:
                answers.append(await send_async(opened, one))
                await asyncio.sleep(pause)
        finally:
            await opened.aclose()
        return answers

    if request.param == "sync":
        return in_turn
    loop = pytest.importorskip("uvloop").new_event_loop if request.param == "uvloop" else None

    def run(*requests: httpx.Request, **options: float) -> list[httpx.Response]:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(in_turn_async(*requests, **options))

    return run


# --- answers that are whole


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


CHUNKED = {"Transfer-Encoding": "chunked"}
GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(http(200, TEXT), TEXT, id="length"),
        pytest.param(http(200, b""), b"", id="empty"),
        pytest.param(HEAD + b"\r\n" + TEXT, TEXT, id="until-close"),
        pytest.param(http(200, chunked(TEXT[:7], TEXT[7:]), CHUNKED, length=False), TEXT, id="chunked"),
        pytest.param(http(200, ZIPPED, GZIP), TEXT, id="gzip"),
        pytest.param(http(200, ZIPPED, {"Content-Encoding": "X-GZip"}), TEXT, id="x-gzip"),
        pytest.param(
            http(200, chunked(ZIPPED[:9], ZIPPED[9:]), {**CHUNKED, **GZIP}, length=False), TEXT, id="both"
        ),
        pytest.param(http(200, gzip.compress(b"a") + gzip.compress(b"b"), GZIP), b"ab", id="two-gzips"),
        pytest.param(http(200, b"", GZIP), b"", id="gzip-of-nothing"),
        pytest.param(http(200, TEXT, {"Content-Encoding": "identity"}), TEXT, id="identity"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http(200, TEXT), TEXT, id="early-hints"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + TEXT, TEXT, id="http-1.0"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", b"a", id="no-reason"),
    ],
)
def test_a_whole_answer_is_read(fetch: Fetch, answer: bytes, body: bytes) -> None:
    """In every way that HTTP can carry it."""
    with Loopback((answer, close)) as server:
        (response,) = fetch(asked(server.url))
    assert (response.status_code, response.content) == (200, body)
    assert "content-encoding" not in response.headers


def test_bytes_that_come_one_by_one(fetch: Fetch) -> None:
    """Where packets end means nothing."""
    answer = http(200, ZIPPED[:-8] + ZIPPED[-8:], GZIP)
    with Loopback(tuple(answer[i : i + 1] for i in range(len(answer)))) as server:
        assert fetch(asked(server.url))[0].content == TEXT


# --- answers that are not

BOMB = gzip.compress(bytes(MAX_BYTES + 1), 1)
NOT_ASKED = "compressed in a way that was not asked for"


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        pytest.param((reset,), CutOff, "connection broke", id="reset-before"),
        pytest.param((close,), CutOff, "connection broke", id="closed-before"),
        pytest.param((HEAD + b"Cont", reset), CutOff, "connection broke", id="reset-in-head"),
        pytest.param((HEAD + b"Cont", close), CutOff, "connection broke", id="closed-in-head"),
        pytest.param((http(200, TEXT)[:-9], reset), CutOff, "connection broke", id="reset-in-body"),
        pytest.param((http(200, TEXT)[:-9], close), CutOff, "connection broke", id="short-body"),
        pytest.param(
            (http(200, chunked(TEXT, end=b""), CHUNKED, length=False), close), CutOff, "broke", id="no-last-chunk"
        ),
        pytest.param((http(200, b"zz\r\nab\r\n", CHUNKED, length=False), close), CutOff, "broke", id="bad-chunk"),
        pytest.param((b"\x00\x01garbage\r\n\r\n", close), CutOff, "not HTTP", id="garbage"),
        pytest.param((b"<html>hello</html>", close), CutOff, "not HTTP", id="http-0.9"),
        pytest.param((b"HTTP/1.1 abc OK\r\n\r\n", close), CutOff, "not HTTP", id="bad-status"),
        pytest.param((HEAD + b"X: a\0b\r\n\r\n", close), CutOff, "not HTTP", id="nul-in-header"),
        pytest.param((HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n", close), CutOff, "not HTTP", id="huge-header"),
        pytest.param(
            (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", close), CutOff, "not HTTP", id="two-lengths"
        ),
        pytest.param((HEAD + b"Content-Length: -1\r\n\r\n", close), CutOff, "not HTTP", id="negative-length"),
        pytest.param((http(200, ZIPPED[:-9], GZIP),), CutOff, "before its compressed text", id="cut-gzip"),
        pytest.param((http(200, ZIPPED[:5], GZIP),), CutOff, "before its compressed text", id="cut-gzip-head"),
        pytest.param(
            (HEAD + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED[:-1], close),
            CutOff,
            "before its compressed text",
            id="cut-gzip-without-length",
        ),
        pytest.param((http(200, ZIPPED[:-6] + b"123456", GZIP),), CutOff, "compressed wrongly", id="bad-checksum"),
        pytest.param((http(200, TEXT, GZIP),), CutOff, "compressed wrongly", id="not-gzip"),
        pytest.param((http(200, ZIPPED + b"xyz", GZIP),), CutOff, "compressed wrongly", id="more-than-gzip"),
        pytest.param((http(200, TEXT, {"Content-Encoding": "br"}),), CutOff, f"{NOT_ASKED} ('br')", id="brotli"),
        pytest.param((http(200, TEXT, {"Content-Encoding": "gzip, gzip"}),), CutOff, NOT_ASKED, id="gzip-twice"),
        pytest.param((http(200, zlib.compress(TEXT), {"Content-Encoding": "deflate"}),), CutOff, NOT_ASKED, id="deflate"),
        pytest.param((http(200, BOMB, GZIP),), CutOff, "longer than 32 MiB", id="bomb"),
        pytest.param((http(200, bytes(MAX_BYTES + 1)),), CutOff, "longer than 32 MiB", id="long"),
        pytest.param((5.0,), Timeout, "too long to read", id="silence"),
        pytest.param((HEAD, 5.0), Timeout, "too long to read", id="silence-in-head"),
        pytest.param((http(200, TEXT)[:-9], 5.0), Timeout, "too long to read", id="silence-in-body"),
    ],
)  # fmt: skip
def test_a_broken_answer_is_told(fetch: Fetch, answer: Answer, kind: type, said: str) -> None:
    """Never a part of an answer, never another library's error, never an empty message."""
    with Loopback(answer) as server, pytest.raises(TransportError) as caught:
        fetch(asked(server.url, read=0.15))
    error = caught.value
    assert type(error) is kind
    assert said in error.message
    assert error.where == f"POST {server.url}/x"
    assert error.hint
    assert error.__context__ is None
    assert leaked(everything_shown(error)) == []
    assert len(server.requests) == 1


def test_nothing_is_left_open_after_a_fault(fetch: Fetch) -> None:
    """A connection whose answer was not read to its end is closed."""
    with Loopback((http(200, TEXT)[:-9], 5.0)) as server:
        with pytest.raises(Timeout):
            fetch(asked(server.url, read=0.1))
        assert server.still_open() == 0


# --- connections that are kept


def test_a_connection_is_used_again(fetch: Fetch) -> None:
    """Three requests, one connection; it is closed with the pool."""
    with Loopback(http(200, TEXT)) as server:
        fetch(*[asked(server.url)] * 3)
        assert (len(server.requests), server.connections) == (3, 1)
        assert server.still_open() == 0


def test_a_connection_that_the_server_closed_is_not_used_again(fetch: Fetch) -> None:
    """The next request goes over a new one."""
    with Loopback((http(200, b"1"), close), http(200, b"2")) as server:
        answers = fetch(asked(server.url), asked(server.url), pause=0.05)
    assert [answer.content for answer in answers] == [b"1", b"2"]
    assert server.connections == 2


def test_no_request_is_sent_twice(fetch: Fetch) -> None:
    """A kept connection that breaks under a request may have carried it: whoever pays decides."""
    with Loopback(http(200, b"1"), (reset,)) as server:
        with pytest.raises(CutOff):
            fetch(asked(server.url), asked(server.url))
        assert (len(server.requests), server.connections) == (2, 1)


def test_a_request_that_was_under_way_when_all_was_closed_keeps_no_connection() -> None:
    """Another thread may close them between the last look and the sending."""

    async def late(url: str) -> None:
        opened = open_async_transport()
        await opened.aclose()
        await send_async(opened, asked(url))

    with Loopback(http(200, TEXT)) as server:
        opened = open_transport()
        opened.close()
        send(opened, asked(server.url))
        asyncio.run(late(server.url))
        assert (server.connections, server.still_open()) == (2, 0)


@pytest.mark.parametrize("way", ["asyncio", "uvloop"])
def test_another_event_loop_makes_a_connection_of_its_own(way: str) -> None:
    """Over that of the first one a request would go out, and its answer would never come."""
    make = pytest.importorskip(way).new_event_loop
    opened = open_async_transport()

    with (
        Loopback(http(200, b"1"), http(200, b"2")) as server,
        asyncio.Runner(loop_factory=make) as first,
        asyncio.Runner(loop_factory=make) as second,
    ):
        answers = [runner.run(send_async(opened, asked(server.url))) for runner in (first, second)]
        second.run(opened.aclose())
        first.run(asyncio.sleep(0))
        assert (server.connections, server.still_open()) == (2, 0)
    assert [answer.content for answer in answers] == [b"1", b"2"]


@pytest.mark.parametrize("pause", [0.0, 0.3], ids=["in-one-packet", "later"])
def test_an_answer_that_nobody_asked_for_is_never_given(fetch: Fetch, pause: float) -> None:
    """Bytes after an answer do not become the answer to the next request."""
    evil = http(200, b"evil")
    first: Answer = (http(200, b"1") + evil,) if pause == 0 else (http(200, b"1"), 0.02, evil)
    with Loopback(first, http(200, b"2")) as server:
        answers = fetch(asked(server.url), asked(server.url), pause=pause)
    assert [answer.content for answer in answers] == [b"1", b"2"]
    assert server.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_forked_process_makes_connections_of_its_own(way: str) -> None:
    """Else one would read the other's answer; and what the child closes stays open for its parent."""
    with Loopback(lambda received: http(200, received.target)) as server:
        if way == "sync":
            opened = open_transport()
            assert send(opened, asked(server.url)).json() == "/x"
            child = os.fork()
            if child == 0:
                in_the_child(lambda: sent_and_closed(opened, asked(server.url, path="/child")))
            assert os.waitpid(child, 0)[1] == 0
            assert send(opened, asked(server.url)).json() == "/x"
            opened.close()
        else:
            asyncio.run(forked(server.url))
        assert [one.connection for one in server.requests] == [0, 1, 0]


def sent_and_closed(opened: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    answer = send(opened, request)
    opened.close()
    return answer


def in_the_child(fetch: Callable[[], httpx.Response]) -> NoReturn:
    ended = False
    try:
        ended = fetch().json() == "/child"
    finally:
        os._exit(0 if ended else 1)


async def forked(url: str) -> None:
    opened = open_async_transport()
    assert (await send_async(opened, asked(url))).json() == "/x"
    child = os.fork()
    if child == 0:
        in_the_child(lambda: asyncio.run(send_async(opened, asked(url, path="/child"))))
    assert (await asyncio.to_thread(os.waitpid, child, 0))[1] == 0
    assert (await send_async(opened, asked(url))).json() == "/x"
    await opened.aclose()


def test_cookies_are_not_kept(fetch: Fetch) -> None:
    """What one call was given, the next does not send."""
    with Loopback(http(200, b"", {"Set-Cookie": "session=1; Path=/"})) as server:
        fetch(asked(server.url), asked(server.url))
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


# --- where the key goes


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(fetch: Fetch, status: int) -> None:
    """The other origin sees nothing: no key and no body."""
    with Loopback(http(200, b"{}")) as other:
        moved = http(status, b"", {"Location": f"{other.url}/y"})
        with Loopback(moved) as server:
            (response,) = fetch(asked(server.url))
        assert response.status_code == status
        assert (other.requests, other.connections) == ([], 0)


@pytest.mark.parametrize(
    "location", ["http://[", "//", "http://\udcff", "http://a:99999/", "\t", "x" * 70_000], ids=ascii
)
def test_a_malformed_redirect_is_an_answer_like_any(fetch: Fetch, location: str) -> None:
    """Its Location is nobody's business here."""
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
    with Loopback(head + location.encode(errors="surrogateescape") + b"\r\n\r\n") as server:
        assert fetch(asked(server.url))[0].status_code == 302


def test_no_proxy_is_taken_from_the_environment(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """HTTP_PROXY, ALL_PROXY and netrc are for others: a key in plain HTTP would pass through them."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password pplx-test-netrc")
    with Loopback(http(502, b"proxy")) as proxy, Loopback(http(200, b"direct")) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("NETRC", str(netrc))
        assert fetch(asked(server.url))[0].content == b"direct"
        assert proxy.connections == 0
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


# --- connections that cannot be made


def test_a_refused_connection_is_told(fetch: Fetch) -> None:
    """Nothing was sent, and the message says why."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unreachable, match="the host refused it") as caught:
        fetch(asked(url))
    assert leaked(everything_shown(caught.value)) == []


def test_an_answer_in_plain_http_to_tls_is_told(fetch: Fetch) -> None:
    """https to a server that does not speak it."""
    with Loopback((http(400, b"plain"), close)) as server, pytest.raises(Unreachable, match="TLS failed"):
        fetch(asked(server.url.replace("http:", "https:")))


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that nobody has vouched for."""
    certificate, key = write(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.hazard("E15")
def test_an_untrusted_certificate_is_refused(fetch: Fetch, self_signed: ssl.SSLContext) -> None:
    """Before the key is sent."""
    with Loopback(http(200, b"{}"), tls=self_signed) as server:
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            fetch(asked(server.url))
        assert server.requests == []


@pytest.mark.hazard("E12")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_what_hides_behind_an_answer_is_not_the_next_one(
    fetch: Fetch, self_signed: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    """In a packet or a TLS record of its own, which is read ahead; after an answer that fills what is read at once."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(wire, "tls", lambda: trusting)
    planted = http(200, b'{"planted": true}')
    head = b"HTTP/1.1 200 OK\r\nContent-Length: "
    filling = head + b"65490\r\n\r\n"  # with its body 65,536 bytes
    filling += b" " * (65536 - len(filling))
    for answer in (http(200, TEXT), filling):
        with Loopback((answer, planted), tls=self_signed if secure else None) as server:
            answers = fetch(*(asked(server.url) for _ in range(4)), pause=0.01)
        assert b"planted" not in b"".join(one.content for one in answers)


# --- httpx's errors become ours

HTTPX_ERRORS = [
    error for _, error in inspect.getmembers(httpx, inspect.isclass) if issubclass(error, Exception)
]


@pytest.mark.parametrize("error", HTTPX_ERRORS, ids=lambda error: error.__name__)
def test_every_error_of_httpx_is_translated(error: type[Exception]) -> None:
    """By its type: its own text may be empty, or quote a header."""
    made = error.__new__(error)
    made.args = (f"Illegal header value b'Bearer {KEY}'",)
    ours = translated(made, asked("http://127.0.0.1"))
    assert isinstance(ours, TransportError)
    assert all([ours.message, ours.hint, ours.where == "POST http://127.0.0.1/x"])
    assert leaked(f"{ours} {ours!r} {vars(ours)}") == []


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (httpx.ConnectTimeout(""), Unreachable, "No connection could be made in time."),
        (httpx.PoolTimeout(""), Unreachable, "All connections were in use for too long."),
        (httpx.WriteTimeout(""), Timeout, "It took too long to send the request."),
        (httpx.ReadTimeout(""), Timeout, "It took too long to read the answer."),
        (httpx.ConnectError("All connection attempts failed"), Unreachable, "the host cannot be reached"),
        (httpx.ProxyError(""), Unreachable, "The proxy made no connection."),
        (httpx.UnsupportedProtocol(""), Unreachable, "The URL cannot be requested."),
        (httpx.RemoteProtocolError(""), CutOff, "The connection broke"),
        (httpx.ReadError(""), CutOff, "The connection broke"),
        (httpx.DecodingError(""), CutOff, "compressed wrongly"),
        (ConnectionResetError(""), CutOff, "The connection broke"),
        (zlib.error(""), CutOff, "compressed wrongly"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_cause_has_its_words(error: Exception, kind: type, said: str) -> None:
    """Waiting for a connection, making it, sending and reading are told apart."""
    ours = translated(error, asked("http://127.0.0.1"))
    assert type(ours) is kind
    assert said in ours.message


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (socket.gaierror(-2, "Name oder Dienst nicht bekannt"), "there is no such host"),
        (UnicodeError("label too long"), "there is no such host"),
        (ConnectionRefusedError(111, "Verbindungsaufbau abgelehnt"), "the host refused it"),
        (ExceptionGroup("", [ConnectionRefusedError(), OSError()]), "the host refused it"),
        (ssl.SSLCertVerificationError(), "the server's TLS certificate is not trusted"),
        (ssl.SSLError("wrong version number"), "TLS failed"),
        (OSError(113, "No route to host"), "the host cannot be reached"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_why_no_connection_was_made(cause: Exception, said: str) -> None:
    """Whatever words the system has for it, and however deep it lies."""
    error, inner = httpx.ConnectError("nope"), OSError("All connection attempts failed")
    error.__cause__, inner.__cause__ = inner, cause
    assert translated(error, asked("http://x")).message == f"No connection could be made: {said}."


def mocked(handler: Callable[[httpx.Request], httpx.Response], way: str) -> httpx.Response:
    request, given = asked("http://127.0.0.1"), httpx.MockTransport(handler)
    return send(given, request) if way == "sync" else asyncio.run(send_async(given, request))


@pytest.mark.parametrize("way", ["sync", "async"])
def test_httpx_quotes_a_header_and_we_do_not(way: str) -> None:
    """Neither in the text nor in the context of the error."""

    def quote(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {request.headers['authorization']!r}")

    with pytest.raises(TransportError) as caught:
        mocked(quote, way)
    assert leaked(everything_shown(caught.value)) == []


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize(
    "error", [KeyError("x"), AssertionError("x"), RuntimeError("x"), KeyboardInterrupt()], ids=repr
)
def test_what_is_no_fault_of_the_network_passes(error: BaseException, way: str) -> None:
    """A mistake in a given transport, or Ctrl-C, is not dressed up."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(type(error)):
        mocked(fail, way)


def refuse(connection: socket.socket) -> None:
    connection.sendall(http(413, b"too long", {"Connection": "close"}))
    time.sleep(0.1)
    close(connection)


def test_an_answer_that_comes_before_all_is_sent_is_read(fetch: Fetch) -> None:
    """Such as 413, after which the service takes no more of the request."""
    long = httpx.Request("POST", "http://127.0.0.1", content=b"a" * 8_000_000)
    with Loopback(http(), first=(refuse,)) as server:
        long.url = httpx.URL(server.url)
        assert [answer.status_code for answer in fetch(long)] == [413]


# --- interrupted


class Interrupted(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"{"
        raise KeyboardInterrupt

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise KeyboardInterrupt

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_interrupt_closes_the_answer(way: str) -> None:
    """Ctrl-C in the middle of a body leaves nothing open."""
    stream = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        mocked(lambda request: httpx.Response(200, stream=stream), way)
    assert stream.is_closed


@pytest.mark.parametrize(
    "answer", [(5.0,), (HEAD, 5.0), (http(200, TEXT)[:-9], 5.0)], ids=["before", "in-head", "in-body"]
)
def test_cancelling_closes_the_connection(answer: Answer) -> None:
    """Wherever the answer stands."""

    async def cancel(url: str) -> None:
        opened = open_async_transport()
        task = asyncio.create_task(send_async(opened, asked(url)))
        for _ in range(500):
            if server.requests:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.still_open() == 0
        await opened.aclose()

    with Loopback(answer) as server:
        asyncio.run(cancel(server.url))


@pytest.mark.parametrize(
    "words",
    [
        "Event loop is closed",
        "<asyncio.locks.Event> is bound to a different event loop",
        "Task <Task> got Future <Future> attached to a different loop",
    ],
)
def test_a_connection_of_another_event_loop_is_told(words: str) -> None:
    """asyncio's complaint becomes ours, with what to do."""

    def complain(request: httpx.Request) -> httpx.Response:
        raise RuntimeError(words)

    with pytest.raises(TransportError, match="another event loop"):
        mocked(complain, "async")


# --- what is said of a request


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host.test/a?key=pplx-test-1", "POST https://host.test/a"),
        ("https://host.test:8443/a%0Ab%2Fc", "POST https://host.test:8443/a%0Ab%2Fc"),
        ("http://[::1]:80/", "POST http://[::1]/"),
        ("https://xn--bcher-kva.test/", "POST https://xn--bcher-kva.test/"),
    ],
)
def test_a_place_is_told_without_its_query(url: str, expected: str) -> None:
    """The path stays encoded: a line break in an id does not break a log."""
    assert place(asked(url, path="")) == expected


def test_the_certificates_are_read_once() -> None:
    """Reading them costs more than a request."""
    assert certificates.tls() is certificates.tls()


def test_a_fixed_answer_may_be_given_again() -> None:
    """A transport of tests may answer with what httpx has read already."""
    fixed = httpx.Response(200, headers=GZIP, content=ZIPPED)
    answers: list[Any] = [mocked(lambda request: fixed, "sync") for _ in range(2)]
    assert [answer.content for answer in answers] == [TEXT, TEXT]
