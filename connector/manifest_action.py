"""One thing that a service can do: its inputs, its outputs, its routes and its examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

from connector.manifest_route import Route, Rule
from connector.manifest_values import (
    Deadline,
    FieldsSchema,
    Id,
    Lifecycle,
    Says,
    Strict,
)
from connector.output_types import Typed, exact_type, typed
from connector.schema import Checker, Schema


@dataclass(frozen=True, kw_only=True)
class Example(Strict):
    """A test with a cassette, a sample in the documentation, a preset in a form."""

    id: Id
    """Names the example; its cassette has the same name. Example: `one_query`"""
    title: str = ""
    """What it shows, in a few words. Example: `One query`"""
    inputs: Mapping[str, Any]
    """The inputs, as a caller gives them.

    Example:
        query: latest AI news
        max_results: 3
    """
    route: str | None = None
    """The route it is made for. Absent: the action's first route. Example: `sonar`"""
    after: tuple[str, ...] = ()
    """Examples (`action.example`) that have to run first, such as the one that makes what this one gets.

    Example: [upload_file.two_questions]
    """


@dataclass(frozen=True, kw_only=True)
class Options(Strict):
    """Where the choices of an input come from; they are proposed, never enforced."""

    action: str
    """An action that needs no inputs. Example: `list_models`"""
    output: str
    """Its output that lists the choices. Example: `ids`"""
    fallback: str
    """A table of the connector whose keys are the choices when the service cannot be asked.

    Example: models
    """


@dataclass(frozen=True, kw_only=True)
class InputLifecycle(Strict):
    """Inputs and values of inputs that come and go at the vendor."""

    inputs: Mapping[str, Lifecycle] = field(default_factory=dict)
    """Input -> its days.

    Example: stream_mode: {deprecated: 2026-06-30, note: The service always streams in full.}
    """
    values: Mapping[str, Mapping[str, Lifecycle]] = field(default_factory=dict)
    """Input -> value -> its days.

    Example:
        model:
          sonar-reasoning: {retired: 2025-12-15, replaced_by: sonar-reasoning-pro}
    """


def _has_secrets(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(_has_secrets, schema))
    return isinstance(schema, Mapping) and (
        schema.get("writeOnly") is True or any(map(_has_secrets, schema.values()))
    )


@dataclass(frozen=True, kw_only=True)
class Action(Strict):
    """One thing that the service can do: what it takes, what it gives, and the ways to carry it out."""

    id: Id
    """Names the action in code, files and commands; its file is called the same. Lower-case letters,
    digits and _.

    Example: execute_search
    """
    name: str
    """Its name for people. Example: `Execute Search`"""
    description: str
    """What it does, in one or two sentences.

    Example: Execute a web search and retrieve ranked, structured results.
    """
    inputs: FieldsSchema
    """JSON Schema of what the action takes: an object whose properties are the inputs.

    Example:
        type: object
        additionalProperties: false
        required: [query]
        properties:
          query: {type: string, title: Query, description: What to search for., minLength: 1}
          max_results: {type: integer, title: Max Results, minimum: 1, maximum: 20, default: 10}
    """
    rules: tuple[Rule, ...] = ()
    """Conditions across inputs, checked before anything is sent.

    Example:
        - exclusive: [recency, published_after]
          say: Use a recency or a date, not both.
    """
    outputs: FieldsSchema
    """JSON Schema of what the action gives: the contract, flat, typed and the same on every route. Each
    output is text, a number, true or false, a list of those, or a list of flat rows.

    Example:
        type: object
        required: [urls]
        properties:
          urls: {type: array, title: URLs, items: {type: string}}
          count: {type: integer, title: Count}
    """
    reads_only: bool = False
    """It changes nothing at the service. Example: `true`"""
    idempotent: bool = False
    """Running it twice has the effect of once. Example: `true`"""
    destructive: bool = False
    """It deletes, overwrites or stops something. Example: `true`"""
    open_world: bool = True
    """Its answer may hold text from anywhere, such as web pages; not only what the account and the service
    hold.

    Example: false
    """
    deadline: Deadline | None = None
    """Seconds for a whole run, with its retries; it may depend on the inputs. Absent: the connector's
    `timeouts.deadline`.

    Example: 30

    Example: ${{ lookup('seconds_by_model', inputs.model) }}
    """
    options: Mapping[str, Options] = field(default_factory=dict)
    """Choices of an input that another action lists. They are proposed, never enforced.

    Example: model: {action: list_models, output: ids, fallback: models}
    """
    lifecycle: InputLifecycle = InputLifecycle()
    """Inputs, and values of inputs, that come and go at the vendor: a run that uses one gives a warning.

    Example:
        values:
          model:
            sonar-reasoning: {retired: 2025-12-15, replaced_by: sonar-reasoning-pro}
    """
    route_from: str | None = None
    """The connection field that chooses the route by its name. Absent: the first route is taken.

    Example: chat_route
    """
    routes: Annotated[Mapping[str, Route], Says(minProperties=1)]
    """The ways to carry the action out, by name. The first one is the default.

    Example:
        search:
          request: {method: GET, path: /search, query: {q: "${{ inputs.query }}"}}
          response: {type: object, properties: {total: {type: integer}}}
          outputs: {total: "${{ response.body.total }}"}
    """
    examples: tuple[Example, ...] = ()
    """Each is a test with a cassette, a sample in the documentation and a preset in a form.

    Example:
        - id: one_query
          title: One query
          inputs: {query: latest AI news}
    """

    @cached_property
    def known(self) -> dict[tuple[str, frozenset[str]], Any]:
        """Where `relevant` keeps what it has found for a route and names of inputs."""
        return {}

    @cached_property
    def input_checker(self) -> Checker:
        """The schema of the inputs at work; reading the manifest has shown that it is one."""
        return Checker(self.inputs)

    @cached_property
    def input_fields(self) -> Mapping[str, Schema]:
        """The inputs by name, in the manifest's order."""
        fields: Mapping[str, Schema] = self.inputs.get("properties", {})
        return fields

    @cached_property
    def has_secrets(self) -> bool:
        """Whether an input, or a part of one, is marked as a secret."""
        return _has_secrets(self.inputs)

    @cached_property
    def input_defaults(self) -> Mapping[str, Any]:
        """The values of the inputs that nobody has to give."""
        return {name: schema["default"] for name, schema in self.input_fields.items() if "default" in schema}

    @cached_property
    def output_fields(self) -> Mapping[str, Schema]:
        """The outputs by name, in the manifest's order."""
        fields: Mapping[str, Schema] = self.outputs.get("properties", {})
        return fields

    @cached_property
    def typed_outputs(self) -> Mapping[str, tuple[type, Typed]]:
        """By name, in the same order: the type whose values stand as they are, and what judges any other."""
        return {name: (exact_type(schema), typed(schema)) for name, schema in self.output_fields.items()}
