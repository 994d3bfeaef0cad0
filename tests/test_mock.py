"""A mock of any connector: what it checks, what it answers, and how its refusals read to the connector."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign
import httpx
import pytest
import tiny
from conftest import shipped

import connector
from connector.errors import ApiError, ConnectorError, InputError
from connector.lint import lint
from connector.manifest import Connector
from connector.mock import Mock
from connector.output_types import typed
from connector.run import OpenConnection
from connector.secret import Secret
from connector.template_parser import Within


def opened(mock: Mock, **others: Any) -> OpenConnection:
    return connector.connect(mock.connector, **{**mock.fields, **others})


def shown(mock: Mock) -> dict[str, str]:
    """The mock's fields as texts, secrets included."""
    return {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in mock.fields.items()
    }


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    with Mock(foreign.write_foreign(tmp_path_factory.mktemp("a") / "tickets", "tickets")) as mock:
        yield mock


@pytest.fixture
def client(tickets: Mock) -> Iterator[httpx.Client]:
    """A client with the right key."""
    headers = {"authorization": f"Bearer {shown(tickets)['key']}", "x-api-version": "2026-01-01"}
    with httpx.Client(base_url=tickets.url, trust_env=False, headers=headers) as client:
        yield client


def fits_declared(made: Connector, action: str, outputs: Mapping[str, Any]) -> bool:
    """Whether the outputs have their declared types, and the required ones are there."""
    schema = made.actions[action].outputs
    for name, value in outputs.items():
        if value is not None:
            typed(schema["properties"][name])(value)
    return all(outputs[name] is not None for name in schema.get("required", ()))


# --- every action of every connector


@pytest.mark.parametrize("name", foreign.ALL)
def test_every_example_of_a_foreign_connector_runs(tmp_path: Path, name: str) -> None:
    """Auth of each kind, forms, files, texts, streams, waiting: outputs of the declared types, none of them empty."""
    made = foreign.write_foreign(tmp_path / name, name)
    told: list[str] = []
    assert lint(tmp_path / name) == []
    with Mock(made, told=told.append) as mock, opened(mock) as acme:
        assert acme.check().state in ({"works"} if made.connection.check else {"works", "unknown"})
        for action in made.actions.values():
            for example in action.examples:
                outputs = acme.run(action.id, example.inputs).outputs
                assert fits_declared(made, action.id, outputs)
                assert None not in outputs.values(), action.id
    assert told == []


def test_every_example_of_the_shipped_connector_runs() -> None:
    """All actions over all of their routes, from the manifest alone: no cassette is asked."""
    made = replace(shipped(), folder=Path("nowhere"))
    told: list[str] = []
    with Mock(made, told=told.append) as mock, opened(mock) as perplexity:
        for action in made.actions.values():
            for example in action.examples:
                if example.inputs.get("wait"):  # two seconds each: test_work_that_takes_its_time
                    continue
                result = perplexity.run(action.id, example.inputs, route=example.route)
                assert fits_declared(made, action.id, result.outputs), example.id
    assert told == []


def test_recorded_answers_are_given_first() -> None:
    """A request of which there is a cassette gets what was recorded."""
    with Mock(shipped()) as mock, opened(mock) as perplexity:
        found = perplexity.run("execute_search", shipped().actions["execute_search"].examples[0].inputs)
        assert found.outputs["first_url"].startswith("https://")
        assert "example.com/url-1" not in str(found.outputs)
        other = perplexity.run("execute_search", {"query": "something that nobody has recorded"})
        assert other.outputs["first_url"] == "https://example.com/url-1"


# --- what it checks


@pytest.mark.parametrize("auth", [auth for auth in tiny.AUTHS if auth != "none"])
def test_a_wrong_credential_is_refused(tmp_path: Path, auth: str) -> None:
    """Every kind of auth: the mock's own passes, another does not."""
    with Mock(tiny.write_tiny(tmp_path, auth=auth)) as mock:
        with opened(mock) as one:
            assert one.run("look", {"id": "a/b"}).outputs["name"] == "name 1"
        with opened(mock, key="test-another-0123456789") as other, pytest.raises(ApiError) as failed:
            other.run("look", {})
    assert failed.value.status in {400, 401}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no credential"),
        pytest.param({"authorization": "Bearer"}, 401, id="none behind the scheme"),
        pytest.param({"authorization": "Basic {key}"}, 401, id="another scheme"),
        pytest.param({"authorization": "{key}"}, 401, id="no scheme"),
        pytest.param({"authorization": "bearer {key}"}, 200, id="small letters"),
    ],
)
def test_credentials_as_others_send_them(tickets: Mock, headers: dict[str, str], status: int) -> None:
    """The mock looks at the header, not at who sent it."""
    key = shown(tickets)["key"]
    sent = {name: text.replace("{key}", key) for name, text in headers.items()}
    answer = httpx.get(f"{tickets.url}/tickets", headers=sent, trust_env=False)
    assert answer.status_code == status
    assert key not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        pytest.param("GET", "/nothing", "There is: GET /tickets/{ticket_id}, GET /tickets, POST /tickets, GET /me", id="path"),
        pytest.param("DELETE", "/tickets", "no DELETE /tickets", id="method"),
        pytest.param("GET", "/tickets/1/2", "no GET /tickets/1/2", id="two segments for one"),
        pytest.param("GET", "/tickets/", "no GET /tickets/", id="no segment for one"),
        pytest.param("GET", "/", "no GET /", id="root"),
    ],
)  # fmt: skip
def test_an_unknown_route_is_404_that_lists_the_known(
    client: httpx.Client, method: str, path: str, said: str
) -> None:
    """Whoever misspells a path sees what there is."""
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "said"),
    [
        pytest.param("POST", "/tickets", {"json": {"kind": "ticket", "title": "a", "titel": 1}}, "titel: There is no field 'titel' here. Did you mean 'title'?", id="unknown key"),
        pytest.param("POST", "/tickets", {"json": {"kind": "ticket"}}, "title: It is missing.", id="missing key"),
        pytest.param("POST", "/tickets", {"json": {"kind": "ticket", "title": ""}}, "title: ", id="schema of the input"),
        pytest.param("POST", "/tickets", {"json": {"kind": "bug", "title": "a"}}, 'kind: It has to be "ticket".', id="what the manifest writes"),
        pytest.param("POST", "/tickets", {"json": {"kind": "ticket", "title": "a", "details": {"priority": 9}}}, "details.priority: 9 is above 5.", id="inside"),
        pytest.param("POST", "/tickets", {"json": {"kind": "ticket", "title": "a", "details": {"assignee": "anna"}}}, "details.assignee: It has to begin with 'user:'", id="text around"),
        pytest.param("POST", "/tickets", {"json": ["a"]}, "body: An object belongs here.", id="a list"),
        pytest.param("POST", "/tickets", {"content": b"{"}, "invalid request body: json", id="no JSON"),
        pytest.param("POST", "/tickets", {"content": b'{"a": ' * 9000}, "invalid request body: json", id="nested"),
        pytest.param("POST", "/tickets", {"json": {"kind": "ticket", "title": "a"}, "headers": {"x-api-version": "1"}}, "X-Api-Version: It has to be", id="header"),
        pytest.param("GET", "/tickets", {"params": {"colour": "red"}}, "colour: There is no 'colour' in the query.", id="unknown parameter"),
        pytest.param("GET", "/tickets", {"params": {"per_page": "900"}}, "per_page: 900 is above 100.", id="parameter"),
        pytest.param("GET", "/tickets", {"params": {"per_page": "many"}}, "per_page: ", id="no number"),
        pytest.param("GET", "/tickets", {"params": {"state": "shut"}}, "state: ", id="choice"),
        pytest.param("GET", "/tickets/seven", {}, "path: ", id="segment"),
    ],
)  # fmt: skip
def test_a_request_that_the_manifest_cannot_make_is_refused(
    client: httpx.Client, method: str, path: str, sent: dict[str, Any], said: str
) -> None:
    """The place is named, and what belongs there."""
    answer = client.request(method, path, **sent)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    "path", ["/tickets/%FF%00", "/%2e%2e/tickets", "/tickets?%00=1", "/tickets/" + "9" * 5000, "//tickets", "/tickets%2F7"]
)  # fmt: skip
def test_odd_paths_get_an_answer(client: httpx.Client, path: str) -> None:
    """Nothing in a URL makes the mock fail."""
    assert client.get(path).status_code in {400, 404}


# --- what it answers


def test_the_id_that_was_asked_for_is_the_one_that_comes(client: httpx.Client) -> None:
    """GET /tickets/4711 is about 4711."""
    assert client.get("/tickets/4711").json()["id"] == 4711


def test_the_same_request_gets_the_same_answer(client: httpx.Client) -> None:
    """Answers are made of the schema, not of chance."""
    first, second = (client.get("/tickets", params={"state": "open"}) for _ in range(2))
    assert first.content == second.content
    assert first.headers["x-requests-left"] == "12"


def test_work_that_takes_its_time(tmp_path: Path) -> None:
    """The first answer is not final, the next one is; without waiting, the first is what there is."""
    made = foreign.write_foreign(tmp_path / "jobs", "jobs")
    with Mock(made) as mock, opened(mock) as jobs:
        first, *_, last = jobs.stream("render", {"prompt": "a hat", "wait": True})
        assert first.type == "waiting"  # the service does not call it `status`
        assert last.result is not None
        assert last.result.outputs["state"] == "done"
        assert jobs.run("render", {"prompt": "a hat"}).outputs["state"] == "queued"


def test_a_stream_comes_in_pieces(tmp_path: Path) -> None:
    """The manifest's own expressions read them, and the whole answer at the end."""
    made = foreign.write_foreign(tmp_path / "jobs", "jobs")
    with Mock(made) as mock, opened(mock) as jobs:
        events = list(jobs.stream("complete", {"prompt": "hello"}))
    assert [event.delta for event in events if event.delta] == ["This ", "text ", "comes ", "in ", "pieces."]
    assert events[-1].result is not None
    assert events[-1].result.outputs == {"text": "This text comes in pieces.", "tokens": 1}


def test_what_cannot_be_met_is_told(tmp_path: Path) -> None:
    """A manifest that calls every answer a failure still gets one, and its author hears why."""
    made = tiny.write_tiny(tmp_path)
    action = made.actions["look"]
    failing = [
        {
            "when": Within("inputs", "response").expression(
                "${{ response.status == `200` || response.body }}", {}
            )
        }
    ]
    from connector.manifest import Failure

    route = replace(action.routes["only"], failures=(Failure(when=failing[0]["when"], kind="unexpected"),))
    made = replace(made, actions={"look": replace(action, routes={"only": route})})
    told: list[str] = []
    with Mock(made, told=told.append) as mock, opened(mock) as one, pytest.raises(ApiError):
        one.run("look", {})
    assert told == ["look: an answer could not be made that fits: failures[0] calls it a failure."]


def test_an_involved_stream_is_answered_as_a_whole(tmp_path: Path) -> None:
    """Where no events can be made, the mock says so, and the run succeeds all the same."""
    made = foreign.write_foreign(tmp_path / "jobs", "jobs")
    action = made.actions["complete"]
    route = action.routes["only"]
    assert route.stream is not None
    done = Within("event").expression("${{ contains(to_string(event), 'never') && `false` }}", {})
    changed = replace(route, stream=replace(route.stream, done=done))
    made = replace(made, actions={"complete": replace(action, routes={"only": changed})})
    told: list[str] = []
    with Mock(made, told=told.append) as mock, opened(mock) as jobs:
        assert jobs.run("complete", {"prompt": "a", "stream": True}).outputs["text"] == "text 1"
    assert told == ["complete: no events could be made for its stream; it is answered as a whole."]


# --- how refusals read


@pytest.mark.parametrize(
    ("name", "run", "fault", "kind", "said"),
    [
        pytest.param("tickets", ("get_ticket", {"ticket_id": 1}), "429", "rate_limited", "Request rate limit", id="429"),
        pytest.param("tickets", ("get_ticket", {"ticket_id": 1}), "503", "server_fault", "cannot take", id="503"),
        pytest.param("tickets", ("get_ticket", {"ticket_id": 1}), "expired-key", "bad_credential", "API key", id="key"),
        pytest.param("chat", ("post", {"channel": "a", "text": "b"}), "422", "bad_input", "invalid_arguments", id="a word"),
        pytest.param("chat", ("post", {"channel": "a", "text": "b"}), "404", "not_found", "not found", id="no word"),
    ],
)  # fmt: skip
def test_faults_read_as_the_connector_reads_errors(
    tmp_path: Path, name: str, run: tuple[str, dict[str, Any]], fault: str, kind: str, said: str
) -> None:
    """Faults of the sandbox, in the envelope of the connector: its own mapping names the kind."""
    with (
        Mock(foreign.write_foreign(tmp_path / name, name), faults=[fault]) as mock,
        opened(mock) as acme,
        pytest.raises(ApiError) as failed,
    ):
        acme.run(*run, retries=0)
    assert failed.value.kind == kind
    assert said in failed.value.message


@pytest.mark.parametrize(("name", "status"), [("tickets", 401), ("chat", 403), ("jobs", 401), ("pay", 200)])
def test_a_wrong_key_reads_as_bad_credential(tmp_path: Path, name: str, status: int) -> None:
    """With the status that the connector knows for it; an API that is open to all has no wrong key."""
    made = foreign.write_foreign(tmp_path / name, name)
    first = next(iter(made.actions.values()))
    with Mock(made) as mock, opened(mock, key="test-wrong-0123456789") as acme:
        try:
            found = acme.run(first.id, first.examples[0].inputs).status
            kind = "bad_credential"
        except ApiError as error:
            found, kind = error.status, error.kind
    assert (found, kind) == (status, "bad_credential")


def test_a_wrong_client_gets_no_token(tmp_path: Path) -> None:
    """The token's endpoint refuses in OAuth's own words."""
    with (
        Mock(foreign.write_foreign(tmp_path / "cloud", "cloud")) as mock,
        opened(mock, user="somebody else") as cloud,
        pytest.raises(ConnectorError) as failed,
    ):
        cloud.run("download", {"path": "a"})
    assert failed.value.kind == "bad_credential"
    assert "invalid_client" in failed.value.message


def test_faults_of_one_request(client: httpx.Client) -> None:
    """The header of the sandbox works here too, and a misspelt fault is refused in the connector's envelope."""
    assert (
        client.get("/tickets", headers={"x-sandbox-fault": "429,retry-after=3"}).headers["retry-after"] == "3"
    )
    misspelt = client.get("/tickets", headers={"x-sandbox-fault": "hangs"})
    assert (misspelt.status_code, "hang" in misspelt.json()["error"]["message"]) == (400, True)


def test_an_unknown_fault_is_an_error(tmp_path: Path) -> None:
    """Before anything is served."""
    with pytest.raises(InputError, match="There is no fault"):
        Mock(tiny.write_tiny(tmp_path), faults=["429", "nothing"])


# --- hostile manifests


HOSTILE_RESPONSES: dict[str, Any] = {
    "pattern that nothing meets": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^(?!)$"}}},
    "a billion items": {"type": "object", "required": ["all"], "properties": {"name": {"type": "string"}, "all": {"type": "array", "minItems": 10**9}}},
    "deep": {"type": "object", "properties": {"name": {"type": "string"}, **json.loads('{"a": {"properties": ' * 90 + "{}" + "}}" * 90)}},
    "a text": {"type": "string"},
    "nothing": {"not": {}},
    "expressions": {"type": "object", "properties": {"name": {"const": "${{ inputs.id }}"}, "${{": {"default": "}}"}}},
    "closed": {"type": "object", "additionalProperties": False, "properties": {}},
}  # fmt: skip


_WRONG = {
    "a billion items": "500 Internal Server Error: The mock cannot make this answer",
    "a text": "The output 'name'",
}


@pytest.mark.parametrize("name", HOSTILE_RESPONSES)
def test_a_hostile_response_schema_gets_an_answer(tmp_path: Path, name: str) -> None:
    """An answer, or one typed error; the mock lives on."""
    response, wrong = HOSTILE_RESPONSES[name], _WRONG.get(name, "")
    made = tiny.write_tiny(tmp_path)
    action = made.actions["look"]
    route = replace(action.routes["only"], response=response)
    made = replace(made, actions={"look": replace(action, routes={"only": route})})
    with Mock(made) as mock, opened(mock) as one:
        told = ""
        try:
            found = one.run("look", {}, deadline=20).outputs["name"]
        except ConnectorError as error:
            found, told = None, error.message
        assert told.startswith(wrong) if wrong else told == ""
        assert found is None or isinstance(found, str)
        assert httpx.get(f"{mock.url}/nothing", trust_env=False).status_code in {400, 404}


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        pytest.param("", {}, id="no path"),
        pytest.param("/", {}, id="root"),
        pytest.param("items", {}, id="no slash"),
        pytest.param("${{ inputs.id }}", {"id": "a/../b"}, id="an input alone"),
        pytest.param(
            "/${{ inputs.id }}${{ inputs.part }}", {"id": "a", "part": "b"}, id="two in one segment"
        ),
        pytest.param("/a b/${{ inputs.id }}.json", {"id": "${{ 7 }}"}, id="text around"),
        pytest.param(
            "/${{ inputs.id }}/x", {"id": "${{ inputs.id }}?#%2F \U0001f600"}, id="signs in an input"
        ),
    ],
)
def test_odd_paths_of_a_manifest_are_served(tmp_path: Path, path: str, inputs: dict[str, Any]) -> None:
    """Whatever path the runtime asks for, the mock has it."""
    made = tiny.with_path(tiny.write_tiny(tmp_path), path)
    with Mock(made) as mock, opened(mock) as one:
        assert one.run("look", inputs).outputs["name"] == "name 1"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        pytest.param('pattern: "^sk-[a-z0-9]{20}$"', "", id="pattern"),
        pytest.param("enum: [one-key]", "", id="choice"),
        pytest.param("minLength: 60", "", id="long"),
        pytest.param(
            'pattern: "^(?!)$"', "finds no value for its connection", id="pattern that nothing meets"
        ),
    ],
)
def test_a_key_that_fits_is_made(tmp_path: Path, field: str, told: str) -> None:
    """Where none can be, the error says what helps."""
    tiny.write_tiny(tmp_path)
    file = tmp_path / "connector.yaml"
    file.write_text(
        file.read_text().replace("{type: string, title: Key,", f"{{type: string, title: Key, {field},")
    )
    made = connector.load(tmp_path)
    if told:
        with pytest.raises(InputError, match=told):
            Mock(made)
        return
    with Mock(made) as mock, opened(mock) as one:
        assert one.run("look", {}).status == 200


def test_many_threads_share_a_mock(tickets: Mock) -> None:
    """Each gets its answer."""
    found: list[Any] = []

    def ask(number: int) -> None:
        with opened(tickets) as acme:
            found.append(acme.run("get_ticket", {"ticket_id": number}).outputs["id"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(8))


def test_a_port_that_is_taken_is_an_error(tickets: Mock) -> None:
    """As of the sandbox."""
    port = int(tickets.url.rpartition(":")[2])
    with pytest.raises(OSError), Mock(tickets.connector, port=port):  # noqa: PT011 - the system's own words
        pass
