"""The answer to a request for an access token: the token, or why there is none (RFC 6749, 4.4.3 and 5.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from connector.connection import Connection, is_header_value
from connector.errors import ApiError, CredentialError
from connector.http import httpx
from connector.network_errors import place
from connector.refusal import MAX_ERROR
from connector.retry import retry_after
from connector.secret import Redactor, Secret
from connector.strict_json import parse

_SHORTEST: Final = 8  # characters of a token that is none by chance
_LONGEST: Final = 16_384  # characters; servers take no longer headers
_SAID: Final = 300  # characters of what the service says that are shown
_OF_SOMEBODY_ELSE: Final = (
    "Check token_url: a login page or a proxy may have answered instead of the service."
)
_CLIENT: Final = "Check the client's id and secret in the connection"

# the service's word for why it refuses -> our kind, and what to do
_REFUSALS: Final = {
    "invalid_client": ("bad_credential", f"{_CLIENT}, and `send_as` in the manifest: basic or form."),
    "unauthorized_client": ("not_allowed", "Allow this client, at the service, to ask for tokens by itself."),
    "invalid_scope": (
        "not_allowed",
        "Check the scopes, and that the service allows the client to have them.",
    ),
    "invalid_grant": ("bad_credential", f"{_CLIENT}."),
    "invalid_request": ("unexpected", "Check scopes, parameters and send_as under auth in the manifest."),
    "invalid_target": ("not_allowed", "Check the audience or resource under auth in the manifest."),
    "unsupported_grant_type": ("unexpected", "Check token_url: this one gives no tokens to clients alone."),
    "access_denied": ("not_allowed", "Allow this client, at the service, to ask for tokens by itself."),
}
_BY_STATUS: Final = {
    401: ("bad_credential", f"{_CLIENT}, and `send_as` in the manifest: basic or form."),
    403: ("not_allowed", "The client may not ask for tokens, or a firewall refused it. Check its rights."),
    404: ("not_found", "Check token_url."),
    429: ("rate_limited", "Wait, then run it again."),
}
_BY_CLASS: Final = {
    3: ("unexpected", "Set token_url to where the service really is; redirects are not followed."),
    4: ("bad_credential", f"{_CLIENT}, and token_url."),
    5: ("server_fault", "The service failed. Run it again later."),
}


@dataclass(frozen=True)
class Grant:
    """An access token, and the seconds from its request for which it is good; None: the service does not say."""

    token: Secret
    seconds: float | None


def granted(response: httpx.Response, connection: Connection) -> Grant:
    """The token that an answer grants. Every token in the answer is masked from here on, whatever is wrong with it.

    Raises:
        ApiError: the service refuses, in OAuth's words or others.
        CredentialError: the answer holds no token that can be used.
    """
    found = _read(response, connection.redactor)
    if isinstance(found, Grant):
        return found
    if isinstance(found, str):
        hide = connection.redactor.text
        message = hide(f"There is no access token: {found}.")
        raise CredentialError(message, where=place(response.request), hint=_OF_SOMEBODY_ELSE)
    raise _refused(response, found, connection)


@dataclass(frozen=True)
class _Refusal:
    """What an answer says of why there is no token."""

    word: str
    description: str


def _read(response: httpx.Response, redactor: Redactor) -> Grant | _Refusal | str:
    """The token; or the refusal; or what is wrong with the answer. Nothing is raised where the token is."""
    is_long = len(response.content) > MAX_ERROR
    try:
        body = None if is_long else parse(response.content)
    except ValueError:
        body = None
    for name, value in body.items() if isinstance(body, dict) else ():
        if name.endswith("token") and isinstance(value, str) and len(value) >= _SHORTEST:
            redactor.learn(Secret(value))
    if not response.is_success or (isinstance(body, dict) and isinstance(body.get("error"), str)):
        return _refusal(body)
    if is_long:
        return f"the answer is longer than {MAX_ERROR // 1024} KiB"
    form = response.headers.get("content-type", "").partition(";")[0].strip()[:80] or "of no type"
    if not isinstance(body, dict):
        return f"the answer is not a JSON object ({form}, {len(response.content)} bytes)"
    token, kind = body.get("access_token"), body.get("token_type")
    if not isinstance(token, str) or not token:
        return "the answer has no access_token"
    if len(token) > _LONGEST or " " in token or not is_header_value(token):
        return "what the answer gives as access_token cannot stand in a header"
    # the RFC has it be there and read bearer; some leave it out, some write BearerToken
    if not (kind is None or (isinstance(kind, str) and kind.lower().startswith("bearer"))):
        return f"it is of the type {_plain(kind)[:40]!r}, and only bearer tokens are known here"
    return Grant(Secret(token), _seconds(body.get("expires_in")))


def _refusal(body: Any) -> _Refusal:
    said = body if isinstance(body, dict) else {}
    return _Refusal(_plain(said.get("error")), _plain(said.get("error_description")))


def _plain(value: Any) -> str:
    """A text on one line, without what steers a terminal; empty for anything else."""
    text = value if isinstance(value, str) else ""
    return "".join(char if char.isprintable() else " " for char in text[:_SAID]).strip().rstrip(".")


def _seconds(value: Any) -> float | None:
    """`expires_in`, a number or, against the RFC, a text; None where it makes no sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < math.inf else None


def _refused(response: httpx.Response, told: _Refusal, connection: Connection) -> ApiError:
    status, redactor = response.status_code, connection.redactor
    kind, hint = (
        _REFUSALS.get(told.word) or _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, _BY_CLASS[4])
    )
    said = ": ".join(
        filter(None, (f"{status} {response.reason_phrase}".strip(), told.word, told.description))
    )
    return ApiError(
        redactor.text(f"There is no access token: the service answered {said}."),
        kind=kind,
        status=status,
        where=place(response.request),
        hint=hint,
        request_id=redactor.text(response.headers.get("x-request-id", "")) or None,
        retry_after=retry_after(response.headers),
    )
