"""What a connector is: frozen types that name everything a manifest can say.

The types are plain dataclasses; `connector.load` reads YAML into them and pydantic checks it on the way
(unknown keys, wrong types). Templates and expressions are checked as they are read and compiled when they are
first used; `Within` says what the expressions at each place may see. A text below a field describes the key of
that name in YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
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
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

ConnectionText = Annotated[Template, Within("connection")]
RequestValue = Annotated[Template, Within("inputs", omit_null=True)]
RuleCondition = Annotated[Expression, Within("inputs")]
OutputValue = Annotated[Template, Within("inputs", "response", strict=True)]
FailureCondition = Annotated[Expression, Within("inputs", "response")]
AnswerText = Annotated[Expression, Within("response")]
EventValue = Annotated[Expression, Within("event")]
FollowUpText = Annotated[Template, Within("inputs", "response")]


class _Strict:
    """Read by pydantic: a key that is not a field is an error, and so is a text where a number belongs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True, "use_attribute_docstrings": True}
    __dataclass_fields__: ClassVar[Mapping[str, Any]]

    def __getstate__(self) -> dict[str, Any]:
        """Pickled, it is its fields; what is made of them when it is needed stays behind."""
        return {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}


@dataclass(frozen=True, kw_only=True)
class Lifecycle(_Strict):
    since: date | None = None
    """The first day it could be used."""
    deprecated: date | None = None
    """The day from which the vendor advises against it."""
    retired: date | None = None
    """The day from which the vendor refuses it."""
    replaced_by: str | None = None
    """What to use instead."""
    note: str | None = None
    """A sentence for people."""


@dataclass(frozen=True, kw_only=True)
class FilePart(_Strict):
    """A file of a multipart form, made from inputs."""

    name: RequestValue
    content: RequestValue
    type: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Request(_Strict):
    method: Method
    path: RequestValue
    """The path below the base URL. An expression in it becomes one percent-encoded segment."""
    query: Mapping[str, RequestValue] = field(default_factory=dict)
    headers: Mapping[str, RequestValue] = field(default_factory=dict)
    body: RequestValue | None = None
    """Looks like the JSON that is sent. Absent and null entries are left out."""
    form: Mapping[str, RequestValue] = field(default_factory=dict)
    """Instead of body: the fields of a multipart form."""
    files: Mapping[str, FilePart] = field(default_factory=dict)
    """The files of a multipart form."""


@dataclass(frozen=True, kw_only=True)
class Failure(_Strict):
    """An answer with a status of success that is a failure all the same."""

    when: FailureCondition
    kind: ErrorKind
    message: AnswerText | None = None
    """Where the answer says what went wrong."""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class FollowUp(_Strict):
    """A request made after the first answer, or after its beginning."""

    method: Method
    path: FollowUpText


@dataclass(frozen=True, kw_only=True)
class Stream(_Strict):
    """How an answer that comes in pieces is put together."""

    when: RuleCondition
    """The answer streams if this holds."""
    delta: EventValue
    """The piece of text in an event, or null."""
    body: EventValue
    """What becomes response.body: the last value that is not null."""
    done: EventValue
    """Holds for the event that ends the stream. A stream that stops before it is an error."""
    failed: EventValue | None = None
    """Holds for an event that says the stream failed."""
    cancel: FollowUp | None = None
    """Sent when the caller leaves the stream before its end; response.body is what `body` has found so far."""


@dataclass(frozen=True, kw_only=True)
class Poll(_Strict):
    """Ask again until an answer is final."""

    when: RuleCondition
    """Ask again only if this holds for the inputs."""
    until: FailureCondition
    """The answer is final."""
    method: Method = "GET"
    path: FollowUpText
    every: float = 2.0
    """Seconds between two requests."""
    longest: float = 3600.0
    """Seconds after which to give up; the work goes on at the service."""
    cancel: FollowUp | None = None
    """Sent when the caller is interrupted, so that abandoned work is not billed on."""


@dataclass(frozen=True, kw_only=True)
class Turns(_Strict):
    """In the list `input`, after any `first`, the values of `field` take turns, beginning with turn one."""

    input: str
    field: str
    first: tuple[str, ...] = ()
    turns: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Rule(_Strict):
    """A condition across inputs, with a sentence for people. Exactly one of the four conditions."""

    when: RuleCondition | None = None
    """The inputs are wrong when this holds."""
    exclusive: tuple[str, ...] = ()
    """At most one of these inputs may be given."""
    requires: Mapping[str, str] = field(default_factory=dict)
    """The input on the left needs the one on the right."""
    order: Turns | None = None
    """The items of a list take turns."""
    say: str
    """What is wrong and what to do, for people."""

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
    """Ends the sentence "It is not sent: ..."."""
    harmless: tuple[Any, ...] = ()
    """Values that mean the same as leaving the input out: no warning for them."""


@dataclass(frozen=True, kw_only=True)
class Route(Lifecycle):
    """One way to carry an action out."""

    request: Request
    answer: Literal["json", "text"] = "json"
    """What the answer's body is; text gives response.body as one text."""
    stream: Stream | None = None
    poll: Poll | None = None
    local: tuple[str, ...] = ()
    """Inputs that the runtime uses itself and never sends."""
    response: Schema = field(default_factory=dict)
    """JSON Schema of the answer's body: what the outputs are derived from."""
    rules: tuple[Rule, ...] = ()
    failures: tuple[Failure, ...] = ()
    outputs: Mapping[str, OutputValue]
    unsupported: Mapping[str, str | Unsupported] = field(default_factory=dict)
    """Input, or a path into one (`web_search_options.search_type`) -> why this route cannot carry it."""

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

    id: str
    title: str = ""
    inputs: Mapping[str, Any]
    route: str | None = None
    """The route it is made for; the action's first route if absent."""
    after: tuple[str, ...] = ()
    """Examples (`action.example`) that have to run first, such as the one that makes what this one gets."""


@dataclass(frozen=True, kw_only=True)
class Options(_Strict):
    """Where the choices of an input come from; they are proposed, never enforced."""

    action: str
    """An action that needs no inputs."""
    output: str
    """Its output that lists them."""
    fallback: str
    """A table of the connector whose keys are the choices when the service cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class InputLifecycle(_Strict):
    """Inputs and values of inputs that come and go at the vendor."""

    inputs: Mapping[str, Lifecycle] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Lifecycle]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Action(_Strict):
    id: str
    name: str
    description: str
    inputs: Schema
    rules: tuple[Rule, ...] = ()
    outputs: Schema
    """The contract: flat, typed, the same on every route."""
    reads_only: bool = False
    """It changes nothing at the service."""
    idempotent: bool = False
    """Running it twice has the effect of once."""
    destructive: bool = False
    """It deletes, overwrites or stops something."""
    open_world: bool = True
    """Its answer may hold text from anywhere, such as web pages; not only what the account and the service hold."""
    deadline: RequestValue | None = None
    """Seconds for a whole run, with its retries; the connector's if absent. It may depend on the inputs."""
    options: Mapping[str, Options] = field(default_factory=dict)
    """Choices of an input that another action lists."""
    lifecycle: InputLifecycle = InputLifecycle()
    route_from: str | None = None
    """The connection field that chooses the route. Without it, the first route is taken."""
    routes: Mapping[str, Route]
    examples: tuple[Example, ...] = ()

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
class Auth(_Strict):
    """How a request proves who sends it."""

    kind: Literal["header", "query", "bearer", "basic"]
    name: str = "Authorization"
    """The header's or the query parameter's name."""
    value: ConnectionText | None = None
    """header, query: the whole value, such as `Bearer ${{ connection.api_key }}`. bearer: the token."""
    username: ConnectionText | None = None
    password: ConnectionText | None = None


@dataclass(frozen=True, kw_only=True)
class Check(_Strict):
    """A free request that shows whether a connection works."""

    method: Literal["GET"] = "GET"
    path: str


@dataclass(frozen=True, kw_only=True)
class ConnectionForm(_Strict):
    fields: Schema
    """JSON Schema of the form; `writeOnly: true` marks a secret."""
    base_url: ConnectionText
    auth: Auth
    check: Check | None = None

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
    status: tuple[int, ...]
    types: tuple[str, ...] = ()
    """The service's own words for the failure; any if absent."""
    hint: str


@dataclass(frozen=True, kw_only=True)
class Errors(_Strict):
    """Where an answer that is a failure says what it is."""

    message: AnswerText
    type: AnswerText
    input: AnswerText | None = None
    kinds: tuple[ErrorRule, ...]


@dataclass(frozen=True, kw_only=True)
class Retry(_Strict):
    statuses: tuple[int, ...] = ()
    attempts: int = 3
    """Requests at most, the first one included."""
    first_wait: float = 0.5
    """Seconds; doubled for each further attempt."""
    longest_wait: float = 60.0
    """Seconds; a service that asks for more is not waited for."""
    quota: int = 100
    """Further attempts of all runs of a connection; what ends well gives them back."""


@dataclass(frozen=True, kw_only=True)
class Timeouts(_Strict):
    """Seconds."""

    connect: float = 10.0
    read: float = 120.0
    """The longest wait for the next byte of an answer."""
    idle: float = 60.0
    """As read, for a stream that has begun."""
    write: float = 30.0
    deadline: float = 120.0
    """For a whole run, with its retries; an action may say otherwise."""


@dataclass(frozen=True, kw_only=True)
class Limits(_Strict):
    """What a connection asks of the service at most. A run waits for its turn."""

    requests: int | None = None
    """So many requests in `seconds`."""
    seconds: float = 1.0
    at_once: int | None = None
    """Requests under way; a stream counts until it ends."""


@dataclass(frozen=True, kw_only=True)
class Connector(_Strict):
    format: Literal[1]
    id: str
    name: str
    version: str
    description: str
    icon: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    connection: ConnectionForm
    errors: Errors
    retry: Retry = Retry()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Lookup tables: name -> key -> value, for lookup('name', key)."""
    actions: Mapping[str, Action]
    folder: Path
