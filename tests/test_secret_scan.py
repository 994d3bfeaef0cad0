"""What looks like a secret in recorded exchanges, and what only has its name or its length."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from connector.secret import Redactor, Secret
from connector.testing.secret_scan import findings


def found(
    answer: Any = None,
    *,
    headers: dict[str, list[str]] | None = None,
    url: str = "https://a.test/x",
    asked: bytes | None = None,
    asked_headers: dict[str, str] | None = None,
    secret: str = "",
) -> list[str]:
    """What is found in one exchange."""
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    request = SimpleNamespace(method="GET", uri=url, headers=asked_headers or {}, body=asked)
    response = {"status": {"code": 200}, "headers": headers or {}, "body": {"string": content}}
    redactor = Redactor([Secret(secret)]) if secret else None
    return list(map(str, findings([request], [response], redactor)))


def random(*parts: str) -> str:
    """A credential that is none: in one piece it would be found in this very file."""
    return "".join(parts)


LETTERS = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890"}', b"0123456789abcdef")
)
FORMS = {
    "a JSON Web Token": JWT,
    "a private key": random("-----BEGIN RSA ", "PRIVATE KEY-----"),
    "a value of an Authorization header": f"Bearer {LETTERS}",
    "a user name and password in a URL": "https://anna:geheim12@db.test/x",
    "a Perplexity key": random("pplx-", LETTERS),
    "an OpenAI or Anthropic key": random("sk-", "proj-", LETTERS),
    "a Stripe key": random("sk_", "test_", LETTERS),
    "a GitHub token": random("ghp", "_", LETTERS, LETTERS),
    "a GitLab token": random("glpat", "-", LETTERS),
    "an AWS key id": random("AKIA", "IOSFODNN7", "ZXCVBNM"),
    "a Google key": random("AIza", LETTERS, "12345678"),
    "a Slack token": random("xoxb", "-123456789012-", LETTERS),
    "an npm token": random("npm", "_", LETTERS, LETTERS[:9]),
    "a PyPI token": random("pypi", "-", LETTERS, LETTERS),
    "a Hugging Face token": random("hf", "_", LETTERS, LETTERS[:7]),
    "a SendGrid key": random("SG", ".", LETTERS, ".", LETTERS),
    "a Shopify token": random("shpat", "_", "0123456789abcdef" * 2),
    "a DigitalOcean token": random("dop_v1", "_", "0123456789abcdef" * 4),
}


@pytest.mark.hazard("H1")
@pytest.mark.parametrize(("what", "text"), FORMS.items(), ids=FORMS)
def test_a_credential_is_known_by_its_form(what: str, text: str) -> None:
    """Wherever it stands: in a value, in the middle of prose, in a key, in a stream, on a page."""
    assert found({"note": text}) == [f"response.body.note: {what}"]
    assert found({"a": [{"b": f"Use {text} for it."}]}) == [f"response.body.a[].b: {what}"]
    assert found({text: 1})[0].endswith(what)
    assert found(f"event: x\ndata: {json.dumps({'note': text})}\n\n".encode())[0].endswith(what)
    assert found(f"<p>{text}</p>".encode()) == [f"response.body: {what}"]
    assert found(asked=json.dumps({"note": text}).encode()) == [f"request.body.note: {what}"]


@pytest.mark.hazard("H1")
@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "apiKey",
        "api-key",
        "API_KEY",
        "client_secret",
        "clientSecret",
        "session_id",
        "X-Signature",
    ],
)
def test_a_random_value_under_such_a_name_is_found(name: str) -> None:
    """In an answer, a request, its query and a form."""
    said = f"a random value under the name {name!r}"
    assert found({name: LETTERS}) == [f"response.body.{name}: {said}"]
    assert found({name: [LETTERS]}) == [f"response.body.{name}[]: {said}"]
    assert found(url=f"https://a.test/x?{name}={LETTERS}") == [f"request.query.{name}: {said}"]
    assert found(asked=f"a=b&{name}={LETTERS}".encode()) == [f"request.body.{name}: {said}"]


@pytest.mark.parametrize("value", ["geheim", "hunter2!", "correcthorse"])
def test_a_password_need_not_be_random(value: str) -> None:
    """Anything under that name is one."""
    assert found({"password": value}) == ["response.body.password: a random value under the name 'password'"]


@pytest.mark.hazard("H1")
@pytest.mark.parametrize(
    "name", ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key"]
)
def test_a_header_that_holds_credentials_is_found(name: str) -> None:
    """Whatever it holds, on either side."""
    said = "a header that holds credentials"
    assert found(headers={name: ["x"]}) == [f"response.headers.{name.lower()}: {said}"]
    assert found(asked_headers={name: "x"}) == [f"request.headers.{name.lower()}: {said}"]


@pytest.mark.hazard("H2")
def test_the_connections_own_secret_is_found_in_every_form() -> None:
    """And it cannot be allowed, nor can a private key."""
    secret = "kurzes/Geheimnis+7"
    for text in (secret, base64.b64encode(f"u:{secret}".encode()).decode(), secret[:9]):
        assert found({"a": text}, secret=secret) == ["response.body.a: a secret of the connection"]
    request = SimpleNamespace(method="GET", uri="https://a.test", headers={}, body=None)
    bodies = [{"a": secret}, {"a": FORMS["a private key"]}, {"token": LETTERS}]
    answers = [
        {"status": {"code": 200}, "headers": {}, "body": {"string": json.dumps(body).encode()}}
        for body in bodies
    ]
    redactor = Redactor([Secret(secret)])
    allowable = [findings([request], [answer], redactor)[0].can_be_allowed for answer in answers]
    assert allowable == [False, False, True]


INNOCENT: list[Any] = [
    {"prompt_tokens": 123, "max_tokens": 4096, "token": 5, "token_type": "bearer", "token_count": "123456789012345678"},
    {"next_page_token": LETTERS, "nextPageToken": LETTERS, "pageToken": LETTERS, "continuation_token": LETTERS},
    {"token": "test-abcdef0123456789", "api_key": "********", "secret": None, "password": "", "password_hint": "x"},
    {"token": "The token is in your settings, under API 1.", "secret": "not_a_very_random_one"},
    {"token_url": "https://auth.test/oauth2/v1/token", "secret": True},
    {"id": "resp_0123456789abcdef0123456789abcdef", "request_id": "269c8d1e-fb6d-4230-a456-b874664f89e6"},
    {"text": "Basic telecommunications and Token classification, Bearer infrastructures."},
    {"text": "Authorization: Bearer $PERPLEXITY_API_KEY, or pplx-test-abcdefghijklmnop, or Bearer <your token 123456>"},
    {"url": "https://example.test/a/b?c=d#e", "at": "mailto:anna@example.test", "time": "http://h:80/x@y"},
    {"embedding": base64.b64encode(bytes(range(200))).decode(), "sha256": "0123456789abcdef" * 4},
]  # fmt: skip


@pytest.mark.parametrize("answer", INNOCENT, ids=lambda answer: ", ".join(answer)[:60])
def test_what_only_looks_a_little_like_it_is_let_through(answer: Any) -> None:
    """Counts, words, ids, marks of pages, fakes and masks."""
    assert found(answer) == []
