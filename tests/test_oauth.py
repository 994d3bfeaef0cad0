"""Access tokens by client credentials: fetched when needed, kept, fetched anew, and shown to nobody."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote_plus, unquote_plus

import pytest
from leaks import KEY, everything_shown, leaked
from loopback import Loopback, Received, Wire, http
from tiny import FORM, write_tiny

from connector.connection import resolve
from connector.errors import ApiError, ConnectorError, CredentialError, TransportError
from connector.loading import load
from connector.manifest import Connector
from connector.observed import Observed
from connector.opening import aconnect, connect
from connector.plan import plan
from connector.request import build_token, curl, preview
from connector.run import OpenConnection
from connector.saved import SavedConnection
from connector.secret import MASK, Secret
from connector.testing.examples import path_of
from connector.testing.recording import record
from connector.testing.replaying import replay

TOKEN = "test-token-eyJhbGciOi-"
FIRST = f"{TOKEN}1"


class Service:
    """An API and its authorization server: each token is another, and the last one alone is good.

    Attributes:
        tokens: how many were given.
        revoked: the last one is good no more.
    """

    def __init__(self, *, expires: Any = 3600, delay: float = 0.0, path: str = "/token") -> None:
        self.tokens = 0
        self.revoked = False
        self.expires = expires
        self.delay = delay
        self.path = path
        self.refusal: bytes | None = None
        self.lock = threading.Lock()

    def __call__(self, received: Received) -> Wire:
        if received.target == self.path:
            return (self.delay, self.refusal or self._grant())
        sent = received.headers.get("authorization", "")
        if self.revoked or sent != f"Bearer {TOKEN}{self.tokens}":
            return http(401, {"error": f"no good: {sent}"})
        return http(200, {"name": f"you sent {sent}"})

    def _grant(self) -> bytes:
        with self.lock:
            self.tokens += 1
            self.revoked = False
            granted = {"access_token": f"{TOKEN}{self.tokens}", "token_type": "bearer"}
            return http(200, granted if self.expires is None else {**granted, "expires_in": self.expires})


def asked(server: Loopback, path: str = "/token") -> list[Received]:
    """The requests for tokens."""
    return [one for one in server.requests if one.target == path]


@pytest.fixture
def tiny(tmp_path: Path) -> Connector:
    return write_tiny(tmp_path, auth="oauth2", sent=FORM)


@pytest.fixture
def opened(tiny: Connector) -> Callable[..., OpenConnection]:
    """Opens a connection to a server."""
    return lambda server, **fields: connect(tiny, key=KEY, base_url=server.url, **fields)


# --- the exchange


def test_the_exchange_in_full(opened: Callable[..., OpenConnection]) -> None:
    """Id and secret as basic auth, the rest as a form; then the token goes with the request, and the secret does not."""
    with Loopback(Service()) as server, opened(server) as connection:
        result = connection.run("look", {})
        exchange, request = server.requests
    assert (exchange.method, exchange.target) == ("POST", "/token")
    assert parse_qs(exchange.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["read write"],
        "audience": ["https://api.test"],
    }
    assert exchange.headers["content-type"] == "application/x-www-form-urlencoded"
    assert exchange.headers["authorization"] == "Basic YW5uYTpwcGx4LXRlc3QtYWJjREVGMTIzJTJCJTJGJTNENDU2"
    assert request.headers["authorization"] == f"Bearer {FIRST}"
    assert leaked(repr(request)) == []
    assert result.outputs["name"] == f"you sent Bearer {MASK}"


def test_a_client_can_be_sent_in_the_form(tmp_path: Path) -> None:
    """For a server that reads no basic auth."""
    made = write_tiny(tmp_path, auth="oauth2_form")
    request = build_token(resolve(made, {"key": KEY, "token_url": "https://auth.test/o/token/"}, environ={}))
    assert str(request.url) == "https://auth.test/o/token/"
    assert "authorization" not in request.headers
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["anna"],
        "client_secret": [KEY],
    }


@pytest.mark.parametrize(
    ("user", "key"), [("a:b c", "s€cret&=%"), ("ä", "+/="), ("plain", "plain-1234")], ids=ascii
)
def test_an_id_and_a_secret_are_encoded_before_they_are_joined(tmp_path: Path, user: str, key: str) -> None:
    """As RFC 6749 2.3.1 has it: a colon in the id does not end it."""
    made = write_tiny(tmp_path, auth="oauth2")
    connection = OpenConnection(resolve(made, {"key": Secret("x" * 9), "user": user}, environ={})).connection
    connection = connection.__class__(made, "c", connection.settings, {"key": Secret(key)})
    sent = build_token(connection).headers["authorization"].removeprefix("Basic ")
    assert [unquote_plus(part) for part in base64.b64decode(sent).decode().split(":")] == [user, key]


# --- kept, and fetched anew


def test_a_token_is_kept_for_further_runs(opened: Callable[..., OpenConnection]) -> None:
    """One exchange for many runs."""
    with Loopback(Service()) as server, opened(server) as connection:
        assert {connection.run("look", {}).attempts for _ in range(5)} == {1}
        assert len(asked(server)) == 1


@pytest.mark.parametrize(
    ("expires", "passed", "exchanges"),
    [
        (3600, 3000, 1),
        (3600, 3541, 2),
        ("3600", 3541, 2),
        (10, 8, 1),
        (10, 9.5, 2),
        (0, 0, 2),
        (None, 10**6, 1),
        ("soon", 10**6, 1),
        (True, 10**6, 1),
    ],
)
def test_a_token_is_fetched_anew_shortly_before_it_expires(
    opened: Callable[..., OpenConnection],
    monkeypatch: pytest.MonkeyPatch,
    expires: Any,
    passed: float,
    exchanges: int,
) -> None:
    """A minute before, or a tenth of its time; a token without a time is kept until it is refused."""
    clock = [time.monotonic()]
    monkeypatch.setattr("connector.tokens.time", SimpleNamespace(monotonic=lambda: clock[0]))
    with Loopback(Service(expires=expires)) as server, opened(server) as connection:
        connection.run("look", {})
        clock[0] += passed
        connection.run("look", {})
        assert len(asked(server)) == exchanges


@pytest.mark.parametrize("retries", [None, 0])
def test_a_kept_token_that_is_refused_is_fetched_anew_once(
    opened: Callable[..., OpenConnection], retries: int | None
) -> None:
    """A POST that got 401 did nothing, so it is sent again, and no retry is spent on it."""
    service = Service()
    with Loopback(service) as server, opened(server) as connection:
        connection.run("look", {})
        service.revoked = True
        result = connection.run("look", {}, retries=retries)
        assert (result.attempts, len(asked(server)), len(server.requests)) == (2, 2, 5)


def test_a_fresh_token_that_is_refused_is_an_error(opened: Callable[..., OpenConnection]) -> None:
    """Another one would be refused as well. With a kept one, it is tried once."""
    service = Service()
    with (
        Loopback(
            lambda one: service(one) if one.target == "/token" else http(401, {"error": "no"})
        ) as server,
        opened(server) as connection,
    ):
        for exchanges, requests in ((1, 1), (2, 3)):
            with pytest.raises(ApiError, match="401") as caught:
                connection.run("look", {})
            assert caught.value.status == 401
            assert (len(asked(server)), len(server.requests) - len(asked(server))) == (
                exchanges,
                requests,
            )


def test_a_stream_and_a_check_have_a_token_too(opened: Callable[..., OpenConnection]) -> None:
    """Whatever goes out is signed; a check asks for a token anew."""
    with Loopback(Service()) as server, opened(server) as connection:
        assert [event.type for event in connection.stream("look", {})] == ["result"]
        assert connection.check().state == "works"
        assert len(asked(server)) == 2


# --- many at once


def test_threads_fetch_one_token(opened: Callable[..., OpenConnection]) -> None:
    """The others wait for it."""
    with Loopback(Service(delay=0.1)) as server, opened(server) as connection, ThreadPoolExecutor(20) as pool:
        assert len(list(pool.map(lambda _: connection.run("look", {}), range(40)))) == 40
        assert len(asked(server)) == 1


def test_threads_share_a_failure(opened: Callable[..., OpenConnection]) -> None:
    """Whoever waited while a token was refused does not ask for it again."""
    service = Service(delay=0.3)
    service.refusal = http(401, {"error": "invalid_client"})

    def failing(_: int) -> str:
        with pytest.raises(ApiError) as caught:
            connection.run("look", {})
        return caught.value.kind

    with Loopback(service) as server, opened(server) as connection, ThreadPoolExecutor(10) as pool:
        assert set(pool.map(failing, range(10))) == {"bad_credential"}
        assert len(asked(server)) == 1


def test_each_event_loop_waits_for_a_token_of_its_own(tiny: Connector) -> None:
    """One connection in two of them, one after the other."""
    service = Service(delay=0.05)
    with Loopback(service) as server, asyncio.Runner() as first, asyncio.Runner() as second:
        connection = aconnect(tiny, key=KEY, base_url=server.url)

        async def three() -> set[int]:
            runs = await asyncio.gather(*(connection.run("look", {}) for _ in range(3)))
            return {run.attempts for run in runs}

        assert first.run(three()) == {1}
        service.revoked = True
        assert second.run(three()) == {2}
        second.run(connection.close())
        first.run(asyncio.sleep(0))
        assert len(asked(server)) == 2


def test_tasks_fetch_one_token(tiny: Connector) -> None:
    """As threads; and one that is cancelled while it fetches leaves the others to it."""

    async def runs(server: Loopback) -> None:
        async with aconnect(tiny, key=KEY, base_url=server.url) as connection:
            first = asyncio.create_task(connection.run("look", {}))
            await asyncio.sleep(0.05)
            others = [asyncio.create_task(connection.run("look", {})) for _ in range(20)]
            await asyncio.sleep(0.05)
            first.cancel()
            assert {(await one).attempts for one in others} == {1}
            service.revoked = True
            again = await asyncio.gather(*(connection.run("look", {}) for _ in range(20)))
            assert {one.attempts for one in again} == {2}
            assert (await connection.check()).state == "works"

    service = Service(delay=0.2)
    with Loopback(service) as server:
        asyncio.run(runs(server))
        assert len(asked(server)) == 4  # cancelled; for all; once more for all; for the check


def test_a_deadline_holds_while_a_token_is_waited_for(opened: Callable[..., OpenConnection]) -> None:
    """Whoever fetches it, and whoever waits for that."""
    with (
        Loopback(Service(delay=3.0)) as server,
        opened(server) as connection,
        ThreadPoolExecutor(2) as pool,
    ):
        began = time.monotonic()

        def failing(_: int) -> str:
            with pytest.raises(TransportError) as caught:
                connection.run("look", {}, deadline=0.3)
            return f"{caught.value.kind} {caught.value.where.rpartition('/')[2]}"

        assert set(pool.map(failing, range(2))) == {"timeout token"}
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("verb", ["run", "stream"])
def test_a_closed_connection_fetches_nothing(opened: Callable[..., OpenConnection], verb: str) -> None:
    """It says that it is closed."""
    with Loopback(Service()) as server:
        with opened(server) as connection:
            pass
        with pytest.raises(CredentialError, match="It is closed"):
            list(getattr(connection, verb)("look", {}) or ())
        assert server.requests == []


# --- a secret everywhere


@pytest.mark.parametrize("kind", ["bearer", "mac"])
def test_what_goes_over_the_wire_is_shown_without_tokens(tmp_path: Path, kind: str) -> None:
    """Neither the exchange nor the request after it has the secret or a token, even one that cannot be used."""
    made = write_tiny(tmp_path, auth="oauth2")
    granted = {"access_token": FIRST, "refresh_token": f"{TOKEN}refresh", "token_type": kind}
    with Loopback(http(200, granted), http(200, {"name": "x"})) as server:
        connection = resolve(made, {"key": KEY, "base_url": server.url}, environ={})
        observed = Observed(connection.redactor, set())
        with OpenConnection(connection, observed) as one, suppress(CredentialError):
            one.run("look", {})
        shown = repr(observed.exchanges)
    assert MASK in shown
    assert TOKEN not in shown
    assert leaked(shown) == []
    encoded = base64.b64encode(f"anna:{quote_plus(KEY)}".encode()).decode()
    assert encoded[12:24] not in shown


def test_a_token_is_shown_nowhere(
    opened: Callable[..., OpenConnection], caplog: pytest.LogCaptureFixture, tiny: Connector
) -> None:
    """Not in an error that quotes it, a log, a preview, or whatever prints the connection."""
    caplog.set_level(logging.DEBUG)
    service = Service()
    with Loopback(service) as server, opened(server) as connection:
        connection.run("look", {})
        service.path = "/closed"
        service.revoked = True
        with pytest.raises(ApiError) as caught:
            connection.run("look", {})
        planned = connection.plan("look", {})
        shown = [everything_shown(caught.value), repr(connection), repr(connection.connection), caplog.text]
        shown += [repr(preview(planned, connection.connection)), curl(planned, connection.connection)]
    assert MASK in shown[0]
    for text in shown:
        assert TOKEN not in text
        assert leaked(text) == []


def test_a_plan_needs_no_token(tiny: Connector) -> None:
    """It shows a mask, and curl a variable."""
    connection = resolve(tiny, {"key": KEY}, environ={})
    planned = plan(tiny, tiny.actions["look"], {}, today=date(2026, 11, 21))
    assert preview(planned, connection).headers["Authorization"] == f"Bearer {MASK}"
    assert '--header "Authorization: Bearer $TINY_ACCESS_TOKEN"' in curl(planned, connection)


def test_a_secret_goes_to_its_own_host_only(tmp_path: Path) -> None:
    """The token's server gets the secret, the API gets the token, and a redirect gets nothing."""
    made = write_tiny(tmp_path, auth="oauth2_form")
    service = Service()
    with Loopback(service) as tokens, Loopback(http(200, {"name": "x"})) as api, Loopback(http()) as other:
        with connect(made, key=KEY, base_url=api.url, token_url=f"{tokens.url}/token") as connection:
            connection.run("look", {})
        service.refusal = http(307, headers={"Location": f"{other.url}/token"})
        with (
            connect(made, key=KEY, base_url=api.url, token_url=f"{tokens.url}/token") as connection,
            pytest.raises(ApiError, match="redirects are not followed"),
        ):
            connection.run("look", {})
        assert leaked(repr(api.requests)) == []
        assert (len(api.requests), len(other.requests)) == (1, 0)


@pytest.mark.parametrize(
    "given", [{"token_url": "https://evil.test/token"}, {"base_url": "https://evil.test"}]
)
def test_a_saved_secret_is_not_sent_elsewhere(tmp_path: Path, given: dict[str, str]) -> None:
    """Neither the token's URL nor the base URL of a saved connection can be changed by an argument."""
    made = write_tiny(tmp_path, auth="oauth2_form")
    saved = SavedConnection("work", "tiny", {}, {"key": Secret(KEY)})
    with pytest.raises(CredentialError, match=f"{next(iter(given))} differs from the one"):
        resolve(made, given, saved=saved, environ={})


# --- what goes wrong


JUST_TEXT = b"<html>log in</html>"


@pytest.mark.parametrize(
    ("answer", "error", "kind", "said", "hint"),
    [
        (http(401, {"error": "invalid_client", "error_description": "No such client."}), ApiError,
         "bad_credential", "401 Unauthorized: invalid_client: No such client.", "send_as"),
        (http(400, {"error": "invalid_scope"}), ApiError, "not_allowed", "invalid_scope", "Check the scopes"),
        (http(400, {"error": "unauthorized_client"}), ApiError, "not_allowed", "unauthorized", "Allow this"),
        (http(400, {"error": "unsupported_grant_type"}), ApiError, "unexpected", "grant", "Check token_url"),
        (http(200, {"error": "invalid_client"}), ApiError, "bad_credential", "invalid_client", "Check the"),
        (http(400, {"error": {"code": 7}}), ApiError, "bad_credential", "answered 400", "token_url"),
        (http(404, JUST_TEXT), ApiError, "not_found", "answered 404", "Check token_url"),
        (http(403, b""), ApiError, "not_allowed", "answered 403", "firewall"),
        (http(500, JUST_TEXT), ApiError, "server_fault", "answered 500", "later"),
        (http(401, {"error": f"no {KEY}\r\n\x1b[31m"}), ApiError, "bad_credential", MASK, "Check the"),
        (http(200, JUST_TEXT), CredentialError, "bad_connection", "not a JSON object (text/html", "token_url"),
        (http(200, []), CredentialError, "bad_connection", "not a JSON object", "token_url"),
        (http(200, b""), CredentialError, "bad_connection", "not a JSON object", "token_url"),
        (http(200, {"token": "x"}), CredentialError, "bad_connection", "no access_token", "token_url"),
        (http(200, {"access_token": ""}), CredentialError, "bad_connection", "no access_token", "token_url"),
        (http(200, {"access_token": "a\r\nb"}), CredentialError, "bad_connection", "cannot stand", "token_url"),
        (http(200, {"access_token": "a b"}), CredentialError, "bad_connection", "cannot stand", "token_url"),
        (http(200, {"access_token": "x" * 20_000}), CredentialError, "bad_connection", "cannot", "token_url"),
        (http(200, {"access_token": FIRST, "token_type": "mac"}), CredentialError, "bad_connection",
         "of the type 'mac'", "token_url"),
        (http(200, {"access_token": FIRST, "token_type": 7}), CredentialError, "bad_connection", "type", "t"),
        (http(200, {"access_token": FIRST, "x": "y" * 300_000}), CredentialError, "bad_connection",
         "longer than 256 KiB", "token_url"),
        (b"no http at all\r\n\r\n", TransportError, "cut_off", "what came is not HTTP", "again"),
    ],
)  # fmt: skip
def test_no_token_is_an_error_with_a_way_out(
    opened: Callable[..., OpenConnection],
    answer: bytes,
    error: type[ConnectorError],
    kind: str,
    said: str,
    hint: str,
) -> None:
    """Where, what and what to do; and the request that would need the token is not sent."""
    with Loopback(answer) as server, opened(server) as connection:
        with pytest.raises(error) as caught:
            connection.run("look", {}, retries=0)
        assert {one.target for one in server.requests} == {"/token"}
        assert connection.check().state in {"wrong_key", "not_allowed", "unreachable", "failing"}
    told = caught.value
    assert (told.kind, told.where) == (kind, f"POST {server.url}/token")
    assert said in told.message
    assert hint in told.hint
    assert "\x1b" not in str(told)
    assert TOKEN not in everything_shown(told)
    assert leaked(everything_shown(told)) == []


def test_a_token_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    """A status of the manifest's retries is one here too; the POST itself has not been sent."""
    made = write_tiny(tmp_path, auth="oauth2", sent=FORM)
    text = (tmp_path / "connector.yaml").read_text()
    (tmp_path / "connector.yaml").write_text(f"{text}\nretry: {{statuses: [503], first_wait: 0}}\n")
    made = load(tmp_path)
    service = Service()
    with (
        Loopback(http(503), http(503), service) as server,
        connect(made, key=KEY, base_url=server.url) as one,
    ):
        assert one.run("look", {}).attempts == 3
        assert len(asked(server)) == 3


@pytest.mark.parametrize(
    "oddity", [{"token_type": None}, {"token_type": "BearerToken"}, {"token_type": "BEARER"}]
)
def test_services_that_are_nearly_right_are_understood(
    opened: Callable[..., OpenConnection], oddity: dict[str, Any]
) -> None:
    """A token type that is missing, or spelt in another way."""
    answers = http(200, {"access_token": FIRST, **oddity}), http(200, {"name": "x"})
    with Loopback(*answers) as server, opened(server) as connection:
        assert connection.run("look", {}).outputs == {"name": "x"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("token", "is not an http or https URL"),
        ("http://auth.test/token", "plain http"),
        ("https://user@auth.test/token", "user name or password"),
        ("https://auth.test/token?x=1", "a query or a fragment"),
        ("/../token", "a path that leads back"),
        ("https://169.254.169.254/token", "no address of a service"),
    ],
)
def test_a_token_url_is_held_to_the_rules_of_base_url(tmp_path: Path, url: str, said: str) -> None:
    """A secret goes there."""
    made = write_tiny(tmp_path, auth="oauth2_form")
    with pytest.raises(CredentialError, match=f"token_url .*{re.escape(said)}"):
        resolve(made, {"key": KEY, "token_url": url}, environ={})


# --- cassettes


def test_the_exchange_stands_in_no_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording holds neither token nor secret nor the request for one; a replay needs none of them."""
    write_tiny(tmp_path, auth="oauth2", sent=FORM)
    with (tmp_path / "actions" / "look.yaml").open("a") as file:
        file.write("examples: [{id: one, inputs: {part: p}}]\n")
    made = load(tmp_path)
    action = made.actions["look"]
    with Loopback(Service(path="/api/token")) as server:
        monkeypatch.setenv("TINY_KEY", KEY)
        monkeypatch.setenv("TINY_BASE_URL", f"{server.url}/api")
        [line] = record(tmp_path, live=True)
        assert [one.target.partition("?")[0] for one in server.requests] == [
            "/api/token",
            "/api/items/seven/x",
        ]
    assert "new" in line
    text = path_of(made, action, action.examples[0]).read_text()
    assert leaked(text) == []
    assert not re.search(r"test-token|/token|Bearer [^*]|client_credentials", text)
    assert replay(made, action, action.examples[0]).outputs["name"] == f"you sent Bearer {MASK}"


def test_many_rows_need_one_token(tiny: Connector, tmp_path: Path) -> None:
    """A bulk run charges no row with the request for it."""
    from connector.cli import main

    folder = tiny.folder
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"part": f"p{number}"}) + "\n" for number in range(30)))
    out = tmp_path / "out.jsonl"
    with Loopback(Service()) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINY_KEY", KEY)
        patch.setenv("TINY_BASE_URL", server.url)
        patch.setenv("CONNECTOR_HOME", str(tmp_path / "home"))
        assert main(["batch", f"{folder}.look", str(rows), "-o", str(out)]) == 0
        assert len(asked(server)) == 1
    ended = [json.loads(line) for line in out.read_text().splitlines()]
    assert {(one["status"], one["attempts"]) for one in ended} == {("ok", 1)}
