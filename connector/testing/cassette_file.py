"""The files of cassettes: written whole or not at all and without secrets, read whatever they hold."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from shlex import quote
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import yaml
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.serialize import deserialize, serialize
from vcr.serializers import yamlserializer

from connector import private_file
from connector.errors import ConnectorError
from connector.secret import Redactor
from connector.strict_json import parse
from connector.testing.secret_scan import findings

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 50
_AGAIN = "Record it again with `connector record`; cassettes are not written by hand."
_BINARY = "tag:yaml.org,2002:binary"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CassetteError(ConnectorError):
    """A cassette that is missing, cannot be read or written, does not fit, or would hold a secret.

    Attributes:
        details: lines that show it, such as a difference.
    """

    kind = "bad_cassette"

    def __init__(self, message: str, *, where: str, hint: str, details: Collection[str] = ()) -> None:
        super().__init__(message, where=where, hint=hint)
        self.details = tuple(details)

    def __str__(self) -> str:
        return "\n".join((super().__str__(), *(f"  {line}" for line in self.details)))


@dataclass(frozen=True)
class Recorded:
    """What a cassette holds: requests, the answer to each, and what was noted when they were recorded."""

    requests: list[Any]
    responses: list[dict[str, Any]]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def on(self) -> date | None:
        """The day on which it was recorded."""
        try:
            return date.fromisoformat(str(self.metadata.get("recorded_on")))
        except ValueError:
            return None

    @property
    def against(self) -> str:
        """What answered: `the sandbox`, `a mock of the manifest`, or a URL; empty if it is not known."""
        return str(self.metadata.get("recorded_against") or "")

    @property
    def outputs(self) -> Any:
        """The action's outputs as they were then; None where they were not noted."""
        try:
            return parse(str(self.metadata.get("outputs")).encode("utf-8", "replace"))
        except ValueError:
            return None

    @property
    def allowed(self) -> frozenset[str]:
        """The places at which something looks like a secret, and is none."""
        listed = self.metadata.get("allowed")
        return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()


def read(path: Path) -> tuple[list[Any], list[dict[str, Any]]]:
    """The requests of a cassette, and the answer to each; errors are those of recorded."""
    found = recorded(path)
    return found.requests, found.responses


def recorded(path: Path) -> Recorded:
    """What a cassette holds.

    Raises:
        CassetteError: there is none, or it is not one: too large, nested without end, with anchors or tags,
            or without what a recorded exchange has. None of this costs more than reading it.
    """
    text = _text(path)
    try:
        for wrong in _structure(text):
            raise _error(path, wrong)
        requests, responses, *rest = deserialize(text, yamlserializer)
        metadata = rest[0] if rest else {}
        fits = (
            all(map(_is_request, requests))
            and all(map(_is_response, responses))
            and isinstance(metadata, dict)
        )
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise _error(path, "It does not describe recorded exchanges.")
    return Recorded(requests, responses, metadata)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        wrong = "There is no cassette." if missing else f"It cannot be read: {error.strerror}."
    else:
        if len(content) <= MAX_BYTES:
            return content.decode("utf-8", "replace")
        wrong = f"It is larger than {MAX_BYTES // 1024 // 1024} MiB."
    raise _error(path, wrong)


def _structure(text: str) -> Iterator[str]:
    """What makes YAML dangerous to build values from, found without building any."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if getattr(event, "anchor", None):
            yield "It has an anchor or an alias, which recording writes none of."
        if getattr(event, "tag", None) not in {None, _BINARY}:
            yield "It has a tag, which recording writes none of."
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield f"It is nested deeper than {MAX_DEPTH} levels."


def _is_request(request: Any) -> bool:
    urlsplit(request.uri)
    return isinstance(request.method, str) and isinstance(request.body, bytes | None)


def _is_response(response: Any) -> bool:
    match response:
        case {"status": {"code": int(code)}, "headers": dict(headers), "body": {"string": bytes()}}:
            return 100 <= code < 600 and all(isinstance(values, list) for values in headers.values())
    return False


def write(path: Path, kept: Recorded, redactor: Redactor, allow: Collection[str] = ()) -> None:
    """Put a cassette in its place, in one step.

    Args:
        path: where.
        kept: what it is to hold.
        redactor: of the connection's secrets.
        allow: places at which something looks like a secret, and is none; the cassette lists those that count.

    Raises:
        CassetteError: it would hold a secret, or cannot be written; the old file is untouched.
    """
    found = findings(kept.requests, kept.responses, redactor)
    refused = [one for one in found if not one.can_be_allowed or one.place not in allow]
    if refused:
        allowable = [quote(one.place) for one in refused if one.can_be_allowed]
        hint = "Look at what the service answers, and at the example's inputs."
        if allowable:
            hint += f" What is no secret is allowed by its place: --allow {' --allow '.join(allowable)}"
        message = "It would hold what looks like a secret, and was not written."
        raise CassetteError(message, where=str(path), hint=hint, details=list(map(str, refused)))
    metadata = dict(kept.metadata)
    if found:
        metadata["allowed"] = sorted(one.place for one in found)
    text = serialize({**vars(kept), "metadata": metadata}, yamlserializer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        private_file.replace(path, text.encode(), is_private=False)
    except OSError as error:
        reason = error.strerror
    else:
        return
    hint = "Make room, or allow writing there, and record it again; the old one is as it was."
    failed = CassetteError(f"It cannot be written: {reason}.", where=str(path), hint=hint)
    failed.kind = "unwritable"  # nothing is wrong with it, unlike with those that a check finds
    raise failed


def noted(outputs: Mapping[str, Any]) -> str:
    """Outputs as a cassette keeps them: one text, for YAML would give values that are equal one anchor."""
    return json.dumps(dict(outputs), ensure_ascii=False, separators=(",", ":"))


class Kept:
    """What vcrpy keeps a recording in, until it is known to be whole.

    Attributes:
        recorded: what came, when the recording is over.
    """

    def __init__(self) -> None:
        self.recorded = Recorded([], [])

    def load_cassette(self, path: str, serializer: Any) -> Any:  # noqa: ARG002 - vcrpy's protocol
        """While recording, there is nothing yet."""
        raise CassetteNotFoundError

    def save_cassette(self, path: str, content: Mapping[str, Any], serializer: Any) -> None:  # noqa: ARG002
        """Take what was recorded."""
        self.recorded = Recorded(content["requests"], content["responses"])


class Played:
    """What vcrpy replays from."""

    def __init__(self, exchanges: Recorded) -> None:
        self._exchanges = exchanges

    def load_cassette(self, path: str, serializer: Any) -> Any:  # noqa: ARG002 - vcrpy's protocol
        """The exchanges."""
        return self._exchanges.requests, self._exchanges.responses

    @staticmethod
    def save_cassette(path: str, content: Any, serializer: Any) -> NoReturn:  # noqa: ARG004
        """A replay changes nothing."""
        raise AssertionError(os.fspath(path))


def _error(path: Path, wrong: str) -> CassetteError:
    return CassetteError(wrong, where=str(path), hint=_AGAIN)
