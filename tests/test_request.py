"""Requests: the exact bytes that are sent, and the forms of them that people may see."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from leaks import FORMS, KEY, everything_shown, leaked
from loopback import Loopback, Received, http
from tiny import FORM, with_path, write_tiny

import connector
from connector.connection import Connection, resolve
from connector.errors import CredentialError, InputError
from connector.manifest import Connector
from connector.plan import Plan, input_behind, plan
from connector.request import _signed, build, build_check, build_follow_up, curl, preview
from connector.secret import MASK

TODAY = date(2026, 11, 21)
PERPLEXITY = connector.load("perplexity")

HARD = '2024 "it\'s" $HOME `id` $(id) \\ %s !! ${{ inputs.model }} 🦜\n@x'


def planned(connector: Connector, **inputs: Any) -> Plan:
    return plan(connector, next(iter(connector.actions.values())), inputs, today=TODAY)


def search(**inputs: Any) -> Plan:
    return plan(PERPLEXITY, PERPLEXITY.actions["execute_search"], {"query": "x", **inputs}, today=TODAY)


def connected(connector: Connector = PERPLEXITY, **fields: Any) -> Connection:
    key = "api_key" if connector is PERPLEXITY else "key"
    return resolve(connector, {key: KEY, **fields}, environ={})


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Connector]:
    """Makes a tiny connector, with an auth of one's own."""

    def make(**parts: str) -> Connector:
        folder = tmp_path / "tiny"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return write_tiny(folder, **parts)

    return make


# --- what is sent


def test_a_request_in_full() -> None:
    """Method, URL, headers and body, and nothing that nobody asked for."""
    request = build(search(query="ünï 🦜", max_results=3), connected(base_url="https://gateway.test/p/"))
    assert (request.method, str(request.url)) == ("POST", "https://gateway.test/p/search")
    assert request.content == '{"query":"ünï 🦜","max_results":3}'.encode()
    assert {name.lower(): value for name, value in request.headers.items()} == {
        "host": "gateway.test",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "user-agent": f"perplexity-connector/{PERPLEXITY.version}",
        "content-type": "application/json",
        "content-length": str(len(request.content)),
        "authorization": f"Bearer {KEY}",
    }


def test_the_timeouts_are_the_manifests() -> None:
    """A wait for a free connection counts as one for a connection."""
    assert build(search(), connected()).extensions["timeout"] == {
        "connect": 10,
        "read": 900,
        "write": 60,
        "pool": 10,
    }


def test_a_request_without_a_body_says_nothing_of_one(tiny: Callable[..., Connector]) -> None:
    """No Content-Type and no content for a GET."""
    made = tiny()
    request = build(planned(made), connected(made))
    assert request.content == b""
    assert "content-type" not in request.headers


def test_a_manifests_header_replaces_the_standard_one(tiny: Callable[..., Connector]) -> None:
    """However it is spelt: `accept` in the manifest leaves no second `Accept`."""
    made = tiny()
    request = build(planned(made, note="n"), connected(made))
    assert request.headers.get_list("accept") == ["text/plain"]
    assert (request.headers["x-note"], request.headers["x-kind"]) == ("n", "note n")


def test_headers_of_one_run_are_not_kept(tiny: Callable[..., Connector]) -> None:
    """They may hold an input that is a secret; and of those that are kept, there are few."""
    made = tiny()
    connection = connected(made)
    for number in range(200):
        request = build(planned(made, note=f"n{number}"), connection)
        assert request.headers["x-note"] == f"n{number}"
    assert not any("X-Note" in dict(headers) for headers in connection.signed)
    for number in range(200):
        _signed("GET", request.url, (("Accept", f"text/{number}"),), None, connection)
    assert len(connection.signed) <= 64


@pytest.mark.parametrize(
    ("inputs", "url"),
    [
        ({}, "https://tiny.test/api/items/seven/x?v=2"),
        ({"id": "a/b?c#d"}, "https://tiny.test/api/items/a%2Fb%3Fc%23d/x?v=2"),
        ({"id": "%2e%2e"}, "https://tiny.test/api/items/%252e%252e/x?v=2"),
        ({"id": "https://evil.test/"}, "https://tiny.test/api/items/https%3A%2F%2Fevil.test%2F/x?v=2"),
        (
            {"tags": ["a b", "c&d=e", "ü"]},
            "https://tiny.test/api/items/seven/x?tag=a+b&tag=c%26d%3De&tag=%C3%BC&v=2",
        ),
        ({"part": ""}, "https://tiny.test/api/items/seven/x?part=&v=2"),
    ],
    ids=str,
)
def test_the_url_keeps_its_shape(tiny: Callable[..., Connector], inputs: dict[str, Any], url: str) -> None:
    """Values are encoded where they stand, and the preview shows the very URL that is sent."""
    made = tiny()
    assert str(build(planned(made, **inputs), connected(made)).url) == url
    assert preview(planned(made, **inputs), connected(made)).url == url


@pytest.mark.hazard("C7")
@pytest.mark.parametrize("path", ["${{ inputs.id }}", "${{ inputs.id }}/x", "@evil.test", "items"])
def test_a_path_stays_on_the_connections_host(tiny: Callable[..., Connector], path: str) -> None:
    """A path without a slash before it does not become part of the host."""
    made = with_path(tiny(), path)
    request = build(planned(made, id=".evil.test"), connected(made, base_url="https://tiny.test"))
    assert request.url.host == "tiny.test"


def test_the_check_is_a_plain_get() -> None:
    """The manifest's free request, with the key and without a body."""
    request = build_check(connected())
    assert (request.method, str(request.url), request.content) == (
        "GET",
        "https://api.perplexity.ai/v1/models",
        b"",
    )
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://upload.test/v2/", "https://upload.test/v2/"),
        ('"https://${{ connection.user }}.up.test"', "https://anna.up.test/"),
    ],
)
def test_a_request_may_go_to_a_host_of_its_own(
    tiny: Callable[..., Connector], base_url: str, host: str
) -> None:
    """With the connection's credentials; the preview shows it."""
    made = tiny(sent=f"base_url: {base_url}")
    connection = connected(made)
    request = build(planned(made), connection)
    assert str(request.url).startswith(f"{host}items/seven/x?")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert preview(planned(made), connection).url == str(request.url)
    assert str(build_follow_up(planned(made), "GET", "/later", connection).url) == f"{host}later"
    assert str(build_check(connection).url) == "https://tiny.test/api/"


@pytest.mark.parametrize(
    "url", ["http://upload.test", "https://user@upload.test", "upload.test", "https://a.test?x=1"]
)
def test_a_host_of_its_own_is_held_to_the_same_rules(tiny: Callable[..., Connector], url: str) -> None:
    """The key goes there."""
    made = tiny(sent=f"base_url: {url}")
    with pytest.raises(CredentialError, match="base_url"):
        build(planned(made), connected(made))


def test_connections_to_several_hosts_are_kept_apart(tmp_path: Path) -> None:
    """Each request reaches its own, whichever connections are free."""
    names = [http(200, {"name": "first"}), http(200, {"name": "second"})]
    with Loopback(names[0]) as first, Loopback(names[1]) as second:
        write_tiny(tmp_path, sent='base_url: "${{ connection.token_url }}"')
        file = tmp_path / "actions" / "look.yaml"
        other = file.read_text().replace("id: look", "id: other", 1)
        (tmp_path / "actions" / "other.yaml").write_text(
            other.replace('base_url: "${{ connection.token_url }}"', "")
        )
        with connector.connect(tmp_path, key=KEY, base_url=first.url, token_url=second.url) as opened:
            found = [opened.run(name, {}).outputs["name"] for name in ("look", "other", "look", "other")]
    assert found == ["second", "first", "second", "first"]


# --- forms


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        ({}, "v=2"),
        ({"tags": ["a b", "c&d=e", "ü"]}, "tag%5B%5D=a+b&tag%5B%5D=c%26d%3De&tag%5B%5D=%C3%BC&v=2"),
        ({"tags": [7, True, "2024"]}, "tag%5B%5D=7&tag%5B%5D=true&tag%5B%5D=2024&v=2"),
        ({"tags": [], "part": ""}, "metadata%5Bpart%5D=&v=2"),
        ({"part": "a\r\n&v=3"}, "metadata%5Bpart%5D=a%0D%0A%26v%3D3&v=2"),
    ],
    ids=str,
)
def test_a_form_is_urlencoded(tiny: Callable[..., Connector], inputs: dict[str, Any], body: str) -> None:
    """Names stand as in the manifest, lists repeat them, and no value becomes a second field."""
    made = tiny(sent=FORM)
    request = build(planned(made, **inputs), connected(made))
    assert request.content.decode() == body
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["content-length"] == str(len(body))


def test_a_preview_shows_a_form_as_it_is_sent(tiny: Callable[..., Connector]) -> None:
    """It has no JSON body, but a text."""
    made = tiny(sent=FORM)
    shown = preview(planned(made, part="n"), connected(made))
    assert (shown.body, shown.text) == (None, "metadata%5Bpart%5D=n&v=2")
    assert shown.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_form_says_where_its_fields_came_from(tiny: Callable[..., Connector]) -> None:
    """Each by its name in the manifest, and the absent ones too."""
    found = {field.path: field.source for field in planned(tiny(sent=FORM), part="n").fields}
    assert found["form.metadata[part]"] == "inputs.part"
    assert found["form.tag[]"] == "tags: not given"


@pytest.mark.parametrize(
    ("parameter", "expected"), [("metadata[part]", "part"), ("tag[]", "tags"), ("v", None), ("part", "part")]
)
def test_a_forms_field_leads_back_to_its_input(
    tiny: Callable[..., Connector], parameter: str, expected: str | None
) -> None:
    """The service names the field; people know the input. A parameter of the query too."""
    assert input_behind(planned(tiny(sent=FORM)), parameter) == expected


# --- objects in a query or a form


NESTED = """
      nested: brackets
      form_as: urlencoded
      form: {f: "${{ inputs.any }}", plain: "${{ inputs.tags }}"}
"""
ANY_INPUT = "    any: {title: Any}\n    note:"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"a": 1, "b": "x y"}, [("f[a]", "1"), ("f[b]", "x y")]),
        ({"a": {"b": 1, "c": ["x", "y"]}}, [("f[a][b]", "1"), ("f[a][c][]", "x"), ("f[a][c][]", "y")]),
        ([{"p": 1}, {"p": 2, "q": True}], [("f[0][p]", "1"), ("f[1][p]", "2"), ("f[1][q]", "true")]),
        ([["a"], ["b"]], [("f[0][]", "a"), ("f[1][]", "b")]),
        (["a", "b"], [("f", "a"), ("f", "b")]),
        ({"a": None, "b": {}, "c": [], "d": [None, 1]}, [("f[d][]", "1")]),
        ({"a][x": "&f[b]=1"}, [("f[a][x]", "&f[b]=1")]),
        ("text", [("f", "text")]),
        (None, []),
    ],
    ids=str,
)
def test_an_object_is_sent_in_brackets(tmp_path: Path, value: Any, sent: list[tuple[str, str]]) -> None:
    """Where the manifest says so: in forms and queries alike, and a list of plain values repeats its name."""
    write_tiny(tmp_path, sent=NESTED)
    file = tmp_path / "actions" / "look.yaml"
    text = file.read_text().replace("    note:", ANY_INPUT, 1)
    file.write_text(text.replace('part: "${{ inputs.part }}", v: 2', 'f: "${{ inputs.any }}"'))
    made = connector.load(tmp_path)
    request = build(planned(made, any=value, tags=["x"]), connected(made))
    assert parse_qsl(request.content.decode(), keep_blank_values=True) == [*sent, ("plain", "x")]
    assert request.url.params.multi_items() == [("tag", "x"), *sent]


# --- bodies that are neither JSON nor a form


BYTES = b"\x89PNG\r\n\x1a\n\x00\xff"


@pytest.mark.parametrize(
    ("content", "part", "body"),
    [
        ("type: application/xml", "<a>ü</a>", "<a>ü</a>".encode()),
        ("type: text/plain; charset=utf-8", "", b""),
        ("type: image/png, is_base64: true", base64.b64encode(BYTES).decode(), BYTES),
        ("type: image/png, is_base64: true", base64.encodebytes(BYTES * 20).decode(), BYTES * 20),
        ("type: image/png, is_base64: true", None, None),
    ],
)
def test_a_raw_body_is_sent_as_it_stands(
    tiny: Callable[..., Connector], content: str, part: str | None, body: bytes | None
) -> None:
    """A text, or the bytes that base64 text stands for, with the type that the manifest says."""
    made = tiny(sent=f'content: {{value: "${{{{ inputs.part }}}}", {content}}}')
    request = build(planned(made, part=part), connected(made))
    assert request.content == (body or b"")
    said = None if body is None else content.removeprefix("type: ").partition(",")[0]
    assert request.headers.get("content-type") == said


FILE = """
      files:
        page: {name: p.png, type: image/png, is_base64: true, content: "${{ inputs.part }}"}
        more: {name: t.txt, type: text/plain, content: "${{ inputs.tags }}"}
"""


def test_files_are_bytes_or_texts_or_lists_of_them(tiny: Callable[..., Connector]) -> None:
    """Base64 becomes the bytes that it stands for; a list becomes one part for each."""
    made = tiny(sent=FILE)
    request = build(planned(made, part=base64.b64encode(BYTES).decode(), tags=["a", "b"]), connected(made))
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    parts = [part.partition(b"\r\n\r\n")[2][:-2] for part in request.content.split(b"--" + boundary)[1:-1]]
    assert parts == [BYTES, b"a", b"b"]


@pytest.mark.parametrize("sent", [FILE, 'content: {value: "${{ inputs.part }}", type: a/b, is_base64: true}'])
@pytest.mark.parametrize("part", ["no base64!", "YQ", "data:image/png;base64,YQ=="])
def test_text_that_is_no_base64_is_told(tiny: Callable[..., Connector], sent: str, part: str) -> None:
    """By the name of its input, before anything is sent."""
    with pytest.raises(InputError, match="part: It is not base64 text"):
        planned(tiny(sent=sent), part=part)


def test_a_preview_of_bytes_says_how_many(tiny: Callable[..., Connector]) -> None:
    """They are no text that people could read."""
    made = tiny(sent='content: {value: "${{ inputs.part }}", type: image/png, is_base64: true}')
    text = base64.b64encode(BYTES).decode()
    assert preview(planned(made, part=text), connected(made)).text == "<10 bytes>"
    assert preview(planned(made, part="YQ=="), connected(made)).text == "a"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("content", [BYTES, b"a\0b", b"it's\r\n$HOME\n"])
@pytest.mark.parametrize("sent", [FILE, 'content: {value: "${{ inputs.part }}", type: a/b, is_base64: true}'])
def test_curl_sends_the_same_bytes(tiny: Callable[..., Connector], sent: str, content: bytes) -> None:
    """Those that no argument can hold come through a pipe."""
    made = tiny(sent=sent)
    with Loopback(http(200, {"name": "x"})) as server:
        connection = connected(made, base_url=server.url)
        plan_of = planned(made, part=base64.b64encode(content).decode())
        with httpx.Client(trust_env=False) as client:
            client.send(build(plan_of, connection))
        run_in_shell(f"{curl(plan_of, connection)} --silent", "/usr/bin", {"TINY_KEY": KEY})
        ours, curls = server.requests
    assert comparable(ours) == comparable(curls)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
def test_methods_without_a_body(tmp_path: Path, method: str) -> None:
    """They say nothing of one, and an answer without a body is one."""
    write_tiny(tmp_path)
    file = tmp_path / "actions" / "look.yaml"
    file.write_text(file.read_text().replace("method: GET", f"method: {method}"))
    answer = http(200, headers={"Content-Length": "77", "Content-Encoding": "gzip"}, length=False)
    with (
        Loopback(answer if method == "HEAD" else http(204)) as server,
        connector.connect(tmp_path, key=KEY, base_url=server.url) as opened,
    ):
        assert opened.run("look", {}).outputs == {"name": None}
        assert (server.requests[0].method, server.requests[0].headers.get("content-length")) == (method, None)


# --- auth


@pytest.mark.parametrize(
    ("auth", "headers", "query"),
    [
        ("two_headers", {"x-key": KEY, "x-app": f"app anna {KEY}"}, {}),
        ("two_in_query", {}, {"key": KEY, "the token": KEY}),
        ("basic_and_more", {"cookie": f"session={KEY}"}, {}),
    ],
)
def test_more_than_one_key(
    tiny: Callable[..., Connector], tmp_path: Path, auth: str, headers: dict[str, str], query: dict[str, str]
) -> None:
    """Each goes to its place, and each is masked; a shell gives curl the same."""
    made = tiny(auth=auth)
    request = build(planned(made), connected(made))
    assert {name: request.headers[name] for name in headers} == headers
    assert {name: request.url.params[name] for name in query} == query
    shown, command = preview(planned(made), connected(made)), curl(planned(made), connected(made))
    assert leaked(repr(shown) + command) == []
    assert repr(shown).count(MASK) == 2
    words = words_of(command, tmp_path, {"TINY_KEY": KEY})
    named = {name.lower(): text for name, _, text in (word.partition(": ") for word in words)}
    assert {name: named[name] for name in headers} == headers


@pytest.mark.parametrize(
    ("auth", "header", "sent", "masked"),
    [
        ("bearer", "authorization", f"Bearer {KEY}", f"Bearer {MASK}"),
        ("header", "x-key", f"Key {KEY}", f"Key {MASK}"),
        ("basic", "authorization", "Basic YW5uYTpwcGx4LXRlc3QtYWJjREVGMTIzKy89NDU2", f"Basic {MASK}"),
    ],
)
def test_auth_in_a_header(
    tiny: Callable[..., Connector], auth: str, header: str, sent: str, masked: str
) -> None:
    """Each kind in its form; people see a mask."""
    made = tiny(auth=auth)
    assert build(planned(made), connected(made)).headers[header] == sent
    shown = preview(planned(made), connected(made))
    assert {name.lower(): value for name, value in shown.headers.items()}[header] == masked
    assert leaked(repr(shown)) == []


def test_no_auth(tiny: Callable[..., Connector]) -> None:
    """An API that is open to all gets nothing that proves who asks."""
    made = tiny(auth="none")
    assert "authorization" not in build(planned(made), connected(made)).headers
    assert "Authorization" not in preview(planned(made), connected(made)).headers
    assert KEY not in curl(planned(made), connected(made))


def test_auth_in_the_query(tiny: Callable[..., Connector]) -> None:
    """The key is encoded into the URL, which prints without it."""
    made = tiny(auth="query")
    request = build(planned(made, part="p"), connected(made))
    assert request.url.params["api_key"] == KEY
    assert repr(request) == "<Request('GET', 'https://tiny.test/api/items/seven/x')>"
    shown = preview(planned(made, part="p"), connected(made))
    assert shown.url == f"https://tiny.test/api/items/seven/x?part=p&v=2&api_key={MASK}"
    assert leaked(repr(request) + repr(shown)) == []


# --- what HTTP cannot carry


@pytest.mark.hazard("C8")
@pytest.mark.parametrize(
    "note", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0b", "a\tb", "é", "🦜", " a", "a "], ids=ascii
)
def test_a_header_cannot_be_injected(tiny: Callable[..., Connector], note: str) -> None:
    """Line breaks and all else that no header carries are refused, with the header's name and without the key."""
    made = tiny()
    with pytest.raises(InputError, match="The header X-Note would hold") as caught:
        build(planned(made, note=note), connected(made))
    assert caught.value.problems[0].hint
    assert leaked(everything_shown(caught.value)) == []


@pytest.mark.parametrize("auth", ["bearer", "basic", "query"])
def test_a_url_can_be_too_long(tiny: Callable[..., Connector], auth: str) -> None:
    """It is an input's problem, told before anything is sent."""
    made = tiny(auth=auth)
    with pytest.raises(InputError, match="longer than HTTP carries") as caught:
        build(planned(made, id="x" * 70_000), connected(made))
    assert leaked(everything_shown(caught.value)) == []


# --- what people see


def test_a_preview_is_the_request_but_for_the_key() -> None:
    """Same method, URL, body and headers; only the secret is masked."""
    made, connection = search(query=HARD), connected()
    request, shown = build(made, connection), preview(made, connection)
    assert (shown.method, shown.url, shown.body) == (request.method, str(request.url), made.body)
    sent = {name.lower(): value for name, value in request.headers.items()}
    for name, value in shown.headers.items():
        assert sent[name.lower()].replace(KEY, MASK) == value
    assert leaked(repr(shown)) == []


def test_a_preview_takes_stand_ins() -> None:
    """An export puts its own placeholder where the key goes."""
    shown = preview(search(), connected(), stand_in=lambda name: f"<{name}>")
    assert shown.headers["Authorization"] == "Bearer <api_key>"


# --- curl


def test_a_curl_command_in_full() -> None:
    """One option a line; the shell reads the key from the environment."""
    assert curl(search(query="it's"), connected()).split(" \\\n  ") == [
        "curl --request POST https://api.perplexity.ai/search",
        "--header 'Accept: application/json'",
        "--header 'Content-Type: application/json'",
        '--header "Authorization: Bearer $PERPLEXITY_API_KEY"',
        """--data-raw '{"query":"it'"'"'s"}'""",
    ]


RECORDER = """#!/usr/bin/env python3
import json, sys
print(json.dumps(sys.argv[1:]))
"""


def run_in_shell(command: str, path: Path | str, variables: dict[str, str]) -> str:
    environ = {"PATH": f"{path}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, check=True, timeout=20)
    return done.stdout.decode()


def words_of(command: str, folder: Path, variables: dict[str, str]) -> list[str]:
    """The words that a shell gives to curl."""
    program = folder / "curl"
    program.write_text(RECORDER)
    program.chmod(0o755)
    words: list[str] = json.loads(run_in_shell(command, folder, variables))
    return words


@pytest.mark.parametrize(
    "text", ["plain", HARD, "'", '"', "\\", "$PERPLEXITY_API_KEY", "@/etc/passwd", "-x"], ids=ascii
)
def test_a_shell_reads_the_curl_command_as_it_is_meant(tmp_path: Path, text: str) -> None:
    """A shell expands the key and nothing else: not a query that looks like a command."""
    command = curl(search(query=text), connected())
    assert leaked(command) == []
    words = words_of(command, tmp_path, {"PERPLEXITY_API_KEY": KEY})
    assert words[:3] == ["--request", "POST", "https://api.perplexity.ai/search"]
    assert f"Authorization: Bearer {KEY}" in words
    assert words[-2] == "--data-raw"
    assert json.loads(words[-1]) == {"query": text}


@pytest.mark.parametrize(
    ("auth", "word"),
    [
        ("odd", f'X-Key: a"$b`c\\{KEY}_d'),
        ("basic", f'$HOME"`id`\\!:{KEY}'),
        ("query", f"https://tiny.test/api/items/seven/x?v=2&api_key={KEY}"),
    ],
)
def test_a_shell_expands_only_the_key(
    tiny: Callable[..., Connector], tmp_path: Path, auth: str, word: str
) -> None:
    """What stands around it, in a header, a user's name or a URL, is meant as it is."""
    made = tiny(auth=auth)
    command = curl(planned(made), connected(made, user='$HOME"`id`\\!'))
    assert leaked(command) == []
    assert word in words_of(command, tmp_path, {"TINY_KEY": KEY})


def comparable(received: Received) -> tuple[Any, ...]:
    own = {"user-agent", "accept-encoding", "connection"}
    headers = {name: value for name, value in received.headers.items() if name not in own}
    return received.method, received.target, headers, received.body


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_sends_the_same_request() -> None:
    """The printed command and the connector are one to the server."""
    with Loopback(http(200, {"id": "1", "results": []})) as server:
        inputs = {"query": [HARD, "zwei"], "max_results": 3}
        with connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened:
            opened.run("execute_search", inputs)
            command = curl(opened.plan("execute_search", inputs), opened.connection)
        run_in_shell(f"{command} --silent", "/usr/bin", {"PERPLEXITY_API_KEY": KEY})
        ours, curls = server.requests
    assert comparable(ours) == comparable(curls)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("auth", "sent"), [("bearer", ""), ("header", FORM), ("basic", "")])
def test_curl_sends_the_same_auth(tiny: Callable[..., Connector], auth: str, sent: str) -> None:
    """Whatever the kind of auth, and of a form."""
    made = tiny(auth=auth, sent=sent)
    with Loopback(http(200, {"name": "x"})) as server:
        connection = connected(made, base_url=server.url)
        request = build(planned(made, note="n", tags=["a b"]), connection)
        with httpx.Client(trust_env=False) as client:
            client.send(request)
        command = curl(planned(made, note="n", tags=["a b"]), connection)
        run_in_shell(f"{command} --silent", "/usr/bin", {"TINY_KEY": KEY})
        ours, curls = server.requests
    assert comparable(ours) == comparable(curls)


def test_the_forms_are_all_looked_for() -> None:
    """The search for leaks would find each form of the key."""
    assert all(leaked(f"x{form}x") for form in FORMS)
