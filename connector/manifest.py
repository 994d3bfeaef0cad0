"""What a connector is: frozen types that name everything a manifest can say.

The types are plain dataclasses; `connector.load` reads YAML into them and pydantic checks it on the way
(unknown keys, wrong types). Templates and expressions are checked as they are read and compiled when they are
first used; `Within` says what the expressions at each place may see.

A text below a field describes the key of that name in YAML, for editors and for docs/manifest.md: what it is, its
unit, what its absence means. What follows `Example:` is a value of the key, in YAML: in backticks at the end of a
single line, or from a line of its own on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from connector.evaluate import Drift, is_true
from connector.output_types import Typed, typed
from connector.schema import Checker, Schema
from connector.template import Expression, Template, Within

FORMAT = 1
"""The version of the manifest format that this runtime reads."""

ErrorKind = Literal[
    "bad_input",
    "bad_credential",
    "no_credit",
    "not_allowed",
    "retired",
    "not_found",
    "rate_limited",
    "server_fault",
    "unexpected",
]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class Says:
    """Words of JSON Schema that hold at a place, for editors: `soundness` says the same of a manifest, in sentences."""

    def __init__(self, **words: Any) -> None:
        self.words = words

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Callable[[Any], Any]) -> dict[str, Any]:
        return {**handler(core_schema), **self.words}


Id = Annotated[str, Says(pattern="^[a-z][a-z0-9_]{0,63}$")]
Seconds = Annotated[float, Says(minimum=0.001)]
Status = Annotated[int, Says(minimum=100, maximum=599)]
Link = Annotated[str, Says(pattern="^https?://")]
JsonSchema = Annotated[Schema, Says(format="json-schema")]
"""A schema of any kind."""
FieldsSchema = Annotated[Schema, Says(format="json-schema-of-fields")]
"""A schema of an object whose properties are inputs, outputs or fields of a form."""

ConnectionText = Annotated[Template, Within("connection"), Says(type="string")]
RequestValue = Annotated[Template, Within("inputs", omit_null=True)]
RuleCondition = Annotated[Expression, Within("inputs")]
OutputValue = Annotated[Template, Within("inputs", "response", strict=True)]
FailureCondition = Annotated[Expression, Within("inputs", "response")]
AnswerText = Annotated[Expression, Within("response")]
EventValue = Annotated[Expression, Within("event")]
FollowUpText = Annotated[Template, Within("inputs", "response"), Says(type="string")]
RequestPath = Annotated[Template, Within("inputs", omit_null=True), Says(type="string", pattern="^/")]
Deadline = Annotated[
    Template,
    Within("inputs", omit_null=True),
    Says(type=["number", "string"], exclusiveMinimum=0, pattern=r"\$\{\{"),
]


class _Strict:
    """Read by pydantic: a key that is not a field is an error, and so is a text where a number belongs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True, "use_attribute_docstrings": True}
    __dataclass_fields__: ClassVar[Mapping[str, Any]]

    def __getstate__(self) -> dict[str, Any]:
        """Pickled, it is its fields; what is made of them when it is needed stays behind."""
        return {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}


@dataclass(frozen=True, kw_only=True)
class Lifecycle(_Strict):
    """When something came, and when it goes."""

    since: date | None = None
    """The first day on which it could be used. Example: `2026-03-01`"""
    deprecated: date | None = None
    """The day from which the vendor advises against it. A run gives a warning from then on.

    Example: 2026-06-30
    """
    retired: date | None = None
    """The day from which the vendor refuses it. Example: `2026-09-27`"""
    replaced_by: str | None = None
    """What to use instead: the name of another route, input or value. Example: `agent`"""
    note: str | None = None
    """A sentence for people, shown with the days. Example: `Gateways may still speak it.`"""


@dataclass(frozen=True, kw_only=True)
class FilePart(_Strict):
    """A file of a multipart form, made from inputs."""

    name: RequestValue
    """The name that the service is told. Example: `${{ inputs.filename }}`"""
    content: RequestValue
    """The text of the file, or its bytes in base64 with `is_base64`. A list is several files of one name. Without a
    value, the form has no such file. Example: `${{ inputs.content }}`
    """
    type: str = "application/octet-stream"
    """The media type that the service is told. Example: `application/jsonl`"""
    is_base64: bool = False
    """The content is base64 text: what it stands for is sent. How a file that is no text is given as an input.

    Example: true
    """


@dataclass(frozen=True, kw_only=True)
class RawBody(_Strict):
    """A body that is neither JSON nor a form: plain text, XML, lines of JSON, or the bytes of a file."""

    value: RequestValue
    """The body: a text, or bytes in base64 with `is_base64`. Without a value, the request has no body.

    Example: ${{ inputs.document }}
    """
    type: str
    """The media type that the request says of it.

    Example: application/xml
    Example: text/plain; charset=utf-8
    """
    is_base64: bool = False
    """The value is base64 text: what it stands for is sent.

    Example: true
    """


@dataclass(frozen=True, kw_only=True)
class Request(_Strict):
    """What is sent."""

    method: Method
    """The HTTP method. Example: `POST`"""
    path: RequestPath
    """The path below the base URL, beginning with `/`. An expression in it becomes one percent-encoded
    segment.

    Example: /v1/files/${{ inputs.file_id }}/content
    """
    base_url: ConnectionText | None = None
    """Where this request goes, if not to the connection's base_url: the host for uploads of a service that has one.
    The same rules hold for it, and the same credentials go there.

    Example: https://upload.example.com
    Example: ${{ connection.upload_url }}
    """
    query: Mapping[str, RequestValue] = field(default_factory=dict)
    """The parameters of the query by name. What is null is left out; a list gives one parameter for each
    item.

    Example:
        limit: ${{ inputs.limit }}
        after: ${{ inputs.after }}
    """
    headers: Mapping[str, RequestValue] = field(default_factory=dict)
    """Headers beside those that every request has. What is null is left out. The credential is not here:
    see `auth`.

    Example: Idempotency-Key: ${{ inputs.request_id }}
    """
    body: RequestValue | None = None
    """Looks like the JSON that is sent. Entries that are absent or null are left out, and so is what that
    leaves empty.

    Example:
        query: ${{ inputs.query }}
        filters:
          language: ${{ inputs.language }}
    """
    form: Mapping[str, RequestValue] = field(default_factory=dict)
    """Instead of `body`: the fields of a form, under the names that stand here. A list repeats its name.

    Example:
        amount: ${{ inputs.amount }}
        "metadata[order]": ${{ inputs.order }}
    """
    form_as: Literal["multipart", "urlencoded"] = "multipart"
    """How the form is sent: as multipart/form-data, or as application/x-www-form-urlencoded.

    Example: urlencoded
    """
    files: Mapping[str, FilePart] = field(default_factory=dict)
    """The files of a multipart form, by the names of their fields.

    Example:
        file:
          name: ${{ inputs.filename }}
          content: ${{ inputs.content }}
          type: application/jsonl
    """
    nested: Literal["brackets"] | None = None
    """How `query` and `form` send a value that is an object, or a list with objects in it. Without it, lint refuses
    them. brackets: `{a: {b: 1, c: [x, y]}, l: [{p: 1}]}` is sent as a[b]=1, a[c][]=x, a[c][]=y, l[0][p]=1. A list
    of plain values repeats its name, as always.

    Example: brackets
    """
    content: RawBody | None = None
    """Instead of body and form: a body as it stands, of a type of its own.

    Example: {value: "${{ inputs.document }}", type: application/xml}
    """


@dataclass(frozen=True, kw_only=True)
class Failure(_Strict):
    """An answer with a status of success that is a failure all the same."""

    when: FailureCondition
    """The answer is a failure if this holds. Example: `${{ response.body.status == 'failed' }}`"""
    kind: ErrorKind
    """What kind of failure it is: the word that callers branch on. Example: `server_fault`"""
    message: AnswerText | None = None
    """Where the answer says what went wrong. Example: `${{ response.body.error.message }}`"""
    hint: str = ""
    """What people should do about it. Example: `Run it again.`"""


@dataclass(frozen=True, kw_only=True)
class Stream(_Strict):
    """How an answer that comes in pieces is put together."""

    when: RuleCondition
    """The answer streams if this holds for the inputs. Example: `${{ inputs.stream }}`"""
    delta: EventValue
    """The piece of text in an event, or null. Example: `${{ event.choices[0].delta.content }}`"""
    body: EventValue
    """What becomes `response.body`: the last value that is not null. Example: `${{ event.response }}`"""
    done: EventValue
    """Holds for the event that ends the stream. A stream that stops before it is an error.

    Example: ${{ event.type == 'response.completed' }}
    """
    failed: EventValue | None = None
    """Holds for an event that says the stream failed. Example: `${{ event.type == 'error' }}`"""


@dataclass(frozen=True, kw_only=True)
class FollowUp(_Strict):
    """A request made after the first answer."""

    method: Method
    """The HTTP method. Example: `POST`"""
    path: FollowUpText
    """The path below the base URL. An expression in it becomes one percent-encoded segment.

    Example: /v1/jobs/${{ response.body.id }}/cancel
    """


@dataclass(frozen=True, kw_only=True)
class Poll(_Strict):
    """Ask again until an answer is final."""

    when: RuleCondition
    """Ask again only if this holds for the inputs. Example: `${{ inputs.wait }}`"""
    until: FailureCondition
    """The answer is final if this holds.

    Example: ${{ contains(['completed', 'failed'], response.body.status) }}
    """
    method: Method = "GET"
    """The HTTP method of the requests that ask again. Example: `GET`"""
    path: FollowUpText
    """The path that is asked again. An expression in it becomes one percent-encoded segment.

    Example: /v1/jobs/${{ response.body.id }}
    """
    every: float = 2.0
    """Seconds between two requests. Example: `5`"""
    longest: float = 3600.0
    """Seconds after which to give up; the work goes on at the service. Example: `1800`"""
    cancel: FollowUp | None = None
    """Sent when the caller is interrupted, so that abandoned work is not billed on.

    Example:
        method: POST
        path: /v1/jobs/${{ response.body.id }}/cancel
    """


@dataclass(frozen=True, kw_only=True)
class Turns(_Strict):
    """In the list `input`, after any `first`, the values of `field` take turns, beginning with turn one."""

    input: str
    """The input that holds the list. Example: `messages`"""
    field: str
    """The field of each item that says whose turn it is. Example: `role`"""
    first: tuple[str, ...] = ()
    """Values that may stand before the first turn. Example: `[system]`"""
    turns: Annotated[tuple[tuple[str, ...], ...], Says(minItems=1)]
    """The turns in their order; the values of one turn stand for each other.

    Example: [[user, tool], [assistant]]
    """


@dataclass(frozen=True, kw_only=True)
class Rule(_Strict):
    """A condition across inputs, with a sentence for people. Exactly one of the four conditions."""

    when: RuleCondition | None = None
    """The inputs are wrong when this holds. Example: `${{ inputs.stream && inputs.background }}`"""
    exclusive: tuple[str, ...] = ()
    """At most one of these inputs may be given. Example: `[recency, published_after]`"""
    requires: Mapping[str, str] = field(default_factory=dict)
    """The input on the left needs the one on the right. Example: `latitude: longitude`"""
    order: Turns | None = None
    """The items of a list take turns.

    Example:
        input: messages
        field: role
        first: [system]
        turns: [[user], [assistant]]
    """
    say: str
    """What is wrong and what to do, for people. Example: `Use a recency or a date, not both.`"""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The inputs that `when` reads."""
        paths = self.when.references if self.when is not None else ()
        return tuple(dict.fromkeys(path[1] for path in paths if len(path) > 1))

    @cached_property
    def needs(self) -> frozenset[str]:
        """Inputs without which `when` cannot hold: none of them given, it is false. Empty where that is not so."""
        return frozenset() if self.holds({}) else frozenset(self.names)

    def holds(self, inputs: Mapping[str, Any]) -> bool:
        """Whether `when` does, for these inputs."""
        if self.when is None:
            return False
        try:
            return is_true(self.when.evaluate({"inputs": inputs}))
        except Drift:
            return False


@dataclass(frozen=True, kw_only=True)
class Unsupported(_Strict):
    """An input that a route cannot carry."""

    why: str
    """Ends the sentence "It is not sent: ...". Example: `the API has no such parameter`"""
    harmless: tuple[Any, ...] = ()
    """Values that mean the same as leaving the input out: no warning for them. Example: `[false]`"""


@dataclass(frozen=True, kw_only=True)
class Route(Lifecycle):
    """One way to carry an action out."""

    request: Request
    """The request that carries the action out.

    Example:
        method: POST
        path: /search
        body:
          query: ${{ inputs.query }}
    """
    answer: Literal["json", "text", "bytes"] = "json"
    """What the answer's body is. text gives response.body as one text, which may not be a page of HTML. bytes is
    for files of any kind, and gives response.body as base64 text. A json answer may also be empty: response.body is
    null then, and what `response` requires is missing.

    Example: bytes
    """
    stream: Stream | None = None
    """How an answer that comes in pieces (server-sent events) is put together. Absent: it never does.

    Example:
        when: ${{ inputs.stream }}
        delta: ${{ event.delta }}
        body: ${{ event.response }}
        done: ${{ event.type == 'done' }}
    """
    poll: Poll | None = None
    """How an answer that is not final yet is asked for again. Absent: the first answer is final.

    Example:
        when: ${{ inputs.wait }}
        until: ${{ response.body.status == 'completed' }}
        path: /v1/jobs/${{ response.body.id }}
    """
    local: tuple[str, ...] = ()
    """Inputs that the runtime uses itself and never sends. Example: `[wait]`"""
    response: JsonSchema = field(default_factory=dict)
    """JSON Schema of the answer's body: what the types of the outputs are derived from.

    Example:
        type: object
        required: [results]
        properties:
          results: {type: array, items: {type: object, properties: {url: {type: string}}}}
    """
    rules: tuple[Rule, ...] = ()
    """Rules that hold on this route only, beside those of the action.

    Example:
        - when: ${{ inputs.max_tokens < `16` }}
          say: This route takes max_tokens of 16 or more.
    """
    failures: tuple[Failure, ...] = ()
    """Answers with a status of success that are failures all the same. The first that fits counts.

    Example:
        - when: ${{ response.body.status == 'failed' }}
          kind: server_fault
          message: ${{ response.body.error.message }}
          hint: Run it again.
    """
    outputs: Mapping[str, OutputValue]
    """Where each output is found in the answer. An output that is left out here is null on this route.

    Example:
        first_url: ${{ response.body.results[0].url }}
        count: ${{ length(response.body.results[]) }}
    """
    unsupported: Mapping[str, str | Unsupported] = field(default_factory=dict)
    """Input, or a path into one (`web_search_options.search_type`) -> why this route cannot carry it. It
    is told as a warning, never dropped in silence.

    Example:
        top_k: the API has no such parameter
        safe: {why: the API always is, harmless: [true]}
    """

    @cached_property
    def not_carried(self) -> tuple[tuple[tuple[str, ...], Unsupported], ...]:
        """As unsupported: each path in its parts, with the reason."""
        return tuple(
            (tuple(path.split(".")), entry if isinstance(entry, Unsupported) else Unsupported(why=entry))
            for path, entry in self.unsupported.items()
        )


@dataclass(frozen=True, kw_only=True)
class Example(_Strict):
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
class Options(_Strict):
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
class InputLifecycle(_Strict):
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
class Action(_Strict):
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
    def typed_outputs(self) -> Mapping[str, Typed]:
        """By name, in the same order: what gives a value as its output declares it."""
        return {name: typed(schema) for name, schema in self.output_fields.items()}


@dataclass(frozen=True, kw_only=True)
class FurtherKey(_Strict):
    """One more key that every request sends, for an API that wants two at once."""

    kind: Literal["header", "query"]
    """Where it goes.

    Example: header
    """
    name: str
    """The header's or the query parameter's name.

    Example: X-Application-Key
    """
    value: ConnectionText
    """The whole value.

    Example: ${{ connection.application_key }}
    """


_AUTH_TEXTS = ("value", "username", "password", "token_url", "client_id", "client_secret", "scopes")


@dataclass(frozen=True, kw_only=True)
class Auth(_Strict):
    """How a request proves who sends it.

    none: it does not; the API is open to all. header, query: a key in a header or in a parameter of the query.
    bearer: a token in `Authorization`. basic: user name and password. oauth2_client_credentials: the runtime fetches
    an access token with the client's id and secret (RFC 6749, 4.4), keeps it in memory until shortly before it
    expires, fetches it anew once when the service answers 401, and sends it as `Authorization: Bearer <token>`. The
    exchange stands in no cassette.
    """

    kind: Literal["none", "header", "query", "bearer", "basic", "oauth2_client_credentials"]
    """none: the API is open to all. header, query: an API key with a pattern of its own. bearer:
    `Authorization: Bearer <value>`. basic: a user name and a password. oauth2_client_credentials: an access token that
    the runtime fetches with the client's id and secret, and renews.

    Example: header
    """
    name: str = "Authorization"
    """header, query: the name of the header or of the query parameter. Example: `X-API-Key`"""
    value: ConnectionText | None = None
    """header, query: the whole value, such as `Bearer ${{ connection.api_key }}`. bearer: the token.

    Example: Bearer ${{ connection.api_key }}
    """
    username: ConnectionText | None = None
    """basic: the user name. Example: `${{ connection.user }}`"""
    password: ConnectionText | None = None
    """basic: the password. Some services take an API key as the user name, and an empty password.

    Example: ${{ connection.password }}
    """
    token_url: ConnectionText | None = None
    """oauth2_client_credentials: where the token comes from. A path is one below base_url; anything else is a
    whole URL, https or this machine. The secret goes there and nowhere else: redirects are not followed.

    Example: /oauth2/token
    Example: https://${{ connection.tenant }}.example.com/oauth2/token
    """
    client_id: ConnectionText | None = None
    """oauth2_client_credentials: the client's id.

    Example: ${{ connection.client_id }}
    """
    client_secret: ConnectionText | None = None
    """oauth2_client_credentials: the client's secret.

    Example: ${{ connection.client_secret }}
    """
    scopes: Annotated[Template, Within("connection"), Says(type=["string", "array"])] | None = None
    """oauth2_client_credentials: what is asked for, as a list, or as one text with spaces between. None if absent.

    Example: [tickets.read, tickets.write]
    Example: ${{ connection.scopes }}
    """
    parameters: Mapping[str, ConnectionText] = field(default_factory=dict)
    """oauth2_client_credentials: what else the token's request has in its form. `grant_type` replaces the
    usual client_credentials, for a service that has a word of its own. A list repeats its name.

    Example: {audience: https://api.example.com}
    """
    send_as: Literal["basic", "form"] = "basic"
    """oauth2_client_credentials: how the id and the secret are sent: as basic auth, or among the form's fields.

    Example: form
    """

    also: tuple[FurtherKey, ...] = ()
    """Further keys, in headers or in parameters of the query, sent with each request beside the rest of auth.

    Example: [{kind: header, name: X-Application-Key, value: "${{ connection.application_key }}"}]
    """

    @cached_property
    def templates(self) -> Mapping[tuple[str | int, ...], Template]:
        """Every text that the connection's fields fill, with its path below `auth`."""
        named: dict[tuple[str | int, ...], Template | None] = {
            (word,): getattr(self, word) for word in _AUTH_TEXTS
        }
        named.update({("also", index, "value"): key.value for index, key in enumerate(self.also)})
        named.update({("parameters", name): template for name, template in self.parameters.items()})
        return {path: template for path, template in named.items() if template is not None}

    @property
    def fetches_token(self) -> bool:
        """Whether requests are signed with an access token that has to be fetched first."""
        return self.kind == "oauth2_client_credentials"


@dataclass(frozen=True, kw_only=True)
class Check(_Strict):
    """A free request that shows whether a connection works."""

    method: Literal["GET"] = "GET"
    """The HTTP method. Example: `GET`"""
    path: Annotated[str, Says(pattern=r"^/[^?#\\\s]*$")]
    """The path below the base URL, without expressions. Example: `/v1/models`"""
    answer: Literal["json", "any"] = "json"
    """What shows that it works: an object or a list that tells no error, or any answer with a status of success,
    such as an empty one or a text.

    Example: any
    """


@dataclass(frozen=True, kw_only=True)
class ConnectionForm(_Strict):
    """What a connection asks people for, and how its requests are addressed and signed."""

    fields: FieldsSchema
    """JSON Schema of the credential form: an object whose properties are the fields. `writeOnly: true`
    marks a secret.

    Example:
        type: object
        required: [api_key]
        properties:
          api_key: {type: string, title: API Key, description: Your key from the console., minLength: 1, writeOnly: true}
          base_url: {type: string, title: Base URL, format: uri, default: "https://api.example.com"}
    """
    base_url: ConnectionText
    """Where requests go: https, without a slash at the end.

    Example: ${{ connection.base_url }}

    Example: https://api.example.com
    """
    auth: Auth
    """How a request proves who sends it.

    Example:
        kind: header
        name: Authorization
        value: Bearer ${{ connection.api_key }}
    """
    check: Check | None = None
    """A free request that shows whether a connection works: never one that is billed. Absent: connections
    cannot be tested.

    Example: path: /v1/models
    """

    @cached_property
    def checker(self) -> Checker:
        """The schema of the form at work; reading the manifest has shown that it is one."""
        return Checker(self.fields)

    @cached_property
    def form(self) -> Mapping[str, Schema]:
        """The fields by name, in the manifest's order."""
        fields: Mapping[str, Schema] = self.fields.get("properties", {})
        return fields

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values of the fields that nobody has to fill in."""
        return {name: schema["default"] for name, schema in self.form.items() if "default" in schema}

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the fields that are secrets."""
        return frozenset(name for name, schema in self.form.items() if schema.get("writeOnly"))


@dataclass(frozen=True, kw_only=True)
class ErrorRule(_Strict):
    """Which failures are of a kind, and what people should do about it. The first that fits counts."""

    kind: ErrorKind
    """The word that callers branch on. Example: `rate_limited`"""
    status: tuple[Status, ...]
    """The HTTP statuses that are of this kind. Example: `[429]`"""
    types: tuple[str, ...] = ()
    """The service's own words for the failure. Absent: any. Example: `[insufficient_quota]`"""
    hint: str
    """What people should do about it. Example: `Wait, then run it again.`"""


@dataclass(frozen=True, kw_only=True)
class Errors(_Strict):
    """Where an answer that is a failure says what it is."""

    message: AnswerText
    """Where a failure says what went wrong.

    Example: ${{ response.body.error.message || response.body.message }}
    """
    type: AnswerText
    """Where a failure has the service's own word for it. Example: `${{ response.body.error.type }}`"""
    input: AnswerText | None = None
    """Where a failure names the parameter that is wrong; it is told as the input that fed it.

    Example: ${{ response.body.error.param }}
    """
    kinds: tuple[ErrorRule, ...]
    """Which failures are of which kind. The first that fits counts.

    Example:
        - kind: bad_credential
          status: [401]
          hint: Check the API key.
        - kind: server_fault
          status: [500, 502, 503]
          hint: Run it again later.
    """


@dataclass(frozen=True, kw_only=True)
class Retry(_Strict):
    """When a request is sent again."""

    statuses: tuple[Status, ...] = ()
    """HTTP statuses after which a request is sent again: only those that say nothing was done.

    Example: [408, 429, 502, 503, 504]
    """
    attempts: Annotated[int, Says(minimum=1)] = 3
    """Requests at most, the first one included. Example: `3`"""
    first_wait: Annotated[float, Says(minimum=0)] = 0.5
    """Seconds before the second attempt; doubled for each further one. Example: `0.5`"""
    longest_wait: Annotated[float, Says(minimum=0)] = 60.0
    """Seconds; a service that asks for more is not waited for. Example: `60`"""
    quota: Annotated[int, Says(minimum=0)] = 100
    """Further attempts of all runs of a connection; what ends well gives them back. Example: `100`"""


@dataclass(frozen=True, kw_only=True)
class Timeouts(_Strict):
    """Seconds."""

    connect: Seconds = 10.0
    """Seconds until the connection stands. Example: `10`"""
    read: Seconds = 120.0
    """Seconds: the longest wait for the next byte of an answer. Example: `900`"""
    idle: Seconds = 60.0
    """Seconds: as `read`, for a stream that has begun. Example: `60`"""
    write: Seconds = 30.0
    """Seconds: the longest wait for the service to take the next bytes of a request. Example: `60`"""
    deadline: Seconds = 120.0
    """Seconds for a whole run, with its retries; an action may say otherwise. Example: `120`"""


@dataclass(frozen=True, kw_only=True)
class Limits(_Strict):
    """What a connection asks of the service at most. A run waits for its turn."""

    requests: Annotated[int, Says(minimum=1)] | None = None
    """So many requests in `seconds`. Absent: as many as are asked for. Example: `50`"""
    seconds: Seconds = 1.0
    """The span that `requests` counts in. Example: `1`"""
    at_once: Annotated[int, Says(minimum=1)] | None = None
    """Requests under way at the same time; a stream counts until it ends. Absent: any number.

    Example: 1000
    """


@dataclass(frozen=True, kw_only=True)
class Connector(_Strict):
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
