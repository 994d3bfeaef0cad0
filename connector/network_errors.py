"""Errors of the network as ours: the one place where those of httpx, and of the system below it, are translated."""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Iterator
from typing import Final

from connector.deadline import Sending
from connector.errors import CutOff, Timeout, TransportError, Unreachable
from connector.http import httpx

# what httpx, and the system below it, raise; UnicodeError is for a host's name that cannot be one
FAILURES = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    OSError,
    UnicodeError,
    zlib.error,
)


def place(request: httpx.Request) -> str:
    """`POST https://host/path`: where a request went. The query is left out: it may hold a key."""
    url = request.url
    path = url.raw_path.partition(b"?")[0]
    return f"{request.method} {url.scheme}://{(url.netloc + path).decode('ascii', 'replace')}"


_MAY_BE_DONE: Final = "The service may have done the work all the same."
PERHAPS_DONE: Final = f"{_MAY_BE_DONE} Run it again."


def translated(error: Exception, request: httpx.Request, sending: Sending | None = None) -> TransportError:
    """An error of httpx, or of the system below it, as one of ours.

    Its own text is not used: it may be empty, and it may quote a header.
    """
    sending = sending or Sending()
    kind, message, hint = _too_late(error, sending) or _said(error)
    if kind is CutOff and sending.is_watched and not sending.is_sent:
        kind, message = Unreachable, "The connection broke before the request was sent."
        hint = "Check the network and base_url; run it again."
    return kind(message, where=place(request), hint=hint)


def _too_late(error: Exception, sending: Sending) -> tuple[type[TransportError], str, str] | None:
    if not isinstance(error, httpx.TimeoutException) or sending.deadline.left() > 0:
        return None
    passed = f"The deadline of {sending.deadline.seconds:g} seconds passed before"
    if isinstance(error, httpx.ConnectTimeout):
        return (
            Timeout,
            f"{passed} a connection was made.",
            "Check the network and base_url, or allow more time.",
        )
    if isinstance(error, httpx.WriteTimeout):
        return Timeout, f"{passed} the request was sent.", "Allow more time, or send less."
    return Timeout, f"{passed} the answer was complete.", f"{_MAY_BE_DONE} Allow more time, or ask for less."


def _said(error: Exception) -> tuple[type[TransportError], str, str]:
    match error:
        case httpx.PoolTimeout():
            hint = "Run fewer actions at once, or wait for some to end."
            return Unreachable, "All connections were in use for too long.", hint
        case httpx.ConnectTimeout():
            hint = "Check the network and base_url; run it again."
            return Unreachable, "No connection could be made in time.", hint
        case httpx.WriteTimeout():
            return Timeout, "It took too long to send the request.", "Run it again, or send less."
        case httpx.TimeoutException():
            return (
                Timeout,
                "It took too long to read the answer.",
                f"{_MAY_BE_DONE} Run it again, or ask for less.",
            )
        case httpx.ConnectError() | UnicodeError():
            hint = "Check the network and base_url."
            return Unreachable, f"No connection could be made: {_reason(error)}.", hint
        case httpx.ProxyError():
            return Unreachable, "The proxy made no connection.", "Check the proxy of the given transport."
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return Unreachable, "The URL cannot be requested.", "Check base_url."
        case httpx.LocalProtocolError():
            return (
                Unreachable,
                "The request holds what HTTP cannot carry.",
                "Check the connection's fields.",
            )
        case httpx.DecodingError() | zlib.error():
            return CutOff, "The answer is compressed wrongly.", "Run it again, or check the gateway."
        case httpx.StreamError():
            hint = "Give a fresh answer to each request."
            return TransportError, "The given transport answered with what was read before.", hint
        case RuntimeError():
            hint = "Use a connection in the event loop that it was first used in, and open another elsewhere."
            return TransportError, "The connection belongs to another event loop, or to none.", hint
        case _:
            return CutOff, "The connection broke, or what came is not HTTP.", PERHAPS_DONE


def _reason(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the server's TLS certificate is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "TLS failed"
        if isinstance(cause, (socket.gaierror, UnicodeError)):
            return "there is no such host"
        if isinstance(cause, ConnectionRefusedError):
            return "the host refused it"
    return "the host cannot be reached"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it; of several attempts to connect, the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or cause.__context__


def of_another_loop(error: RuntimeError, request: httpx.Request) -> TransportError:
    if "loop" not in str(error).lower():
        raise error
    return translated(error, request)
