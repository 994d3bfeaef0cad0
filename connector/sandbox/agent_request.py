"""Reading an Agent request: every rule that the API is known to enforce, and what the request asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connector.sandbox.agent_shapes import REQUEST_SHAPE, SCHEMA_SHAPE, TOOL_SHAPES
from connector.sandbox.filters import Filters, read_filters
from connector.sandbox.models import EFFORTS, OLD_PRESETS, known_model
from connector.sandbox.refusal import Refused, invalid
from connector.sandbox.shape import check

_PIN = re.compile(r"@\d{4}-\d{2}-\d{2}\.\d+")
_SCHEMA_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOWEST_CAP = 16
_MOST_MCP_SERVERS = 16
_WEB_SEARCH = {"type": "web_search"}


@dataclass(frozen=True)
class Order:
    """What a checked request asks for.

    Attributes:
        body: the request as it came.
        model: the resolved model id.
        effort: fast to xhigh, or None for a bare model.
        tools: the tools on offer: the request's own, or those that the effort brings along.
        forced: the tool type or function name that `tool_choice` insists on, `required`, or None.
        filters: of the web_search tool.
        cap: the most output tokens, or None.
        schema: of a structured answer, or None.
        question: the text of the last user message.
    """

    body: dict[str, Any]
    model: str
    effort: str | None
    tools: tuple[dict[str, Any], ...]
    forced: str | None
    filters: Filters
    cap: int | None
    schema: dict[str, Any] | None
    question: str

    def tool(self, kind: str) -> dict[str, Any] | None:
        """The offered tool of this type."""
        return next((tool for tool in self.tools if tool["type"] == kind), None)

    def calls(self, kind: str) -> bool:
        """Whether the answer makes use of a tool.

        A forced tool is called. Left to itself (`auto`), an effort calls what it has and a bare model
        calls nothing: the real one may or may not, and the sandbox shows the case that surprises.
        """
        if self.tool(kind) is None:
            return False
        if self.forced is not None:
            return self.forced in (kind, "required")
        return self.effort is not None


def read_order(body: dict[str, Any]) -> Order:
    """The order in a request body.

    Raises:
        Refused: naming the first field that the API would not take.
    """
    try:
        return _read(body)
    except Refused as refused:
        # Captured complaints about a value name the field in the sentence only; `param` comes with the
        # complaints of the JSON decoder.
        if refused.message.startswith("validation failed"):
            refused.param = None
        raise


def _read(body: dict[str, Any]) -> Order:
    check(body, REQUEST_SHAPE)
    if not body.get("input"):
        raise Refused("input array cannot be empty")
    effort = _effort(body)
    model = _model(body, effort)
    if any(name.startswith("anthropic/") for name in (model, *(body.get("models") or ()))) and not body.get(
        "max_output_tokens"
    ):
        raise Refused("validation failed: max_output_tokens is required when using Anthropic models")
    tools, filters = _tools(body, effort)
    cap = body.get("max_output_tokens")
    _check_images(body["input"])
    return Order(
        body=body,
        model=model,
        effort=effort,
        tools=tools,
        forced=_forced(body, tools),
        filters=filters,
        cap=None if cap is None else max(cap, _LOWEST_CAP),
        schema=_schema(body.get("response_format")),
        question=question_in(body["input"]),
    )


def question_in(given: str | list[dict[str, Any]]) -> str:
    """The text of the last user message, or nothing where there is none."""
    if isinstance(given, str):
        return given
    for item in reversed(given):
        if item.get("role") == "user":
            content = item["content"]
            if isinstance(content, str):
                return content
            return " ".join(part["text"] for part in content if part.get("text"))
    return ""


def _effort(body: dict[str, Any]) -> str | None:
    for field in ("effort", "preset"):
        asked = body.get(field)
        if not asked:
            continue
        name = _PIN.sub("", asked)
        if field == "preset":
            name = OLD_PRESETS.get(name, name)
        if name not in EFFORTS:
            raise invalid(f"{field} must be one of: {' '.join(EFFORTS)}", field)
        return name
    return None


def _model(body: dict[str, Any], effort: str | None) -> str:
    names = [known_model(name, "models") for name in body.get("models") or ()]
    if names:
        return names[0]
    if body.get("model"):
        return known_model(body["model"])
    if effort is None:
        raise Refused("validation failed: one of model, models, preset or effort is required", param="model")
    return EFFORTS[effort]


def _tools(body: dict[str, Any], effort: str | None) -> tuple[tuple[dict[str, Any], ...], Filters]:
    given = body.get("tools") or []
    filters = Filters()
    for index, tool in enumerate(given):
        if tool["type"] == "web_search":
            filters = read_filters(tool.get("filters") or {}, where=f"tools[{index}]: ", iso_dates=True)
        if tool["type"] == "function" and tool["name"] in TOOL_SHAPES:
            raise invalid(
                f"tools[{index}]: function name {tool['name']!r} is reserved", f"tools[{index}].name"
            )
    if sum(tool["type"] == "mcp" for tool in given) > _MOST_MCP_SERVERS:
        raise invalid(f"tools must have at most {_MOST_MCP_SERVERS} MCP servers", "tools")
    if body.get("max_tool_calls") == 0 or body.get("tool_choice") == "none":
        return (), filters
    # An effort's tools cannot be cleared with an empty list; a list of others replaces them.
    return tuple(given or ([_WEB_SEARCH] if effort else [])), filters


def _forced(body: dict[str, Any], tools: tuple[dict[str, Any], ...]) -> str | None:
    choice = body.get("tool_choice")
    if choice in (None, "none", "auto"):
        return None
    if isinstance(choice, dict):
        choice = choice.get("name") or choice.get("type") or ""
    names = {tool.get("name") or tool["type"] for tool in tools} | {"required"}
    if choice not in names and body.get("max_tool_calls") != 0:
        raise invalid("tool_choice names a tool that is not in tools", "tool_choice")
    return str(choice)


def _schema(response_format: dict[str, Any] | None) -> dict[str, Any] | None:
    if response_format is None:
        return None
    if response_format.get("json_schema") is None:
        raise invalid("response_format.json_schema is required", "response_format.json_schema")
    return checked_schema(response_format["json_schema"])


def checked_schema(given: Any) -> dict[str, Any]:
    """The JSON Schema in a `json_schema` format of the Agent API or of Sonar."""
    path = "response_format.json_schema"
    check(given, SCHEMA_SHAPE, path)
    name = given.get("name")
    if name is not None and not _SCHEMA_NAME.fullmatch(name):
        raise Refused(
            "json_schema.name must be 1-64 characters of A-Z, a-z, 0-9, _ and -",
            type="invalid_parameter",
        )
    schema: dict[str, Any] = given["schema"]
    root = schema.get("type", "")
    if root != "object":
        raise Refused(
            f"json_schema.schema must have a root type of 'object' (got type=\"{str(root)[:40]}\"). Wrap "
            "your data in an object property (e.g. {'type': 'object', 'properties': {'items': "
            "{'type': 'array', 'items': ...}}}).",
            type="invalid_parameter",
        )
    return schema


def _check_images(given: str | list[dict[str, Any]]) -> None:
    if isinstance(given, str):
        return
    for index, item in enumerate(given):
        content = item.get("content")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            image = part.get("image_url")
            if image is not None and not image.startswith(("https://", "data:")):
                path = f"input[{index}].content[{place}].image_url"
                raise invalid(f"{path} must be an https URL or a data URI", path)
