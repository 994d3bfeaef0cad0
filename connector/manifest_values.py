"""What the types of a manifest are made of: words, texts with expressions, and what each place may see.

`Within` says what the expressions at a place may see, `Says` what holds for its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from connector.schema import Schema
from connector.template import Expression, Template
from connector.template_parser import Within

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


class Strict:
    """Read by pydantic: a key that is not a field is an error, and so is a text where a number belongs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True, "use_attribute_docstrings": True}
    __dataclass_fields__: ClassVar[Mapping[str, Any]]

    def __getstate__(self) -> dict[str, Any]:
        """Pickled, it is its fields; what is made of them when it is needed stays behind."""
        return {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}


@dataclass(frozen=True, kw_only=True)
class Lifecycle(Strict):
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
