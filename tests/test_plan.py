"""Plans: what a caller gives becomes exactly the request that the route is written for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tiny import with_path, write_tiny

import connector
from connector.errors import InputError
from connector.manifest import Connector
from connector.plan import Plan, input_behind, plan

TODAY = date(2026, 11, 21)
PERPLEXITY = connector.load("perplexity")
CHAT = PERPLEXITY.actions["create_chat_completion"]
SEARCH = PERPLEXITY.actions["execute_search"]

HELLO = [{"role": "user", "content": "Hello"}]
LEAST = {"model": "sonar", "messages": HELLO}
SEARCHES = {"type": "web_search"}
LEAST_AGENT = {
    "effort": "fast",
    "input": [{"type": "message", "role": "user", "content": "Hello"}],
    "tools": [SEARCHES],
    "tool_choice": SEARCHES,
}


def chat(inputs: Mapping[str, Any] = {}, route: str = "agent", **options: Any) -> Plan:
    return plan(PERPLEXITY, CHAT, {**LEAST, **inputs}, today=TODAY, route=route, **options)


def search(**inputs: Any) -> Plan:
    return plan(PERPLEXITY, SEARCH, {"query": "x", **inputs}, today=TODAY)


def refused(make: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        make()
    return caught.value


# --- values keep their type

TEXTS = [
    "2024",
    "true",
    "null",
    "1e5",
    "[1]",
    '"quoted"',
    "a\nb",
    "{{x}}",
    "${{ inputs.model }}",
    "🦜",
    "{'a': 1}",
    "-0",
    "0x1F",
    "NaN",
    "yes",
    " ",
    "\\u0041",
    "a\u2028b",
    "\x00",
]


@pytest.mark.hazard("C1", "C4")
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_stays_that_text(text: str) -> None:
    """What looks like a number, JSON or a template is sent as the text that it is."""
    assert search(query=text).body == {"query": text}
    assert search(query=[text, text]).body == {"query": [text, text]}
    agent = chat({"messages": [{"role": "user", "content": text}]})
    assert agent.body["input"] == [{"type": "message", "role": "user", "content": text}]


@pytest.mark.parametrize(
    ("route", "inputs", "place", "expected"),
    [
        ("sonar", {"temperature": 0}, ("temperature",), 0),
        ("sonar", {"top_p": 0.0}, ("top_p",), 0.0),
        ("sonar", {"return_images": False}, ("return_images",), False),
        ("sonar", {"disable_search": False}, ("disable_search",), False),
        ("sonar", {"stop": ""}, ("stop",), ""),
        ("sonar", {"stop": []}, ("stop",), []),
        ("sonar", {"search_domain_filter": []}, ("search_domain_filter",), []),
        ("sonar", {"web_search_options": {}}, ("web_search_options",), {}),
        ("agent", {"temperature": 0}, ("temperature",), 0),
        ("agent", {"search_domain_filter": []}, ("tools", 0, "filters", "search_domain_filter"), []),
        (
            "agent",
            {"web_search_options": {"user_location": {"city": "", "latitude": 0}}},
            ("tools", 0, "user_location"),
            {"city": "", "latitude": 0},
        ),
        ("agent", {"messages": [{"role": "user", "content": ""}]}, ("input", 0, "content"), ""),
    ],
    ids=str,
)
def test_empty_values_are_values(
    route: str, inputs: dict[str, Any], place: tuple[str | int, ...], expected: Any
) -> None:
    """0, false, "" and [] are sent: only what is absent is left out."""
    found = chat(inputs, route).body
    for step in place:
        found = found[step]
    assert json.dumps(found) == json.dumps(expected)


def test_what_is_absent_is_left_out() -> None:
    """An optional input that is not given, or is null, leaves no trace in the body, at any depth."""
    assert chat().body == LEAST_AGENT
    assert chat(route="sonar").body == LEAST
    assert search().body == {"query": "x"}
    nulls = {name: None for name in CHAT.input_fields if name not in LEAST}
    assert chat(nulls).body == LEAST_AGENT
    assert chat(nulls, "sonar").body == LEAST


@pytest.mark.parametrize(("given", "sent"), [(3.0, 3), (3, 3)])
def test_a_whole_number_is_sent_as_one(given: float, sent: int) -> None:
    """3.0, as platforms without integers have it, is sent as 3."""
    assert json.dumps(search(max_results=given).body["max_results"]) == json.dumps(sent)


# --- every input of every action, on every route

LOCATION = {"country": "DE", "city": "Ulm", "region": "BW", "latitude": 48.4, "longitude": 10.0}
NOT_SENT = object()

# input -> a value of it, and what the Agent API gets for it; Sonar gets every input under its own name
CHAT_INPUTS: dict[str, tuple[Any, Any]] = {
    "model": ("sonar-deep-research", {"effort": "high"}),
    "messages": (
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://a.test/1.png"}},
                    {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
                ],
            },
            {"role": "assistant", "content": "A cat."},
            {"role": "user", "content": "And now?"},
        ],
        {
            "input": [
                {"type": "message", "role": "system", "content": "Be brief."},
                {
                    "type": "message",
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What is this?"},
                        {"type": "input_image", "image_url": "https://a.test/1.png"},
                        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
                    ],
                },
                {"type": "message", "role": "assistant", "content": "A cat."},
                {"type": "message", "role": "user", "content": "And now?"},
            ]
        },
    ),
    "max_tokens": (400, {"max_output_tokens": 400}),
    "temperature": (0.5, {"temperature": 0.5}),
    "top_p": (0.9, {"top_p": 0.9}),
    "top_k": (3, NOT_SENT),
    "presence_penalty": (0.5, NOT_SENT),
    "frequency_penalty": (0.5, NOT_SENT),
    "stop": (["END"], NOT_SENT),
    "stream_mode": ("concise", NOT_SENT),
    "stream_options": ({"include_usage": False}, NOT_SENT),
    "response_format": (
        {"type": "json_schema", "json_schema": {"schema": {"type": "object"}, "strict": False}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "schema", "schema": {"type": "object"}, "strict": False},
            }
        },
    ),
    "reasoning_effort": ("low", {"reasoning": {"effort": "low"}}),
    "search_mode": ("academic", NOT_SENT),
    "search_domain_filter": (["nasa.gov"], {"filters": {"search_domain_filter": ["nasa.gov"]}}),
    "search_language_filter": (["en"], NOT_SENT),
    "search_recency_filter": ("month", {"filters": {"search_recency_filter": "month"}}),
    "search_after_date_filter": ("3/1/2026", {"filters": {"search_after_date_filter": "3/1/2026"}}),
    "search_before_date_filter": ("4/1/2026", {"filters": {"search_before_date_filter": "4/1/2026"}}),
    "last_updated_after_filter": ("5/1/2026", {"filters": {"last_updated_after_filter": "5/1/2026"}}),
    "last_updated_before_filter": ("6/1/2026", {"filters": {"last_updated_before_filter": "6/1/2026"}}),
    "return_images": (True, NOT_SENT),
    "return_related_questions": (True, NOT_SENT),
    "image_format_filter": (["png"], NOT_SENT),
    "image_domain_filter": (["nasa.gov"], NOT_SENT),
    "enable_search_classifier": (True, NOT_SENT),
    "disable_search": (True, {"tool_choice": "none"}),
    "language_preference": ("de", {"language_preference": "de"}),
    "web_search_options": (
        {"search_context_size": "high", "user_location": LOCATION},
        {"search_context_size": "high", "user_location": LOCATION},
    ),
}
OF_THE_TOOL = {"filters", "search_context_size", "user_location"}

SEARCH_INPUTS = {
    "query": ["one", "two"],
    "max_results": 20,
    "max_tokens": 5000,
    "max_tokens_per_page": 500,
    "search_context_size": "low",
    "search_type": "fast",
    "search_mode": "academic",
    "country": "DE",
    "search_domain_filter": ["-example.com"],
    "search_language_filter": ["de", "en"],
    "search_recency_filter": "week",
    "search_after_date_filter": "03/01/2026",
    "search_before_date_filter": "04/01/2026",
    "last_updated_after_filter": "05/01/2026",
    "last_updated_before_filter": "06/01/2026",
    "display_server_time": True,
}


def test_the_tables_know_every_input() -> None:
    """A new input needs a row here."""
    assert set(CHAT_INPUTS) | {"stream"} == set(CHAT.input_fields)
    assert set(SEARCH_INPUTS) | {"focus"} == set(SEARCH.input_fields)


@pytest.mark.parametrize(
    ("focus", "sent"),
    [
        ("academic", {"search_mode": "academic"}),
        ("sec", {"search_mode": "sec"}),
        ("people", {"search_type": "people"}),
        ("news", {"search_recency_filter": "week"}),
        ("reddit", {"search_domain_filter": ["reddit.com"]}),
        ("youtube", {"search_domain_filter": ["youtube.com"]}),
    ],
)
def test_a_focus_is_made_of_the_parameters_that_the_api_has(focus: str, sent: dict[str, Any]) -> None:
    """The word itself is never sent."""
    assert search(focus=focus).body == {"query": "x", **sent}


@pytest.mark.parametrize("name", SEARCH_INPUTS)
def test_search_sends_each_input_under_its_name(name: str) -> None:
    """The body is the query and that input, and nothing else."""
    assert search(**{name: SEARCH_INPUTS[name]}).body == {"query": "x", name: SEARCH_INPUTS[name]}


@pytest.mark.parametrize("name", CHAT_INPUTS)
def test_sonar_sends_each_input_under_its_name(name: str) -> None:
    """The body is what is required and that input, and nothing else."""
    assert chat({name: CHAT_INPUTS[name][0]}, "sonar").body == {**LEAST, name: CHAT_INPUTS[name][0]}


@pytest.mark.parametrize("name", CHAT_INPUTS)
def test_agent_sends_each_input_in_its_own_shape(name: str) -> None:
    """The Agent API gets the input where it expects it, or not at all; the rest of the body is as ever."""
    value, sent = CHAT_INPUTS[name]
    expected: dict[str, Any] = dict(LEAST_AGENT)
    for key, part in ({} if sent is NOT_SENT else sent).items():
        if key in OF_THE_TOOL:
            expected["tools"] = [{**expected["tools"][0], key: part}]
        else:
            expected[key] = part
    assert chat({name: value}).body == expected


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("sonar", {"effort": "fast"}),
        ("sonar-pro", {"effort": "low"}),
        ("sonar-reasoning", {"effort": "medium"}),
        ("sonar-reasoning-pro", {"effort": "medium"}),
        ("sonar-deep-research", {"effort": "high"}),
        ("perplexity/sonar", {"model": "perplexity/sonar"}),
        ("openai/gpt-6-luna", {"model": "openai/gpt-6-luna"}),
    ],
)
def test_agent_sends_an_effort_or_a_model(model: str, sent: dict[str, str]) -> None:
    """A Sonar tier becomes an effort; a full id stays a model."""
    body = chat({"model": model}).body
    assert {key: body[key] for key in ("effort", "model") if key in body} == sent


@pytest.mark.parametrize("given", [{"type": "text"}, {}], ids=["text", "absent"])
def test_agent_sends_no_response_format_for_text(given: dict[str, Any]) -> None:
    """Text is what the Agent API gives unasked."""
    assert "response_format" not in chat({"response_format": given} if given else {}).body


# --- inputs that a route cannot carry

UNSUPPORTED = {name: value for name, (value, sent) in CHAT_INPUTS.items() if sent is NOT_SENT}
UNSUPPORTED |= {
    "web_search_options.search_type": {"search_type": "pro"},
    "web_search_options.image_results_enhanced_relevance": {"image_results_enhanced_relevance": True},
    "messages.content.file_name": [
        {"role": "user", "content": [{"type": "text", "text": "x", "file_name": "a.pdf"}]}
    ],
    "messages.reasoning": [{"role": "user", "content": "x", "reasoning": "hm"}],
    "messages.reasoning_content": [{"role": "user", "content": "x", "reasoning_content": "hm"}],
    "disable_search": True,
}


def given_for(path: str, value: Any) -> dict[str, Any]:
    return {path.split(".", maxsplit=1)[0]: value}


@pytest.mark.parametrize("path", UNSUPPORTED)
def test_an_input_that_is_not_sent_is_told(path: str) -> None:
    """A warning names the input and why; with strict it is an error, and harmless elsewhere."""
    inputs = given_for(path, UNSUPPORTED[path])
    (warning,) = chat(inputs).warnings
    assert warning.startswith(f"{path} is not sent: ")
    assert warning.endswith(" (route agent).")
    problem = refused(lambda: chat(inputs, strict=True)).problems[0]
    assert (problem.where, problem.hint) == (path, "Leave it out.")
    assert not any(path in said for said in chat(inputs, "sonar").warnings)


def test_every_unsupported_input_is_tried() -> None:
    """Those that rules refuse outright need no warning."""
    assert set(UNSUPPORTED) | {"response_format.regex"} == set(CHAT.routes["agent"].unsupported)


@pytest.mark.parametrize(
    "inputs",
    [
        {"search_mode": "web"},
        {"return_images": False},
        {"return_related_questions": False},
        {"enable_search_classifier": False},
        {"disable_search": False},
        {"stream_options": {"include_usage": True}},
        {"web_search_options": {"image_results_enhanced_relevance": False}},
        {"stop": None},
    ],
    ids=str,
)
def test_a_harmless_value_is_not_told(inputs: dict[str, Any]) -> None:
    """A value that means the same as leaving the input out gives no warning, with strict neither."""
    assert chat(inputs, strict=True).warnings == ()


# --- routes


def test_the_connection_chooses_the_route() -> None:
    """The action's first route, unless the connection's setting or the caller says otherwise."""

    def route(settings: dict[str, Any] | None, route: str | None) -> str:
        return plan(PERPLEXITY, CHAT, LEAST, today=TODAY, settings=settings, route=route).route_id

    assert route(None, None) == "agent"
    assert route({"chat_route": "sonar"}, None) == "sonar"
    assert route({"chat_route": "sonar"}, "agent") == "agent"
    assert search().route_id == "search"


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("agnet", "'agnet'. Did you mean 'agent'?"),
        (["agent"], "\"['agent']\". Did you mean 'agent'?"),
        ("x" * 61 + "y" * 10_000_000, f"'{'x' * 60}'. Known here: agent, sonar."),
    ],
    ids=lambda value: str(value)[:12],
)
def test_an_unknown_route_is_told(route: Any, said: str) -> None:
    """In short, with the one that may be meant."""
    problem = refused(lambda: chat(route=route)).problems[0]
    assert str(problem) == f"route: create_chat_completion has no route {said}"


@pytest.mark.parametrize(
    ("today", "warns"), [(date(2026, 9, 26), False), (date(2026, 9, 27), True), (TODAY, True)], ids=str
)
def test_a_retired_route_warns_from_its_day_on(today: date, warns: bool) -> None:
    """The warning says since when, and what to use instead."""
    warnings = plan(PERPLEXITY, CHAT, LEAST, today=today, route="sonar").warnings
    assert [("2026-09-27" in said and "Use the route agent." in said) for said in warnings] == [True] * warns


# --- rules


def turns(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "x"} for role in roles]}


def part(kind: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": kind, kind: "https://a.test/x"}]}]}


ALTERNATE = "After the system messages, user and assistant take turns"
NO_FILES = "The Agent API takes text and image_url parts here"


@pytest.mark.parametrize(
    ("inputs", "where", "said"),
    [
        (
            {"search_recency_filter": "day", "search_after_date_filter": "1/1/2026"},
            "search_recency_filter",
            "not both",
        ),
        (
            {"search_recency_filter": "day", "search_before_date_filter": "1/1/2026"},
            "search_recency_filter",
            "not both",
        ),
        (turns("assistant"), "messages[0].role", ALTERNATE),
        (turns("user", "user"), "messages[1].role", ALTERNATE),
        (turns("user", "assistant", "assistant"), "messages[2].role", ALTERNATE),
        (turns("user", "system"), "messages[1].role", ALTERNATE),
        ({"response_format": {"type": "json_schema"}}, "response_format", "needs json_schema"),
        ({"response_format": {"type": "regex"}}, "response_format", "needs regex"),
        ({"model": "gpt-4"}, "model", "neither a Sonar tier"),
        ({"max_tokens": 15}, "max_tokens", "16 or more"),
        ({"model": "anthropic/claude"}, "model", "need max_tokens"),
        (turns("tool"), "messages", "no message of the role tool"),
        (part("file_url"), "messages", NO_FILES),
        (part("pdf_url"), "messages", NO_FILES),
        (part("video_url"), "messages", NO_FILES),
        ({"messages": [{"role": "user", "content": None}]}, "messages", "without content"),
        (
            {"response_format": {"type": "regex", "regex": {"regex": "a"}}},
            "response_format",
            "no pattern format",
        ),
    ],
    ids=str,
)
def test_a_broken_rule_of_chat_is_told(inputs: dict[str, Any], where: str, said: str) -> None:
    """Where it is, and what to do, in the words of the manifest."""
    problems = refused(lambda: chat(inputs)).problems
    assert any(where in problem.where and said in problem.message for problem in problems), problems


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"search_recency_filter": "day", "search_after_date_filter": "1/1/2026"}, "not both"),
        ({"search_recency_filter": "day", "search_before_date_filter": "1/1/2026"}, "not both"),
        ({"search_context_size": "low", "max_tokens": 9}, "a context size or a number of tokens"),
        ({"search_context_size": "low", "max_tokens_per_page": 9}, "a context size or a number of tokens"),
        ({"max_results": 21}, "only for people"),
        ({"max_results": 21, "search_type": "web"}, "only for people"),
    ],
    ids=str,
)
def test_a_broken_rule_of_search_is_told(inputs: dict[str, Any], said: str) -> None:
    """In the words of the manifest."""
    assert said in str(refused(lambda: search(**inputs)))


@pytest.mark.parametrize(
    "inputs",
    [
        turns("system", "system", "user", "assistant", "user"),
        turns("user"),
        {"model": "anthropic/claude", "max_tokens": 16},
        {"response_format": {"type": "text"}},
        {"search_after_date_filter": "1/1/2026", "search_before_date_filter": "2/1/2026"},
    ],
    ids=str,
)
def test_what_keeps_the_rules_passes(inputs: dict[str, Any]) -> None:
    """No rule stands in the way of what is right."""
    assert chat(inputs).body


def test_people_may_be_fifty() -> None:
    """The rule about results knows its exception."""
    assert search(max_results=50, search_type="people").body["max_results"] == 50


# --- all problems at once


@pytest.mark.hazard("B7")
def test_all_problems_are_told_at_once() -> None:
    """Each with its path: what is missing, misspelt, of the wrong type, out of range, against a rule."""
    error = refused(
        lambda: plan(
            PERPLEXITY,
            CHAT,
            {
                "messages": [{"role": "robot", "content": "x"}],
                "temprature": 1,
                "top_p": 7,
                "max_tokens": "many",
                "search_recency_filter": "day",
                "search_after_date_filter": "1/1/2026",
                "top_k": 5,
            },
            today=TODAY,
            strict=True,
        )
    )
    assert [problem.where for problem in error.problems] == [
        "max_tokens",
        "messages[0].role",
        "model",
        "temprature",
        "top_p",
        "search_recency_filter, search_after_date_filter",
        "top_k",
    ]
    assert "nothing was sent" in str(error)
    assert all(problem.message for problem in error.problems)
    assert "Did you mean 'temperature'?" in str(error)


@pytest.mark.parametrize("inputs", [None, "query=x", ["query"], 5])
def test_inputs_that_are_no_object_are_told(inputs: Any) -> None:
    """Names and values are asked for."""
    error = refused(lambda: plan(PERPLEXITY, SEARCH, inputs, today=TODAY))
    assert (error.where, error.hint) == ("inputs", "Give an object: name and value of each input.")


# --- paths, queries and headers


@pytest.fixture
def tiny(tmp_path: Path) -> Connector:
    """A connector whose one action has its id in the path, a query, and headers."""
    return write_tiny(tmp_path)


def look(tiny: Connector, **inputs: Any) -> Plan:
    return plan(tiny, tiny.actions["look"], inputs, today=TODAY)


@pytest.mark.hazard("C6", "C7")
@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("abc", "abc"),
        (12, "12"),
        ("a/b", "a%2Fb"),
        ("../admin", "..%2Fadmin"),
        ("%2e%2e", "%252e%252e"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("a b", "a%20b"),
        ("a\\b", "a%5Cb"),
        ("a\nb", "a%0Ab"),
        ("//evil.test", "%2F%2Fevil.test"),
        ("http://evil.test", "http%3A%2F%2Fevil.test"),
        ("@evil.test", "%40evil.test"),
        ("ä🦜", "%C3%A4%F0%9F%A6%9C"),
        ("a;b", "a%3Bb"),
        ("...", "..."),
    ],
    ids=ascii,
)
def test_an_id_is_one_segment_of_the_path(tiny: Connector, value: Any, segment: str) -> None:
    """Whatever an id holds, it neither climbs, nor ends the path, nor adds to it."""
    assert look(tiny, id=value).path == f"/items/{segment}/x"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_an_id_that_changes_the_path_is_refused(tiny: Connector, value: str) -> None:
    """Empty and dots alone are no ids."""
    error = refused(lambda: look(tiny, id=value))
    assert (error.where, error.hint) == ("id", "Give an id.")


@pytest.mark.hazard("C7")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("${{ inputs.id }}", "/.evil.test"),
        ("${{ inputs.id }}/x", "/.evil.test/x"),
        ("items", "/items"),
        ("/items", "/items"),
    ],
)
def test_a_path_begins_with_a_slash(tiny: Connector, path: str, expected: str) -> None:
    """A path cannot lengthen the host that it is put behind: https://tiny.test + .evil.test."""
    assert look(with_path(tiny, path), id=".evil.test").path == expected


def test_a_list_repeats_its_query_parameter(tiny: Connector) -> None:
    """Values become text; what is absent does not appear."""
    assert look(tiny, tags=["a", 2, True]).query == (("tag", "a"), ("tag", "2"), ("tag", "true"), ("v", "2"))
    assert look(tiny, part="").query == (("part", ""), ("v", "2"))


def test_headers_are_left_out_like_all_else(tiny: Connector) -> None:
    """A header whose value is absent is not sent, with text around it neither."""
    assert look(tiny).headers == {"accept": "text/plain"}
    assert look(tiny, note="n").headers == {"X-Note": "n", "X-Kind": "note n", "accept": "text/plain"}


# --- provenance


def told(plan: Plan) -> dict[str, tuple[Any, str]]:
    return {field.path: (field.value, field.source) for field in plan.fields}


def test_each_part_of_a_request_names_its_source(tiny: Connector) -> None:
    """An input, the manifest, its default; and why a part is absent."""
    assert told(look(tiny, tags=["a"], note="n")) == {
        "path": ("/items/seven/x", "inputs.id (the manifest's default)"),
        "query.tag": (["a"], "inputs.tags"),
        "query.part": (None, "part: not given"),
        "query.v": (2, "written in the manifest"),
        "headers.X-Note": ("n", "inputs.note"),
        "headers.X-Kind": ("note n", "inputs.note"),
        "headers.accept": ("text/plain", "written in the manifest"),
    }


@pytest.mark.parametrize(
    ("path", "value", "source"),
    [
        ("body.effort", "fast", "${{ lookup('effort_by_sonar_model', inputs.model) }}"),
        (
            "body.model",
            None,
            "${{ contains(inputs.model, '/') && inputs.model || null }} gives nothing for the inputs",
        ),
        ("body.max_output_tokens", 20, "inputs.max_tokens"),
        ("body.temperature", None, "temperature: not given"),
        ("body.tools[0].type", "web_search", "written in the manifest"),
        ("body.tools[0].filters.search_recency_filter", "day", "inputs.search_recency_filter"),
        ("inputs.top_k", None, "not sent: the Agent API has no such parameter"),
    ],
)
def test_provenance_of_a_chat(path: str, value: Any, source: str) -> None:
    """Every field of the body says which input or expression it came from, or why it is absent."""
    fields = told(chat({"max_tokens": 20, "search_recency_filter": "day", "top_k": 5}))
    assert fields[path] == (value, source)


def test_every_field_of_the_body_has_a_source() -> None:
    """No part of what is sent is unexplained."""
    for made in (chat({"max_tokens": 20}), chat({"top_k": 2}, "sonar"), search(max_results=3)):
        paths = [field.path for field in made.fields if not field.is_absent]
        assert {path.split(".")[1].split("[")[0] for path in paths if path.startswith("body.")} == set(
            made.body
        )
        assert all(field.source for field in made.fields)


@pytest.mark.parametrize(
    ("route", "parameter", "expected"),
    [
        ("agent", "max_output_tokens", "max_tokens"),
        ("agent", "body.max_output_tokens", "max_tokens"),
        ("agent", "tools[0].filters.search_recency_filter", "search_recency_filter"),
        ("agent", "search_recency_filter", "search_recency_filter"),
        ("agent", "reasoning.effort", "reasoning_effort"),
        ("agent", "input[0].content", "messages"),
        ("agent", "input", "messages"),
        ("agent", "effort", "model"),
        ("agent", "response_format.json_schema.schema", "response_format.json_schema.schema"),
        ("agent", "seed", None),
        ("agent", "", None),
        ("sonar", "max_tokens", "max_tokens"),
        ("sonar", "messages.0.role", "messages"),
    ],
)
def test_a_parameter_leads_back_to_its_input(route: str, parameter: str, expected: str | None) -> None:
    """The service complains in its own words; people know the inputs."""
    assert input_behind(chat(route=route), parameter) == expected


def test_a_plan_prints_what_matters() -> None:
    """repr shows the request, and not the whole manifest."""
    text = repr(chat())
    assert "'/v1/agent'" in text
    assert len(text) < 1500


@pytest.mark.parametrize(("path", "needs"), [
    ("/x/${{ decode_bits(inputs.id) }}", "decode_bits() needs base64 text, got text"),
    ("/x/${{ join(inputs.id, inputs.id) }}", "join() needs list, got text"),
])  # fmt: skip
def test_what_an_expression_cannot_take_is_told_with_its_place(tmp_path: Path, path: str, needs: str) -> None:
    """Lint sees most of it; without lint, and for text that is no base64, the request is refused."""
    write_tiny(tmp_path)
    file = tmp_path / "actions" / "look.yaml"
    file.write_text(file.read_text().replace("/items/${{ inputs.id }}/x", path))
    tiny = connector.load(tmp_path)
    (problem,) = refused(lambda: plan(tiny, tiny.actions["look"], {"id": "no!"}, today=TODAY)).problems
    assert problem.where == "id"
    assert f"{needs}, at routes.only.request.path." in problem.message
