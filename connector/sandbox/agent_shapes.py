"""The strict shapes of an Agent request: every field that `POST /v1/agent` knows, at every depth."""

from __future__ import annotations

from connector.sandbox.filters import FILTER_FIELDS
from connector.sandbox.shape import (
    Anything,
    Either,
    Fields,
    Flag,
    Number,
    Open,
    Rows,
    Table,
    Tagged,
    Text,
    one_of,
    whole,
)

_MOST_TOKENS = 1_000_000
_SIZES = one_of("low", "medium", "high")
_STATUS = one_of("in_progress", "completed", "incomplete")
_TYPE = {"type": Text()}
_STRINGS = Rows(Text())

_LOCATION = Fields(
    {
        "country": Text(),
        "region": Text(),
        "city": Text(),
        "latitude": Number(-90, 90),
        "longitude": Number(-180, 180),
    }
)
_APPROVAL_FILTER = Fields({"tool_names": _STRINGS, "read_only": Flag()})
_APPROVAL = Either(
    {
        "string": one_of("always", "never"),
        "object": Fields({"always": _APPROVAL_FILTER, "never": _APPROVAL_FILTER}),
    }
)
_IMAGE_FORMATS = one_of("bmp", "gif", "jpeg", "png", "webp", "svg")

TOOL_SHAPES = {
    "web_search": Fields(
        _TYPE
        | {
            "filters": Fields(FILTER_FIELDS),
            "search_context_size": _SIZES,
            "search_type": one_of("web", "fast"),
            "max_tokens": whole(1, _MOST_TOKENS),
            "max_tokens_per_page": whole(1, _MOST_TOKENS),
            "max_results": whole(1, 50),
            "user_location": _LOCATION,
        }
    ),
    "fetch_url": Fields(_TYPE | {"max_urls": whole(1, 10), "total_budget_tokens": whole(1, 120_000)}),
    "image_search": Fields(
        _TYPE
        | {
            "max_results": whole(1, 50),
            "filters": Fields(
                {"domain_filter": _STRINGS, "format_filter": Rows(_IMAGE_FORMATS), "safe_search": Flag()}
            ),
        }
    ),
    "people_search": Fields(_TYPE),
    "finance_search": Fields(_TYPE),
    "sandbox": Fields(_TYPE),
    "function": Fields(
        _TYPE | {"name": Text(empty=False), "description": Text(), "parameters": Open(), "strict": Flag()},
        required=("name",),
    ),
    "mcp": Fields(
        _TYPE
        | {
            "server_label": Text(empty=False),
            "server_url": Text(empty=False),
            "authorization": Text(),
            "headers": Table(Text()),
            "allowed_tools": _STRINGS,
            "defer_loading": Flag(),
            "require_approval": _APPROVAL,
        },
        required=("server_label", "server_url"),
    ),
    "connector": Fields(
        _TYPE
        | {
            "id": Text(empty=False),
            "server_label": Text(empty=False),
            "server_description": Text(),
            "allowed_tools": _STRINGS,
            "require_approval": _APPROVAL,
        },
        required=("id", "server_label"),
    ),
}

_PARTS = Rows(
    Tagged(
        {
            "input_text": Fields(_TYPE | {"text": Text()}, required=("text",)),
            "input_image": Fields(_TYPE | {"image_url": Text()}, required=("image_url",)),
            "input_file": Fields(_TYPE | {"file_data": Text(), "file_url": Text(), "filename": Text()}),
        }
    )
)
_CALL = {"call_id": Text(), "name": Text(), "thought_signature": Text()}
_MCP = {"id": Text(), "server_label": Text(), "name": Text(), "arguments": Text(), "connector_id": Text()}
_TEXTS = Rows(Fields(_TYPE | {"text": Text()}, required=("text",)))
_ITEMS = Tagged(
    {
        "message": Fields(
            _TYPE
            | {
                "role": one_of("user", "assistant", "system", "developer"),
                "content": Either({"string": Text(), "array": _PARTS}),
            },
            required=("role", "content"),
        ),
        "function_call": Fields(
            _TYPE | _CALL | {"arguments": Text()}, required=("call_id", "name", "arguments")
        ),
        "function_call_output": Fields(
            _TYPE
            | _CALL
            | {"id": Text(), "status": _STATUS, "output": Either({"string": Text(), "array": Rows(Open())})},
            required=("call_id", "output"),
        ),
        "reasoning": Fields(
            _TYPE
            | {
                "id": Text(),
                "status": _STATUS,
                "summary": _TEXTS,
                "content": _TEXTS,
                "encrypted_content": Text(),
            },
            required=("summary",),
        ),
        "mcp_approval_request": Fields(_TYPE | _MCP | {"thought_signature": Text()}, required=("id",)),
        "mcp_approval_response": Fields(
            _TYPE | {"id": Text(), "approval_request_id": Text(), "approve": Flag(), "reason": Text()},
            required=("approval_request_id", "approve"),
        ),
        "mcp_call": Fields(
            _TYPE | _MCP | {"approval_request_id": Text(), "error": Text(), "output": Text()},
            required=("id", "name"),
        ),
        "mcp_list_tools": Fields(
            _TYPE | {"id": Text(), "server_label": Text(), "error": Text(), "tools": Rows(Open())}
        ),
    },
    default="message",
)

_SKILLS = Tagged(
    {
        "builtin": Fields(
            _TYPE | {"name": one_of("office", "office/docx", "office/pdf", "office/pptx", "office/xlsx")},
            required=("name",),
        ),
        "inline": Fields(
            _TYPE | {"name": Text(), "description": Text(), "instructions": Text()},
            required=("name", "description", "instructions"),
        ),
        "custom": Fields(_TYPE | {"id": Text(), "version": Text()}, required=("id",)),
    }
)

REQUEST_SHAPE = Fields(
    {
        "input": Either({"string": Text(), "array": Rows(_ITEMS)}),
        "instructions": Text(),
        "model": Text(),
        "models": Rows(Text(), 1, 5),
        "preset": Text(),
        "effort": Text(),
        "tools": Rows(Tagged(TOOL_SHAPES)),
        "tool_choice": Either(
            {
                "string": one_of("none", "auto", "required"),
                "object": Fields({"type": Text(), "name": Text()}),
            }
        ),
        "max_output_tokens": whole(1),
        # Two documented maxima disagree (10 and 100), and 101 was accepted.
        "max_steps": whole(1),
        "max_tool_calls": whole(0),
        "parallel_tool_calls": Flag(),
        "temperature": Number(0, 2),
        "top_p": Number(0, 1),
        "stream": Flag(),
        "stream_options": Fields({"include_usage": Flag()}),
        "response_format": Fields({"type": one_of("json_schema"), "json_schema": Anything()}),
        # `text.format` is echoed in answers and refused in requests.
        "text": Fields({"verbosity": _SIZES}),
        "reasoning": Fields({"effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")}),
        "background": Flag(),
        "store": Flag(),
        "previous_response_id": Text(),
        "profile": Fields(
            {"type": one_of("custom"), "id": Text(), "version": Text()}, required=("type", "id")
        ),
        "skills": Rows(_SKILLS),
        "service_tier": one_of("auto", "default", "flex", "priority", "fast"),
        "prompt_cache_key": Text(),
        "language_preference": Text(),
        "step_budget_reminder": Flag(),
        "metadata": Table(Text(longest=512), most=16),
        "truncation": one_of("auto", "disabled"),
    }
)
SCHEMA_SHAPE = Fields(
    {"name": Text(), "schema": Open(), "description": Text(), "strict": Flag()}, required=("schema",)
)
