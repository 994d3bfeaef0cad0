"""The network: the only module that touches it. One request out, one complete answer in.

httpx's transport is called directly: no redirects are followed, no cookies kept, no proxy or netrc is read
from the environment, so a key goes to the connection's own host and to nobody else. Errors of httpx are
translated here, in one place.
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import Final

import httpx

from connector.errors import CutOff, Timeout, TransportError, Unreachable

Transport = httpx.BaseTransport
AsyncTransport = httpx.AsyncBaseTransport
Request = httpx.Request
Response = httpx.Response

MAX_BYTES: Final = 32 * 1024 * 1024
"""The longest answer that is read, decoded."""


@cache
def _tls() -> ssl.SSLContext:
    # loading the certificates costs more than a request; every connection shares them
    return httpx.create_ssl_context()


def open_transport() -> Transport:
    """A pool of connections for one connection."""
    return httpx.HTTPTransport(verify=_tls())


def open_async_transport() -> AsyncTransport:
    """As open_transport, for asyncio."""
    return httpx.AsyncHTTPTransport(verify=_tls())


def send(transport: Transport, request: httpx.Request) -> httpx.Response:
    """Send a request and read the whole answer.

    Raises:
        Timeout, Unreachable, CutOff: with the method and URL, and what to do.
    """
    try:
        response = transport.handle_request(request)
        response.request = request
        try:
            body = bytearray()
            for piece in response.iter_bytes():
                _grow(body, piece, request)
        finally:
            response.close()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, RuntimeError) as error:
        raise translated(error, request) from None
    return _complete(response, request, bytes(body))


async def send_async(transport: AsyncTransport, request: httpx.Request) -> httpx.Response:
    """As send, for asyncio."""
    try:
        response = await transport.handle_async_request(request)
        response.request = request
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                _grow(body, piece, request)
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, RuntimeError) as error:
        raise translated(error, request) from None
    return _complete(response, request, bytes(body))


def _grow(body: bytearray, piece: bytes, request: httpx.Request) -> None:
    body += piece
    if len(body) > MAX_BYTES:
        message = f"The answer is longer than {MAX_BYTES // 1024 // 1024} MiB."
        raise CutOff(message, where=place(request), hint="Ask for less, such as fewer or shorter results.")


def _complete(response: httpx.Response, request: httpx.Request, body: bytes) -> httpx.Response:
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    return httpx.Response(response.status_code, headers=headers, content=body, request=request)


def place(request: httpx.Request) -> str:
    """`POST https://host/path`: where a request went. The query is left out: it may hold a key."""
    url = request.url
    return f"{request.method} {url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}"


def translated(error: Exception, request: httpx.Request) -> TransportError:
    """An error of httpx, or of the system below it, as one of ours.

    Its own text is not used: it may be empty, and it may quote a header.
    """
    where = place(request)
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Unreachable(
            "No connection could be made in time.",
            where=where,
            hint="Check the network and base_url; run it again.",
        )
    if isinstance(error, httpx.TimeoutException):
        step = "read the answer" if isinstance(error, httpx.ReadTimeout) else "send the request"
        return Timeout(
            f"It took too long to {step}.",
            where=where,
            hint="The service may have done the work all the same. Run it again, or ask for less.",
        )
    if isinstance(error, httpx.ConnectError):
        reason = _reason(error)
        return Unreachable(
            f"No connection could be made: {reason}.", where=where, hint="Check the network and base_url."
        )
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return Unreachable("The URL cannot be requested.", where=where, hint="Check base_url.")
    if isinstance(error, httpx.DecodingError):
        return CutOff(
            "The answer is compressed wrongly.", where=where, hint="Run it again, or check the gateway."
        )
    if isinstance(error, httpx.LocalProtocolError):
        return Unreachable(
            "The request holds what HTTP cannot carry.", where=where, hint="Check the connection's fields."
        )
    return CutOff(
        "The connection broke, or what came is not HTTP.",
        where=where,
        hint="The service may have done the work all the same. Run it again.",
    )


def _reason(error: Exception) -> str:
    text = str(error).lower()
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "the server's TLS certificate is not trusted" if "certificate" in text else "TLS failed"
        cause = cause.__cause__ or cause.__context__
    if "name or service" in text or "nodename" in text or "getaddrinfo" in text or "name resolution" in text:
        return "there is no such host"
    return "the host refused it" if "refused" in text else "the host cannot be reached"
