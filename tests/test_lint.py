"""Lint: planted mistakes are found at their place, and reasonable connectors are left in peace."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import golden
import pytest

from connector.lint import ages, lint
from connector.loading import load, shipped_names
from connector.plan import Plan, plan


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden.LIBRARY, tmp_path / "library"))


def change(library: Path, old: str, new: str) -> list[str]:
    """What lint says when a text in the action's file is replaced."""
    file = library / "actions" / "find_books.yaml"
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    file.write_text(text.replace(old, new))
    return [problem.message for problem in lint(library)]


# Planted mistakes


@pytest.mark.parametrize("case", golden.names())
def test_planted_mistake(case: str, tmp_path: Path) -> None:
    """Each planted mistake is told as it was once read and found good (see golden.py to write them anew)."""
    assert golden.said(case, tmp_path) == (golden.CASES / f"{case}.err").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", golden.names())
def test_messages_have_a_place_and_a_way_out(case: str) -> None:
    """Every message is `file:line:column: what. what to do`, with the line and a caret below it."""
    lines = (golden.CASES / f"{case}.err").read_text(encoding="utf-8").splitlines()
    for message, source, caret in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        assert re.match(r"(connector|actions/find_books)\.yaml:\d+:\d+: .+[.?)] .+", message)
        assert re.match(r"  \d+ \| ", source)
        assert re.fullmatch(r" +\| +\^+", caret)


def test_no_message_without_a_mistake() -> None:
    """Every file of messages belongs to a planted mistake."""
    assert sorted(path.stem for path in golden.CASES.glob("*.err")) == golden.names()


# Reasonable connectors


@pytest.mark.parametrize("name", ["library", "weather", "tickets"])
def test_silent(name: str) -> None:
    """A reasonable connector, whatever it uses of the format, gets no message."""
    assert lint(golden.CASES / name) == []


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_connectors(name: str) -> None:
    """The shipped connectors have no mistakes."""
    assert [str(problem) for problem in lint(name)] == []


def test_all_shipped_connectors() -> None:
    """Without a name, all shipped connectors are linted."""
    assert lint() == []


def planned(connector: str, action: str, example: int, **settings: Any) -> Plan:
    loaded = load(golden.CASES / connector)
    chosen = loaded.actions[action].examples[example]
    return plan(
        loaded,
        loaded.actions[action],
        chosen.inputs,
        today=date(2026, 1, 1),
        route=chosen.route,
        settings=settings,
    )


def test_plan_with_path_and_query() -> None:
    """Parameters stand percent-encoded in the path, lists repeat in the query, defaults are put in."""
    request = planned("weather", "get_forecast", 1)
    assert request.path == "/v2/US/places/10%2Fb/forecast.json"
    assert dict(request.query) == {
        "cnt": "5", "units": "imperial", "field": "rain", "hourly": "false", "filter": "rain>0.3", "sort": "desc",
        "source": "connector",
    }  # fmt: skip
    assert [value for name, value in request.query if name == "field"] == ["wind", "rain"]
    assert request.headers == {"Accept-Language": "en", "X-Trace": "forecast-US"}
    assert planned("weather", "get_forecast", 0).query == (
        ("cnt", "3"),
        ("units", "metric"),
        ("source", "connector"),
    )


def test_plan_of_two_routes() -> None:
    """The same inputs make another request on another route, with a word on what it cannot carry."""
    new, old = planned("tickets", "open_ticket", 0), planned("tickets", "open_ticket", 1)
    assert (new.method, new.path, new.warnings) == ("POST", "/api/v3/tickets", ())
    assert new.body == {
        "ticket": {
            "subject": "Where is it?",
            "comment": {"body": "Where is it?", "public": True},
            "thread": [{"author": "customer", "body": "Where is it?"}],
            "labels": ["opened-by-connector"],
            "settings": {"notify": [], "quiet": False, "text": ""},
        },
        "draft": False,
    }
    assert (old.method, old.path, old.query) == ("PUT", "/api/v2/ticket.json", (("draft", "false"),))
    assert old.body == [
        {
            "title": "Where is it?",
            "urgency": 2,
            "texts": ["Where is it?", "Here."],
            "keywords": "Keywords: lost, found",
        }
    ]
    assert old.warnings[0] == "conversation.from is not sent: the old API knows no authors (route v2)."


def test_route_without_response(library: Path) -> None:
    """Where a route does not say what answers, any field of the answer may be read."""
    assert (
        change(library, "books: ${{ response.body }}", "books: ${{ response.body.any.field[0].at[*].all }}")
        == []
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path: /books", "path: /v1.0/books:find/~me/$all"),
        ("path: /books", "path: /books/${{ inputs.limit }}"),
        ("note: Closed.", "note: Bearer authentication was never asked for."),
        ("note: Closed.", "note: Keys begin with pplx-, as in pplx-example-key-of-mine."),
        ("note: Closed.", "note: 'Write {{ braces }} or ${ these }, and $x.'"),
        ("hint: Run it again.", "hint: 'See response.body and inputs.shelf.'"),
        ("since: {type: integer, title: Since}", "since: {type: integer, title: Since, x-order: 3}"),
        ("since: {type: integer, title: Since}", "since: {type: [integer, string], title: Since, minLength: 4, minimum: 0}"),
        ("${{ length(response.body.books) }}", "5"),
        ("${{ length(response.body.books) }}", "${{ response.status }}"),
        ("${{ length(response.body.books) }}", "${{ response.headers.count || `0` }}"),
        ("- exclusive: [since, until]", "- when: ${{ inputs.topics[0] == 'x' && !(inputs.since) }}"),
    ],
)  # fmt: skip
def test_no_false_alarm(library: Path, old: str, new: str) -> None:
    """What looks like a mistake and is none gets no message."""
    assert change(library, old, new) == []


# The rest of the format


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("body:\n        topics: ${{ inputs.topics }}", "form:\n        topics: ${{ inputs.topics }}",
         ["A form holds text, numbers, true or false, or a list of them; this is an object.",
          "A form holds text, numbers, true or false, or a list of them; this is a list, each item an object."]),
        ("    retired: 2026-01-31\n", "    retired: 2026-01-31\n    local: [limt]\n", ["There is no input 'limt'."]),
        ("    retired: 2026-01-31\n", "    retired: 2026-01-31\n    stream: {when: '${{ inputs.fast }}', delta: '${{ event.d }}', body: '${{ event.b }}', done: '${{ event.e }}'}\n",
         ["There is no field 'fast' here."]),
        ("    retired: 2026-01-31\n", "    retired: 2026-01-31\n    poll: {when: '${{ inputs.limit }}', until: '${{ response.body }}', path: '/x/${{ inputs.shlef }}'}\n",
         ["There is no field 'shlef' here."]),
        ("    retired: 2026-01-31\n", "    retired: 2026-01-31\n    answer: text\n",
         ["books is declared as a list; this gives text."]),
        ("route_from: server\n", "route_from: server\noptions:\n  topics: {action: find_books, output: title, fallback: language_code}\n",
         ["The action 'find_books' has no output 'title'."]),
        ("route_from: server\n", "route_from: server\noptions:\n  topic: {action: find_book, output: titles, fallback: languages}\n",
         ["There is no input 'topic'.", "There is no action 'find_book'.", "There is no table 'languages'."]),
        ("route_from: server\n", "route_from: server\nlifecycle: {inputs: {topic: {deprecated: 2026-01-01}}}\n", ["There is no input 'topic'."]),
    ],
    ids=["form", "local", "stream", "poll", "answer", "options", "options of nothing", "lifecycle"],
)  # fmt: skip
def test_other_parts(library: Path, old: str, new: str, messages: list[str]) -> None:
    """Names in every part of the format are checked against what they name."""
    assert change(library, old, new) == messages


def test_local_inputs_need_not_be_sent(library: Path) -> None:
    """An input that the runtime uses itself is covered."""
    assert change(library, "    note: Closed.\n", "    local: [limit]\n") == []
    assert change(library, "        max: ${{ inputs.limit }}\n", "") == []


def test_what_the_vendor_has_retired_is_noted_from_its_day_on() -> None:
    """The examples of a route are told, once, from the day on and not before."""
    perplexity = load("perplexity")
    assert ages(perplexity, date(2026, 9, 26)) == []
    [sentence] = ages(perplexity, date(2026, 9, 27))
    assert sentence.startswith("create_chat_completion: The route sonar was retired on 2026-09-27.")


VALUES = [
    ("connector.yaml", "name: Authorization", 'name: "Author ization"', "cannot be the name of a header"),
    ("connector.yaml", "name: Authorization", "name: Content-Length", "is HTTP's own"),
    ("connector.yaml", "statuses: [408,", "statuses: [200, 408,", "200 is a success"),
    ("connector.yaml", "documentation: https://docs", "documentation: docs", "It is not a URL."),
    (
        "connector.yaml",
        "default: https://api.perplexity.ai",
        "default: api.perplexity.ai",
        "not an http or https URL",
    ),
    ("connector.yaml", "default: https://api.perplexity.ai", "default: http://api.test", "plain http"),
    (
        "connector.yaml",
        "required: [connection_name, api_key]",
        "required: [connection_name]",
        "Every request needs",
    ),
    ("connector.yaml", "hint: Change the input and run it again.", 'hint: ""', "people read it"),
    ("actions/execute_search.yaml", "enum: [low, medium, high]", "enum: []", "There is no choice."),
    (
        "actions/execute_search.yaml",
        "enum: [low, medium, high]",
        "enum: [low, low, high]",
        "stands there twice",
    ),
    ("actions/execute_search.yaml", "maximum: 50", "maximum: 0", "nothing fits"),
    ("actions/execute_search.yaml", "title: One query", 'title: ""', "people read it"),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"), VALUES, ids=[f"{row[0]}: {row[2]}" for row in VALUES]
)
def test_a_value_that_cannot_be_meant_is_found(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    """It is read without a complaint, and would fail with every key or help nobody."""
    folder = Path(shutil.copytree(load("perplexity").folder, tmp_path / "manifests" / "perplexity"))
    text = (folder / file).read_text()
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    (folder / file).write_text(text.replace(old, new, 1))
    found = [problem for problem in lint(folder) if said in problem.message]
    assert found, lint(folder)
    assert abs(int(found[0].where.split(":")[-2]) - line) <= 3


# Outputs of a form that nobody knows


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("count: {type: integer, title: Count}", "count: {title: Count}"),
        ("count: {type: integer, title: Count}", "count: {title: Count, description: Any JSON.}"),
        (
            "titles: {type: array, title: Titles, items: {type: string}}",
            "titles: {type: array, title: Titles, items: {type: object}}",
        ),
    ],
)
def test_an_output_may_be_any_json(library: Path, old: str, new: str) -> None:
    """Without a type, or a list of objects without fields: what an answer has there is given as it comes."""
    changed = change(library, old, new)
    file = library / "actions" / "find_books.yaml"
    whole = "${{ response.body.books }}"
    file.write_text(
        file.read_text()
        .replace(
            "${{ response.body.books[*].title }}",
            whole if "titles" in new else "${{ response.body.books[*].title }}",
        )
        .replace(
            "${{ length(response.body.books) }}",
            whole if "count" in new else "${{ length(response.body.books) }}",
        )
    )
    assert changed == [] or "titles" in new
    assert lint(library) == []
