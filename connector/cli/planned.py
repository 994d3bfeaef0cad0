"""A plan for people and for programs: the request, and where each part of it came from."""

from __future__ import annotations

from typing import Any

from connector.cli.page import Page
from connector.cli.visible import json_text
from connector.plan import Field, Plan
from connector.request import Preview


def as_json(plan: Plan, preview: Preview) -> dict[str, Any]:
    """The plan as one JSON object."""
    sent, absent = _divided(plan)
    return {
        "action": f"{plan.connector.id}.{plan.action.id}",
        "route": plan.route_id,
        "method": preview.method,
        "url": preview.url,
        "headers": dict(preview.headers),
        "body": preview.body,
        **({} if preview.text is None else {"text": preview.text}),
        "fields": [{"path": field.path, "value": field.value, "from": field.source} for field in sent],
        "absent": [{"path": field.path, "why": field.source} for field in absent],
        "warnings": list(plan.warnings),
    }


def show(plan: Plan, preview: Preview) -> None:
    """The plan on stdout."""
    page = Page()
    page.title(f"{plan.connector.id}.{plan.action.id}", f"route {plan.route_id}; nothing was sent")
    page.line()
    page.whole(f"{preview.method} {preview.url}")
    page.table(("", ""), [(f"{name}:", value) for name, value in preview.headers.items()], indent=0)
    if preview.body is not None:
        page.line()
        page.line(json_text(preview.body))
    elif preview.text is not None:
        page.line()
        page.whole(preview.text)
    page.line()
    show_parts(page, plan)


def show_parts(page: Page, plan: Plan) -> None:
    """Every part of the request with where it came from, and why others are absent."""
    sent, absent = _divided(plan)
    page.title("Sent")
    rows = [(field.path, json_text(field.value, indent=None), field.source) for field in sent]
    page.table(("field", "value", "from"), rows)
    if absent:
        page.line()
        page.title("Not sent")
        page.table(
            ("field", "why"), [(field.path, field.source.removeprefix("not sent: ")) for field in absent]
        )


def _divided(plan: Plan) -> tuple[list[Field], list[Field]]:
    fields = plan.fields
    return [field for field in fields if not field.is_absent], [field for field in fields if field.is_absent]
