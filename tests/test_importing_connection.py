"""From servers and security schemes to a connection; and documents that are read, or are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_documents import OK, get, read, three, two

from connector.cli.commands import ended_with
from connector.errors import ManifestError
from connector.importing.openapi import Wanted, imported
from connector.importing.source import parse
from connector.lint import lint

TEXT = {"type": "string"}
CONTROL: dict[str, Any] = {"/a": {"get": {"operationId": "getA", "tags": ["letters"], "responses": OK}}}


def connection(document: Any) -> dict[str, Any]:
    made: dict[str, Any] = read(document).draft.connector["connection"]
    return made


def secured(*choices: dict[str, list[str]], **schemes: Any) -> dict[str, Any]:
    return three(CONTROL, components={"securitySchemes": schemes}, security=list(choices))


KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        pytest.param(
            KEY, {"kind": "header", "name": "X-Key", "value": "${{ connection.api_key }}"}, id="header"
        ),
        pytest.param(
            {**KEY, "in": "query", "name": "key"},
            {"kind": "query", "name": "key", "value": "${{ connection.api_key }}"},
            id="query",
        ),
        pytest.param(
            {**KEY, "in": "cookie", "name": "sid"},
            {"kind": "header", "name": "Cookie", "value": "sid=${{ connection.api_key }}"},
            id="cookie",
        ),
        pytest.param(
            {"type": "http", "scheme": "Bearer"},
            {"kind": "bearer", "value": "${{ connection.access_token }}"},
            id="bearer",
        ),
        pytest.param(
            {"type": "http", "scheme": "basic"},
            {
                "kind": "basic",
                "username": "${{ connection.username }}",
                "password": "${{ connection.password }}",
            },
            id="basic",
        ),
        pytest.param(
            {"type": "http", "scheme": "Token"},
            {"kind": "header", "name": "Authorization", "value": "Token ${{ connection.credentials }}"},
            id="another scheme of HTTP",
        ),
        pytest.param(
            {"type": "openIdConnect"},
            {"kind": "bearer", "value": "${{ connection.access_token }}"},
            id="OpenID",
        ),
        pytest.param(
            {"type": "oauth2", "flows": {"implicit": {}}},
            {"kind": "bearer", "value": "${{ connection.access_token }}"},
            id="OAuth 2 with a sign-in",
        ),
    ],
)
def test_a_security_scheme_signs(scheme: dict[str, Any], auth: dict[str, str]) -> None:
    """With fields of the connection's form."""
    assert connection(secured({"a": []}, a=scheme))["auth"] == auth


def test_client_credentials_are_fetched_for() -> None:
    """The form asks for the client's id and secret."""
    flow = {"tokenUrl": "https://acme.example/token", "scopes": {"read": ""}}
    made = connection(secured({"a": []}, a={"type": "oauth2", "flows": {"clientCredentials": flow}}))
    assert made["auth"]["token_url"] == "https://acme.example/token"
    assert made["fields"]["required"] == ["connection_name", "client_id", "client_secret"]


def test_keys_that_go_together_are_both_sent() -> None:
    """Each is a field of its own."""
    other = {"type": "apiKey", "in": "query", "name": "app"}
    made = connection(secured({"a": [], "b": []}, a=KEY, b=other))
    assert made["auth"] == {
        "kind": "header",
        "name": "X-Key",
        "value": "${{ connection.a }}",
        "also": [{"kind": "query", "name": "app", "value": "${{ connection.b }}"}],
    }


def test_sign_ins_that_go_together_share_their_token() -> None:
    """Two flows of OAuth 2 are two ways to the same access token."""
    flows: dict[str, Any] = {"a": {"implicit": {}}, "b": {"authorizationCode": {}}}
    schemes = {name: {"type": "oauth2", "flows": flow} for name, flow in flows.items()}
    made = connection(secured({"a": [], "b": []}, **schemes))
    assert made["auth"] == {"kind": "bearer", "value": "${{ connection.access_token }}"}


def test_keys_for_one_place_cannot_go_together() -> None:
    """Both would be the Authorization header."""
    schemes = {"a": {"type": "http", "scheme": "basic"}, "b": {**KEY, "name": "Authorization"}}
    made = read(secured({"a": [], "b": []}, **schemes))
    assert made.draft.connector["connection"]["auth"] == {"kind": "none"}
    assert made.about == ("the security scheme a and b (http basic, apiKey)",)


def test_the_scheme_that_serves_most_operations_signs() -> None:
    """The others are told."""
    paths = {f"/{n}": {"get": {"security": [{"a" if n else "b": []}], "responses": OK}} for n in range(3)}
    schemes = {"a": KEY, "b": {"type": "http", "scheme": "basic"}}
    made = read(three(paths, components={"securitySchemes": schemes}))
    assert made.draft.connector["connection"]["auth"]["name"] == "X-Key"
    assert made.remarks["get_0"] == ("its security (b), which the connection does not have",)


def test_what_the_connection_sends_is_no_input() -> None:
    """Documents name their key as a parameter too."""
    key = {"name": "x-key", "in": "header", "required": True, "schema": TEXT}
    document = get(parameters=[key])
    document |= {"components": {"securitySchemes": {"a": KEY}}, "security": [{"a": []}]}
    assert read(document).draft.actions["get_thing"]["inputs"]["properties"] == {}


def test_an_api_without_schemes_signs_nothing() -> None:
    """It is open to all."""
    assert connection(three(CONTROL))["auth"] == {"kind": "none"}


@pytest.mark.parametrize(
    ("schemes", "kind"),
    [
        pytest.param({"a": {"type": "http", "scheme": "basic"}, "b": KEY}, "header", id="a key"),
        pytest.param(
            {"a": {"type": "http", "scheme": "basic"}, "b": {"type": "http", "scheme": "bearer"}},
            "bearer",
            id="a token",
        ),
        pytest.param(
            {"a": {"type": "http", "scheme": "basic"}, "b": {**KEY, "name": "Authorization"}},
            "basic",
            id="not a header of an unknown form",
        ),
    ],
)
def test_of_several_ways_to_sign_in_the_simplest_is_asked_for(schemes: dict[str, Any], kind: str) -> None:
    """A key can be withdrawn, and names nobody; a password opens the account."""
    assert connection(secured({"a": []}, {"b": []}, **schemes))["auth"]["kind"] == kind


def test_that_there_is_no_credential_is_told() -> None:
    """The document may have forgotten it."""
    (told,) = read(three(CONTROL)).about
    assert told == "the document names no credential, so the connection asks for none"


def test_a_key_among_the_parameters_is_the_connections() -> None:
    """Where the document knows no scheme, and most operations need it."""
    key = {"name": "X-Acme-Api-Key", "in": "header", "required": True, "schema": TEXT}
    made = read(get(parameters=[key]))
    assert made.draft.connector["connection"]["auth"]["name"] == "X-Acme-Api-Key"
    assert made.draft.actions["get_thing"]["inputs"]["properties"] == {}
    assert "'X-Acme-Api-Key' of its operations is a key" in made.about[0]


def test_a_key_of_few_operations_is_an_input() -> None:
    """The others do not need it."""
    key = {"name": "X-Api-Key", "in": "header", "required": True, "schema": TEXT}
    paths = {f"/{n}": {"get": {"responses": OK, "parameters": [key] if n else []}} for n in range(2)}
    assert connection(three(paths))["auth"] == {"kind": "none"}


def test_an_authorization_header_is_the_connections() -> None:
    """Where the document knows no scheme, and its operations take one."""
    header = {"name": "Authorization", "in": "header", "required": True, "schema": TEXT}
    assert connection(get(parameters=[header]))["auth"]["value"] == "${{ connection.authorization }}"


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        pytest.param([{"url": "https://a.example/v1/"}], "https://a.example/v1", id="plain"),
        pytest.param(
            [{"url": "http://a.example"}, {"url": "https://b.example"}], "https://b.example", id="not http"
        ),
        pytest.param([{"url": "http://a.example"}], None, id="http only"),
        pytest.param([{"url": "/v1"}], None, id="relative"),
        pytest.param([{"url": "https://{site}.a.example"}], None, id="variable without default"),
        pytest.param(
            [{"url": "https://{site}.a.example", "variables": {"site": {"default": "your-site"}}}],
            None,
            id="default that stands for one's own",
        ),
        pytest.param(
            [{"url": "https://{r}.a.example", "variables": {"r": {"default": "eu", "enum": ["eu", "us"]}}}],
            "https://eu.a.example",
            id="choice",
        ),
        pytest.param(
            [{"url": "https://a.example/bot{token}", "variables": {"token": {"default": "1:test"}}}],
            None,
            id="default of a secret",
        ),
        pytest.param([], None, id="none"),
    ],
)
def test_the_base_url_is_a_servers(servers: list[Any], url: str | None) -> None:
    """One that a key may be sent to; else people are asked."""
    made = connection({**three(CONTROL), "servers": servers})["fields"]
    assert made["properties"]["base_url"].get("default") == url
    assert ("base_url" in made["required"]) == (url is None)


def test_what_a_server_may_be_is_told() -> None:
    """To people who fill in its URL."""
    region = {"default": "eu", "enum": ["eu", "us"], "description": "Where data lives."}
    servers = [{"url": "https://{r}.a.example", "variables": {"r": region}}]
    about = connection({**three(CONTROL), "servers": servers})["fields"]["properties"]["base_url"][
        "description"
    ]
    assert about == "In https://{r}.a.example, r (Where data lives) is eu or us."


def test_operations_of_another_host_go_there() -> None:
    """The connection has a field for it."""
    upload = {"post": {"servers": [{"url": "https://upload.acme.example"}], "responses": OK}}
    made = read(three({**CONTROL, "/b": upload})).draft
    assert (
        made.connector["connection"]["fields"]["properties"]["upload_url"]["default"]
        == "https://upload.acme.example"
    )
    assert made.actions["post_b"]["routes"]["main"]["request"]["base_url"] == "${{ connection.upload_url }}"


def test_swagger_2_names_a_host() -> None:
    """And a base path."""
    made = connection(two(CONTROL, schemes=["http", "https"]))
    assert made["fields"]["properties"]["base_url"]["default"] == "https://api.acme.example/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("[]", "not an OpenAPI document", id="list"),
        pytest.param("hello", "not an OpenAPI document", id="text"),
        pytest.param("{}", "names no version", id="no version"),
        pytest.param('{"openapi": "4.0"}', "not read here", id="version"),
        pytest.param('{"asyncapi": "2.0"}', "AsyncAPI", id="AsyncAPI"),
        pytest.param('{"openapi": ', "Neither JSON nor YAML", id="cut off"),
        pytest.param("a: [", "Neither JSON nor YAML", id="YAML cut off"),
        pytest.param("[" * 100_000, "nested too deep", id="deep"),
        pytest.param("a: &a [*b]", "Neither JSON nor YAML", id="no such anchor"),
        pytest.param('{"openapi": "3.0.0"}', "describes no operation", id="no operation"),
        pytest.param('{"openapi": "3.1.0", "webhooks": {"a": {}}}', "only webhooks", id="webhooks"),
        pytest.param(
            '{"openapi": "3.0.0", "paths": {"/a": {"$ref": "b.yaml"}}}', "another document", id="in parts"
        ),
    ],
)
def test_what_is_no_document_is_refused(text: str, said: str) -> None:
    """With what it is, and what to do."""
    with pytest.raises(ManifestError, match=said):
        imported(text.encode(), "acme.yaml")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param("a: no", "no", id="no is a text"),
        pytest.param("a: 2024-01-15", "2024-01-15", id="a date is a text"),
        pytest.param("a: 12:30", "12:30", id="so is a time"),
        pytest.param("a: !thing x", "x", id="a tag of its own"),
        pytest.param("a: 1e3", 1000.0, id="a number"),
        pytest.param("a: 0o17", 15, id="octal"),
        pytest.param("a: {<<: {b: 1}, c: 2}", {"b": 1, "c": 2}, id="merge"),
        pytest.param("a: {200: x}", {"200": "x"}, id="a key that is a number"),
    ],
)
def test_yaml_is_read_as_its_standard_has_it(line: str, value: Any) -> None:
    """Version 1.2, as OpenAPI wants it."""
    assert parse(f"openapi: 3.0.0\n{line}\n".encode(), "acme.yaml")["a"] == value


def test_operations_are_chosen_by_id_and_tag() -> None:
    """A wrong one gets the nearest."""
    document = three({**CONTROL, "/b": {"get": {"operationId": "getB", "responses": OK}}})
    assert list(read(document, Wanted(tags=["letters"])).draft.actions) == ["get_a"]
    assert list(read(document, Wanted(operations=["getB"])).draft.actions) == ["get_b"]
    with pytest.raises(ManifestError, match="Did you mean 'getA'"):
        read(document, Wanted(operations=["getAA"]))


def test_the_command_writes_a_folder_that_passes_lint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left out is told, and stands in IMPORTED.md; an old connector is not overwritten."""
    source, folder = tmp_path / "acme.json", tmp_path / "acme"
    source.write_text(json.dumps(three({**CONTROL, "/b": {"trace": {"responses": OK}}})), encoding="utf-8")
    command = ["import", "openapi", str(source), "-o", str(folder), "--name", "Acme Inc"]
    assert ended_with(command) == 0
    printed = capsys.readouterr()
    assert "1 action from 2 operations" in printed.out
    assert "left out: TRACE /b" in printed.err
    assert "TRACE /b" in (folder / "IMPORTED.md").read_text(encoding="utf-8")
    assert lint(folder) == []
    assert ended_with(command) == 2
    assert ended_with([*command, "--force"]) == 0


@pytest.mark.parametrize("spec", ["https://example.com/openapi.json", "missing.json"])
def test_the_command_fetches_nothing(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A document is a file, or stdin."""
    assert ended_with(["import", "openapi", spec]) == 2
    assert "Traceback" not in capsys.readouterr().err
