"""Answers that are no JSON object: files, nothing at all, lists, single values; and what outputs make of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from leaks import KEY
from loopback import Loopback, Received, http
from tiny import write_tiny

from connector.errors import OutputError
from connector.loading import load
from connector.manifest import Connector
from connector.opening import connect
from connector.secret import MASK
from connector.testing.examples import path_of
from connector.testing.recording import record
from connector.testing.replaying import replay

ROWS = "{type: array, items: {type: object, properties: {name: {type: string}}}}"
OBJECT = "{type: object, properties: {name: {type: string}}}"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff\xfe"


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Connector]:
    """Makes a tiny connector whose answer has another form, and whose one output is read from it."""

    def make(response: str = "{}", output: str = "${{ response.body }}", kind: str = "string") -> Connector:
        write_tiny(tmp_path)
        file = tmp_path / "actions" / "look.yaml"
        text = file.read_text().replace(f"response: {OBJECT}", f"response: {response}")
        text = text.replace("${{ response.body.name }}", output)
        text = text.replace("name: {type: string, title: Name}}", f"name: {{type: {kind}, title: Name}}}}")
        file.write_text(f"{text}examples: [{{id: one, inputs: {{}}}}]\n")
        return load(tmp_path)

    return make


def given(made: Connector, answer: bytes) -> Any:
    with Loopback(answer) as server, connect(made, key=KEY, base_url=server.url) as opened:
        return opened.run("look", {}).outputs["name"]


@pytest.mark.parametrize(
    ("response", "output", "kind", "body", "expected"),
    [
        (ROWS, "${{ response.body[0].name }}", "string", [{"name": "a"}, {"name": "b"}], "a"),
        (ROWS, "${{ response.body[0].name }}", "string", [], None),
        (ROWS, "${{ length(response.body) }}", "integer", [{}, {}], 2),
        ("{type: array, items: {type: string}}", "${{ join(', ', response.body[*]) }}", "string", ["x", "y"], "x, y"),
        ("{type: array, items: {type: integer}}", "${{ response.body[-1] }}", "integer", [1, 2], 2),
        ("{type: string}", "${{ response.body }}", "string", "ready", "ready"),
        ("{type: string}", "It is ${{ response.body }}.", "string", "ready", "It is ready."),
        ("{type: integer}", "${{ response.body }}", "integer", 0, 0),
        ("{type: boolean}", "${{ response.body }}", "boolean", False, False),
        ('{type: [object, "null"]}', "${{ response.body.name }}", "string", None, None),
    ],
)  # fmt: skip
def test_an_answer_need_not_be_an_object(
    tiny: Callable[..., Connector], response: str, output: str, kind: str, body: Any, expected: Any
) -> None:
    """A list or a single value at the top is read as it is."""
    assert given(tiny(response, output, kind), http(200, body)) == expected


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    ("response", "output", "kind", "expected"),
    [
        ("{}", "${{ response.body }}", "string", None),
        (OBJECT, "${{ response.body.name }}", "string", None),
        (OBJECT, "named ${{ response.body.name }}", "string", None),
        (ROWS, "${{ response.body[0].name }}", "string", None),
        (ROWS, "${{ length(response.body) }}", "integer", None),
        (ROWS, "${{ response.body[*].name }}", "array, items: {type: string}", None),
        ("{}", "done", "string", "done"),
        ("{}", "${{ response.status == `204` || response.status < `300` }}", "boolean", True),
    ],
)
def test_an_answer_may_have_no_body(
    tiny: Callable[..., Connector], status: int, response: str, output: str, kind: str, expected: Any
) -> None:
    """What is read from it is null, and what needs nothing of it stays."""
    assert given(tiny(response, output, kind), http(status, b"", length=status != 204)) == expected


def test_an_answer_without_the_body_that_is_promised_is_an_error(tiny: Callable[..., Connector]) -> None:
    """Where the response schema requires something, nothing is not enough."""
    made = tiny("{type: object, required: [name], properties: {name: {type: string}}}", "x")
    with pytest.raises(OutputError, match="The answer has no 'name'"):
        given(made, http(204))


@pytest.mark.parametrize("content", [PICTURE, b"", b"text", b"<html></html>", f"key {KEY} \xff".encode()])
def test_a_file_is_given_as_base64(tiny: Callable[..., Connector], content: bytes) -> None:
    """Whatever it is, byte for byte; but a key in it is masked."""
    made = tiny("{}\n    answer: bytes")
    found = base64.b64decode(given(made, http(200, content, form="application/octet-stream")))
    assert found == content.replace(KEY.encode(), MASK.encode())


def test_any_form_of_a_file_is_accepted(tiny: Callable[..., Connector]) -> None:
    """The request asks for no JSON."""
    with Loopback(http(200, PICTURE)) as server:
        made = tiny("{}\n    answer: bytes")
        file = made.folder / "actions" / "look.yaml"
        file.write_text(file.read_text().replace(", accept: text/plain", ""))
        with connect(load(made.folder), key=KEY, base_url=server.url) as opened:
            opened.run("look", {})
        assert server.requests[0].headers["accept"] == "*/*"


def test_a_file_is_recorded_and_replayed(
    tiny: Callable[..., Connector], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cassette holds bytes that are no text."""
    made = tiny("{}\n    answer: bytes")
    action = made.actions["look"]
    with Loopback(http(200, PICTURE, form="image/png")) as server:
        monkeypatch.setenv("TINY_KEY", KEY)
        monkeypatch.setenv("TINY_BASE_URL", f"{server.url}/api")
        list(record(made.folder, live=True))
    assert path_of(made, action, action.examples[0]).is_file()
    outputs = replay(made, action, action.examples[0]).outputs
    assert outputs["name"] == base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize(
    ("check", "answer", "state"),
    [
        ("", http(200, {"id": 1}), "works"),
        ("", http(204), "failing"),
        ("", http(200, b"pong", form="text/plain"), "failing"),
        (", answer: any", http(204), "works"),
        (", answer: any", http(200, b"pong", form="text/plain"), "works"),
        (", answer: any", http(401, {"error": "no"}), "failing"),
        (", answer: any", http(503), "failing"),
    ],
)
def test_a_check_may_be_answered_by_anything(
    tiny: Callable[..., Connector], check: str, answer: bytes, state: str
) -> None:
    """Where the manifest says so; else a page or nothing may come from somebody else."""
    folder = tiny().folder
    file = folder / "connector.yaml"
    file.write_text(file.read_text().replace("\nerrors:", f"\n  check: {{path: /ping{check}}}\nerrors:"))

    def answered(received: Received) -> bytes:
        assert received.target == "/ping"
        return answer

    with Loopback(answered) as server, connect(folder, key=KEY, base_url=server.url) as opened:
        assert opened.check().state == state
