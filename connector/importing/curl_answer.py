"""The outputs of an action: from an answer that somebody has seen, or whatever comes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connector.importing.answers import answered
from connector.importing.inferred import inferred
from connector.importing.merging import Flattening
from connector.importing.operations import Answer, Media, Operation
from connector.importing.refusal import refusal
from connector.importing.spec import Inexpressible, Spec
from connector.strict_json import parse

_DEEPEST: Final = 40  # levels; a manifest has 50 for all that stands around a schema
_BINARY_FILE: Final = re.compile(
    r"(?i)\.(?:mp3|wav|ogg|opus|flac|aac|mp4|webm|mov|png|jpe?g|gif|webp|avif|ico|pdf|zip|t?gz|7z|bin|docx|xlsx|pptx)\Z"
)
_BINARY_TYPE: Final = re.compile(r"(?i)(?:image|audio|video)/|application/(?:pdf|zip|octet-stream)")
_STATUS: Final = {"type": "integer", "title": "Status", "description": "The HTTP status of the answer."}
_UNSEEN: Final = {
    "json": "${{ parse_json(response.body) }}",
    "text": "${{ response.body }}",
    "status": "${{ response.status }}",
}


@dataclass(frozen=True)
class Sample:
    """One answer of the service."""

    value: Any


@dataclass(frozen=True)
class Given:
    """What an action gives.

    Attributes:
        outputs: the contract, as a schema.
        route: what the route says of the answer.
        left_out: sentences about what is in the answer and not among the outputs.
    """

    outputs: Mapping[str, Any]
    route: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


def unseen(file: str = "", accept: str = "") -> Given:
    """Of an answer that nobody has seen yet: all of it.

    Args:
        file: where the command writes it, as far as that tells what it is.
        accept: the media types that the command asks for.
    """
    if _BINARY_FILE.search(file) or _BINARY_TYPE.match(accept):
        about = "The answer, as base64 of its bytes."
        file_fields = {"file": {"type": "string", "title": "File", "description": about}, "status": _STATUS}
        expressions = {"file": "${{ response.body }}", "status": "${{ response.status }}"}
        binary = {"answer": "bytes", "response": {"type": "string"}, "outputs": expressions}
        return Given({"type": "object", "properties": file_fields}, binary)
    fields = {
        "json": {"title": "JSON", "description": "The answer, if it is JSON: whatever the service gives."},
        "text": {"type": "string", "title": "Text", "description": "The answer as it came."},
        "status": _STATUS,
    }
    route = {"answer": "text", "response": {"type": "string"}, "outputs": _UNSEEN}
    return Given({"type": "object", "properties": fields}, route)


def parsed(content: bytes) -> Sample:
    """A sample that was read from a file.

    Raises:
        InputError: it is not JSON, or nested too deep. Nothing of it is in the error.
    """
    try:
        value = parse(content)
    except ValueError as error:
        wrong = f"It is not JSON: {error}."
    else:
        if isinstance(value, dict) and value.keys() == set(_UNSEEN):
            value = value["json"]  # what `connector run` gave
        if not _is_deep(value, _DEEPEST):
            return Sample(value)
        wrong = f"It is nested deeper than {_DEEPEST} levels."
    raise refusal("the sample answer", wrong, "Give one answer of the service, as it came.")


def seen(sample: Sample) -> Given:
    """Flat, typed outputs, by the rule that OpenAPI documents are imported with."""
    media = Media(type="application/json", schema=inferred([sample.value]))
    operation = Operation(
        id="sample", said_id="", method="get", path="/", answers=(Answer(status="200", media=(media,)),)
    )
    try:
        made = answered(operation, Flattening(Spec({}, "3.1")))
    except Inexpressible as error:
        wrong = f"No outputs can be made of it: {error}."
    else:
        answer = {} if made.answer == "json" else {"answer": made.answer}
        route = {**answer, "response": made.schema, "outputs": made.expressions}
        left_out = tuple(f"The sample has {remark}." for remark in made.left_out)
        return Given({"type": "object", "properties": made.outputs}, route, left_out)
    raise refusal("the sample answer", wrong, "Give one answer of the service, as it came.")


def _is_deep(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deep(one, levels - 1) for one in inner)
