"""What may stand in a cassette, and how a request is matched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit, urlunsplit

import vcr
from vcr.cassette import Cassette
from vcr.record_mode import RecordMode

from connector.secret import MASK, Redactor, Secret
from connector.testing.cassette_file import Kept, Played, Recorded, write
from connector.testing.examples import path_of as path_of  # noqa: PLC0414 - it is found here too
from connector.testing.secret_scan import ISSUED, STAND_IN

REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
RESPONSE_HEADERS: Final = frozenset({"content-type", "retry-after", "x-request-id"})
_ISSUED: Final = re.compile(rf'("(?:{"|".join(sorted(ISSUED))})"\s*:\s*)"(?:[^"\\]|\\.)+"')


def replaying(recorded: Recorded, secrets: Iterable[Secret]) -> AbstractContextManager[Cassette]:
    """Answer requests from recorded exchanges, and nothing from the network.

    Args:
        recorded: the exchanges.
        secrets: masked in requests, as they were when they were recorded.
    """
    tape = _vcr(RecordMode.NONE, Redactor(secrets), _Moved(), Played(recorded))
    played: AbstractContextManager[Cassette] = tape.use_cassette("what is recorded")
    return played


@contextmanager
def taking(secrets: Iterable[Secret], against: str, base_url: str = "") -> Iterator[Kept]:
    """Send requests, and keep what comes, without secrets, cookies and account ids.

    Args:
        secrets: masked wherever they stand.
        against: the URL to write down instead of `base_url`; empty for the one that answered.
        base_url: of the connection; if empty, only the host is written down anew.
    """
    kept = Kept()
    moved = _Moved(against, base_url)
    with _vcr(RecordMode.ALL, Redactor(secrets), moved, kept).use_cassette("what is recorded"):
        yield kept


@contextmanager
def recording(
    path: Path,
    secrets: Iterable[Secret],
    against: str,
    *,
    base_url: str = "",
    notes: Callable[[Recorded], Mapping[str, Any]] = lambda _: {},
    allow: Collection[str] = (),
) -> Iterator[None]:
    """As taking, and write it to a cassette: in the end, in one step, and only if nothing was raised.

    Args:
        path: of the cassette; a folder that is missing is made.
        secrets: masked wherever they stand.
        against: the URL to write down instead of `base_url`.
        base_url: of the connection; if empty, only the host is written down anew.
        notes: what the cassette is to say of itself, given what was recorded.
        allow: places at which something looks like a secret, and is none.

    Raises:
        CassetteError: it would hold a secret, or cannot be written.
    """
    secrets = tuple(secrets)
    with taking(secrets, against, base_url) as kept:
        yield
    whole = replace(kept.recorded, metadata=notes(kept.recorded))
    write(path, whole, Redactor(secrets), allow)


def _vcr(mode: RecordMode, redactor: Redactor, moved: _Moved, persister: Any) -> vcr.VCR:
    tape = vcr.VCR(
        record_mode=mode,
        match_on=("method", "path", "query", "json"),
        decode_compressed_response=True,
        before_record_request=_request_scrubber(redactor, moved),
        before_record_response=_response_scrubber(redactor if mode is RecordMode.ALL else Redactor()),
    )
    tape.register_matcher("json", body)  # its name is what a mismatch is called
    tape.register_matcher("query", query)
    tape.persister = persister
    return tape


def query(asked: Any, recorded: Any) -> None:
    """The queries say the same. A key in them was masked when it was recorded, and any stands for it now."""
    one, other = (_values(urlsplit(request.uri).query) for request in (asked, recorded))
    is_same = one.keys() == other.keys() and all(
        values == other[name] or set(other[name]) == {MASK} for name, values in one.items()
    )
    if not is_same:
        raise AssertionError(f"asked {_shown(sorted(one.items()))}; recorded {_shown(sorted(other.items()))}")


def _values(encoded: str) -> dict[str, list[str]]:
    return parse_qs(encoded, keep_blank_values=True, max_num_fields=10_000)


def body(asked: Any, recorded: Any) -> None:
    """The bodies say the same.

    JSON by value, so key order does not matter but types do; a urlencoded form by its names, each with its
    values in their order.
    """
    if _normal(asked) != _normal(recorded):
        raise AssertionError(f"asked {_shown(asked.body)}; recorded {_shown(recorded.body)}")


def _normal(request: Any) -> Any:
    body = request.body
    if body and _is_urlencoded(request.headers):
        return _values(bytes(body).decode("utf-8", "surrogateescape"))
    try:
        return json.dumps(json.loads(body), sort_keys=True) if body else None
    except (ValueError, RecursionError):
        return bytes(body)


def _is_urlencoded(headers: Mapping[str, Any]) -> bool:
    named = " ".join(str(value) for name, value in headers.items() if name.lower() == "content-type")
    return "application/x-www-form-urlencoded" in named.lower()


def _shown(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return text if len(text) < 2000 else f"{text[:2000]}..."


class _Moved(NamedTuple):
    """Where requests are said to have gone."""

    against: str = ""
    base_url: str = ""

    def uri(self, uri: str) -> str:
        """The URI as it is written down."""
        if not self.against:
            return uri
        if self.base_url and uri.startswith(self.base_url):
            return self.against + uri[len(self.base_url) :]
        parts, target, base = urlsplit(uri), urlsplit(self.against), urlsplit(self.base_url)
        if self.base_url and parts.netloc != base.netloc:  # another host of the service
            return uri
        return urlunsplit(parts._replace(scheme=target.scheme, netloc=target.netloc))


def _request_scrubber(redactor: Redactor, moved: _Moved) -> Callable[[Any], Any]:
    def scrub(request: Any) -> Any:
        request.uri = redactor.text(moved.uri(request.uri))
        request.headers = {
            k: redactor.text(str(v)) for k, v in request.headers.items() if k.lower() in REQUEST_HEADERS
        }
        if request.body:
            text = redactor.text(request.body.decode("utf-8", "surrogateescape"))
            request.body = text.encode("utf-8", "surrogateescape")
        return request

    return scrub


def _response_scrubber(redactor: Redactor) -> Callable[[Any], Any]:
    def scrub(response: Any) -> Any:
        kept = {name.lower(): values for name, values in response["headers"].items()}
        response["headers"] = {
            name: [redactor.text(value) for value in kept[name]]
            for name in sorted(RESPONSE_HEADERS & kept.keys())
        }
        content = response["body"].get("string")
        if isinstance(content, bytes):
            text = redactor.text(content.decode("utf-8", "surrogateescape"))
            # tokens that the service issues are secrets which nobody knew before
            text = _ISSUED.sub(rf'\g<1>"{STAND_IN}"', text)
            response["body"]["string"] = text.encode("utf-8", "surrogateescape")
        return response

    return scrub
