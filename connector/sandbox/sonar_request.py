"""Reading a Sonar request: the chat format that the vendor retired and that some gateways still speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.sandbox.agent_request import checked_schema
from connector.sandbox.filters import FILTER_FIELDS, Filters, read_filters
from connector.sandbox.refusal import Refused, invalid
from connector.sandbox.seed import tokens
from connector.sandbox.shape import (
    Anything,
    Either,
    Fields,
    Flag,
    Number,
    Open,
    Rows,
    Shape,
    Tagged,
    Text,
    check,
    one_of,
    whole,
)

MODELS = ("sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research")
ATTACHMENTS = ("file_url", "pdf_url")
_MOST_PROMPT_TOKENS = 200_000


def _part(field: str, link: Shape, **more: Shape) -> Fields:
    return Fields({"type": Text(), field: link, **more}, required=(field,), closed=False)


def _link(**more: Shape) -> Either:
    linked = Fields({"url": Text(), **more}, required=("url",), closed=False)
    return Either({"string": Text(), "object": linked})


_CONTENT = Either(
    {
        "string": Text(),
        "array": Rows(
            Tagged(
                {
                    "text": _part("text", Text()),
                    "image_url": _part("image_url", _link()),
                    "file_url": _part("file_url", _link(), file_name=Text()),
                    "pdf_url": _part("pdf_url", _link()),
                    "video_url": _part("video_url", _link(frame_interval=Anything())),
                }
            )
        ),
    }
)
# Fields that are not listed are ignored, as recorded requests show.
_SHAPE = Fields(
    {
        "model": Text(),
        "messages": Rows(
            Fields(
                {"role": one_of("system", "user", "assistant", "tool"), "content": _CONTENT},
                required=("role",),
                closed=False,
            ),
            1,
        ),
        "max_tokens": whole(1, 128_000),
        "temperature": Number(0, 2),
        "top_p": Number(0, 1),
        "stop": Either({"string": Text(), "array": Rows(Text())}),
        "stream": Flag(),
        "stream_mode": one_of("full", "concise"),
        "response_format": Fields(
            {"type": one_of("text", "json_schema", "regex"), "json_schema": Anything(), "regex": Open()},
            required=("type",),
            closed=False,
        ),
        "search_mode": one_of("web", "academic", "sec"),
        "search_language_filter": Rows(Text()),
        "return_images": Flag(),
        "return_related_questions": Flag(),
        "image_format_filter": Rows(Text()),
        "image_domain_filter": Rows(Text()),
        "disable_search": Flag(),
        "enable_search_classifier": Flag(),
        "reasoning_effort": one_of("minimal", "low", "medium", "high"),
        "language_preference": Text(),
        "num_search_results": whole(1),
        "web_search_options": Fields(
            {
                "search_context_size": one_of("low", "medium", "high"),
                "search_type": one_of("fast", "pro", "auto"),
                "image_results_enhanced_relevance": Flag(),
                "user_location": Open(),
            },
            closed=False,
        ),
        **FILTER_FIELDS,
    },
    required=("model", "messages"),
    closed=False,
)


@dataclass(frozen=True)
class Chat:
    """What a checked Sonar request asks for. `attachments` are the names of linked files."""

    body: dict[str, Any]
    model: str
    question: str
    prompt_tokens: int
    turn: int
    attachments: tuple[str, ...]
    filters: Filters
    schema: dict[str, Any] | None

    @property
    def context_size(self) -> str:
        return (self.body.get("web_search_options") or {}).get("search_context_size") or "low"


def read_chat(body: dict[str, Any]) -> Chat:
    """The chat in a request body.

    Raises:
        Refused: a field that the API would not take, or messages in the wrong order.
    """
    check(body, _SHAPE)
    model, messages = body["model"], body["messages"]
    if model not in MODELS:
        raise Refused(
            f"Invalid model '{model[:100]}'. Permitted models can be found in the documentation at "
            "https://docs.perplexity.ai/guides/model-cards.",
            type="invalid_model",
        )
    _check_order([message["role"] for message in messages])
    texts = [_text_of(message) for message in messages]
    prompt_tokens = sum(tokens(text) for text in texts if text)
    if prompt_tokens > _MOST_PROMPT_TOKENS:
        raise Refused(
            f"User input tokens exceeds {_MOST_PROMPT_TOKENS} tokens.", type="too_many_prompt_tokens"
        )
    asked = [text for text, message in zip(texts, messages, strict=True) if message["role"] == "user"]
    return Chat(
        body=body,
        model=model,
        question=asked[-1],
        prompt_tokens=prompt_tokens,
        turn=len(asked),
        attachments=tuple(name for message in messages for name in _attachments(message)),
        filters=read_filters(body),
        schema=_schema(body.get("response_format") or {"type": "text"}),
    )


def _check_order(roles: list[str]) -> None:
    while roles and roles[0] == "system":
        roles = roles[1:]
    for place, role in enumerate(roles):
        expected = ("user", "tool") if place % 2 == 0 else ("assistant",)
        if role not in expected:
            raise Refused(
                "After the (optional) system message(s), user and assistant roles should be alternating.",
                type="invalid_message",
            )
    if "user" not in roles or roles[-1] == "assistant":
        raise Refused("Last message must have role `user`.", type="invalid_message")


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in _parts(message) if part["type"] == "text")


def _attachments(message: dict[str, Any]) -> list[str]:
    parts = [part for part in _parts(message) if part["type"] in ATTACHMENTS]
    return [part.get("file_name") or f"attachment.{part['type'][:3]}" for part in parts]


def _schema(response_format: dict[str, Any]) -> dict[str, Any] | None:
    kind = response_format["type"]
    if kind == "text":
        return None
    given = response_format.get(kind)
    if given is None:
        raise invalid(f"response_format.{kind} is required", f"response_format.{kind}")
    if kind == "regex":
        return {"type": "string", "pattern": given.get("regex")}
    return checked_schema(given)
