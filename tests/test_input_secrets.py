"""Inputs that are secrets of one run, marked with `writeOnly`: sent, and shown to nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from leaks import everything_shown
from loopback import Loopback, Received, http
from tiny import LOGIN, LOGIN_INPUTS, write_tiny

from connector.cli.trial import tried
from connector.connection import resolve
from connector.errors import ApiError, InputError
from connector.loading import load
from connector.manifest import Connector
from connector.observed import Observed
from connector.opening import connect
from connector.request import curl, preview
from connector.run import OpenConnection
from connector.secret import MASK

PASSWORD = "test-of-one-run-77"
INPUTS: dict[str, Any] = {"note": "anna", "login": {"password": PASSWORD}, "pins": ["pin-4711", "pin-0815"]}
SECRETS = (PASSWORD, "pin-4711", "pin-0815")


@pytest.fixture
def tiny(tmp_path: Path) -> Connector:
    write_tiny(tmp_path, sent=LOGIN)
    file = tmp_path / "actions" / "look.yaml"
    file.write_text(file.read_text().replace("\n    note:", LOGIN_INPUTS, 1))
    return load(tmp_path)


def shows(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def test_they_are_sent(tiny: Connector) -> None:
    """As any other input."""
    with (
        Loopback(http(200, {"name": PASSWORD})) as server,
        connect(tiny, key="test-key-1", base_url=server.url) as one,
    ):
        assert one.run("look", INPUTS).outputs["name"] == PASSWORD
        assert server.requests[0].json == {
            "login": {"user": "anna", "password": PASSWORD},
            "pins": ["pin-4711", "pin-0815"],
        }


def test_a_plan_shows_a_mask(tiny: Connector) -> None:
    """In the request, where each part came from, and the curl command; what is no secret stays."""
    with connect(tiny, key="test-key-1") as opened:
        planned = opened.plan("look", INPUTS)
        shown = preview(planned, opened.connection)
        assert shown.body == {"login": {"user": "anna", "password": MASK}, "pins": [MASK, MASK]}
        told = f"{shown} {curl(planned, opened.connection)} {planned.fields}"
    assert shows(told) == []
    assert "anna" in told


def test_a_trial_shows_what_was_sent_without_them(tiny: Connector) -> None:
    """`connector try` prints the exchange as it went over the wire."""
    with Loopback(http(200, {"name": "x"})) as server:
        connection = resolve(tiny, {"key": "test-key-1", "base_url": server.url}, environ={})
        observed = Observed(connection.redactor, set())
        with OpenConnection(connection, observed) as opened:
            trial = tried(opened, observed, tiny.actions["look"], INPUTS)
    assert trial.error is None
    assert MASK in trial.exchanges[0].request_body
    assert shows(repr(trial.exchanges)) == []


@pytest.mark.parametrize(
    "bad", [{"login": {"password": f"{PASSWORD}!"}}, {"pins": "pin-4711"}, {"pins": [["pin-4711"]]}]
)
def test_a_complaint_about_one_does_not_quote_it(tiny: Connector, bad: dict[str, Any]) -> None:
    """Whatever is wrong with it."""
    with connect(tiny, key="test-key-1") as opened, pytest.raises(InputError) as caught:
        opened.plan("look", bad)
    assert shows(str(caught.value)) == []


def test_a_refusal_that_quotes_one_is_masked(tiny: Connector) -> None:
    """In its message and its body; a stream too."""

    def echo(received: Received) -> bytes:
        return http(400, {"error": f"You sent {received.json['login']['password']}", "all": received.json})

    with Loopback(echo) as server, connect(tiny, key="test-key-1", base_url=server.url) as opened:
        for run in (lambda: opened.run("look", INPUTS), lambda: list(opened.stream("look", INPUTS))):
            with pytest.raises(ApiError) as caught:
                run()
            assert f"You sent {MASK}" in str(caught.value)
            assert shows(f"{caught.value} {json.dumps(caught.value.body)}") == []
            assert "test-key-1" not in everything_shown(caught.value)
