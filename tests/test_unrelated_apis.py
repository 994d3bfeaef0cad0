"""Connectors of four APIs that have nothing in common, from YAML through plan, run, check, errors and cassettes.

connectors/notes     a bearer token; a list at the top of an answer, and an answer without a body
connectors/rates     a key in the query; a single number as answer
connectors/billing   user name and password; urlencoded forms with brackets
connectors/vault     OAuth2 client credentials and a second key; files up and down, plain text up
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from conftest import Ended
from loopback import Loopback, Received, Wire, http

from connector.errors import ApiError
from connector.lint import lint
from connector.loading import load
from connector.opening import aconnect, connect
from connector.run import OpenConnection
from connector.testing.recording import record
from connector.testing.replaying import replay

FOLDERS = Path(__file__).parent / "connectors"
SECRET = "test-0123456789abcdef"
PICTURE = b"\x89PNG\r\n\x1a\n"
TOKEN = "test-token-0123456789"


def notes(asked: Received) -> Wire:
    if asked.headers.get("authorization") != f"Bearer {SECRET}":
        return http(401, {"code": "no_token", "message": f"Bad token {asked.headers.get('authorization')}"})
    match asked.method, asked.target:
        case "GET", "/me":
            return http(200, {"name": "Anna"})
        case "GET", "/notes?filter%5Btag%5D=home&filter%5Btag%5D=a%26b&%24top=20":
            return http(200, [{"id": "n-1", "text": "Milk", "pinned": True}, {"id": "n-2", "text": "Bread"}])
        case "DELETE", "/notes/n-1":
            return http(204, length=False)
    return http(422, {"code": "odd", "message": f"Odd: {asked.target}", "field": "$top"})


def rates(asked: Received) -> Wire:
    path, _, query = asked.target.partition("?")
    if dict(parse_qsl(query)).get("app_id") != SECRET:
        return http(401, {"message": "invalid_app_id", "description": "Invalid App ID."})
    return {"/usage.json": http(204, length=False), "/convert/EUR/USD": http(200, 1.25)}.get(path, http(404))


def billing(asked: Received) -> Wire:
    if asked.headers.get("authorization") != f"Basic {base64.b64encode(f'acme:{SECRET}'.encode()).decode()}":
        return http(401, {"error": {"type": "auth", "message": "No such account"}})
    if asked.method == "GET":
        return http(200, {"id": "acme"})
    fields = dict(parse_qsl(asked.body.decode()))
    if fields["email"] == "a+b@example.com":
        return http(200, {"id": "c-1", "metadata": {"order": fields["metadata[order]"], "deep": {"a": [1]}}})
    return http(400, {"error": {"type": "invalid", "message": "Bad email", "param": "email"}})


def vault(asked: Received) -> Wire:
    if asked.target == "/oauth2/token":
        if asked.headers["authorization"] != f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}":
            return http(401, {"error": "invalid_client"})
        fields = dict(parse_qsl(asked.body.decode()))
        assert fields["scope"] == "files.read files.write"
        assert fields["audience"] == "https://vault.test/"
        return http(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
    if (asked.headers.get("authorization"), asked.headers.get("x-app-key")) != (
        f"Bearer {TOKEN}",
        "test-app-key",
    ):
        return http(401, {"title": "unauthorized", "detail": "Who are you?"})
    match asked.method, asked.target:
        case "GET", "/v1/whoami":
            return http(200, {"client": "me"})
        case "POST", "/v1/documents" if b"\r\n\r\n" + PICTURE + b"\r\n--" in asked.body:
            return http(201, {"id": "d-1"})
        case "PUT", "/v1/documents/d-1" if asked.body == "Grüße".encode():
            return http(200, "replaced")
        case "GET", "/v1/documents/d-1/content":
            return http(200, PICTURE, form="image/png")
    return http(404, {"title": "not_found", "detail": "No such document"})


SERVICES: dict[str, tuple[Callable[[Received], Wire], dict[str, Any], str]] = {
    "notes": (notes, {"token": SECRET}, "token"),
    "rates": (rates, {"app_id": SECRET}, "app_id"),
    "billing": (billing, {"account": "acme", "password": SECRET}, "password"),
    "vault": (
        vault,
        {"client_id": "me", "client_secret": SECRET, "app_key": "test-app-key"},
        "client_secret",
    ),
}
RUNS: list[tuple[str, str, dict[str, Any]]] = [
    ("notes", "list_notes", {"notes": [{"id": "n-1", "text": "Milk"}, {"id": "n-2", "text": "Bread"}],
                             "first": "Milk", "count": 2}),
    ("notes", "delete_note", {"deleted": True, "note": None}),
    ("rates", "get_rate", {"rate": 1.25}),
    ("billing", "create_customer", {"id": "c-1", "metadata": {"order": "5", "deep": {"a": [1]}}}),
    ("vault", "upload_document", {"id": "d-1"}),
    ("vault", "replace_text", {"state": "replaced"}),
    ("vault", "download_document", {"content": base64.b64encode(PICTURE).decode(), "type": "image/png"}),
]  # fmt: skip
WRONG: list[tuple[str, str, dict[str, Any], str, str | None]] = [
    ("notes", "list_notes", {"limit": 3}, "422 Unprocessable Entity: Odd: /notes?%24top=3.", "limit"),
    ("notes", "delete_note", {"id": "n/2"}, "422 Unprocessable Entity: Odd: /notes/n%2F2.", None),
    ("rates", "get_rate", {"from": "XXX", "to": "USD"}, "404 Not Found. The answer is empty.", None),
    ("billing", "create_customer", {"email": "c@example.com"}, "400 Bad Request: Bad email.", "email"),
    ("vault", "download_document", {"id": "d-2"}, "404 Not Found: No such document.", None),
]


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Iterator[OpenConnection]:
    """A connection of the connector that a test is of, to a server of its API."""
    name = request.getfixturevalue("name")
    service, fields, _ = SERVICES[name]
    with Loopback(service) as server, connect(FOLDERS / name, base_url=server.url, **fields) as connection:
        yield connection


@pytest.mark.parametrize("name", SERVICES)
def test_lint_is_silent(name: str) -> None:
    """Each is as it should be, with an example for every action."""
    assert lint(FOLDERS / name) == []


@pytest.mark.parametrize(("name", "action", "outputs"), RUNS, ids=[row[1] for row in RUNS])
def test_an_example_runs(opened: OpenConnection, name: str, action: str, outputs: dict[str, Any]) -> None:
    """The request is what the API takes, and the outputs are flat and typed."""
    example = opened.connector.actions[action].examples[0]
    assert opened.run(action, example.inputs).outputs == outputs


@pytest.mark.parametrize("name", SERVICES)
def test_the_twin_for_asyncio_does_the_same(name: str) -> None:
    """Each action, at once."""
    service, fields, _ = SERVICES[name]
    mine = [(action, outputs) for connector, action, outputs in RUNS if connector == name]

    async def run(url: str) -> list[Any]:
        async with aconnect(FOLDERS / name, base_url=url, **fields) as connection:
            actions = connection.connector.actions
            runs = [connection.run(action, actions[action].examples[0].inputs) for action, _ in mine]
            return [result.outputs for result in await asyncio.gather(*runs)]

    with Loopback(service) as server:
        assert asyncio.run(run(server.url)) == [outputs for _, outputs in mine]


@pytest.mark.parametrize("name", SERVICES)
def test_a_check_works(opened: OpenConnection, name: str) -> None:
    """By the manifest's free request."""
    assert opened.check().state == "works"


@pytest.mark.parametrize("name", SERVICES)
def test_a_wrong_key_is_told_and_not_shown(name: str) -> None:
    """By a check and by a run, whatever the kind of auth."""
    service, fields, secret = SERVICES[name]
    wrong = "test-wrong-0123456789"
    with (
        Loopback(service) as server,
        connect(FOLDERS / name, base_url=server.url, **{**fields, secret: wrong}) as opened,
    ):
        assert opened.check().state == "wrong_key"
        action = next(iter(opened.connector.actions.values()))
        with pytest.raises(ApiError) as caught:
            opened.run(action.id, action.examples[0].inputs)
        assert caught.value.kind == "bad_credential"
        assert wrong not in f"{caught.value} {caught.value.body}"


@pytest.mark.parametrize(
    ("name", "action", "inputs", "said", "of_input"), WRONG, ids=[row[3] for row in WRONG]
)
def test_a_refusal_is_told(
    opened: OpenConnection, name: str, action: str, inputs: dict[str, Any], said: str, of_input: str | None
) -> None:
    """With the service's own words, and the input that they are about."""
    with pytest.raises(ApiError) as caught:
        opened.run(action, inputs)
    assert said in caught.value.message
    assert caught.value.input == of_input


@pytest.mark.parametrize("name", SERVICES)
def test_examples_are_recorded_and_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A cassette holds no secret and no token, and gives the same outputs without a key."""
    folder = Path(shutil.copytree(FOLDERS / name, tmp_path / name))
    service, fields, _ = SERVICES[name]
    with Loopback(service) as server:
        for field, value in {**fields, "base_url": server.url}.items():
            monkeypatch.setenv(f"{name}_{field}".upper(), value)
        list(record(folder, live=True))
    written = "".join(path.read_text() for path in folder.rglob("cassettes/**/*.yaml"))
    assert SECRET not in written
    assert TOKEN not in written
    assert "oauth2/token" not in written
    made = load(folder)
    for connector, action, outputs in RUNS:
        if connector == name:
            assert replay(made, made.actions[action], made.actions[action].examples[0]).outputs == outputs


# From the command line, by folder


@pytest.mark.parametrize(("name", "action", "outputs"), RUNS, ids=[row[1] for row in RUNS])
def test_the_command_line_takes_a_folder(
    cli: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    action: str,
    outputs: dict[str, Any],
) -> None:
    """plan without a key or a setting, run with what is in the environment, show."""
    inputs = ["--input", "-"]
    given = json.dumps(load(FOLDERS / name).actions[action].examples[0].inputs)
    planned = cli("plan", f"{FOLDERS / name}.{action}", *inputs, "--format", "json", stdin=given)
    assert planned.code == 0, planned.err
    assert SECRET not in planned.out
    assert cli("show", f"{FOLDERS / name}.{action}").code == 0
    service, fields, _ = SERVICES[name]
    with Loopback(service) as server:
        for field, value in {**fields, "base_url": server.url}.items():
            monkeypatch.setenv(f"{name}_{field}".upper(), value)
        ran = cli("run", f"{FOLDERS / name}.{action}", *inputs, "--format", "json", stdin=given)
    assert (ran.code, json.loads(ran.out)) == (0, outputs)


@pytest.mark.parametrize("name", SERVICES)
def test_a_missing_key_says_how_to_give_it(cli: Callable[..., Ended], name: str) -> None:
    """By its variable, and by the folder that the connector is in."""
    _, _, secret = SERVICES[name]
    action = next(action for connector, action, _ in RUNS if connector == name)
    ended = cli("run", f"{FOLDERS / name}.{action}")
    assert ended.code == 3
    assert f"{name}_{secret}".upper() in ended.err
    assert f"connector connections add {FOLDERS / name}`" in ended.err


@pytest.mark.parametrize("name", SERVICES)
def test_a_connection_is_saved_and_tested(
    cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Under a name of one's own; a test says where the manifest is, or asks for it."""
    service, fields, _ = SERVICES[name]
    folder = str(FOLDERS / name)
    with Loopback(service) as server:
        for field, value in {**fields, "base_url": server.url}.items():
            monkeypatch.setenv(f"{name}_{field}".upper(), value)
        assert cli("connections", "add", folder, "--name", "mine").code == 0
        for field in (*fields, "base_url"):
            monkeypatch.delenv(f"{name}_{field}".upper())
        assert "works" in cli("connections", "test", "mine", "--connector", folder).out
        mistaken = cli("connections", "test", folder)
        assert (mistaken.code, f"--connector {folder}" in mistaken.err) == (3, True)
        asked = cli("connections", "test", "mine")
    assert (asked.code, "--connector FOLDER" in asked.err) == (3, True)


def test_a_curl_command_says_where_its_token_comes_from(cli: Callable[..., Ended]) -> None:
    """It has a variable for it, which is no field of the connection."""
    ended = cli("plan", f"{FOLDERS / 'vault'}.download_document", "id=d-1", "--curl")
    assert '"Authorization: Bearer $VAULT_ACCESS_TOKEN"' in ended.out
    assert "VAULT_ACCESS_TOKEN is an access token, which POST https://vault.test/oauth2/token" in ended.err


@pytest.mark.parametrize(
    ("check", "state"), [("", "works"), ("auth", "unknown")], ids=["with a token", "with a key"]
)
def test_a_connection_without_a_check(tmp_path: Path, check: str, state: str) -> None:
    """A token shows that it works; a key alone shows nothing."""
    name = "notes" if check else "vault"
    folder = shutil.copytree(FOLDERS / name, tmp_path / name)
    manifest = folder / "connector.yaml"
    text = manifest.read_text()
    start = text.index("  check:")
    manifest.write_text(text[:start] + text[text.index("\nerrors:", start) :])
    service, fields, _ = SERVICES[name]
    with Loopback(service) as server, connect(folder, base_url=server.url, **fields) as opened:
        found = opened.check()
        assert found.state == state
        assert bool(found.what_to_do) == (state == "unknown")
