"""What a connector is: frozen types that name everything a manifest can say.

The types are plain dataclasses; `connector.load` reads YAML into them and pydantic checks it on the way
(unknown keys, wrong types). Templates and expressions are checked as they are read and compiled when they are
first used; `Within` says what the expressions at each place may see.

A text below a field describes the key of that name in YAML, for editors and for docs/manifest.md: what it is, its
unit, what its absence means. What follows `Example:` is a value of the key, in YAML: in backticks at the end of a
single line, or from a line of its own on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from connector.manifest_action import Action, Example, InputLifecycle, Options
from connector.manifest_connection import (
    Auth,
    Check,
    ConnectionForm,
    ErrorRule,
    Errors,
    FurtherKey,
    Limits,
    Retry,
    Timeouts,
)
from connector.manifest_route import (
    Failure,
    FilePart,
    FollowUp,
    NotCarried,
    Poll,
    RawBody,
    Request,
    Route,
    Rule,
    Stream,
    Turns,
    Unsupported,
)
from connector.manifest_values import ErrorKind, Id, Lifecycle, Link, Method, Says, Strict

__all__ = [
    "FORMAT",
    "Action",
    "Auth",
    "Check",
    "ConnectionForm",
    "Connector",
    "ErrorKind",
    "ErrorRule",
    "Errors",
    "Example",
    "Failure",
    "FilePart",
    "FollowUp",
    "FurtherKey",
    "InputLifecycle",
    "Lifecycle",
    "Limits",
    "Method",
    "NotCarried",
    "Options",
    "Poll",
    "RawBody",
    "Request",
    "Retry",
    "Route",
    "Rule",
    "Says",
    "Stream",
    "Timeouts",
    "Turns",
    "Unsupported",
]

FORMAT = 1
"""The version of the manifest format that this runtime reads."""


@dataclass(frozen=True, kw_only=True)
class Connector(Strict):
    """A service: its connection, its failures, its limits and its actions."""

    format: Literal[1]
    """The version of the manifest format. Example: `1`"""
    id: Id
    """Names the connector in code, files and commands. Lower-case letters, digits and _.

    Example: perplexity
    """
    name: str
    """Its name for people. Example: `Perplexity`"""
    version: str
    """The version of this manifest, sent in the User-Agent. Example: `0.1.0`"""
    description: str
    """What the service does, in one sentence.

    Example: Answers with live web citations, and ranked web search.
    """
    icon: str | None = None
    """The path of a picture, from the connector's folder; it lies within the project.

    Example: ../../icon.png
    """
    links: Mapping[str, Link] = field(default_factory=dict)
    """Name -> URL of pages for people.

    Example:
        documentation: https://docs.example.com
        api_keys: https://console.example.com
    """
    connection: ConnectionForm
    """The credential form, where requests go, and how they prove who sends them.

    Example:
        fields:
          type: object
          required: [api_key]
          properties: {api_key: {type: string, title: API Key, writeOnly: true}}
        base_url: https://api.example.com
        auth: {kind: bearer, value: "${{ connection.api_key }}"}
    """
    errors: Errors
    """Where an answer that is a failure says what it is, and what people should do about it.

    Example:
        message: ${{ response.body.error.message }}
        type: ${{ response.body.error.type }}
        kinds:
          - {kind: bad_credential, status: [401], hint: Check the API key.}
    """
    retry: Retry = Retry()
    """When a request is sent again. What is paid for is never repeated unless the service did nothing.

    Example:
        statuses: [429, 503]
        attempts: 3
    """
    timeouts: Timeouts = Timeouts()
    """How long a run waits, in seconds.

    Example:
        connect: 10
        read: 60
        deadline: 120
    """
    limits: Limits = Limits()
    """What a connection asks of the service at most. A run waits for its turn.

    Example:
        requests: 50
        seconds: 1
        at_once: 100
    """
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Lookup tables: name -> key -> value, for `lookup('name', key)`.

    Example:
        effort_by_model:
          small: low
          large: high
    """
    actions: Mapping[str, Action]
    folder: Path
