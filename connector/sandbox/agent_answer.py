"""The answer to an Agent request: one `response` object with the 32 fields that every real one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.sandbox.agent_request import Order
from connector.sandbox.agent_tools import Call, calls_of
from connector.sandbox.models import prices
from connector.sandbox.seed import Seed, tokens, usd
from connector.sandbox.synthesis import prose, structured

_MILLION = 1_000_000
# Reasoning is invisible but is paid for, and it eats a tight cap before any text appears.
_REASONING_TOKENS = {"fast": 0, "low": 64, "medium": 256, "high": 1024, "xhigh": 4096}
_ECHOED = ("instructions", "max_tool_calls", "previous_response_id", "prompt_cache_key", "reasoning")
# Streaming, and waiting in the background, change how an answer travels, not what it says.
_TRAVEL = ("stream", "stream_options", "background")


@dataclass(frozen=True)
class Conversation:
    """What went before, from `previous_response_id`: the number of turns, and their tokens."""

    turns: int = 0
    tokens: int = 0


def seed_of(order: Order) -> Seed:
    return Seed("agent", {key: value for key, value in order.body.items() if key not in _TRAVEL})


def answer_agent(order: Order, before: Conversation | None = None) -> dict[str, Any]:
    """The finished response to a checked request."""
    before = before or Conversation()
    seed = seed_of(order)
    calls = calls_of(order, seed)
    output = [call.item for call in calls]
    reasoning = _REASONING_TOKENS[order.effort] if order.effort else 0
    text = "" if output and output[-1]["type"] == "function_call" else _text(order, calls, before)
    spent = reasoning + tokens(text)
    complete = order.cap is None or spent <= order.cap
    if not complete:
        spent = order.cap or 0
        reasoning = min(reasoning, spent)
    elif text:
        output.append(_message(seed, text))
    response = skeleton(order)
    return response | {
        "completed_at": response["created_at"],
        "status": "completed" if complete else "incomplete",
        "incomplete_details": None if complete else {"reason": "max_output_tokens"},
        "output": output,
        "usage": _usage(order, calls, before, spent, reasoning),
    }


def skeleton(order: Order) -> dict[str, Any]:
    """A response in which nothing has happened yet, with the request's fields echoed."""
    body, seed = order.body, seed_of(order)
    text_format: dict[str, Any] = {"type": "text"}
    if order.schema is not None:
        text_format = {"type": "json_schema", **body["response_format"]["json_schema"]}
    fields = {
        **{name: body.get(name) for name in _ECHOED},
        "background": bool(body.get("background")),
        "completed_at": None,
        "created_at": seed.created,
        "error": None,
        "frequency_penalty": 0,
        "id": f"resp_{seed.uuid()}",
        "incomplete_details": None,
        "max_output_tokens": order.cap,
        "metadata": body.get("metadata") or {},
        "model": order.model,
        "object": "response",
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "presence_penalty": 0,
        "safety_identifier": None,
        "service_tier": body.get("service_tier") or "default",
        "status": "in_progress",
        "store": body.get("store") is not False,
        "temperature": 1 if body.get("temperature") is None else body["temperature"],
        "text": {"format": text_format},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": list(order.tools),
        "top_logprobs": 0,
        "top_p": 1 if body.get("top_p") is None else body["top_p"],
        "truncation": body.get("truncation") or "",
        "usage": None,
        "user": None,
    }
    return dict(sorted(fields.items()))


def _text(order: Order, calls: Sequence[Call], before: Conversation) -> str:
    if order.schema is not None:
        return structured(order.schema)
    sources = [source for call in calls for source in call.sources]
    return prose(order.question, sources, before.turns + 1)


def _message(seed: Seed, text: str) -> dict[str, Any]:
    return {
        "content": [{"annotations": [], "text": text, "type": "output_text"}],
        "id": f"msg_{seed.uuid('message')}",
        "role": "assistant",
        "status": "completed",
        "type": "message",
    }


def _usage(
    order: Order, calls: Sequence[Call], before: Conversation, output_tokens: int, reasoning_tokens: int
) -> dict[str, Any]:
    read = (order.question, order.body.get("instructions"), *(call.read for call in calls))
    input_tokens = before.tokens + sum(tokens(text) for text in read if text)
    price = prices()[order.model]
    cost: dict[str, Any] = {
        "currency": "USD",
        "input_cost": usd(input_tokens * price.input / _MILLION),
        "output_cost": usd(output_tokens * price.output / _MILLION),
    }
    usage: dict[str, Any] = {
        "cost": cost,
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
    bills = {call.billed_as: call.usd for call in calls if call.billed_as}
    if bills:
        cost["tool_calls_cost"] = usd(sum(bills.values()))
        cost["tool_calls_cost_details"] = bills
        usage["tool_calls_details"] = {
            name: {"cost_usd": fee, "invocation": 1} for name, fee in bills.items()
        }
    cost["total_cost"] = usd(cost["input_cost"] + cost["output_cost"] + cost.get("tool_calls_cost", 0))
    usage["total_tokens"] = input_tokens + output_tokens
    return usage
