"""From one real answer to a route's response schema and an action's outputs: what an author would type by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.importing.answers import answered
from connector.importing.inferred import inferred
from connector.importing.merging import Flattening
from connector.importing.operations import Answer, Media, Operation
from connector.importing.spec import Spec


@dataclass(frozen=True)
class Suggestion:
    """What an answer suggests.

    Attributes:
        response: JSON Schema of the answer, as far as outputs are taken from it.
        outputs: JSON Schema of the outputs.
        taken: name -> the expression that takes it out of the answer.
        left_out: what of the answer is in no output, each as a phrase.
    """

    response: dict[str, Any]
    outputs: dict[str, Any]
    taken: dict[str, str]
    left_out: tuple[str, ...]

    @property
    def manifest(self) -> dict[str, Any]:
        """As an action's file has it."""
        return {
            "outputs": self.outputs,
            "routes": {"main": {"response": self.response, "outputs": self.taken}},
        }


def suggested(answer: Any) -> Suggestion:
    """What an answer suggests, by the rules by which a document's answers become outputs.

    Args:
        answer: the JSON of a body. One sample does not tell what is always there: no field is required.
    """
    media = Media(type="application/json", schema=inferred([answer]))
    operation = Operation(
        id="sample", said_id="", method="get", path="/", answers=(Answer(status="200", media=(media,)),)
    )
    made = answered(operation, Flattening(Spec({}, "3.1")))
    outputs = {"type": "object", "properties": made.outputs}
    return Suggestion(made.schema, outputs, made.expressions, tuple(made.left_out))
