"""Choices of an input: as the service lists them, from the snapshot where it does not, or from the schema."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from loopback import Loopback, http

import connector
from connector.errors import InputError
from connector.sandbox import Sandbox

KEY = "pplx-test-choices"
WRONG: list[Any] = [5, "x" * 1_000_000]
LISTED = {"object": "list", "data": [{"id": "acme/one", "object": "model", "created": 0, "owned_by": "acme"}]}


def test_the_service_is_asked_once() -> None:
    """Its list, kept for the connection."""
    with (
        Loopback(http(200, LISTED)) as server,
        connector.connect("perplexity", api_key=KEY, base_url=server.url) as perplexity,
    ):
        for _ in range(2):
            choices = perplexity.options("create_response", "model")
        assert (choices.values, choices.source) == (("acme/one",), "service")
        assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [http(401, {}), http(500, b"no"), http(200, {"data": []})])
def test_the_snapshot_stands_in_for_the_service(answer: bytes) -> None:
    """A form can be filled without an answer."""
    with (
        Loopback(answer) as server,
        connector.connect("perplexity", api_key=KEY, base_url=server.url) as perplexity,
    ):
        choices = perplexity.options("create_response", "model")
        assert choices.source == "snapshot"
        assert "perplexity/sonar" in choices.values


def test_other_inputs_have_the_choices_of_their_schema() -> None:
    """Nothing is asked."""
    with connector.connect("perplexity", api_key=KEY, base_url="http://127.0.0.1:9") as perplexity:
        choices = perplexity.options("execute_search", "search_recency_filter")
        assert (choices.values[0], choices.source) == ("hour", "schema")
        with pytest.raises(InputError, match="Did you mean 'query'"):
            perplexity.options("execute_search", "qury")
        for wrong in WRONG:
            with pytest.raises(InputError, match=r"\A.{1,60}: execute_search has no such input"):
                perplexity.options("execute_search", wrong)


def test_asyncio_has_the_same() -> None:
    """Against the sandbox, whose list is the snapshot's."""

    async def run() -> None:
        with Sandbox() as sandbox:
            async with connector.aconnect("perplexity", api_key=KEY, base_url=sandbox.url) as perplexity:
                choices = await perplexity.options("create_response", "model")
                assert (choices.source, len(choices.values)) == ("service", 52)
                assert await perplexity.options("create_response", "model") is choices

    asyncio.run(run())
