"""The sandbox's search: filters that filter, limits that hold, and something to show for any query."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connector.sandbox import Sandbox

KEYS = (f"pplx-test-search-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """A client with a key of its own, so that no test spends another one's rate limit."""
    shared.headers["authorization"] = f"Bearer {next(KEYS)}"
    return shared


def search(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/search", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_answer_has_the_real_shape(client: httpx.Client) -> None:
    """Flat results with dates in ISO form, some of them null, and no time unless asked for."""
    body = search(client, query="programming language", max_results=20)
    assert set(body) == {"id", "results", "server_time"}
    assert body["server_time"] is None
    assert all(set(row) == {"snippet", "title", "url", "date", "last_updated"} for row in body["results"])
    assert search(client, query="x", display_server_time=True)["server_time"].startswith("2026-11-21")


@pytest.mark.parametrize("query", ["latest AI news", "zzzzz qqqqq", "?", "最新"])
def test_any_query_has_something_to_show(client: httpx.Client, query: str) -> None:
    """A query that no document knows gets a fixed choice of them."""
    first = search(client, query=query)
    assert len(first["results"]) >= 3
    assert first == search(client, query=query)


def test_the_best_match_comes_first(client: httpx.Client) -> None:
    """Words of the query in the title count most."""
    assert search(client, query="capital of France")["results"][0]["url"].endswith("/wiki/paris")


def test_several_queries_share_one_flat_list(client: httpx.Client) -> None:
    """Each query is served, nothing comes twice, and the limit is for all together."""
    urls = [
        row["url"]
        for row in search(client, query=["capital of France", "solar power"], max_results=4)["results"]
    ]
    assert len(urls) == len(set(urls)) == 4
    assert any("paris" in url for url in urls)
    assert any("solar" in url for url in urls)


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        pytest.param(
            {"search_domain_filter": ["encyclopedia.example"]},
            lambda row: row["url"].startswith("https://encyclopedia.example/"),
            id="allowed domain",
        ),
        pytest.param(
            {"search_domain_filter": ["newsroom.example/ai"]},
            lambda row: row["url"].startswith("https://newsroom.example/ai/"),
            id="allowed path",
        ),
        pytest.param(
            {"search_domain_filter": [".gov.example"]}, lambda row: ".gov.example/" in row["url"], id="suffix"
        ),
        pytest.param(
            {"search_domain_filter": ["-newsroom.example"]},
            lambda row: "newsroom.example" not in row["url"],
            id="denied domain and its subdomains",
        ),
        pytest.param({"search_recency_filter": "hour"}, lambda row: row["date"] == "2026-11-21", id="hour"),
        pytest.param({"search_recency_filter": "week"}, lambda row: row["date"] >= "2026-11-14", id="week"),
        pytest.param(
            {"search_after_date_filter": "1/1/2026", "search_before_date_filter": "06/30/2026"},
            lambda row: "2026-01-01" <= row["date"] <= "2026-06-30",
            id="published between",
        ),
        pytest.param(
            {"last_updated_before_filter": "12/31/2025"},
            lambda row: row["last_updated"] <= "2025-12-31",
            id="updated before",
        ),
        pytest.param(
            {"search_language_filter": ["de"]}, lambda row: "ynthetische" in row["snippet"], id="language"
        ),
        pytest.param({"search_mode": "sec"}, lambda row: "filings.example" in row["url"], id="sec"),
        pytest.param({"search_type": "people"}, lambda row: "people.example" in row["url"], id="people"),
        pytest.param(
            {"max_tokens_per_page": 5}, lambda row: len(row["snippet"]) <= 20, id="tokens of a page"
        ),
    ],
)
def test_filters_are_applied(client: httpx.Client, filters: dict[str, Any], fits: Any) -> None:
    """What comes back fits the filter, also where results are made up to fill the list."""
    results = search(client, query="anything", max_results=20, **filters)["results"]
    assert results
    assert all(fits(row) for row in results)


def test_a_country_keeps_its_own_and_worldwide_pages(client: httpx.Client) -> None:
    """Pages of another country are left out."""
    urls = str(search(client, query="capital Paris Berlin", country="fr", max_results=20)["results"])
    assert "paris" in urls
    assert "berlin" not in urls


def test_a_spent_token_budget_leaves_empty_snippets(client: httpx.Client) -> None:
    """`max_tokens` is for all results together."""
    results = search(client, query="guide", max_tokens=10)["results"]
    assert sum(len(row["snippet"]) for row in results) == 40
    assert results[-1]["snippet"] == ""


@pytest.mark.parametrize(
    ("body", "kind", "param"),
    [
        pytest.param({"query": None}, "invalid_request", "query", id="no query"),
        pytest.param({"query": " "}, "invalid_request", "query", id="blank query"),
        pytest.param({"query": []}, "invalid_request", "query", id="no queries"),
        pytest.param({"query": ["a"] * 6}, "invalid_request", "query", id="six queries"),
        pytest.param({"query": ["a", ""]}, "invalid_request", "query[1]", id="a blank one"),
        pytest.param({"query": 7}, "invalid_request", "query", id="a number"),
        pytest.param({"max_results": 0}, "invalid_request", "max_results", id="no results"),
        pytest.param({"max_results": 21}, "invalid_request", "max_results", id="21 results"),
        pytest.param(
            {"max_results": 51, "search_type": "people"}, "invalid_request", "max_results", id="51 people"
        ),
        pytest.param({"max_results": "5"}, "invalid_request", "max_results", id="a text for a number"),
        pytest.param({"max_tokens": 1_000_001}, "invalid_request", "max_tokens", id="tokens"),
        pytest.param({"search_type": "deep"}, "invalid_request", "search_type", id="type"),
        pytest.param({"search_mode": "news"}, "invalid_request", "search_mode", id="mode"),
        pytest.param({"country": "USA"}, "invalid_request", "country", id="country"),
        pytest.param(
            {"search_language_filter": ["EN"]}, "invalid_request", "search_language_filter", id="language"
        ),
        pytest.param(
            {"search_recency_filter": "decade"}, "invalid_request", "search_recency_filter", id="recency"
        ),
        pytest.param(
            {"search_recency_filter": "day", "search_before_date_filter": "1/1/2026"},
            "invalid_request",
            "search_recency_filter",
            id="recency with dates",
        ),
        pytest.param(
            {"search_context_size": "low", "max_tokens": 5},
            "invalid_request",
            "search_context_size",
            id="size with budget",
        ),
        pytest.param(
            {"search_after_date_filter": "2026-01-01"},
            "invalid_date_format",
            "search_after_date_filter",
            id="ISO date",
        ),
        pytest.param(
            {"search_before_date_filter": "02/30/2026"},
            "invalid_date_format",
            "search_before_date_filter",
            id="February 30",
        ),
        pytest.param(
            {"search_domain_filter": ["a.example"] * 21},
            "invalid_search_domain_filter",
            "search_domain_filter",
            id="21 domains",
        ),
        pytest.param(
            {"search_domain_filter": ["a" * 254]},
            "invalid_search_domain_filter",
            "search_domain_filter",
            id="a long domain",
        ),
        pytest.param({"display_server_time": "yes"}, "invalid_request", "display_server_time", id="flag"),
    ],
)
def test_limits_hold(client: httpx.Client, body: dict[str, Any], kind: str, param: str) -> None:
    """A parameter outside its limits is a 400 that names it."""
    answer = client.post("/search", json={"query": "x", **body})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == (kind, param)


@pytest.mark.parametrize(
    "body",
    [
        {"max_results": 20},
        {"max_results": 50, "search_type": "people"},
        {"query": ["a"] * 5},
        {"search_domain_filter": ["a.example"] * 20},
        {"search_domain_filter": ["a.example", "-b.example"]},
        {"search_recency_filter": "day", "last_updated_after_filter": "1/1/2026"},
        {"search_after_date": "1/1/2026"},
    ],
)
def test_what_is_just_allowed_is_taken(client: httpx.Client, body: dict[str, Any]) -> None:
    """The limits themselves, a mixed domain list, and a field that nobody knows."""
    search(client, **{"query": "x", **body})
