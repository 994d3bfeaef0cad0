"""The answer to a Sonar request: content, citations, sources and usage in the retired chat shape."""

from __future__ import annotations

from typing import Any

from connector.sandbox.ranking import Document, rank
from connector.sandbox.seed import Seed, tokens, usd
from connector.sandbox.sonar_request import Chat
from connector.sandbox.synthesis import prose, shorten, structured

_MILLION = 1_000_000
_THOUSAND = 1000
# USD per million tokens in and out, and per thousand requests by search context size.
_PRICES = {
    "sonar": (1, 1, {"low": 5, "medium": 8, "high": 12}),
    "sonar-pro": (3, 15, {"low": 6, "medium": 10, "high": 14}),
    "sonar-reasoning-pro": (2, 8, {"low": 6, "medium": 10, "high": 14}),
    "sonar-deep-research": (2, 8, {}),
}
_HITS = {"low": 5, "medium": 8, "high": 10}
_DEEP_QUERIES = 12
_THINKING = "sonar-reasoning-pro", "sonar-deep-research"
_TRAVEL = ("stream", "stream_mode", "stream_options")


def answer_chat(chat: Chat) -> dict[str, Any]:
    """The finished completion."""
    body = chat.body
    seed = Seed("sonar", {key: value for key, value in body.items() if key not in _TRAVEL})
    sources = [] if body.get("disable_search") else _sources(chat)
    content, finish_reason = _content(chat, sources)
    answer: dict[str, Any] = {
        "id": seed.uuid(),
        "model": chat.model,
        "created": seed.created,
        "usage": usage_of(chat, content, searched=not body.get("disable_search")),
        "citations": [source.url for source in sources],
        "search_results": [_row(source) for source in sources] + _attachment_rows(chat, seed),
    }
    if body.get("return_images"):
        answer["images"] = [_image(source) for source in sources[:3]]
    if body.get("return_related_questions"):
        about = shorten(chat.question, 80)
        answer["related_questions"] = [
            f'Synthetic follow-up {place}: what else about "{about}"?' for place in range(1, 4)
        ]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "delta": {"role": "assistant", "content": ""},
        "finish_reason": finish_reason,
    }
    return {**answer, "object": "chat.completion", "choices": [choice]}


def usage_of(chat: Chat, content: str, *, searched: bool) -> dict[str, Any]:
    """Tokens and their price for an answer of which `content` is the text so far."""
    price_in, price_out, fees = _PRICES[chat.model]
    completion = tokens(content) if content else 0
    usage: dict[str, Any] = {
        "prompt_tokens": chat.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": chat.prompt_tokens + completion,
    }
    cost: dict[str, Any] = {
        "input_tokens_cost": usd(chat.prompt_tokens * price_in / _MILLION),
        "output_tokens_cost": usd(completion * price_out / _MILLION),
    }
    if chat.model == "sonar-deep-research":
        usage |= {"citation_tokens": 4096, "num_search_queries": _DEEP_QUERIES, "reasoning_tokens": 8192}
        cost |= {
            "citation_tokens_cost": usd(4096 * 2 / _MILLION),
            "reasoning_tokens_cost": usd(8192 * 3 / _MILLION),
            "search_queries_cost": usd(_DEEP_QUERIES * 5 / _THOUSAND),
        }
    elif searched:
        usage["search_context_size"] = chat.context_size
        cost["request_cost"] = usd(fees[chat.context_size] / _THOUSAND)
    cost["total_cost"] = usd(sum(cost.values()))
    return {**usage, "cost": cost}


def _sources(chat: Chat) -> list[Document]:
    body = chat.body
    mode = body.get("search_mode") or "web"
    languages = body.get("search_language_filter") or ()

    def left_in(document: Document) -> bool:
        return (
            document.kind != "people"
            and mode in ("web", document.kind)
            and (not languages or document.language in languages)
            and chat.filters.pass_over(document)
        )

    most = body.get("num_search_results") or _HITS[chat.context_size]
    return rank([chat.question], most, left_in)


def _content(chat: Chat, sources: list[Document]) -> tuple[str, str]:
    text = structured(chat.schema) if chat.schema is not None else prose(chat.question, sources, chat.turn)
    if chat.schema is not None and chat.schema.get("type") == "string":
        # A regex format: the bare text, not a JSON string.
        text = text[1:-1]
    if chat.model in _THINKING:
        text = f"<think>\nThe sandbox has nothing to think about.\n</think>\n\n{text}"
    stops = chat.body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        if stop:
            text = text.partition(stop)[0]
    most = (chat.body.get("max_tokens") or tokens(text)) * 4
    return (text, "stop") if len(text) <= most else (text[:most], "length")


def _row(source: Document) -> dict[str, Any]:
    return {
        "title": source.title,
        "url": source.url,
        "date": source.day,
        "last_updated": source.updated_day,
        "snippet": source.snippet,
        "source": "web",
    }


def _attachment_rows(chat: Chat, seed: Seed) -> list[dict[str, Any]]:
    """Attached files are sources without a URL; `citations` leaves them out."""
    return [
        {
            "title": f"{seed.uuid(f'attachment {place}')}-{shorten(name, 80)}",
            "url": "",
            "snippet": "Synthetic excerpt: the sandbox does not read attachments.",
            "source": "attachment",
        }
        for place, name in enumerate(chat.attachments)
    ]


def _image(source: Document) -> dict[str, Any]:
    return {
        "image_url": f"{source.url}.png",
        "origin_url": source.url,
        "title": source.title,
        "width": 1200,
        "height": 630,
    }
