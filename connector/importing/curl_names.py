"""Names for a connector and its action, from a host and a path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from connector.importing.curl_url import Segment
from connector.importing.names import LONGEST, id_of

_PREFIXES: Final = frozenset(
    [
        "api",
        "apis",
        "www",
        "rest",
        "app",
        "gateway",
        "public",
        "sandbox",
        "test",
        "dev",
        "staging",
        "hooks",
        "graph",
        "data",
    ]
)
_SECOND_LEVEL: Final = frozenset(["co", "com", "org", "net", "gov", "ac", "edu", "or", "ne"])
_NO_NOUN: Final = re.compile(r"v?[0-9][0-9a-z.]*(?:-[0-9]{2})*|v[0-9]\w*|api|rest|[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VERBS: Final = {
    "GET": "get",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
    "HEAD": "check",
    "OPTIONS": "options",
}


def connector_id(authority: str) -> str:
    """api.perplexity.ai -> perplexity; acme.example.co.uk -> example; 127.0.0.1:8000 -> service."""
    host = re.sub(r":[0-9]*\Z", "", authority.lower())
    labels = [label for label in host.split(".") if label]
    if not re.fullmatch(r"[a-z0-9.-]+", host) or all(label.isdigit() for label in labels) or len(labels) < 2:
        return "service"
    labels = labels[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels = labels[:-1]
    named = [label for label in labels if label not in _PREFIXES] or labels
    return id_of(named[-1], "service")


def action_id(method: str, segments: Iterable[Segment]) -> str:
    """POST /chat/completions -> create_chat_completion; GET /v1/users/42 -> get_user; POST /search -> search."""
    parts = [segment for segment in segments if segment]
    words = [
        id_of(part)
        for segment in parts
        for part in segment[:1]
        if isinstance(part, str) and re.search(r"[A-Za-z]", part) and not _NO_NOUN.fullmatch(part.lower())
    ]
    ends_in_id = bool(parts) and not isinstance(parts[-1][0], str)
    noun = "_".join(words[-2:]) or "request"
    is_plural = noun.endswith("s") and not noun.endswith("ss")
    if method == "POST":
        made = f"create_{singular(noun)}" if is_plural and not ends_in_id else noun
    else:
        made = f"{_VERBS[method]}_{singular(noun) if ends_in_id else noun}"
    return id_of(made)[:LONGEST]


def singular(noun: str) -> str:
    """Customers -> customer, entries -> entry; words that are no plural stay."""
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    if noun.endswith(("sses", "xes", "ches", "shes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else noun
