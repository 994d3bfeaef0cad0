"""What looks like a secret in recorded exchanges.

The connection's own in any form, credentials that are known by theirs, headers that hold such, and random values
under names such as `token`.

A cassette is committed and read by strangers, so it is not written while anything is found. What is none - the
mark of the next page, an id - is allowed by its place, which the cassette then names for whoever reads it. The
connection's own secrets and private keys cannot be allowed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from connector.secret import MASK, Redactor
from connector.sse import EventParser, EventTooLongError
from connector.strict_json import parse

STAND_IN: Final = "test-token"
"""What stands in a cassette for a token that the service issued."""

_HEADERS: Final = {
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-amz-security-token",
}

# Each begins with what cannot be anything else, so that none is looked for letter by letter.
_FORMS: Final = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a JSON Web Token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
    "a value of an Authorization header": r"\b(?:Bearer|Basic|Token) +(?=[A-Za-z._~+/-]*\d)[A-Za-z0-9._~+/-]{16,}",
    "a user name and password in a URL": r"://[^\s/?#@:\"']+:[^\s/?#@\"']+@",
    "a Perplexity key": r"\bpplx-[A-Za-z0-9]{16,}",
    "an OpenAI or Anthropic key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a Stripe key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "a GitHub token": r"\b(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_\w{30,})",
    "a GitLab token": r"\bgl(?:pat|dt|rt|ptt|oas)-[\w-]{20,}",
    "an AWS key id": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "a Google key": r"\b(?:AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{28})",
    "a Slack token": r"\b(?:xox[a-z]-[\w-]{10,}|xapp-\d-[\w-]{10,})|hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}",
    "a PyPI token": r"\bpypi-[\w-]{40,}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "a SendGrid key": r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    "a Shopify token": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "a DigitalOcean token": r"\bdo[opr]_v1_[0-9a-f]{64}",
}
_NEVER: Final = "a private key"
_ANY_FORM: Final = re.compile("|".join(f"({pattern})" for pattern in _FORMS.values()))
_FAKE: Final = re.compile(r"\btest[-_]|\*{8}|\b(?:your|my)[-_ ]|x{8}|<", re.IGNORECASE)

_SECRET_NAME: Final = re.compile(
    r"passw(?:or)?d|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|auth_?key|credential|"
    r"signature|authorization|cookie|session_?id|sas_?url|webhook_?url",
)
_PLAIN_NAME: Final = re.compile(
    r"(?:page|next|prev|previous|sync|continuation|cursor|delta|start)_?(?:page_?)?token|"
    r"tokens|token_?(?:type|count|id|limit|usage)|signature_?(?:version|type|method)",
)
_ALWAYS_SECRET: Final = re.compile(r"passw(?:or)?d|passwd|passphrase")
ISSUED: Final = frozenset({"access_token", "refresh_token", "id_token"})
"""Names under which OAuth gives tokens."""


@dataclass(frozen=True)
class Finding:
    """Something that looks like a secret; the value itself is never in it."""

    place: str
    what: str
    can_be_allowed: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def findings(
    requests: Sequence[Any], responses: Sequence[Any], redactor: Redactor | None = None
) -> list[Finding]:
    """What looks like a secret in exchanges, by place, each place once.

    Args:
        requests: of a cassette.
        responses: the answer to each.
        redactor: of the connection's own secrets, in all their forms.
    """
    found: dict[str, Finding] = {}
    for place, name, text in _texts(requests, responses):
        if one := _judged(place, name, text, redactor):
            known = found.get(place)
            if known is None or (known.can_be_allowed and not one.can_be_allowed):
                found[place] = one
    return list(found.values())


def _judged(place: str, name: str, text: str, redactor: Redactor | None) -> Finding | None:
    if redactor is not None and redactor.finds(text):
        return Finding(place, "a secret of the connection", can_be_allowed=False)
    for match in _ANY_FORM.finditer(text):
        what = list(_FORMS)[(match.lastindex or 1) - 1]
        if what == _NEVER or not _FAKE.search(match[0]):
            return Finding(place, what, can_be_allowed=what != _NEVER)
    if place.split(".")[1] == "headers" and name in _HEADERS and text != MASK:
        return Finding(place, "a header that holds credentials")
    if name and _is_secret_name(name) and _is_value(name, text):
        return Finding(place, f"a random value under the name {name!r}")
    return None


def _is_secret_name(name: str) -> bool:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return bool(_SECRET_NAME.search(plain)) and not _PLAIN_NAME.search(plain)


def _is_value(name: str, text: str) -> bool:
    """Whether a text under such a name is a secret rather than a word about one."""
    if not text or text == MASK or _FAKE.search(text) or any(sign.isspace() for sign in text):
        return False
    if _ALWAYS_SECRET.search(name.lower()):
        return len(text) >= 4 and text.lower() not in {"null", "none", "true", "false", "password"}
    is_address = re.match(r"https?://[^?]*\Z", text)
    has_digits = any(sign.isdigit() for sign in text)
    return len(text) >= 16 and has_digits and not is_address and _bits(text) >= 3.0


def _bits(text: str) -> float:
    """Bits of information a character: 3.5 or more for random letters and digits, up to 4 for hexadecimal."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


# --- every text of an exchange, with its place and the name it stands under


def _texts(requests: Sequence[Any], responses: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    for request, response in zip(requests, responses, strict=True):
        parts = urlsplit(request.uri)
        yield "request.url", "", f"{parts.scheme}://{parts.netloc}{parts.path}"
        for name, value in parse_qsl(parts.query):
            yield f"request.query.{name}", name, value
        yield from _of_headers("request", request.headers)
        yield from _of_content("request", request.body)
        yield from _of_headers("response", response["headers"])
        yield from _of_content("response", response["body"]["string"])


def _of_headers(side: str, headers: Any) -> Iterator[tuple[str, str, str]]:
    for name, value in headers.items():
        for text in value if isinstance(value, list) else [value]:
            yield f"{side}.headers.{name.lower()}", name.lower(), str(text)


def _of_content(side: str, content: bytes | None) -> Iterator[tuple[str, str, str]]:
    if not content:
        return
    try:
        yield from _of_value(parse(content), f"{side}.body", "")
    except ValueError:
        text = content.decode("utf-8", "replace")
        yield f"{side}.body", "", text
        if side == "request":
            for name, value in parse_qsl(text, max_num_fields=1000):
                yield f"{side}.body.{name}", name, value
        for data in _events(content):
            yield from _of_event(data, side)


def _events(content: bytes) -> Iterable[bytes]:
    parser = EventParser()
    try:
        return [event.data for event in (*parser.feed(content), *parser.end())]
    except EventTooLongError:
        return []


def _of_event(data: bytes, side: str) -> Iterator[tuple[str, str, str]]:
    try:
        value = parse(data)
    except ValueError:
        return
    yield from _of_value(value, f"{side}.event", "")


def _of_value(value: Any, place: str, name: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, str):
        yield place, name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{place}.{key}", "", key
            yield from _of_value(inner, f"{place}.{key}", key)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_value(inner, f"{place}[]", name)
