"""`connector import curl`: the request of the command comes back, its secrets do not."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
from curl_commands import CASES, Case
from generated import bounded
from hypothesis import given
from hypothesis import strategies as st
from loopback import Loopback, http

import connector
from connector import request
from connector.errors import InputError, ManifestError
from connector.importing.curl import Named, imported
from connector.importing.draft import Draft, write
from connector.importing.linted import linted
from connector.importing.yaml_text import yaml_text
from connector.lint import lint
from connector.loading import load

KEY = "Test7/" + "xW3+kT2=mN5pL9"
"""Fake, with signs that are written in other ways in a URL and in base64."""


def action_of(draft: Draft) -> dict[str, Any]:
    (action,) = draft.actions.values()
    return dict(action)


def written(draft: Draft) -> str:
    """All that an import writes and tells."""
    files = [
        yaml_text(dict(draft.connector)),
        *(yaml_text(dict(action)) for action in draft.actions.values()),
    ]
    return "\n".join([*files, *draft.left_out])


def sent(folder: Path, inputs: dict[str, Any], fields: dict[str, str]) -> Any:
    """The request that the only action of a folder builds, with its example's inputs and others instead."""
    (action,) = load(folder).actions.values()
    given_fields: dict[str, Any] = {"base_url": "https://host.test", **fields}
    with connector.connect(str(folder), **given_fields) as opened:
        plan = opened.plan(action.id, {**action.examples[0].inputs, **inputs})
        return request.build(plan, opened.connection)


def parts(content: bytes, boundary: str) -> list[tuple[str, str]]:
    """The fields of a multipart form."""
    found = []
    for part in content.split(f"--{boundary}".encode())[1:-1]:
        head, _, body = part.decode().partition("\r\n\r\n")
        found.append((head.partition('name="')[2].partition('"')[0], body.removesuffix("\r\n")))
    return found


# --- the action


@pytest.mark.parametrize(
    ("method", "effects"),
    [
        ("GET", (True, True, False)),
        ("POST", (False, False, False)),
        ("PUT", (False, True, True)),
        ("PATCH", (False, False, True)),
        ("DELETE", (False, True, True)),
    ],
)
def test_the_method_says_what_an_action_does(method: str, effects: tuple[bool, ...]) -> None:
    """Reads only, can be repeated, deletes or overwrites: clients of MCP ask people before they run the last."""
    action = action_of(imported(f"curl -X {method} https://api.example.com/things"))
    told = (action["reads_only"], action["idempotent"], action.get("destructive", False))
    assert told == effects


# --- the request


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_request_of_the_command_is_sent(case: Case, tmp_path: Path) -> None:
    """What curl sends for a command, the connector that is made of it sends with its example."""
    folder = tmp_path / "made"
    write(imported(case.command), folder)
    assert lint(folder) == []
    built = sent(folder, case.inputs, case.fields)
    assert built.method == case.method
    assert unquote(built.url.raw_path.decode().partition("?")[0]) == unquote(case.path)
    assert Counter(parse_qsl(built.url.query.decode(), keep_blank_values=True)) == Counter(case.query)
    assert {name: built.headers.get(name) for name in case.headers} == case.headers
    kind = built.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        assert case.kind == "multipart"
        assert Counter(parts(built.content, kind.partition("boundary=")[2])) == Counter(case.body)
    elif isinstance(case.body, list) and all(isinstance(pair, tuple) for pair in case.body):
        assert kind == case.kind
        assert Counter(parse_qsl(built.content.decode(), keep_blank_values=True)) == Counter(case.body)
    elif case.body is None:
        assert built.content == b""
    else:
        assert kind == case.kind
        content = built.content.decode()
        assert (content if isinstance(case.body, str) else json.loads(content)) == case.body


def test_it_runs(tmp_path: Path) -> None:
    """The connector that is made of the vendor's search command runs, and gives the whole answer."""
    folder = tmp_path / "made"
    write(imported(CASES[1].command), folder)
    with (
        Loopback(http(body={"results": [{"title": "A"}]})) as server,
        connector.connect(str(folder), base_url=server.url, api_key="test-key") as opened,
    ):
        outputs = opened.run("search", {"query": "stars"}).outputs
    assert outputs == {"json": {"results": [{"title": "A"}]}, "text": outputs["text"], "status": 200}
    assert server.requests[0].json == {"query": "stars", "max_results": 5, "max_tokens_per_page": 4096}
    assert server.requests[0].headers["authorization"] == "Bearer test-key"


@pytest.mark.parametrize(
    ("path", "sends", "inputs"),
    [
        ("/users/42", "/users/42", {"user_id": "42"}),
        ("/v1/customers/cus_9s6XKzkNRiz8i3", "/v1/customers/cus_9s6XKzkNRiz8i3", {"customer_id": "cus_9s6XKzkNRiz8i3"}),
        ("/repos/OWNER/REPO/issues", "/repos/OWNER/REPO/issues", {"owner": "OWNER", "repo": "REPO"}),
        ("/users/:user_id/posts/{postId}", "/users/user_id/posts/postId", {"user_id": "user_id", "postId": "postId"}),
        ("/x/{{id}}", "/x/id", {"id": "id"}),
        ("/x/<item id>.json", "/x/item_id.json", {"item_id": "item_id"}),
        ("/calls/$CALL_SID.json", "/calls/call_sid.json", {"call_sid": "call_sid"}),
        ("/tickets/42.json", "/tickets/42.json", {"ticket_id": "42"}),
        ("/models/gemini-2.0:generate", "/models/gemini-2.0:generate", {}),
        ("/2010-04-01/things", "/2010-04-01/things", {}),
        ("/a/b/../c/./d", "/a/c/d", {}),
        ("/files/a%20b%2Fc", "/files/a%20b%2Fc", {}),
    ],
)  # fmt: skip
def test_what_varies_in_the_path_is_an_input(
    path: str, sends: str, inputs: dict[str, str], tmp_path: Path
) -> None:
    """Ids and placeholders are inputs that have to be given: no id is right for everyone."""
    draft = imported(f'curl "https://api.example.com{path}"')
    action = action_of(draft)
    assert action["examples"][0]["inputs"] == inputs
    assert action["inputs"].get("required", []) == list(inputs)
    write(linted(draft), tmp_path / "made")
    assert sent(tmp_path / "made", {}, {}).url.raw_path.decode() == sends


@pytest.mark.parametrize(
    ("said", "schema"),
    [
        ('"text"', {"type": "string", "title": "X", "default": "text"}),
        ("5", {"type": "integer", "title": "X", "default": 5}),
        ("0.5", {"type": "number", "title": "X", "default": 0.5}),
        ("false", {"type": "boolean", "title": "X", "default": False}),
        ("[]", {"type": "array", "title": "X", "default": []}),
        ("[1, 2.5]", {"type": "array", "title": "X", "items": {"type": "number"}, "default": [1, 2.5]}),
        ('["a", null]', {"type": "array", "title": "X", "items": {"type": ["string", "null"]}, "default": ["a", None]}),
        (
            '[{"a": 1}, {"b": "x"}]',
            {
                "type": "array",
                "title": "X",
                "items": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}},
                "default": [{"a": 1}, {"b": "x"}],
            },
        ),
    ],
)  # fmt: skip
def test_a_field_of_the_body_is_a_typed_input(said: str, schema: dict[str, Any]) -> None:
    """Its schema is inferred, and its default is what the command has."""
    draft = linted(imported(f"curl --json '{{\"x\": {said}}}' https://api.example.com/a"))
    assert action_of(draft)["inputs"]["properties"]["x"] == schema


def test_a_null_is_left_out_and_told() -> None:
    """A manifest leaves nulls out of a body: the input is there, and nobody has to give it."""
    draft = linted(imported("""curl --json '{"a": null, "b": 1}' https://api.example.com/a"""))
    assert "default" not in action_of(draft)["inputs"]["properties"]["a"]
    assert draft.left_out == ("a is null in the command; it is left out unless it is given.",)


@pytest.mark.parametrize(
    ("value", "schema"),
    [("3", "integer"), ("true", "boolean"), ("03", "string"), ("1.50", "string"), ("+1555", "string"), ("", "string")],
)  # fmt: skip
def test_texts_of_a_query_are_typed_where_that_is_safe(value: str, schema: str) -> None:
    """A short whole number and true are; what would be written in another way stays text."""
    draft = imported(f"curl 'https://api.example.com/a?page={quote(value)}'")
    assert action_of(draft)["inputs"]["properties"]["page"]["type"] == schema


def test_a_header_that_is_another_one_each_time_has_no_default() -> None:
    """An Idempotency-Key that is always the same would make the second run do nothing."""
    draft = linted(imported("curl -X POST -H 'Idempotency-Key: abc-1' https://api.example.com/a"))
    action = action_of(draft)
    assert "default" not in action["inputs"]["properties"]["Idempotency_Key"]
    assert action["routes"]["main"]["request"]["headers"] == {
        "Idempotency-Key": "${{ inputs.Idempotency_Key }}"
    }


def test_what_a_shell_would_fill_in_is_asked_for() -> None:
    """A variable in a body or a query has no default; a run asks for it."""
    draft = linted(imported('curl "https://api.example.com/a?q=$QUERY" --json "{\\"to\\": \\"$TO\\"}"'))
    assert action_of(draft)["inputs"]["required"] == ["q", "to"]


@pytest.mark.parametrize(
    ("url", "base_url", "told"),
    [
        ("https://api.example.com:8443/a", "https://api.example.com:8443", False),
        ("http://localhost:8000/a", "http://localhost:8000", False),
        ("api.example.com/a", "https://api.example.com", False),
        ("http://api.example.com/a", "https://api.example.com", True),
        ("https://$HOST/a", None, False),
        ("https://{account}.example.com/a", None, False),
        ('"$BASE_URL/a"', None, False),
    ],
)
def test_where_requests_go(url: str, base_url: str | None, told: bool) -> None:
    """The base URL is the command's, over https; where a variable stands, the connection asks for it."""
    draft = linted(imported(f"curl {url}"))
    fields = draft.connector["connection"]["fields"]
    assert fields["properties"]["base_url"].get("default") == base_url
    assert ("base_url" in fields["required"]) == (base_url is None)
    assert bool(draft.left_out) == told


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://$HOST/a", "the command says https://{HOST}."),
        ('"$BASE_URL/a"', "the command says {BASE_URL}."),
        ("'{{baseUrl}}/a'", "the command says {{baseUrl}}."),
    ],
)
def test_an_address_to_ask_for_is_shown_as_the_command_has_it(url: str, said: str) -> None:
    """No scheme is made up for it: what people then give is a whole URL."""
    fields = linted(imported(f"curl {url}")).connector["connection"]["fields"]
    assert fields["properties"]["base_url"]["description"].endswith(said)


@pytest.mark.parametrize(
    ("command", "ids"),
    [
        ("curl -X POST https://api.perplexity.ai/chat/completions", ("perplexity", "create_chat_completion")),
        ("curl -X POST https://api.perplexity.ai/search", ("perplexity", "search")),
        ("curl https://api.example.co.uk/v1/users/42", ("example", "get_user")),
        ("curl https://api.example.com/v1/users", ("example", "get_users")),
        ("curl -X DELETE https://example.org/api/v2/entries/7", ("example", "delete_entry")),
        ("curl -X POST https://slack.com/api/chat.postMessage", ("slack", "chat_post_message")),
        ("curl http://127.0.0.1:8000/", ("service", "get_request")),
    ],
)
def test_names_are_made(command: str, ids: tuple[str, str]) -> None:
    """The connector is named after the host, the action after method and path."""
    draft = linted(imported(command))
    assert (draft.connector["id"], *draft.actions) == ids


def test_names_can_be_given() -> None:
    """Whoever knows better says so."""
    draft = imported("curl https://a.example.com/x", Named("acme", "Acme Inc.", "find"))
    assert (draft.connector["id"], draft.connector["name"], *draft.actions) == ("acme", "Acme Inc.", "find")


# --- the credential


@pytest.mark.parametrize(
    ("options", "auth"),
    [
        (
            "-H 'Authorization: Bearer abc'",
            {"kind": "header", "name": "Authorization", "value": "Bearer ${{ connection.api_key }}"},
        ),
        (
            "-H 'authorization: abc'",
            {"kind": "header", "name": "Authorization", "value": "${{ connection.api_key }}"},
        ),
        (
            "-H 'Authorization: Bot $DISCORD_TOKEN'",
            {"kind": "header", "name": "Authorization", "value": "Bot ${{ connection.discord_token }}"},
        ),
        (
            "-H 'Authorization: Token token=abc'",
            {"kind": "header", "name": "Authorization", "value": "Token token=${{ connection.api_key }}"},
        ),
        (
            "-H 'x-api-key: abc'",
            {"kind": "header", "name": "x-api-key", "value": "${{ connection.api_key }}"},
        ),
        ("--oauth2-bearer abc", {"kind": "bearer", "value": "${{ connection.access_token }}"}),
        ("-u abc:", {"kind": "basic", "username": "${{ connection.api_key }}", "password": ""}),
        (
            "-u me:abc",
            {
                "kind": "basic",
                "username": "${{ connection.username }}",
                "password": "${{ connection.password }}",
            },
        ),
        ("-G -d api_key=abc", {"kind": "query", "name": "api_key", "value": "${{ connection.api_key }}"}),
        (
            "-b 'sid=abc; lang=en'",
            {
                "kind": "header",
                "name": "Cookie",
                "value": "sid=${{ connection.sid }}; lang=${{ connection.lang }}",
            },
        ),
        ("-H 'Accept: text/plain'", {"kind": "none"}),
        (
            "-H 'DD-API-KEY: abc' -H 'DD-APPLICATION-KEY: def'",
            {
                "kind": "header",
                "name": "DD-API-KEY",
                "value": "${{ connection.dd_api_key }}",
                "also": [
                    {
                        "kind": "header",
                        "name": "DD-APPLICATION-KEY",
                        "value": "${{ connection.dd_application_key }}",
                    }
                ],
            },
        ),
        (
            "-H 'apikey: abc' -H 'Authorization: Bearer abc'",
            {
                "kind": "header",
                "name": "Authorization",
                "value": "Bearer ${{ connection.api_key }}",
                "also": [{"kind": "header", "name": "apikey", "value": "${{ connection.api_key }}"}],
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_credential_is_a_field_of_the_connection(options: str, auth: dict[str, Any]) -> None:
    """Where it goes stays; what it is, people give."""
    draft = linted(imported(f"curl https://api.example.com/a {options.replace(chr(39), chr(34))}"))
    assert draft.connector["connection"]["auth"] == auth


def test_a_variable_names_the_field() -> None:
    """PERPLEXITY_API_KEY of the command is the variable that the connector reads."""
    draft = imported('curl https://api.perplexity.ai/x -H "Authorization: Bearer $PERPLEXITY_API_KEY"')
    assert "api_key" in draft.connector["connection"]["fields"]["properties"]


def test_what_another_command_writes_can_be_the_credential() -> None:
    """It is asked for, and never run: as any other key."""
    text = 'curl https://a.example/x -H "Authorization: Bearer $(gcloud auth print-access-token)"'
    draft = linted(imported(text))
    assert draft.connector["connection"]["auth"]["value"] == "Bearer ${{ connection.api_key }}"
    assert "gcloud" not in written(draft)


# --- secrets

_PLACES = {
    "bearer": "-H 'Authorization: Bearer {key}'",
    "basic": "-u 'me:{key}'",
    "basic, written out": "-H 'Authorization: Basic {pair}'",
    "header": "-H 'X-Api-Key: {key}'",
    "query": "-G --data-urlencode 'api_key={key}'",
    "cookie": "-b 'sid={key}'",
    "proxy": "-x 'http://me:{url}@proxy.example.com'",
    "proxy's user": "-U 'me:{key}'",
    "field of a body": """--json '{{"client_secret": "{key}"}}'""",
}
_OTHER_PLACES = {
    "nowhere else": "",
    "body": """--data-raw '{{"note": "{key}", "deep": {{"list": ["see {key}"]}}}}'""",
    "body, in base64": """--data-raw '{{"note": "{base64}"}}'""",
    "form": "--data-urlencode 'note={key}'",
    "part of a form": "-F 'note={key}'",
    "another header": "-H 'X-Note: {key}'",
    "another header, in base64": "-H 'X-Note: {base64}'",
    "name of a header": "-H '{key}: x'",
    "name of a field": """--data-raw '{{"{key}": 1}}'""",
    "name of an inner field": """--data-raw '{{"a": {{"{key}": 1}}}}'""",
    "agent": "-A '{key}'",
    "method": "-X '{key}'",
    "unknown option": "'--{key}'",
    "name of a file": "-F 'file=@{key}'",
}


@pytest.mark.hazard("I12")
@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize("other", _OTHER_PLACES)
def test_a_secret_reaches_no_file_and_no_terminal(place: str, other: str) -> None:
    """Wherever else it stands, and however it is written: the draft does without it, or it is refused unseen."""
    forms = {
        "key": KEY,
        "url": quote(KEY, safe=""),
        "base64": base64.b64encode(KEY.encode()).decode(),
        "pair": base64.b64encode(f"me:{KEY}".encode()).decode(),
    }
    options = f"{_PLACES[place]} {_OTHER_PLACES[other]}".format(**forms)
    try:
        shown = written(linted(imported(f"curl https://api.example.com/a {options}")))
    except (InputError, ManifestError) as error:
        shown = f"{error}"
    assert [name for name, form in forms.items() if form in shown] == []


@pytest.mark.parametrize(
    "path",
    ["/a/{key}/b", "/{key}", "/bot0123456789:" + "test-key-" * 4 + "/send", "/a?x=1#{key}"],
)
def test_a_secret_in_the_url_is_an_input_without_a_default(path: str) -> None:
    """The path cannot read the connection: what is secret in it is an input that is marked as one."""
    plain = "Test7xW3kT2mN5pL9"
    url = f"https://api.example.com{path}".format(key=plain)
    shown = written(linted(imported(f"curl '{url}' -H 'X-Api-Key: {plain}'")))
    assert plain not in shown
    assert "test-key-test-key" not in shown


@pytest.mark.parametrize(
    "value",
    [
        "ghp_" + "a1B2" * 9,
        "sk-" + "proj-" + "a1B2" * 6,
        "pplx-" + "a1B2c3D4" * 4,
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "xoxb-" + "0123456789-abcdef",
        "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
    ids=lambda value: value[:4],
)
def test_what_looks_like_a_key_is_a_secret(value: str) -> None:
    """Under any name, as a whole or within a text, at any depth."""
    body = json.dumps({"note": value, "deep": [{"text": f"use {value} here"}]})
    draft = linted(imported(f"curl --json '{body}' https://api.example.com/a"))
    assert value not in written(draft)
    fields = action_of(draft)["inputs"]["properties"]
    assert fields["note"]["writeOnly"]
    assert fields["deep"]["items"]["properties"]["text"]["writeOnly"]


def test_a_password_in_a_body_has_no_default() -> None:
    """It is asked for; the example has a fake one in its place."""
    draft = linted(
        imported("""curl --json '{"user": "ann", "password": "password"}' https://api.example.com/login""")
    )
    action = action_of(draft)
    (secret,) = [name for name, schema in action["inputs"]["properties"].items() if schema.get("writeOnly")]
    assert "default" not in action["inputs"]["properties"][secret]
    assert action["inputs"]["required"] == [secret]
    assert action["examples"][0]["inputs"] == {"user": "ann", secret: "test-secret"}


# --- refusals


@pytest.mark.hazard("I12")
@pytest.mark.parametrize(
    ("options", "where", "said"),
    [
        ('-H "X-Who: $(whoami)"', "the command", "known to a shell only"),
        ('-d "who=$(whoami)"', "the command", "known to a shell only"),
        ('-F "who=$(whoami)"', "the command", "known to a shell only"),
        ("-d @body.json", "--data @...", "sends a file"),
        ("--data-binary @body.json", "--data-binary @...", "sends a file"),
        ("-d @-", "--data @...", "another command"),
        ("--data-urlencode @f", "--data-urlencode @...", "sends a file"),
        ("--data-urlencode n@f", "--data-urlencode @...", "sends a file"),
        ("-F 'a=<f'", "-F name=<...", "reads a file"),
        ("-H @f", "-H @...", "from a file"),
        ("-K conf", "-K", "reads a file"),
        ("-n", "-n", "reads a file"),
        ("-b jar.txt", "-b", "names a file"),
        ("-T f", "-T", "sends a file"),
        ("--cacert ca.pem", "--cacert", "Certificates"),
        ("--cert c.pem", "-E", "Certificates"),
        ("--unix-socket /s", "--unix-socket", "socket"),
        ("--digest -u a:b", "--digest", "computed anew"),
        ("-H 'Authorization: AWS4-HMAC-SHA256 x=y'", "the header Authorization", "signs every request anew"),
        ("--next https://b.example", "--next", "another request"),
        ("https://b.example", "the command", "2 URLs"),
        ("--header='a: b'", "--header", "after a blank"),
        ("--frobnicate x", "--frobnicate", "no such option"),
        ("--maxtime 5", "--maxtime", "Did you mean --max-time?"),
        ("-d", "-d", "no value"),
        ("-X GET -d a=b", "-X GET", "a body"),
        ("-X PURGE", "-X", "no PURGE requests"),
        ("-d hello", "the body", "neither JSON nor a form"),
        ("--json '{a: 1}'", "the body", "not JSON"),
        ("--json '{\"a\": 1e400}'", "the body", "too large"),
        ("--json '{\"a\": 1, \"a\": 2}'", "the body", "a key stands twice"),
        ('--json "{\\"a\\": $N}"', "the body", "a variable is read inside a text only"),
        ("-d a=b -F c=d", "--form", "one of them"),
        ("-H 'X: é'", "the header X", "cannot carry"),
        ("-H 'X: ${{ inputs.a }}'", "the header X", "begins an expression"),
    ],
    ids=lambda value: value,
)  # fmt: skip
def test_what_a_connector_cannot_send_is_refused(options: str, where: str, said: str) -> None:
    """With the place, what is wrong, and what to do."""
    with pytest.raises(InputError) as caught:
        imported(f"curl https://api.example.com/a {options}")
    (problem,) = caught.value.problems
    assert problem.where == where
    assert said.lower() in f"{problem.message} {problem.hint}".lower()
    assert problem.hint


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://a.example/x", "not a URL of HTTP (ftp)"),
        ("file:///etc/passwd", "not a URL of HTTP (file)"),
        ("https://", "no host"),
        ("https://$(hostname)/x", "known to a shell only"),
        ('"https://a.example/$(whoami)"', "known to a shell only"),
        ('"https://a.example/?who=$(whoami)"', "known to a shell only"),
        ("'https://a.example/[1-3]'", "several URLs"),
        ("'https://a.example/{a,b}'", "several URLs"),
        ("https://a.example//x", "empty"),
        ("https://a.example/%FF", "not UTF-8"),
        ("http://169.254.169.254/latest", "clouds keep their own credentials"),
        ("http://0x7f.1/", "spelling that hides it"),
        ('"https://a.example/?$filter=x"', "name of a parameter"),
    ],
)
def test_urls_that_are_refused(url: str, said: str) -> None:
    """Other schemes, several URLs in one, and addresses that no key may be sent to."""
    with pytest.raises(InputError, match=r".") as caught:
        imported(f"curl {url}")
    assert said in str(caught.value)


def test_globs_are_signs_with_g() -> None:
    """With -g, braces and brackets are what they are; escaped, too."""
    for url in ("-g 'https://a.example/x?f={a,b}'", r"'https://a.example/x?f=\{a,b\}'"):
        draft = imported(f"curl {url}")
        assert action_of(draft)["inputs"]["properties"]["f"]["default"] == "{a,b}"


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ("-k", "checks certificates"),
        ("-L", "follows no redirects"),
        ("--retry 3", "`retry` in connector.yaml"),
        ("-x http://proxy.example.com", "HTTPS_PROXY"),
        ("-d '{\"a\": 1}'", "calls it JSON"),
        ("-F f=@a.txt", "base64"),
        ("| jq .", "beside the curl command"),
    ],
)
def test_what_is_left_out_is_told(options: str, note: str) -> None:
    """A sentence says what the connector does instead."""
    draft = linted(imported(f"curl https://api.example.com/a {options}"))
    assert [sentence for sentence in draft.left_out if note in sentence]


@pytest.mark.parametrize(
    "options", ["-sSvi", "-o f.json", "--compressed", "-w '%{http_code}'", "-#", "--http2", "-fN"]
)
def test_what_says_nothing_of_the_request_is_dropped_in_silence(options: str) -> None:
    """Options about curl's output change nothing."""
    plain, other = (imported(f"curl {more} https://api.example.com/a") for more in ("", options))
    assert plain == other


def test_a_time_becomes_a_deadline() -> None:
    """--max-time is the action's deadline."""
    assert action_of(linted(imported("curl -m 5 https://api.example.com/a")))["deadline"] == 5


# --- the outputs


def test_a_sample_answer_gives_typed_outputs(tmp_path: Path) -> None:
    """Flat fields and rows, by the names and types in the sample; no value of it is in the draft."""
    answer = {"id": "test-id", "results": [{"title": "T", "score": 1.5}], "usage": {"tokens": 3}}
    draft = linted(imported("curl https://api.example.com/a", answer=json.dumps(answer).encode()))
    outputs = action_of(draft)["outputs"]["properties"]
    assert {name: schema["type"] for name, schema in outputs.items()} == {
        "id": "string",
        "results": "array",
        "usage_tokens": "integer",
    }
    assert "test-id" not in written(draft)
    write(draft, tmp_path / "made")
    with (
        Loopback(http(body=answer)) as server,
        connector.connect(str(tmp_path / "made"), base_url=server.url) as opened,
    ):
        assert opened.run("get_a", {}).outputs == {
            "id": "test-id",
            "results": [{"title": "T", "score": 1.5}],
            "usage_tokens": 3,
        }


def test_what_a_run_gave_is_a_sample() -> None:
    """The outputs of an action without a sample hold the answer."""
    ran = json.dumps({"json": {"id": "a"}, "text": '{"id": "a"}', "status": 200}).encode()
    assert list(action_of(imported("curl https://a.example/x", answer=ran))["outputs"]["properties"]) == [
        "id"
    ]


@pytest.mark.parametrize(("sample", "said"), [(b"{", "not JSON"), (b"[" * 60 + b"]" * 60, "nested deeper")])
def test_a_sample_that_is_none(sample: bytes, said: str) -> None:
    """It is refused, and nothing of it is shown."""
    with pytest.raises(InputError, match=said):
        imported("curl https://a.example/x", answer=sample)


@pytest.mark.parametrize("options", ["-o voice.mp3", "-H 'Accept: image/png'"])
def test_an_answer_that_is_a_file_is_given_in_base64(options: str, tmp_path: Path) -> None:
    """Where the command says that bytes come."""
    write(linted(imported(f"curl https://api.example.com/a {options}")), tmp_path / "made")
    with (
        Loopback(http(body=b"\xff\xfb\x90", form="audio/mpeg")) as server,
        connector.connect(str(tmp_path / "made"), base_url=server.url) as opened,
    ):
        assert opened.run("get_a", {}).outputs == {"file": "//uQ", "status": 200}


@pytest.mark.parametrize(
    "answer", [b"<a/>", b"", b"[1]", b"5", b"null"], ids=["XML", "nothing", "list", "number", "null"]
)
def test_any_answer_is_an_output(answer: bytes, tmp_path: Path) -> None:
    """An action whose answer nobody has seen yet gives whatever comes."""
    write(imported("curl https://api.example.com/a"), tmp_path / "made")
    with (
        Loopback(http(body=answer, form="text/plain")) as server,
        connector.connect(str(tmp_path / "made"), base_url=server.url) as opened,
    ):
        assert opened.run("get_a", {}).outputs["text"] == answer.decode()


# --- any text


@given(
    st.sampled_from(CASES),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 8),
            st.one_of(
                st.sampled_from(
                    ["'", '"', "\\", "$", "`", "{", "}", "[", "<", "&", "|", "\n", " ", "-d ", "-H ", "@", "%", "%ff",
                     "\0", "é", "\ud800", "${{ x }}", "$X", "/", "?", "..", ":", "null", "1e999", "^", "\r\n", "\x07"]
                ),
                st.text(max_size=3),
            ),
        ),
        min_size=1,
        max_size=4,
    ),
)  # fmt: skip
@bounded(80)
def test_any_text_is_imported_or_refused(case: Case, changes: list[tuple[int, int, str]]) -> None:
    """Whatever is done to a command: a connector that can be written, or an error that says where and what to do."""
    text = case.command
    for place, cut, more in changes:
        text = text[:place] + more + text[place + cut :]
    try:
        draft = imported(text)
    except InputError as error:
        told = error.where, error.message, error.hint
    else:
        told = ("ok", "ok", "ok")
        assert linted(draft) is draft
    assert all(told)
