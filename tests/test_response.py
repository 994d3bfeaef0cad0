"""Responses: every answer becomes a reply or an error that says where, what and what to do."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
from leaks import FORMS, KEY, everything_shown, leaked

import connector
from connector.connection import resolve
from connector.errors import API_KINDS, ApiError, ConnectorError, OutputError
from connector.plan import plan
from connector.refusal import failure
from connector.response import Reply, read
from connector.secret import MASK

PERPLEXITY = connector.load("perplexity")
CONNECTION = resolve(PERPLEXITY, {"api_key": KEY}, environ={})
TODAY = date(2026, 11, 21)
CHAT = {"model": "sonar", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
PLANS = {
    "search": plan(PERPLEXITY, PERPLEXITY.actions["execute_search"], {"query": "x"}, today=TODAY),
    "agent": plan(PERPLEXITY, PERPLEXITY.actions["create_chat_completion"], CHAT, today=TODAY),
    "sonar": plan(PERPLEXITY, PERPLEXITY.actions["create_chat_completion"], CHAT, today=TODAY, route="sonar"),
}
# as those, of routes that promise nothing of their answers
OPEN = {name: replace(one, route=replace(one.route, response={})) for name, one in PLANS.items()}
HTML = b"<html>\r\n<head><title>401 Authorization Required</title></head>\r\n</html>\r\n"


def answer(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    form = "text/html" if isinstance(body, bytes) else "application/json"
    request = httpx.Request("POST", "https://api.perplexity.ai/x?key=hidden", headers={"Authorization": KEY})
    return httpx.Response(
        status, headers={"Content-Type": form, **(headers or {})}, content=content, request=request
    )


def got(response: httpx.Response, route: str = "search") -> Reply:
    return read(response, OPEN[route], CONNECTION)


def refused(response: httpx.Response, route: str = "search") -> ApiError:
    with pytest.raises(ApiError) as caught:
        got(response, route)
    return caught.value


def error_body(message: str = "It failed", kind: str = "some_type", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": 400, **more}}


# --- failures


@pytest.mark.parametrize("status", [*range(300, 310), *range(400, 600), 600, 999])
@pytest.mark.parametrize("body", [error_body(), HTML, b""], ids=["json", "html", "empty"])
def test_every_status_is_an_error_in_full(status: int, body: Any) -> None:
    """Of a known kind, with where, what and what to do, and it survives another process."""
    error = refused(answer(status, body, {"X-Request-Id": "req-1"}))
    assert error.kind in API_KINDS
    assert (error.status, error.request_id, error.attempts) == (status, "req-1", 1)
    assert error.where == "POST https://api.perplexity.ai/x"
    assert str(status) in error.message
    assert error.hint
    assert str(error) == f"{error.where}: {error.message} {error.hint} (request id req-1)"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        pytest.param(
            400,
            error_body("bad model"),
            "bad_input",
            "400 Bad Request: bad model. Change the input and run it again.",
            id="400",
        ),
        pytest.param(
            401,
            HTML,
            "bad_credential",
            "401 Unauthorized. The answer is not JSON (text/html). Check the API key",
            id="401-page",
        ),
        pytest.param(
            401,
            error_body("Invalid API key provided.", "invalid_api_key"),
            "bad_credential",
            "401 Unauthorized: Invalid API key provided. Check the API key",
            id="401",
        ),
        pytest.param(
            401, error_body(kind="insufficient_quota"), "no_credit", "the account has no credit", id="quota"
        ),
        pytest.param(
            402, b"", "no_credit", "402 Payment Required. The answer is empty. Add credit", id="402"
        ),
        pytest.param(
            403,
            error_body("Sonar is now the Agent API.", "chat_completions_not_available"),
            "retired",
            "the key may be fine. Set the connection's chat_route to agent",
            id="403-retired",
        ),
        pytest.param(
            403, error_body(kind="agent_api_migration_required"), "retired", "was retired", id="403-moved"
        ),
        pytest.param(403, error_body(kind="forbidden"), "not_allowed", "The key may not do this", id="403"),
        pytest.param(403, HTML, "not_allowed", "a firewall refused the request", id="403-page"),
        pytest.param(404, b"", "not_found", "404 Not Found. The answer is empty.", id="404-empty"),
        pytest.param(413, error_body(), "bad_input", "413", id="413"),
        pytest.param(418, error_body(), "bad_input", "Change the input", id="any-4xx"),
        pytest.param(
            422,
            {"detail": [{"loc": ["body", "query"], "msg": "field required", "type": "missing"}]},
            "bad_input",
            "422 Unprocessable Entity: field required. It is about the input query.",
            id="422-list",
        ),
        pytest.param(422, {"detail": "Too long"}, "bad_input", ": Too long.", id="422-text"),
        pytest.param(
            429, error_body(kind="request_rate_limit_exceeded"), "rate_limited", "fewer requests", id="429"
        ),
        pytest.param(500, error_body(), "server_fault", "The service failed.", id="500"),
        pytest.param(503, b"upstream down", "server_fault", "not JSON", id="503-text"),
        pytest.param(599, b"", "server_fault", "Run it again later.", id="any-5xx"),
        pytest.param(
            400, {"error": "no such model"}, "bad_input", "400 Bad Request: no such model.", id="error-text"
        ),
        pytest.param(400, {"message": "no"}, "bad_input", "400 Bad Request: no.", id="message-only"),
        pytest.param(400, ["no"], "bad_input", "400 Bad Request. Change", id="list"),
        pytest.param(400, None, "bad_input", "400 Bad Request. The answer is not JSON", id="null"),
        pytest.param(
            400, {"error": {"message": 5, "type": [1]}}, "bad_input", "400 Bad Request.", id="odd-types"
        ),
        pytest.param(301, b"", "unexpected", "Set base_url to where the service really is", id="redirect"),
    ],
)
def test_a_failure_is_told(status: int, body: Any, kind: str, said: str) -> None:
    """Its kind by status and type, and the service's own words where it has some."""
    error = refused(answer(status, body))
    assert error.kind == kind
    assert said in f"{error.message} {error.hint}"


def test_a_retired_endpoint_is_not_a_wrong_key() -> None:
    """A valid key gets 403 there: people are told of the route, and not to check the key."""
    error = refused(answer(403, error_body(kind="chat_completions_not_available")), "sonar")
    assert "Check" not in str(error)
    assert "key is wrong" not in str(error)


@pytest.mark.parametrize(
    ("route", "body", "expected"),
    [
        ("agent", error_body(param="max_output_tokens"), "max_tokens"),
        ("agent", error_body(param="tools[0].filters.search_recency_filter"), "search_recency_filter"),
        ("agent", error_body(param="input[0].content"), "messages"),
        ("agent", error_body(param="seed"), None),
        ("agent", error_body(param=None), None),
        ("agent", error_body(param=7), None),
        ("sonar", {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "x"}]}, "messages"),
        ("search", {"detail": [{"loc": ["body", "max_results"], "msg": "x"}]}, "max_results"),
        ("search", {"detail": [{"loc": "query", "msg": "x"}]}, "query"),
        ("search", {"detail": [{"loc": [], "msg": "x"}]}, None),
    ],
)
def test_a_complaint_leads_back_to_the_input(route: str, body: Any, expected: str | None) -> None:
    """The service names its parameter; people are told their input."""
    error = refused(answer(400, body), route)
    assert error.input == expected
    assert (f"It is about the input {expected}." in error.hint) == (expected is not None)


@pytest.mark.parametrize(
    ("headers", "seconds", "said"),
    [
        ({"Retry-After": "1"}, 1, "The service asks to wait 1 second. "),
        ({"Retry-After": "30.2"}, 30.2, "The service asks to wait 31 seconds. "),
        ({"Retry-After": "600"}, 600, "The service asks to wait 10 minutes. "),
        ({"Retry-After": "86400"}, 86400, "The service asks to wait 24 hours. "),
        ({"Retry-After-Ms": "250"}, 0.25, "The service asks to wait 1 second. "),
        ({"Retry-After": "soon"}, None, ""),
        ({}, None, ""),
    ],
    ids=str,
)
def test_the_wait_that_is_asked_for_is_told(
    headers: dict[str, str], seconds: float | None, said: str
) -> None:
    """Whoever stops has to know when to come back."""
    error = refused(answer(429, error_body(), headers))
    assert error.retry_after == seconds
    assert error.hint == f"{said}Wait, then run it again; or send fewer requests at once."


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.test/x?token=1", "It points to login.test; redirects are not followed."),
        ("/x", "It is a redirect."),
        ("", "It is a redirect."),
        ("http://a:x/", "It is a redirect."),
        ("x" * 70_000, "It is a redirect."),
    ],
    ids=["other-host", "path", "none", "malformed", "endless"],
)
def test_a_redirect_is_told(location: str, said: str) -> None:
    """Where it points to, by host."""
    error = refused(answer(307, b"", {"Location": location}))
    assert error.message == f"307 Temporary Redirect. The answer is empty. {said}"


def test_a_long_message_is_cut() -> None:
    """An error is a sentence, not a book; the body keeps it all."""
    error = refused(answer(400, error_body("x" * 10_000)))
    assert len(str(error)) < 700
    assert len(error.body["error"]["message"]) == 10_000


@pytest.mark.parametrize("charset", ["hex", "rot13", "zlib", "utf-7", "utf-16", "no-such", "idna"])
def test_a_charset_that_lies_does_no_harm(charset: str) -> None:
    """JSON is UTF-8, and a page is shown as if it were."""
    headers = {"Content-Type": f"text/html; charset={charset}"}
    assert refused(answer(500, "Störung".encode(), headers)).body == "Störung"
    assert got(answer(200, b'{"id": "\xc3\xb6"}', headers)).body == {"id": "ö"}


# --- what the key is doing in an answer


@pytest.mark.parametrize("form", FORMS[:1] + FORMS[2:], ids=["plain", "quoted", "base64", "base64-url"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_an_echoed_key_is_masked(status: int, form: str) -> None:
    """In a message, a page, a header, a success, a failure: whatever the server knows, people do not see."""
    headers = {"X-Request-Id": f"r-{form}", "X-Debug": form, "Location": f"https://{form}/"}
    for body in (
        error_body(f"the key {form} is wrong", param=form),
        f"<p>{form}".encode(),
        f"{'x' * 1980}{form}".encode(),
        {"results": [{"title": form, form: [form]}], "error": {"message": form}},
    ):
        response = answer(status, body, headers)
        if status == 200 and isinstance(body, dict) and "results" in body:
            assert leaked(repr(got(response))) == []
            assert MASK in json.dumps(got(response).body)
            continue
        with pytest.raises(ConnectorError) as caught:
            got(response)
        assert leaked(everything_shown(caught.value)) == []


def test_a_key_spelt_with_escapes_is_masked() -> None:
    """JSON has several spellings of a text."""
    spelt = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    body = b'{"results": [], "id": "' + spelt.encode() + b'"}'
    assert got(answer(200, body)).body["id"] == MASK
    assert leaked(everything_shown(refused(answer(400, body)))) == []


def test_a_key_at_the_end_of_a_long_message_is_masked_whole() -> None:
    """Masked first, cut afterwards: half a key is a key to guess."""
    error = refused(answer(400, error_body("x" * 490 + KEY)))
    assert KEY[:5] not in str(error)


# --- success


def test_a_reply() -> None:
    """Status, headers by lower-case name, body, the service's id, and the place."""
    reply = got(answer(200, {"results": []}, {"X-Request-Id": "req-1", "X-RateLimit-Remaining": "49"}))
    assert (reply.status, reply.body, reply.request_id) == (200, {"results": []}, "req-1")
    assert reply.headers["x-ratelimit-remaining"] == "49"
    assert reply.where == "POST https://api.perplexity.ai/x"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        pytest.param(b"<html>login</html>", "expecting value at character 0", id="page"),
        pytest.param(b'{"a": 1', "expecting ',' delimiter at character 7", id="cut"),
        pytest.param(b'{"a": "', "unterminated string starting at character 6", id="cut-text"),
        pytest.param(b'{"a": 1} x', "extra data at character 9", id="more"),
        pytest.param(b'{"a": NaN}', "NaN is not a JSON number", id="nan"),
        pytest.param(b'{"a": -Infinity}', "-Infinity is not a JSON number", id="infinity"),
        pytest.param(b'{"a": 1e999}', "a number is too large", id="huge-float"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "a number is too long", id="huge-integer"),
        pytest.param(b'{"a": 1, "a": 2}', "a key stands twice in an object", id="twice"),
        pytest.param(b'{"a": "\xe9"}', "not UTF-8", id="latin-1"),
        pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(b"[" * 201 + b"]" * 201, "nested deeper than 200 levels", id="deep"),
        pytest.param(b'{"a":' * 100_000, "nested deeper than 200 levels", id="very-deep"),
        pytest.param(b"data: {}\n\n", "expecting value at character 0", id="events"),
    ],
)
def test_a_success_that_is_not_json_is_told(body: bytes, wrong: str) -> None:
    """What is wrong, what came, and what to check; the content itself is nowhere in the error."""
    with pytest.raises(OutputError) as caught:
        got(answer(200, body, {"X-Request-Id": "req-1"}))
    error = caught.value
    assert error.message == f"The answer is not JSON: {wrong} (text/html, {len(body)} bytes)."
    assert (error.field, error.expected, error.request_id) == ("response.body", "JSON", "req-1")
    assert "proxy" in error.hint
    assert error.__context__ is None
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("body", "form", "said"),
    [
        pytest.param(b"No such city.\n", "text/plain; charset=utf-8", ": No such city.", id="text"),
        pytest.param(b'"No such city."', "application/json", ": No such city.", id="json text"),
        pytest.param(f"Not {KEY}!".encode(), "Text/Plain", ": Not ********!.", id="secret"),
        pytest.param(b"a\x1b[2J\nb", "text/plain", ": a [2J b.", id="steers a terminal"),
        pytest.param(b" <html>", "text/plain", ". The answer is not JSON (text/plain).", id="page"),
        pytest.param(b"a;b", "text/csv", ". The answer is not JSON (text/csv).", id="other text"),
        pytest.param(b" \n", "text/plain", ". The answer is not JSON (text/plain).", id="blank"),
    ],
)
def test_a_failure_that_is_a_text(body: bytes, form: str, said: str) -> None:
    """What a service says in plain words is told, masked and on one line; a page is not."""
    assert refused(answer(400, body, {"Content-Type": form})).message == f"400 Bad Request{said}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b" \r\n{} \n", {}),
        (b'{"a": "\\ud83e\\udd9c"}', {"a": "🦜"}),
        (b'{"a": "\\ud83e"}', {"a": "\ufffd"}),
        (b'{"\\udd9c": ["\\udd9c"]}', {"\ufffd": ["\ufffd"]}),
        (b'{"a": "\\u0000"}', {"a": "\0"}),
        (b'{"a": 12345678901234567890}', {"a": 12345678901234567890}),
        (b"[" * 200 + b"]" * 200, ...),
        (b"5", 5),
        (b"null", None),
        (b"", None),
        (b" \n", None),
    ],
    ids=ascii,
)
def test_json_is_read_as_it_is(body: bytes, expected: Any) -> None:
    """A BOM, white space, half a surrogate pair and big numbers do no harm."""
    reply = got(answer(200, body))
    assert expected is ... or reply.body == expected


@pytest.mark.parametrize(
    ("route", "body", "message"),
    [
        ("agent", {"status": "failed", "error": {"message": "no model"}}, "no model"),
        ("agent", {"status": "failed", "error": {"type": "overloaded"}}, "overloaded"),
        ("agent", {"status": "cancelled", "error": None}, "cancelled"),
        ("agent", {"status": "in_progress"}, "in_progress"),
        ("sonar", {"error": {"message": "upstream"}}, "upstream"),
        ("sonar", {"error": "upstream"}, "upstream"),
    ],
    ids=str,
)
def test_a_success_that_says_it_failed_is_a_failure(route: str, body: Any, message: str) -> None:
    """HTTP 200 with `status: failed` in it is no answer."""
    error = refused(answer(200, body, {"X-Request-Id": "req-1"}), route)
    assert error.message == f"The answer is a failure: {message}."
    assert (error.kind, error.status, error.request_id, error.body) == ("server_fault", 200, "req-1", body)
    assert error.hint


@pytest.mark.parametrize(
    "body", [{"status": "completed"}, {"status": "incomplete"}, {}, [], 5, None], ids=str
)
def test_what_does_not_say_that_it_failed_is_no_failure(body: Any) -> None:
    """Whether it fits the outputs is judged later."""
    assert got(answer(200, body), "agent").body == body


@pytest.mark.hazard("C10", "F5")
@pytest.mark.parametrize(
    ("route", "name"), [("search", "results"), ("agent", "output"), ("sonar", "choices")]
)
def test_an_answer_without_what_it_promises_is_none(route: str, name: str) -> None:
    """Its outputs would be empty in silence, which a paying caller could not tell from an answer."""
    with pytest.raises(OutputError, match=f"The answer has no '{name}'") as caught:
        read(answer(200, {"status": "completed"}), PLANS[route], CONNECTION)
    assert caught.value.field == f"response.body.{name}"


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(
    ("route", "name"), [("search", "results"), ("agent", "output"), ("sonar", "choices")]
)
def test_what_it_promises_is_not_null(route: str, name: str) -> None:
    """A null is no more than nothing."""
    with pytest.raises(OutputError, match=f"The answer has no '{name}'.*it is null"):
        read(answer(200, {"status": "completed", name: None}), PLANS[route], CONNECTION)


@pytest.mark.hazard("C10")
def test_a_promise_may_allow_null() -> None:
    """Where the response schema says so, null is an answer."""
    schema = {"required": ["results"], "properties": {"results": {"type": ["array", "null"]}}}
    lenient = replace(PLANS["search"], route=replace(PLANS["search"].route, response=schema))
    assert read(answer(200, {"results": None}), lenient, CONNECTION).body == {"results": None}


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(
    "output",
    [
        [],
        [{"type": "reasoning"}],
        [{"type": "message", "content": []}],
        [{"type": "message", "content": [{"type": "text", "text": "Hello"}]}],
        [{"type": "message", "content": [{"type": "output_text", "content": "Hello"}]}],
        [{"type": "answer", "content": [{"type": "output_text", "text": "Hello"}]}],
    ],
    ids=str,
)
def test_a_completed_answer_has_a_text(output: list[Any]) -> None:
    """Without one, the answer has changed its form; one that was cut off may have none."""
    error = refused(answer(200, {"status": "completed", "output": output}), "agent")
    assert (error.kind, "no text" in error.message, "newer" in error.hint) == ("unexpected", True, True)
    read(answer(200, {"status": "incomplete", "output": output}), PLANS["agent"], CONNECTION)


def test_a_completed_answer_may_have_an_empty_text() -> None:
    """An empty text is a text."""
    output = [{"type": "message", "content": [{"type": "output_text", "text": ""}]}]
    read(answer(200, {"status": "completed", "output": output}), PLANS["agent"], CONNECTION)


def test_a_check_has_no_input_to_blame() -> None:
    """Without a plan, a failure names none."""
    assert failure(answer(400, error_body(param="x")), CONNECTION).input is None
