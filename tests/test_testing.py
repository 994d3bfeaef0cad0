"""Cassettes: every example of every shipped action is replayed through the whole path, without a network."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from vcr.request import Request

import connector
from connector.errors import InputError
from connector.lint import lint
from connector.manifest import Connector, Example
from connector.testing.cassette import body, query
from connector.testing.cassette_file import CassetteError, read
from connector.testing.examples import ConnectorExample, path_of
from connector.testing.fixtures import Replay
from connector.testing.recording import record
from connector.testing.replaying import replay

PERPLEXITY = connector.load("perplexity")
CASSETTES = sorted(Path(__file__).parent.parent.glob("cassettes/**/*.yaml"))


@pytest.mark.connector_examples("perplexity")
def test_every_example_replays_to_outputs_that_keep_the_contract(
    connector_example: ConnectorExample, replay: Replay
) -> None:
    """The outputs are those that the action declares, and the required ones are there; no socket is opened."""
    outputs, action = replay(connector_example).outputs, connector_example.action
    assert list(outputs) == list(action.output_fields)
    assert all(outputs[name] is not None for name in action.outputs["required"])


@pytest.mark.hazard("H3")
@pytest.mark.parametrize(
    "example", PERPLEXITY.actions["execute_search"].examples, ids=lambda example: example.id
)
def test_a_replay_matches_the_body(example: Example) -> None:
    """A request with another body is refused by name of what differs, not answered with the recorded one."""
    other = dataclasses.replace(example, inputs={**example.inputs, "query": "something else"})
    with pytest.raises(CassetteError, match=r"differs from the recorded one: body: asked .*something else"):
        replay(PERPLEXITY, PERPLEXITY.actions["execute_search"], other)


@pytest.mark.parametrize(
    ("asked", "recorded", "is_same"),
    [
        ("a=1&b=2", "b=2&a=1", True),
        ("a=x+y&b=", "a=x%20y&b=", True),
        ("a=1&a=2", "a=2&a=1", False),
        ("a=1&b=", "a=1", False),
        ("a=1", "a=2", False),
    ],
)
def test_forms_are_compared_by_what_they_say(asked: str, recorded: str, is_same: bool) -> None:
    """Names in any order and any spelling; the values of one name in theirs."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    requests = [Request("POST", "https://a.test", text, headers) for text in (asked, recorded)]
    with nullcontext() if is_same else pytest.raises(AssertionError):
        body(*requests)


@pytest.mark.parametrize(
    ("asked", "recorded", "is_same"),
    [
        ("a=1&b=2", "b=2&a=1", True),
        ("key=test-replay&a=1", "a=1&key=********", True),
        ("key=test-replay", "a=********", False),
        ("a=1", "a=2", False),
        ("a=1", "", False),
        ("a=1&a=2", "a=1", False),
    ],
)
def test_queries_are_compared_but_for_keys(asked: str, recorded: str, is_same: bool) -> None:
    """A key in a query was masked when it was recorded; a replay has another in its place."""
    requests = [Request("GET", f"https://a.test/x?{text}", b"", {}) for text in (asked, recorded)]
    with nullcontext() if is_same else pytest.raises(AssertionError):
        query(*requests)


def test_both_routes_answer_the_same_outputs() -> None:
    """A flow that reads the flat outputs runs unchanged on the other route."""
    action = PERPLEXITY.actions["create_chat_completion"]
    results = [replay(PERPLEXITY, action, example) for example in action.examples]
    assert {result.route for result in results} == {"agent", "sonar"}
    assert len({tuple(result.outputs) for result in results}) == 1


@pytest.mark.hazard("H5")
def test_a_missing_cassette_says_how_to_record_it(tmp_path: Path) -> None:
    """The error names the command."""
    copy = _copy(tmp_path)
    action = copy.actions["execute_search"]
    with pytest.raises(CassetteError, match=r"connector record \S+/perplexity execute_search one_query"):
        replay(copy, action, action.examples[0])
    shipped = ConnectorExample(PERPLEXITY, action, action.examples[0])
    assert shipped.command == "connector record perplexity.execute_search one_query"


def test_a_cassette_lies_where_the_manifest_says(tmp_path: Path) -> None:
    """Beside `manifests` for a connector in such a folder, inside the folder of any other."""
    action = PERPLEXITY.actions["execute_search"]
    example = action.examples[0]
    beside = Path(__file__).parent.parent / "cassettes" / "perplexity" / "execute_search" / "one_query.yaml"
    assert path_of(PERPLEXITY, action, example) == beside
    alone = dataclasses.replace(PERPLEXITY, folder=tmp_path / "mine")
    assert (
        path_of(alone, action, example)
        == tmp_path / "mine" / "cassettes" / "execute_search" / "one_query.yaml"
    )


def test_recording_writes_a_cassette_that_replays(tmp_path: Path) -> None:
    """A fresh recording against the sandbox replays to the same outputs, and says what it was made against."""
    copy = _copy(tmp_path)
    [line] = record(copy.folder, "execute_search", "one_query")
    action = copy.actions["execute_search"]
    path = path_of(copy, action, action.examples[0])
    assert line.startswith("execute_search/one_query: new")
    assert "recorded_against: the sandbox" in path.read_text(encoding="utf-8")
    assert replay(copy, action, action.examples[0]).outputs["count"] == 3


def test_recording_again_tells_what_changed_in_the_answers_shape(tmp_path: Path) -> None:
    """Fields that came or went are listed; values are not."""
    copy = _copy(tmp_path)
    list(record(copy.folder, "execute_search", "one_query"))
    path = path_of(copy, copy.actions["execute_search"], copy.actions["execute_search"].examples[0])
    path.write_text(path.read_text(encoding="utf-8").replace('"snippet"', '"summary"'), encoding="utf-8")
    [line] = record(copy.folder, "execute_search", "one_query")
    assert line.splitlines()[1:] == [
        "    + body.results[].snippet: text",
        "    - body.results[].summary: text",
    ]


@pytest.mark.hazard("H1")
@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_no_cassette_holds_a_secret_or_what_names_an_account(path: Path) -> None:
    """No authorization, cookie, edge id or key stands in a committed cassette."""
    text = path.read_text(encoding="utf-8").lower()
    assert not re.search(
        r"authorization|cookie|cf-ray|bearer|pplx-test|pplx-[a-z0-9]{16}|user-agent|127\.0\.0\.1", text
    )


@pytest.mark.hazard("H5")
def test_every_cassette_belongs_to_an_example() -> None:
    """A cassette that no example uses would rot unseen."""
    used = {
        path_of(PERPLEXITY, one, sample) for one in PERPLEXITY.actions.values() for sample in one.examples
    }
    assert set(CASSETTES) == used


def _copy(tmp_path: Path) -> Connector:
    folder = tmp_path / "manifests" / "perplexity"
    shutil.copytree(PERPLEXITY.folder, folder)
    (tmp_path / "icon.png").touch()
    return connector.load(folder)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("execute_search.one_qury", "Did you mean 'execute_search.one_query'"),
        ("execute_search.two_queries", "itself"),
    ],
)
def test_what_cannot_run_first_is_told(tmp_path: Path, after: str, said: str) -> None:
    """An example that is not there, and one that waits for this one, end in an error of ours."""
    folder = _copy(tmp_path).folder
    file = folder / "actions" / "execute_search.yaml"
    text = file.read_text().replace("  - id: two_queries\n", f"  - id: two_queries\n    after: [{after}]\n")
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        list(record(folder, "execute_search", "two_queries"))
    assert any("example" in problem.message for problem in lint(folder))


HOSTILE = {
    "nested without end": "[" * 100_000,
    "aliases": "a: &a [x]\nb: [*a, *a]\n",
    "a tag": "interactions: !!python/object/apply:os.system ['false']\n",
    "no YAML": "interactions: [",
    "no text": "\x00\x01",
    "nothing": "",
    "a list": "- request: 1\n",
    "no exchanges": "interactions: 5\n",
    "no answer": "interactions: [{request: {method: GET, uri: 'http://a', headers: {}, body: null}}]\n",
    "no URL": "interactions: [{request: {method: GET, uri: 'http://[', headers: {}, body: null}, response: {}}]\n",
    "an odd status": "interactions: [{request: {method: GET, uri: 'http://a', headers: {}, body: null}, "
    "response: {status: {code: 9000}, headers: {}, body: {string: ''}}}]\n",
    "too large": "#" * (16 * 1024 * 1024 + 1),
}


@pytest.mark.hazard("H7")
def test_a_hostile_cassette_is_refused(tmp_path: Path, figure: Callable[[str, str], None]) -> None:
    """Code, bombs and nonsense end in one typed error each."""
    file = tmp_path / "c.yaml"
    for name, text in HOSTILE.items():
        file.write_text(text)
        with pytest.raises(CassetteError) as caught:
            read(file)
        assert caught.value.hint, name
    figure("H7", f"0 of {len(HOSTILE)} hostile cassettes accepted")


@pytest.mark.hazard("H1", "H4", "H5")
def test_what_the_cassettes_are(figure: Callable[[str, str], None]) -> None:
    """One small cassette for each example, all of them readable."""
    largest = max(len(read(path)[0]) for path in CASSETTES)
    assert largest <= 3
    figure("H1", f"0 hits in {len(CASSETTES)} committed cassettes")
    figure("H4", f"{len(CASSETTES)} cassettes of at most {largest} exchanges")


@pytest.mark.hazard("H3", "H5")
@pytest.mark.parametrize("change", ["one too many", "one too few"])
def test_a_cassette_is_played_exactly(tmp_path: Path, change: str) -> None:
    """An exchange that is not asked for, and a request without one, are told."""
    copy = _copy(tmp_path)
    action = copy.actions["execute_search"]
    example = next(one for one in action.examples if one.id == "one_query")
    path = path_of(copy, action, example)
    path.parent.mkdir(parents=True)
    text = path_of(PERPLEXITY, action, example).read_text()
    head, rest = text.split("interactions:\n")
    exchange, tail = rest.split("metadata:")
    other = exchange.replace("latest AI news", "another")
    path.write_text(
        f"{head}interactions:\n{exchange + other if change == 'one too many' else other}metadata:{tail}"
    )
    with pytest.raises(CassetteError, match=r"was not used|differs from the recorded"):
        replay(copy, action, example)


@pytest.mark.hazard("H6")
def test_a_mismatch_shows_no_header_and_no_error_of_the_recorder() -> None:
    """Only what differs, and our own error with nothing behind it."""
    action = PERPLEXITY.actions["execute_search"]
    other = dataclasses.replace(action.examples[0], inputs={"query": "something else"})
    with pytest.raises(CassetteError) as caught:
        replay(PERPLEXITY, action, other)
    assert caught.value.__context__ is None
    assert "pplx-test" not in str(caught.value).lower()
