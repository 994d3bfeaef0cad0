"""Errors: each says where, what, and what to do, and survives a trip to another process."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from connector import errors
from connector.errors import (
    API_KINDS,
    ApiError,
    ConnectorError,
    CredentialError,
    CutOff,
    InputError,
    ManifestError,
    OutputError,
    Problem,
    Timeout,
    TransportError,
    Unreachable,
    did_you_mean,
)
from connector.manifest import ErrorKind

EXAMPLES: list[ConnectorError] = [
    ManifestError([Problem("a.yaml:1:2", "It is wrong.", "Mend it.", "  1 | x\n    |  ^")]),
    InputError([Problem("model", "It is required.", "Give model.")], action="ask"),
    CredentialError("The key is missing.", where="connection 'work'", hint="Set KEY."),
    Timeout("No answer came.", where="POST https://a.test", hint="Raise the limit."),
    Unreachable("No connection.", where="POST https://a.test", hint="Check the network."),
    CutOff("It broke off.", where="POST https://a.test", hint="Run it again."),
    ApiError(
        "Too many.",
        kind="rate_limited",
        status=429,
        where="POST https://a.test",
        hint="Wait.",
        retry_after=2.5,
        request_id="r-1",
        body={"error": "x"},
    ),
    OutputError("It has changed.", field="a", expected="text", got="list", where="POST /", hint="Look."),
]


def subclasses(kind: type[ConnectorError]) -> set[type[ConnectorError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_docstring_is_the_tree() -> None:
    """Every public error stands in the module's docstring, and has an example here."""
    public = {
        kind
        for kind in subclasses(ConnectorError)
        if kind.__module__ == errors.__name__ and kind.__name__[0] != "_"
    }
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in public)
    assert public - {type(error) for error in EXAMPLES} == {ConnectorError, TransportError}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_where_what_and_what_to_do(error: ConnectorError) -> None:
    """No part of the answer is empty, and the text holds all three."""
    problem = error.problems[0] if isinstance(error, (ManifestError, InputError)) else error
    assert str(error).startswith(f"{error.where}: {problem.message} {error.hint}")
    assert all([error.where, error.message, error.hint, error.kind])


@pytest.mark.parametrize(
    "move", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"]
)
@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_survives(error: ConnectorError, move: typing.Callable[[ConnectorError], ConnectorError]) -> None:
    """A copy is of the same type, says the same and knows the same."""
    moved = move(error)
    assert type(moved) is type(error)
    assert str(moved) == str(error)
    assert vars(moved) == vars(error)


def test_several_problems() -> None:
    """Several problems are told together, each with its own place."""
    error = InputError([Problem("a", "One.", "Do 1."), Problem("b", "Two.", "Do 2.")], action="ask")
    assert (
        str(error) == "2 problems in the inputs of ask; nothing was sent:\n- a: One. Do 1.\n- b: Two. Do 2."
    )
    assert (error.where, error.hint) == ("a", "Do 1.")


def test_excerpt_follows() -> None:
    """The source line stands below the problem."""
    assert str(EXAMPLES[0]) == "a.yaml:1:2: It is wrong. Mend it.\n  1 | x\n    |  ^"


def test_request_id_is_shown() -> None:
    """What a person reports to the service's support is in the text."""
    assert str(EXAMPLES[6]) == "POST https://a.test: Too many. Wait. (request id r-1)"


def test_manifests_name_the_same_kinds() -> None:
    """A manifest can use every kind of failure, and no other."""
    assert typing.get_args(ErrorKind) == API_KINDS


@pytest.mark.parametrize(
    ("word", "known", "sentence"),
    [
        ("nmae", ["id", "name"], "Did you mean 'name'?"),
        ("modle", ["mode", "model"], "Did you mean 'model'?"),
        ("maxTokens", ["max_results", "max_tokens"], "Did you mean 'max_tokens'?"),
        ("max-tokens", ["max_tokens"], "Did you mean 'max_tokens'?"),
        ("post", ["GET", "POST"], "Did you mean 'POST'?"),
        ("int", ["integer", "string"], "Did you mean 'integer'?"),
        ("key", ["api_key", "url"], "Did you mean 'api_key'?"),
        ("query_text", ["query", "limit"], "Did you mean 'query'?"),
        ("key", ["key_of_mine", "your_key_id"], "Known here: key_of_mine, your_key_id."),
        ("FETCH", ["GET", "PATCH"], "Known here: GET, PATCH."),
        ("colour", ["b", "a"], "Known here: a, b."),
        ("x", [], "Remove it."),
        ("", ["a"], "Known here: a."),
        (
            "x",
            [f"word{n:02}" for n in range(31)],
            f"Known here: {', '.join(f'word{n:02}' for n in range(30))}, ....",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_did_you_mean(word: str, known: list[str], sentence: str) -> None:
    """The nearest word is proposed where one is near; else the known ones are listed."""
    assert did_you_mean(word, known) == sentence


def test_did_you_mean_of_a_huge_word() -> None:
    """A word of a million letters is compared by its beginning only."""
    assert did_you_mean("x" * 1_000_000, ["y" * 60]).startswith("Known here")
