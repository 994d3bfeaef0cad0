"""Answers that were recorded: the exchanges of a connector's cassettes, by the request that they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector.manifest import Connector
from connector.plan import chosen_route


@dataclass(frozen=True)
class Recorded:
    """An answer as it was recorded; `headers` are those that a cassette keeps."""

    status: int
    headers: Mapping[str, str]
    content: bytes


_Key = tuple[str, str, str, str]


@dataclass
class Tape:
    """Recorded answers. One that was recorded several times for a request is given in the recorded order, over and over."""

    answers: dict[_Key, list[Recorded]] = field(default_factory=dict)
    _given: dict[_Key, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many answers there are."""
        return sum(map(len, self.answers.values()))

    def answer(self, method: str, path: str, query: list[tuple[str, str]], body: bytes) -> Recorded | None:
        """The answer to a request; None if none like it was recorded.

        Args:
            method: in capitals.
            path: percent-encoded, without what the base URL ends with.
            query: without what proves who asks.
            body: as it came.
        """
        key = _key(method, path, query, body)
        known = self.answers.get(key)
        if known is None:
            return None
        number = self._given[key] = self._given.get(key, -1) + 1
        return known[number % len(known)]


def tape_of(connector: Connector, prefixes: Mapping[tuple[str, str], str]) -> Tape:
    """The cassettes of a connector's examples; none where vcrpy, which reads them, is not installed.

    Args:
        connector: whose examples they are.
        prefixes: of the recorded paths, by action and route: what the base URL ends with.

    Raises:
        ConnectorError: a cassette that cannot be read.
    """
    try:
        from connector.testing.cassette_file import read  # noqa: PLC0415 - needs the extra `test`
        from connector.testing.examples import path_of  # noqa: PLC0415
    except ImportError as error:
        if str(error.name).startswith("connector"):
            raise
        return Tape()
    tape = Tape()
    auth = connector.connection.auth
    hidden = {auth.name if auth.kind == "query" else "", *(key.name for key in auth.also)}
    for action in connector.actions.values():
        for example in action.examples:
            path = path_of(connector, action, example)
            if not path.is_file():
                continue
            prefix = prefixes[action.id, chosen_route(action, connector.connection.defaults, example.route)]
            for request, response in zip(*read(path), strict=False):
                url = urlsplit(request.uri)
                query = [
                    pair for pair in parse_qsl(url.query, keep_blank_values=True) if pair[0] not in hidden
                ]
                key = _key(request.method, url.path.removeprefix(prefix), query, request.body or b"")
                tape.answers.setdefault(key, []).append(_answer(response))
    return tape


def _key(method: str, path: str, query: list[tuple[str, str]], body: bytes) -> _Key:
    return method, path, json.dumps(sorted(query)), _normal(body)


def _normal(body: bytes) -> str:
    """Bodies that say the same are the same: JSON by value."""
    try:
        return json.dumps(json.loads(body), sort_keys=True) if body else ""
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")


def _answer(response: Mapping[str, Any]) -> Recorded:
    headers = {name.lower(): values[0] for name, values in response["headers"].items() if values}
    return Recorded(response["status"]["code"], headers, response["body"]["string"])
