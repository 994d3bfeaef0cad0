"""The files of cassettes: written whole or not at all and without secrets, read whatever they hold."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import yaml
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.serialize import deserialize, serialize
from vcr.serializers import yamlserializer

from connector import private_file
from connector.errors import ConnectorError

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 50
_AGAIN = "Record it again with `connector record`; cassettes are not written by hand."
_LOOKS_SECRET = re.compile(r"pplx-(?!test-)[A-Za-z0-9]{16,}|\bBearer [A-Za-z0-9._~+/-]{12,}")
_BINARY = "tag:yaml.org,2002:binary"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CassetteError(ConnectorError):
    """A cassette that is missing, cannot be read or written, does not fit, or would hold a secret."""

    kind = "bad_cassette"


def read(path: Path) -> tuple[list[Any], list[dict[str, Any]]]:
    """The requests of a cassette, and the answer to each.

    Raises:
        CassetteError: there is none, or it is not one: too large, nested without end, with anchors or tags,
            or without what a recorded exchange has. None of this costs more than reading it.
    """
    text = _text(path)
    try:
        for wrong in _structure(text):
            raise _error(path, wrong)
        requests, responses, *_ = deserialize(text, yamlserializer)
        fits = all(map(_is_request, requests)) and all(map(_is_response, responses))
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise _error(path, "It does not describe recorded exchanges.")
    return requests, responses


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


class Kept:
    """What vcrpy is given to keep a recording in, until it is known to be whole; or to replay from."""

    def __init__(self) -> None:
        self._text = ""

    def load_cassette(self, path: str, serializer: Any) -> Any:  # noqa: ARG002 - vcrpy's protocol
        """What is replayed; while recording, there is nothing yet."""
        raise CassetteNotFoundError

    def save_cassette(self, path: str, content: Mapping[str, Any], serializer: Any) -> None:  # noqa: ARG002
        """Take what was recorded."""
        self._text = serialize(content, serializer)

    def write(self, path: Path) -> None:
        """Put it in its place, in one step.

        Raises:
            CassetteError: it would hold a secret, or cannot be written; the old file is untouched.
        """
        if _LOOKS_SECRET.search(self._text):
            hint = "Look at what the service answers, and at the example's inputs."
            raise CassetteError(
                "It would hold what looks like a secret, and was not written.", where=str(path), hint=hint
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            private_file.replace(path, self._text.encode(), is_private=False)
        except OSError as error:
            reason = error.strerror
        else:
            return
        hint = "Make room, or allow writing there, and record it again; the old one is as it was."
        raise CassetteError(f"It cannot be written: {reason}.", where=str(path), hint=hint)


class FromFile:
    """What vcrpy replays from."""

    @staticmethod
    def load_cassette(path: str, serializer: Any) -> Any:  # noqa: ARG004 - vcrpy's protocol
        """The exchanges."""
        return read(Path(path))

    @staticmethod
    def save_cassette(path: str, content: Any, serializer: Any) -> NoReturn:  # noqa: ARG004
        """A replay changes nothing."""
        raise AssertionError(os.fspath(path))


def _error(path: Path, wrong: str) -> CassetteError:
    return CassetteError(wrong, where=str(path), hint=_AGAIN)
