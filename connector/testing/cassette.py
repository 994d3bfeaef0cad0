"""Where a cassette lies, what may stand in it, and how a request is matched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import vcr
from vcr.cassette import Cassette
from vcr.record_mode import RecordMode

from connector.manifest import Action, Connector, Example
from connector.secret import Redactor, Secret
from connector.testing.cassette_file import FromFile, Kept

REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
RESPONSE_HEADERS: Final = frozenset({"content-type", "retry-after", "x-request-id"})


def path_of(connector: Connector, action: Action, example: Example) -> Path:
    """The cassette of an example: derived from the manifest, never written by hand.

    Beside the folder `manifests` where the connector lies in one, else inside the connector's own folder.
    """
    folder = connector.folder.resolve()
    root = (
        folder.parent.parent / "cassettes" / folder.name
        if folder.parent.name == "manifests"
        else folder / "cassettes"
    )
    return root / action.id / f"{example.id}.yaml"


def replaying(path: Path) -> AbstractContextManager[Cassette]:
    """Answer requests from a cassette, and nothing from the network.

    Raises:
        CassetteError: on entering, if it cannot be read.
    """
    tape = _vcr(RecordMode.NONE, Redactor(), "", FromFile())
    played: AbstractContextManager[Cassette] = tape.use_cassette(str(path))
    return played


@contextmanager
def recording(path: Path, secrets: Iterable[Secret], against: str) -> Iterator[Cassette]:
    """Send requests, and write what comes to a cassette without secrets, cookies and account ids.

    It is written in the end, in one step, and only if nothing was raised.

    Args:
        path: of the cassette; a folder that is missing is made.
        secrets: masked wherever they stand.
        against: the host to write down instead of the one that answered.

    Raises:
        CassetteError: it would hold a secret, or cannot be written.
    """
    kept = Kept()
    with _vcr(RecordMode.ALL, Redactor(secrets), against, kept).use_cassette(str(path)) as cassette:
        yield cassette
    kept.write(path)


def _vcr(mode: RecordMode, redactor: Redactor, against: str, persister: Any) -> vcr.VCR:
    tape = vcr.VCR(
        record_mode=mode,
        match_on=("method", "path", "query", "json"),
        decode_compressed_response=True,
        before_record_request=_request_scrubber(redactor, against),
        before_record_response=_response_scrubber(redactor),
    )
    tape.register_matcher("json", body)  # its name is what a mismatch is called
    tape.persister = persister
    return tape


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
        return parse_qs(bytes(body).decode("utf-8", "surrogateescape"), keep_blank_values=True)
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


def _request_scrubber(redactor: Redactor, against: str) -> Callable[[Any], Any]:
    def scrub(request: Any) -> Any:
        parts = urlsplit(redactor.text(request.uri))
        if against:
            target = urlsplit(against)
            parts = parts._replace(scheme=target.scheme, netloc=target.netloc)
        request.uri = urlunsplit(parts)
        request.headers = {
            k: redactor.text(str(v)) for k, v in request.headers.items() if k.lower() in REQUEST_HEADERS
        }
        if request.body:
            request.body = redactor.text(request.body.decode("utf-8", "surrogateescape")).encode()
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
            response["body"]["string"] = redactor.text(content.decode("utf-8", "surrogateescape")).encode(
                "utf-8", "surrogateescape"
            )
        return response

    return scrub
