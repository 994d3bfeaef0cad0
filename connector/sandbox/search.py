"""`POST /search`: ranked results from the built-in corpus, with every documented filter applied."""

from __future__ import annotations

import re
from typing import Any

from connector.sandbox.filters import FILTER_FIELDS, read_filters
from connector.sandbox.ranking import Document, rank
from connector.sandbox.refusal import invalid
from connector.sandbox.seed import NOW, Seed
from connector.sandbox.shape import Either, Fields, Flag, Rows, Text, check, one_of, whole

_CHARACTERS_PER_TOKEN = 4
_MOST_TOKENS = 1_000_000
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2}")

# Whether the real endpoint refuses unknown fields was never seen, so they are ignored here.
_SHAPE = Fields(
    {
        "query": Either({"string": Text(empty=False), "array": Rows(Text(empty=False), 1, 5)}),
        "max_results": whole(1),
        "max_tokens": whole(1, _MOST_TOKENS),
        "max_tokens_per_page": whole(1, _MOST_TOKENS),
        "search_context_size": one_of("low", "medium", "high"),
        "search_type": one_of("web", "fast", "people"),
        "search_mode": one_of("web", "academic", "sec"),
        "country": Text(),
        "search_language_filter": Rows(Text(), 0, 20),
        "display_server_time": Flag(),
        **FILTER_FIELDS,
    },
    required=("query",),
    closed=False,
)


def answer_search(body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a search.

    Raises:
        Refused: a parameter outside its limits, or parameters that exclude each other.
    """
    check(body, _SHAPE)
    _check_limits(body)
    filters = read_filters(body)
    kinds = _kinds(body)
    country = (body.get("country") or "").upper()
    languages = body.get("search_language_filter") or ()

    def left_in(document: Document) -> bool:
        return (
            document.kind in kinds
            and (not country or document.country in (None, country))
            and (not languages or document.language in languages)
            and filters.pass_over(document)
        )

    query = body["query"]
    queries = [query] if isinstance(query, str) else query
    documents = rank(queries, body.get("max_results") or 10, left_in)
    return {
        "id": Seed("search", body).uuid(),
        "results": _results(documents, body),
        "server_time": NOW.isoformat() if body.get("display_server_time") else None,
    }


def _check_limits(body: dict[str, Any]) -> None:
    most = 50 if body.get("search_type") == "people" else 20
    if (body.get("max_results") or 1) > most:
        raise invalid(f"max_results must be between 1 and {most}", "max_results")
    country = body.get("country")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise invalid("country must be a two-letter ISO 3166-1 code", "country")
    for language in body.get("search_language_filter") or ():
        if not _LANGUAGE.fullmatch(language):
            raise invalid(
                "search_language_filter must hold two-letter lowercase ISO 639-1 codes",
                "search_language_filter",
            )
    if body.get("search_context_size") is not None:
        for budget in ("max_tokens", "max_tokens_per_page"):
            if body.get(budget) is not None:
                raise invalid(f"search_context_size cannot be combined with {budget}", "search_context_size")


def _kinds(body: dict[str, Any]) -> tuple[str, ...]:
    if body.get("search_type") == "people":
        return ("people",)
    if body.get("search_mode") in ("academic", "sec"):
        return (body["search_mode"],)
    return ("web", "news", "academic", "sec")


def _results(documents: list[Document], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Results whose snippets keep to the token budgets; a spent budget leaves empty snippets."""
    left = (body.get("max_tokens") or 10_000) * _CHARACTERS_PER_TOKEN
    page = (body.get("max_tokens_per_page") or 4096) * _CHARACTERS_PER_TOKEN
    results = []
    for document in documents:
        snippet = document.snippet[: min(page, left)]
        left -= len(snippet)
        results.append(
            {
                "snippet": snippet,
                "title": document.title,
                "url": document.url,
                "date": document.day,
                "last_updated": document.updated_day,
            }
        )
    return results
