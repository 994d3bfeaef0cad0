"""What goes over a connection, kept: whole, bounded, without secrets, and without changing what the caller gets."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import tiny

from connector.connection import resolve
from connector.errors import ConnectorError, TransportError
from connector.observed import MAX_KEPT, Exchange, Observed
from connector.run import OpenConnection

KEY = "test-0123456789-secret"


class Pieces(httpx.SyncByteStream):
    """An answer's body as it comes."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


class Scripted(httpx.BaseTransport):
    """Gives what it was told to give."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers, pieces = answer
        return httpx.Response(status, headers=headers, stream=Pieces(pieces))


def observed(folder: Path, *answers: Any, auth: str = "bearer") -> tuple[Any, tuple[Exchange, ...]]:
    """What a run gives or raises, and what was kept of it."""
    connection = resolve(tiny.write_tiny(folder, auth=auth), {"key": KEY}, environ={})
    kept = Observed(connection.redactor, {"Authorization", "X-Key", "api_key"}, Scripted(*answers))
    with OpenConnection(connection, kept) as opened:
        try:
            found: Any = opened.run("look", {"part": "a b"}, retries=0)
        except ConnectorError as error:
            found = error
    return found, kept.exchanges


JSON = {"content-type": "application/json"}


def test_an_exchange_is_kept_as_it_went(tmp_path: Path) -> None:
    """The pieces of the body are joined; the caller gets them all the same."""
    found, (one,) = observed(tmp_path, (200, {**JSON, "x-a": "b"}, [b'{"na', b'me": "x"}']))
    assert found.outputs == {"name": "x"}
    assert (one.method, one.url) == ("GET", "https://tiny.test/api/items/seven/x?part=a+b&v=2")
    assert one.request_headers["Authorization"] == "Bearer ********"
    assert (one.status, one.reason, one.response_headers["x-a"]) == (200, "OK", "b")
    assert (one.response_body, one.response_size, one.is_cut) == ('{"name": "x"}', 13, False)
    assert one.seconds > 0


@pytest.mark.parametrize("auth", tiny.AUTHS)
@pytest.mark.parametrize("where", ["body", "header", "half"])
def test_no_secret_is_kept(tmp_path: Path, auth: str, where: str) -> None:
    """Not of the request, and not what an answer echoes."""
    if auth == "oauth2":
        pytest.skip("its token is another exchange: see test_cli_try")
    body = f'{{"name": "{KEY if where == "body" else KEY[:12]}"}}'.encode()
    _, kept = observed(tmp_path, (200, {**JSON, "x-a": KEY if where == "header" else ""}, [body]), auth=auth)
    assert KEY not in repr(kept)
    assert KEY[:12] not in repr(kept)


def test_what_is_packed_is_shown_unpacked(tmp_path: Path) -> None:
    """Gzip, and what only says that it is."""
    packed = gzip.compress(b'{"name": "x"}')
    found, (one,) = observed(tmp_path, (200, {**JSON, "content-encoding": "gzip"}, [packed]))
    assert (found.outputs["name"], one.response_body, one.response_size) == (
        "x",
        '{"name": "x"}',
        len(packed),
    )
    (tmp_path / "b").mkdir()
    found, (one,) = observed(tmp_path / "b", (200, {**JSON, "content-encoding": "gzip"}, [b"no gzip"]))
    assert isinstance(found, TransportError)
    assert one.response_body == "no gzip"


def test_a_bomb_stays_small(tmp_path: Path) -> None:
    """What is kept is bounded, packed or not."""
    bomb = gzip.compress(b"x" * 20_000_000)
    _, (one,) = observed(tmp_path, (500, {**JSON, "content-encoding": "gzip"}, [bomb]))
    assert len(one.response_body) <= MAX_KEPT
    (tmp_path / "b").mkdir()
    _, (one,) = observed(tmp_path / "b", (200, JSON, [b'"', *[b"x" * 100_000] * 9, b'"']))
    assert (len(one.response_body), one.response_size, one.is_cut) == (MAX_KEPT, 900_002, True)


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("late")])
def test_no_answer_is_kept_as_none(tmp_path: Path, error: Exception) -> None:
    """The request is there; the error is the caller's."""
    found, (one,) = observed(tmp_path, error)
    assert isinstance(found, TransportError)
    assert (one.status, one.response_body, one.method) == (None, "", "GET")
