"""Faults that are a refusal: the API's envelope for each status, or what a proxy answers instead of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response

from connector.sandbox.fault import Fault
from connector.sandbox.gate import INVALID_KEY, NO_CREDIT_KEY, NOT_ALLOWED_KEY, accepted_key
from connector.sandbox.refusal import Refused, retired
from connector.sandbox.reply import json_reply

_REHEARSED = {"expired-key": INVALID_KEY, "no-credit": NO_CREDIT_KEY, "not-allowed": NOT_ALLOWED_KEY}
_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"

# The types of 402 and 503 were never seen; the others are the API's.
_SAID = {
    400: ("invalid_request", "The request is not valid."),
    401: ("invalid_api_key", "Invalid API key provided. Ensure your API key is correct and active."),
    402: ("insufficient_quota", "Your tier does not include this model."),
    403: ("forbidden", "This API key may not use this endpoint."),
    404: ("not_found", "resource not found"),
    413: ("payload_too_large", "request body exceeds 32 MiB"),
    424: ("external_connector_error", "A service that the answer needs has failed."),
    429: ("request_rate_limit_exceeded", "Request rate limit exceeded, please try again later."),
    500: ("internal_error", "The server had an error while it worked on the request."),
    502: ("bad_gateway", "The server got no valid answer from upstream."),
    503: ("service_unavailable", "The server cannot take the request now."),
    504: ("gateway_timeout", "The server got no answer from upstream in time."),
}


def refused_with(status: int) -> Refused:
    """The refusal that a status stands for."""
    kind, message = _SAID.get(status) or _SAID[500 if status >= 500 else 400]
    return Refused(message, status=status, type=kind)


def refusal(
    fault: Fault,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    envelope: Callable[[Refused], Any] = Refused.envelope,
) -> Response | None:
    """The answer that a fault is, if it is a refusal; `envelope` gives its body."""
    refused = _refused(fault)
    if refused is None:
        return None
    headers = _come_back(fault.arguments.get("retry-after"), now)
    form = fault.arguments.get("body", "json")
    if form == "json":
        return json_reply(envelope(refused), refused.status, headers)
    page = _PAGE.format(f"{refused.status} from a proxy") if form == "html" else ""
    return Response(page, refused.status, headers, media_type="text/html")


def _refused(fault: Fault) -> Refused | None:
    if fault.name == "retired":
        return retired()
    if fault.name in _REHEARSED:
        try:
            accepted_key(f"Bearer {_REHEARSED[fault.name]}")
        except Refused as refused:
            return refused
    return refused_with(fault.status) if fault.status else None


def _come_back(wanted: str | None, now: Callable[[], datetime]) -> dict[str, str]:
    if wanted is None:
        return {}
    if wanted.endswith("ms"):
        return {"retry-after-ms": wanted.removesuffix("ms")}
    if wanted.startswith("date+"):
        later = now() + timedelta(seconds=int(wanted.removeprefix("date+")))
        return {"retry-after": format_datetime(later, usegmt=True)}
    return {"retry-after": wanted}
