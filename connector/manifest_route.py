"""One way to carry an action out: the request, how its answer is read, and what it cannot carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from connector.evaluate import Drift, is_true
from connector.manifest_values import (
    AnswerText,
    ConnectionText,
    ErrorKind,
    EventValue,
    FailureCondition,
    FollowUpText,
    JsonSchema,
    Lifecycle,
    Method,
    OutputValue,
    RequestPath,
    RequestValue,
    RuleCondition,
    Says,
    Strict,
)


@dataclass(frozen=True, kw_only=True)
class FilePart(Strict):
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
class RawBody(Strict):
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
class Request(Strict):
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
class Failure(Strict):
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
class FollowUp(Strict):
    """A request made after the first answer, or after its beginning."""

    method: Method
    """The HTTP method. Example: `POST`"""
    path: FollowUpText
    """The path below the base URL. An expression in it becomes one percent-encoded segment.

    Example: /v1/jobs/${{ response.body.id }}/cancel
    """


@dataclass(frozen=True, kw_only=True)
class Stream(Strict):
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
    cancel: FollowUp | None = None
    """Sent when the caller leaves the stream before its end, so that abandoned work is not billed on;
    `response.body` is what `body` has found so far.

    Example:
        method: POST
        path: /v1/responses/${{ response.body.id }}/cancel
    """


@dataclass(frozen=True, kw_only=True)
class Poll(Strict):
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
class Turns(Strict):
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
class Rule(Strict):
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
class Unsupported(Strict):
    """An input that a route cannot carry."""

    why: str
    """Ends the sentence "It is not sent: ...". Example: `the API has no such parameter`"""
    harmless: tuple[Any, ...] = ()
    """Values that mean the same as leaving the input out: no warning for them. Example: `[false]`"""


NotCarried = tuple[tuple[str, ...], Unsupported]
"""The path of an input, or of a part of one, and why the route cannot carry it."""


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
    def output_fillers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """By name: what gives an output's value for a scope of inputs and response."""
        return {name: template.fill for name, template in self.outputs.items()}

    @cached_property
    def not_carried(self) -> tuple[NotCarried, ...]:
        """As unsupported: each path in its parts, with the reason."""
        return tuple(
            (tuple(path.split(".")), entry if isinstance(entry, Unsupported) else Unsupported(why=entry))
            for path, entry in self.unsupported.items()
        )
