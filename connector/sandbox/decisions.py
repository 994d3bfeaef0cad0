"""`POST /v1/decisions`: typed answers with probabilities, which lean towards the words of the state."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.sandbox.body import read_object
from connector.sandbox.gate import route
from connector.sandbox.ranking import words_of
from connector.sandbox.refusal import Refused, invalid
from connector.sandbox.reply import json_reply, text_of
from connector.sandbox.seed import Seed, tokens
from connector.sandbox.shape import Anything, Either, Fields, Open, Rows, Shape, Table, Tagged, Text, check

_TOLD: Shape = Either({"string": Text(), "object": Open(), "array": Rows(Anything())})
_ASKED = {"type": Text(), "instructions": _TOLD}
_SHAPE = Fields(
    {
        "model": Text(),
        "state": _TOLD,
        "questions": Table(
            Tagged(
                {
                    "noul": Fields({**_ASKED, "criteria": Fields({"true": _TOLD, "false": _TOLD})}),
                    "choice": Fields({**_ASKED, "criteria": Table(Anything(), 255)}, required=("criteria",)),
                    "score": Fields({**_ASKED, "criteria": Rows(_TOLD, 1, 10)}, required=("criteria",)),
                }
            ),
            most=128,
        ),
    },
    required=("model", "state", "questions"),
)


def decision_routes() -> list[Route]:
    return [route("/v1/decisions", "POST", _decide)]


async def _decide(request: Request) -> Response:
    body = await read_object(request)
    check(body, _SHAPE)
    if not body["model"].startswith("pplx-decider"):
        raise Refused(
            f'model "{body["model"][:100]}" is not supported',
            type="invalid_model",
            param="model",
        )
    if not body["questions"]:
        raise invalid("questions must have at least 1 key", "questions")
    return json_reply(
        {
            "answers": {name: _answer(name, asked, body) for name, asked in body["questions"].items()},
            "model": body["model"],
            "usage": {
                "input_tokens": tokens(text_of([body["state"], body["questions"]])),
                "output_tokens": len(body["questions"]),
            },
        }
    )


def _answer(name: str, asked: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    seed = Seed("decision", body["state"], name, asked)
    state = words_of(_text(body["state"]))
    criteria: Any = asked.get("criteria")
    match asked["type"]:
        case "noul":
            if not criteria and not asked.get("instructions"):
                raise invalid(f"questions.{name} needs instructions or criteria", f"questions.{name}")
            sides = criteria or {}
            told = [sides.get("true") or asked.get("instructions"), sides.get("false")]
            return {"noul": _weigh(told, state, seed)[0], "type": "noul"}
        case "choice":
            if not criteria:
                raise invalid(
                    f"questions.{name}.criteria must have at least 1 option", f"questions.{name}.criteria"
                )
            shares = _weigh([f"{option} {_text(told)}" for option, told in criteria.items()], state, seed)
            probabilities = dict(zip(criteria, shares, strict=True))
            return {
                "choice": max(probabilities, key=lambda option: probabilities[option]),
                "confidence": _confidence(shares),
                "probabilities": probabilities,
                "type": "choice",
            }
        case _:
            shares = _weigh(criteria, state, seed)
            return {
                "confidence": _confidence(shares),
                "legend": {str(level): told for level, told in enumerate(criteria)},
                "probabilities": {str(level): share for level, share in enumerate(shares)},
                # The position between the lowest level, 0, and the highest.
                "score": round(sum(level * share for level, share in enumerate(shares)), 4),
                "type": "score",
            }


def _text(told: Any) -> str:
    return told if isinstance(told, str) else text_of(told)


def _weigh(options: list[Any], state: frozenset[str], seed: Seed) -> list[float]:
    """Shares that add up to 1: the more words an option has in common with the state, the larger."""
    weights = [
        1 + 4 * len(words_of(_text(option)) & state) + seed.number(f"option {place}", 100) / 100
        for place, option in enumerate(options)
    ]
    whole = sum(weights)
    shares = [round(weight / whole, 6) for weight in weights]
    # What rounding lost or won goes to the largest share, which cannot become negative by it.
    largest = shares.index(max(shares))
    shares[largest] = round(shares[largest] + 1 - sum(shares), 6)
    return shares


def _confidence(shares: list[float]) -> float:
    """How far the best option stands above chance: 0 for an even spread, 1 for certainty."""
    if len(shares) == 1:
        return 1.0
    chance = 1 / len(shares)
    return round((max(shares) - chance) / (1 - chance), 4)
