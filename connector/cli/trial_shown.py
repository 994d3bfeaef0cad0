"""A trial for people, side by side where there is room, and for programs."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from connector.cli import planned
from connector.cli.page import Page
from connector.cli.trial import Output, Trial
from connector.cli.visible import json_text
from connector.errors import ConnectorError, Problem
from connector.observed import Exchange

_LEAST_BESIDE: Final = 110  # columns of a page for two things side by side
_MOST_LINES: Final = 60  # of one body
_LONGEST_VALUE: Final = 400
_MOST_ITEMS: Final = 3


def show(page: Page, trial: Trial, about: str) -> None:
    """The trial on stdout.

    Args:
        page: where.
        trial: what to show.
        about: who answered, as a phrase.
    """
    plan = trial.plan
    page.title(f"{plan.connector.id}.{plan.action.id}", f"route {plan.route_id}; {about}")
    page.line()
    if page.width < _LEAST_BESIDE:
        planned.show_parts(page, plan)
        page.line()
        _show_exchanges(page, trial)
        page.line()
        _show_outcome(page, trial)
        return
    left, right = page.halves()
    _show_exchanges(left, trial)
    planned.show_parts(right, plan)
    right.line()
    _show_outcome(right, trial)
    page.beside(left, right)


def _show_exchanges(page: Page, trial: Trial) -> None:
    if not trial.exchanges:
        page.title("Nothing was sent")
    for number, exchange in enumerate(trial.exchanges, 1):
        if number > 1:
            page.line()
        count = f" {number} of {len(trial.exchanges)}" if len(trial.exchanges) > 1 else ""
        _show_exchange(page, exchange, count)


def _show_exchange(page: Page, exchange: Exchange, count: str) -> None:
    page.title(f"Request{count}")
    page.table(("", ""), [(exchange.method, _target(exchange.url))])
    _show_headers(page, exchange.request_headers)
    _show_body(page, exchange.request_body)
    page.line()
    if exchange.status is None:
        page.title("No answer", _duration(exchange.seconds))
        return
    size = f"{exchange.response_size:,} bytes"
    page.title(f"Answer{count}", f"{_duration(exchange.seconds)}, {size}")
    page.line(f"{exchange.status} {exchange.reason}", indent=2)
    _show_headers(page, exchange.response_headers)
    _show_body(page, exchange.response_body)


def _show_headers(page: Page, headers: Any) -> None:
    page.table(("", ""), [(f"{name}:", value) for name, value in headers.items()])


def _show_body(page: Page, body: str) -> None:
    if not body:
        return
    try:
        text = json_text(json.loads(body))
    except (ValueError, RecursionError):
        text = body.replace("\r\n", "\n").rstrip("\n")
    lines = text.split("\n")
    page.line()
    page.line("\n".join(lines[:_MOST_LINES]), indent=2)
    if len(lines) > _MOST_LINES:
        page.line(f"({len(lines) - _MOST_LINES} more lines; --json has them)", style="dim", indent=2)


def _show_outcome(page: Page, trial: Trial) -> None:
    if trial.error is not None:
        page.title("Failed", trial.error.kind)
        page.line(str(trial.error), style="red", indent=2)
        page.line()
    page.title("Outputs", "with the types that their expressions give")
    has_values = trial.result is not None
    rows = [(one.name, _type(one), _value(one.value) if has_values else "") for one in trial.outputs]
    page.table(("output", "type", "value"), rows)
    if trial.result is not None and trial.result.warnings:
        page.line()
        page.title("Warnings")
        page.points(trial.result.warnings)
    if trial.differences:
        page.line()
        page.title("The answer and the response schema differ")
        page.table(("", ""), [(one.where, f"{one.message} {one.hint}") for one in trial.differences])


def _target(url: str) -> str:
    """The path and the query: the host stands among the headers."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _type(one: Output) -> str:
    return f"{one.declared} (declared; the schema says nothing)" if one.derived == "anything" else one.derived


def _value(value: Any) -> str:
    if value is None:
        return "(nothing)"
    if isinstance(value, list) and any(isinstance(item, (dict, str)) for item in value):
        lines = [f"{number}. {_item(item)}" for number, item in enumerate(value[:_MOST_ITEMS], 1)]
        return "\n".join(
            [*lines, *([f"({len(value) - _MOST_ITEMS} more)"] if len(value) > _MOST_ITEMS else [])]
        )
    return _item(value) or '""'


def _item(value: Any) -> str:
    if isinstance(value, dict):
        text = ", ".join(f"{name}: {json_text(inner, indent=None)}" for name, inner in value.items())
    else:
        text = value if isinstance(value, str) else json_text(value, indent=None)
    if len(text) > _LONGEST_VALUE:
        return f"{text[:_LONGEST_VALUE]}... ({len(text):,} characters)"
    return text


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def as_json(trial: Trial) -> dict[str, Any]:
    """The trial as one JSON object."""
    return {
        "plan": planned.as_json(trial.plan, trial.preview),
        "exchanges": [_exchange(one) for one in trial.exchanges],
        "outputs": [
            {"name": one.name, "declared": one.declared, "derived": one.derived, "value": one.value}
            for one in trial.outputs
        ],
        "warnings": list(trial.result.warnings) if trial.result is not None else [],
        "error": None if trial.error is None else _error(trial.error),
        "differences": list(map(_problem, trial.differences)),
    }


def _exchange(one: Exchange) -> dict[str, Any]:
    answer = None
    if one.status is not None:
        answer = {
            "status": one.status,
            "reason": one.reason,
            "headers": dict(one.response_headers),
            "body": one.response_body,
            "size": one.response_size,
            "is_cut": one.is_cut,
        }
    request = {
        "method": one.method,
        "url": one.url,
        "headers": dict(one.request_headers),
        "body": one.request_body,
    }
    return {"request": request, "answer": answer, "seconds": round(one.seconds, 6)}


def _error(error: ConnectorError) -> dict[str, Any]:
    return {"kind": error.kind, "where": error.where, "message": error.message, "hint": error.hint}


def _problem(problem: Problem) -> dict[str, Any]:
    return {"where": problem.where, "message": problem.message, "hint": problem.hint}
