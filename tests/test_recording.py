"""Recording any connector: against a mock or the service itself, never with a secret, and what a replay then holds to."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from golden import LIBRARY
from loopback import Loopback, http
from tiny import write_tiny

from connector import connect
from connector.connection import Connection, resolve
from connector.loading import load
from connector.manifest import Connector
from connector.mock import Mock
from connector.testing.cassette_file import CassetteError, recorded
from connector.testing.examples import ConnectorExample, examples
from connector.testing.no_network import NetworkBlocked, no_network
from connector.testing.recording import record
from connector.testing.replaying import replay_example

EXAMPLE = "examples: [{id: one, inputs: {id: 5, tags: [a, b]}}]\n"
LETTERS = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8"
OTHERS = LETTERS[::-1].swapcase()


@pytest.fixture
def tiny(tmp_path: Path) -> Connector:
    """A connector with one example, whose usual base URL has a path."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    write_tiny(folder)
    file = folder / "actions" / "look.yaml"
    file.write_text(file.read_text() + EXAMPLE)
    return load(folder)


def only(connector: Connector) -> ConnectorExample:
    (one,) = examples(connector)
    return one


def live(connector: Connector, server: Loopback, path: str = "") -> Connection:
    """A connection to the server, which stands for the real service."""
    fields = {"key": f"key-{LETTERS}", "base_url": server.url + path}
    return resolve(connector, fields, environ={})


# --- what answers


def test_a_connector_without_a_sandbox_is_recorded_against_a_mock(tiny: Connector) -> None:
    """The cassette says so, and replays, though the mock's address is another than the service's."""
    (said,) = record(tiny)
    kept = recorded(only(tiny).cassette)
    assert said == f"look/one: new ({only(tiny).cassette})"
    assert (kept.against, kept.metadata["connector"]) == ("a mock of the manifest", "tiny 1.2.3")
    assert kept.requests[0].uri.startswith("http://mock/api/items/5/x?")
    assert replay_example(only(tiny)).outputs == kept.outputs
    assert list(record(tiny)) == [said.replace("new", "same shape")]


def test_the_mock_answers_as_the_manifest_is_now(tiny: Connector) -> None:
    """Not from the old cassette: what the author has changed shows."""
    list(record(tiny))
    file = tiny.folder / "actions" / "look.yaml"
    text = file.read_text().replace(
        "response: {type: object, properties: {",
        "response: {type: object, required: [id], properties: {id: {type: integer}, ",
    )
    file.write_text(text)
    (said,) = record(load(tiny.folder))
    assert said.splitlines()[1:] == ["    + body.id: number"]


@pytest.mark.parametrize("path", ["", "/api", "/gateway/v2"])
def test_what_the_service_answers_replays_at_any_base_url(tiny: Connector, path: str) -> None:
    """A cassette that was recorded through a gateway is asked for as at the usual address."""
    with Loopback(http(200, {"name": "seven"})) as server:
        (said,) = record(tiny, live=live(tiny, server, path))
        assert server.requests[0].target.startswith(f"{path}/items/5/x?")
        kept = recorded(only(tiny).cassette)
        assert kept.against == server.url + path
    assert said.startswith("look/one: new")
    assert replay_example(only(tiny)).outputs == {"name": "seven"}


def test_a_route_with_a_base_url_of_its_own_replays(tiny: Connector) -> None:
    """Its paths begin as that one's do, and a mock answers from the cassette."""
    form = tiny.folder / "connector.yaml"
    upload = '      upload_url: {type: string, title: Upload URL, default: "https://up.tiny.test/v2/up"}\n'
    form.write_text(form.read_text().replace("      base_url: {", upload + "      base_url: {"))
    file = tiny.folder / "actions" / "look.yaml"
    own = "      base_url: ${{ connection.upload_url }}\n"
    file.write_text(file.read_text().replace("      method: GET\n", "      method: GET\n" + own))
    changed = load(tiny.folder)
    (said,) = record(changed)
    kept = recorded(only(changed).cassette)
    assert said.startswith("look/one: new")
    assert kept.requests[0].uri.startswith("http://mock/v2/up/items/5/x?")
    assert replay_example(only(changed)).outputs == kept.outputs
    cassette = only(changed).cassette
    cassette.write_text(cassette.read_text().replace(str(kept.outputs["name"]), "from the cassette"))
    with Mock(changed) as mock, connect(mock.connector, **mock.fields) as opened:
        assert opened.run("look", {"id": 5, "tags": ["a", "b"]}).outputs == {"name": "from the cassette"}


def test_an_example_that_cannot_be_kept_does_not_keep_others(tiny: Connector) -> None:
    """Each that is missed is told."""
    file = tiny.folder / "actions" / "look.yaml"
    secret = f"{{id: bad, inputs: {{id: 5, tags: [sk-{LETTERS}]}}}}"
    file.write_text(file.read_text().replace("examples: [", f"examples: [{secret}, "))
    missed: list[CassetteError] = []
    (said,) = record(load(tiny.folder), missed=missed.append)
    assert said.startswith("look/one: new")
    assert ["bad.yaml" in str(error) for error in missed] == [True]


def test_a_mock_does_not_replace_what_the_service_answered(tiny: Connector) -> None:
    """A real answer is worth more: it is kept unless the service is asked again."""
    with Loopback(http(200, {"name": "seven"})) as server:
        list(record(tiny, live=live(tiny, server)))
    (said,) = record(tiny)
    assert said.startswith("look/one: kept: http://127.0.0.1")
    assert "--live" in said
    assert recorded(only(tiny).cassette).outputs == {"name": "seven"}


# --- secrets


@pytest.mark.hazard("H1", "H2")
@pytest.mark.parametrize("kind", ["bearer", "header", "basic", "query"])
def test_no_kind_of_auth_leaves_its_secret(tmp_path: Path, kind: str) -> None:
    """Neither in the request, nor where the service repeats it."""
    connector = write_tiny(tmp_path, auth=kind)
    file = tmp_path / "actions" / "look.yaml"
    file.write_text(file.read_text() + EXAMPLE)
    connector = load(tmp_path)
    said = {"name": "x", "echo": f"key-{LETTERS}", "page": f"<a href='?api_key=key-{LETTERS}'>"}
    with Loopback(http(200, said, {"Set-Cookie": f"a=key-{LETTERS}"})) as server:
        list(record(connector, live=live(connector, server)))
    text = only(connector).cassette.read_text()
    assert LETTERS[:8] not in text
    assert "uthorization" not in text
    assert replay_example(only(connector)).outputs == {"name": "x"}


@pytest.mark.hazard("H1")
def test_what_looks_like_a_secret_is_not_written_until_it_is_allowed(tiny: Connector) -> None:
    """The error names the place; the allowance stands in the cassette, and holds when it is recorded again."""
    path = only(tiny).cassette
    with Loopback(http(200, {"name": "x", "items": [{"upload_token": OTHERS}]})) as server:
        with pytest.raises(CassetteError) as caught:
            list(record(tiny, live=live(tiny, server)))
        assert not path.exists()
        assert caught.value.details == (
            "response.body.items[].upload_token: a random value under the name 'upload_token'",
        )
        assert "--allow 'response.body.items[].upload_token'" in caught.value.hint
        assert OTHERS not in str(caught.value)
        list(record(tiny, live=live(tiny, server), allow=["response.body.items[].upload_token"]))
        assert recorded(path).metadata["allowed"] == ["response.body.items[].upload_token"]
        replay_example(only(tiny))
        assert "same shape" in next(record(tiny, live=live(tiny, server)))


@pytest.mark.hazard("H1")
def test_a_cassette_that_got_a_secret_otherwise_fails_its_test(tiny: Connector) -> None:
    """Edited by hand, or recorded by something else."""
    list(record(tiny))
    path = only(tiny).cassette
    path.write_text(path.read_text().replace('\'{"name"', f'\'{{"api_key":"{LETTERS}","name"'))
    with pytest.raises(CassetteError, match="holds what looks like a secret"):
        replay_example(only(tiny))


def test_tokens_that_the_service_issues_are_not_kept(tiny: Connector) -> None:
    """Nobody knew them before, so that nothing could mask them."""
    said = {"name": "x", "access_token": OTHERS, "refresh_token": f'{OTHERS}"x'}
    with Loopback(http(200, said)) as server:
        list(record(tiny, live=live(tiny, server)))
    body = json.loads(recorded(only(tiny).cassette).responses[0]["body"]["string"])
    assert body == {"name": "x", "access_token": "test-token", "refresh_token": "test-token"}


# --- what a replay holds to


def test_other_outputs_are_told_line_by_line(tiny: Connector) -> None:
    """A mapping that was changed gives others from the same answer."""
    with Loopback(http(200, {"name": "seven"})) as server:
        list(record(tiny, live=live(tiny, server)))
    file = tiny.folder / "actions" / "look.yaml"
    file.write_text(file.read_text().replace("response.body.name }}", "response.body.name }}-x"))
    with pytest.raises(CassetteError, match="The outputs differ from the recorded ones") as caught:
        replay_example(only(load(tiny.folder)))
    assert '-  "name": "seven"' in caught.value.details
    assert '+  "name": "seven-x"' in caught.value.details


def test_another_request_is_told_line_by_line(tmp_path: Path) -> None:
    """What was recorded, and what is asked now."""
    library = load(shutil.copytree(LIBRARY, tmp_path / "library"))
    one = only(library)
    other = replace(one, example=replace(one.example, inputs={"shelf": "fiction", "topics": ["whales"]}))
    list(record(library))
    with pytest.raises(CassetteError, match="The request differs from the recorded one: body") as caught:
        replay_example(other)
    assert '+    "whales"' in caught.value.details


def test_a_request_that_was_never_recorded_is_named(tmp_path: Path) -> None:
    """By its method and path; what was recorded in its stead is there to compare."""
    library = load(shutil.copytree(LIBRARY, tmp_path / "library"))
    list(record(library))
    one = only(library)
    other = replace(one, example=replace(one.example, inputs={"shelf": "poems"}))
    with pytest.raises(CassetteError, match="path: /shelves/poems/books != /shelves/fiction/books"):
        replay_example(other)


def test_a_cassette_without_outputs_is_still_replayed(tiny: Connector) -> None:
    """Those of before have none."""
    list(record(tiny))
    path = only(tiny).cassette
    text = path.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if "  outputs: " not in line))
    assert recorded(path).outputs is None
    assert replay_example(only(tiny)).status == 200


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("5", "does not describe recorded exchanges"),
        ("[a]", "does not describe recorded exchanges"),
        ("{outputs: '[1, 2]'}", "The outputs differ"),
        ("{outputs: [1], recorded_on: {}, allowed: 7, recorded_against: [x]}", "The outputs differ"),
        ("{outputs: '{', recorded_on: x, allowed: [{}]}", ""),
    ],
)
def test_notes_that_are_none_do_no_harm(tiny: Connector, metadata: str, said: str) -> None:
    """A cassette that a stranger has edited is refused, or replayed without them."""
    list(record(tiny))
    path = only(tiny).cassette
    head = path.read_text().partition("metadata:")[0]
    path.write_text(f"{head}metadata: {metadata}\n")
    with pytest.raises(CassetteError, match=said) if said else nullcontext():
        assert replay_example(only(tiny)).status == 200


# --- no network


def reach_by_socket() -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))


def reach_by_name() -> None:
    socket.getaddrinfo("example.test", 443)


def reach_by_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"x", ("127.0.0.1", 9))


def reach_by_code() -> None:
    with socket.socket() as connection:
        connection.connect_ex(("127.0.0.1", 9))


@pytest.mark.hazard("H5")
@pytest.mark.parametrize("reach", [reach_by_socket, reach_by_name, reach_by_datagram, reach_by_code])
def test_nothing_reaches_the_network(reach: Callable[[], Any]) -> None:
    """The error says where it wanted to; afterwards everything is as before."""
    before = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto", "sendmsg")}
    with no_network(), pytest.raises(NetworkBlocked, match=r"127\.0\.0\.1:9|example\.test"):
        reach()
    assert {name: getattr(socket.socket, name) for name in before} == before
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_sockets_of_this_machine_go_on() -> None:
    """The parts of a program, such as those of asyncio, talk by them."""
    with no_network():
        left, right = socket.socketpair()
        left.sendmsg([b"x"])
        assert right.recv(1) == b"x"
        left.close()
        right.close()
