"""What can be done with an Agent response later on: polling, resuming, cancelling, going on from it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connector.sandbox import Sandbox
from connector.sandbox.memory import Shelf

KEYS = (f"pplx-test-responses-{number}" for number in itertools.count())
ROOTS = ["/v1/agent", "/v1/responses"]


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """A client with a key of its own: it sees none of the others' responses."""
    shared.headers["authorization"] = f"Bearer {next(KEYS)}"
    return shared


def ask(client: httpx.Client, root: str = "/v1/agent", **body: Any) -> dict[str, Any]:
    answer = client.post(root, json={"effort": "fast", "input": "hello", **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("root", ROOTS)
def test_a_background_response_comes_forward_with_each_poll(client: httpx.Client, root: str) -> None:
    """Queued, in progress without output, completed; then it stays as it is."""
    queued = ask(client, root, background=True)
    polls = [client.get(f"{root}/{queued['id']}").json() for _ in range(3)]
    assert [queued["status"], *(poll["status"] for poll in polls)] == [
        "queued",
        "in_progress",
        "completed",
        "completed",
    ]
    assert (queued["output"], queued["usage"], polls[0]["output"]) == ([], None, [])
    assert polls[1] == polls[2]
    assert polls[1]["completed_at"] > polls[1]["created_at"]


def test_asking_again_starts_the_background_run_again(client: httpx.Client) -> None:
    """Equal requests have equal ids, so that recordings repeat."""
    first = ask(client, background=True)
    client.get(f"/v1/agent/{first['id']}")
    assert ask(client, background=True) == first
    assert client.get(f"/v1/agent/{first['id']}").json()["status"] == "in_progress"


def test_a_stored_response_can_be_read_again(client: httpx.Client) -> None:
    """GET gives what POST gave, and an empty list of files."""
    made = ask(client)
    assert client.get(f"/v1/responses/{made['id']}").json() == made
    assert client.get(f"/v1/responses/{made['id']}/files").json() == {"object": "list", "data": []}


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("more", ["", "/files", "/files/x/content"])
def test_unknown_responses_are_not_found(client: httpx.Client, root: str, more: str) -> None:
    """404 with the envelope."""
    answer = client.get(f"{root}/resp_unknown{more}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


def test_another_key_cannot_read_it(client: httpx.Client) -> None:
    """A foreign id is as unknown as any other."""
    made = ask(client)
    client.headers["authorization"] = f"Bearer {next(KEYS)}"
    assert client.get(f"/v1/agent/{made['id']}").status_code == 404


def test_what_is_not_stored_cannot_be_read_but_can_be_continued(client: httpx.Client) -> None:
    """`store: false` hides a response from GET only."""
    hidden = ask(client, store=False)
    assert client.get(f"/v1/agent/{hidden['id']}").status_code == 404
    assert ask(client, previous_response_id=hidden["id"])["status"] == "completed"


def test_a_conversation_goes_on(client: httpx.Client) -> None:
    """Each turn knows its number, and pays for what went before."""
    first = ask(client)
    second = ask(client, previous_response_id=first["id"])
    third = ask(client, previous_response_id=second["id"])
    assert "turn 3" in third["output"][-1]["content"][0]["text"]
    tokens = [turn["usage"]["input_tokens"] for turn in (first, second, third)]
    assert tokens == sorted(set(tokens))
    assert third["previous_response_id"] == second["id"]


def test_only_a_completed_response_can_be_continued(client: httpx.Client) -> None:
    """An unknown id and a queued one are refused."""
    queued = ask(client, background=True)
    for name in ("resp_unknown", queued["id"]):
        answer = client.post("/v1/agent", json={"effort": "fast", "input": "x", "previous_response_id": name})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "previous_response_id")


def test_a_background_run_can_be_cancelled_once(client: httpx.Client) -> None:
    """Cancelling is told first, cancelled when looked at, with an error and without usage."""
    queued = ask(client, background=True)
    path = f"/v1/responses/{queued['id']}"
    assert client.post(f"{path}/cancel").json() == {"response_id": queued["id"], "status": "cancelling"}
    cancelled = client.get(path).json()
    assert (cancelled["status"], cancelled["usage"]) == ("cancelled", None)
    assert cancelled["error"]["message"]
    assert client.post(f"{path}/cancel").status_code == 400


def sequence(client: httpx.Client, path: str) -> list[tuple[int, str]]:
    data = [line[6:] for line in client.get(path).text.split("\n") if line.startswith("data: ")]
    return [(event["sequence_number"], event["type"]) for event in map(json.loads, data)]


def test_a_stream_can_be_resumed(client: httpx.Client) -> None:
    """`starting_after` leaves out what was seen; the terminal is always there."""
    queued = ask(client, background=True)
    path = f"/v1/responses/{queued['id']}?stream=true"
    whole = sequence(client, path)
    assert whole[-1][1] == "response.completed"
    seen = whole[3][0]
    assert sequence(client, f"{path}&starting_after={seen}") == whole[4:]
    assert client.get(f"{path}&starting_after=99999").status_code == 400
    assert client.get(f"{path}&starting_after=-1").status_code == 400


def test_a_background_stream_is_finished_when_it_was_read(client: httpx.Client) -> None:
    """`background` and `stream` together stream at once."""
    body = {"effort": "fast", "input": "both", "background": True, "stream": True}
    answer = client.post("/v1/agent", json=body)
    name = f"resp_{answer.headers['x-request-id']}"
    assert client.get(f"/v1/agent/{name}").json()["status"] == "completed"


FUNCTION = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.mark.parametrize(
    ("tools", "question", "items"),
    [
        pytest.param(
            [{"type": "fetch_url"}], "see https://a.example/b.", ["fetch_url_results"], id="a URL to fetch"
        ),
        pytest.param([{"type": "fetch_url"}], "see nothing", [], id="no URL to fetch"),
        pytest.param([{"type": "image_search"}], "solar", ["image_search_results"], id="images"),
        pytest.param([{"type": "people_search"}], "engineer", ["people_search_results"], id="people"),
        pytest.param([{"type": "finance_search"}], "revenue", ["finance_results"], id="finance"),
        pytest.param([{"type": "sandbox"}], "run", ["sandbox_results"], id="code"),
        pytest.param(
            [{"type": "mcp", "server_label": "s", "server_url": "https://s.example"}],
            "x",
            ["mcp_list_tools"],
            id="MCP",
        ),
        pytest.param(
            [{"type": "connector", "id": "c", "server_label": "s"}], "x", ["mcp_list_tools"], id="connector"
        ),
        pytest.param(
            [{"type": "web_search"}, {"type": "people_search"}],
            "x",
            ["search_results", "people_search_results"],
            id="two tools",
        ),
        pytest.param([FUNCTION], "x", [], id="a function is not called unforced"),
    ],
)
def test_each_tool_leaves_its_item(
    client: httpx.Client, tools: list[dict[str, Any]], question: str, items: list[str]
) -> None:
    """Items stand before the message, in the order of the tools, and most are billed."""
    response = ask(client, tools=tools, input=question)
    assert [item["type"] for item in response["output"]] == [*items, "message"]
    cost = response["usage"]["cost"]
    parts = cost["input_cost"] + cost["output_cost"] + cost.get("tool_calls_cost", 0)
    assert cost["total_cost"] == pytest.approx(parts)


def test_a_url_is_fetched_without_the_full_stop_after_it(client: httpx.Client) -> None:
    """Each URL of the question once, and pages of the corpus with their text."""
    question = "Read https://a.example/b, then https://energy.example/solar/beginners."
    contents = ask(client, tools=[{"type": "fetch_url"}], input=question)["output"][0]["contents"]
    assert [page["url"] for page in contents] == [
        "https://a.example/b",
        "https://energy.example/solar/beginners",
    ]
    assert "solar panel" in contents[1]["snippet"]


def test_a_forced_function_is_called_and_its_result_is_taken(client: httpx.Client) -> None:
    """First the call with fitting arguments, and after its output the message."""
    asked: dict[str, Any] = {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "get_weather"}}
    response = ask(client, **asked)
    (call,) = response["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert isinstance(json.loads(call["arguments"])["city"], str)
    items = [
        {"role": "user", "content": "hello"},
        {"type": "function_call", "call_id": call["call_id"], "name": call["name"], "arguments": "{}"},
        {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"},
    ]
    assert [item["type"] for item in ask(client, input=items, **asked)["output"]] == ["message"]


def test_a_full_shelf_forgets_the_oldest() -> None:
    """By number and by size; the newest always fits."""
    shelf: Shelf[str] = Shelf(most_items=2, most_bytes=10)
    for name in "abc":
        shelf.put("key", name, name, 1)
    assert list(shelf.all_of("key")) == ["b", "c"]
    shelf.put("key", "d", "d", 100)
    assert list(shelf.all_of("key")) == ["d"]
    shelf.put("key", "d", "new", 1)
    assert (shelf.get("key", "d"), shelf.get("other", "d")) == ("new", None)
