"""The search filters that `/search`, the agent's `web_search` tool and Sonar share: read, and applied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from connector.sandbox.refusal import Refused
from connector.sandbox.seed import NOW
from connector.sandbox.shape import Rows, Shape, Text

RECENCIES = ("hour", "day", "week", "month", "year")
DATE_FILTERS = (
    "search_after_date_filter",
    "search_before_date_filter",
    "last_updated_after_filter",
    "last_updated_before_filter",
)
FILTER_FIELDS: dict[str, Shape] = {
    "search_domain_filter": Rows(Text()),
    "search_recency_filter": Text(),
    **{name: Text() for name in DATE_FILTERS},
}

_SPANS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_DOMAIN = re.compile(r"-?\.?[\w.-]+(/\S*)?")
_MOST_DOMAINS = 20
_LONGEST_DOMAIN = 253


class Dated(Protocol):
    """What a filter looks at in a document."""

    @property
    def url(self) -> str: ...
    @property
    def published(self) -> datetime | None: ...
    @property
    def updated(self) -> date | None: ...


@dataclass(frozen=True)
class Filters:
    """Bounds are inclusive. A document without a date fails every date filter."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    newest_span: timedelta | None = None
    after: date | None = None
    before: date | None = None
    updated_after: date | None = None
    updated_before: date | None = None

    def pass_over(self, document: Dated) -> bool:
        """True for a document that the filters leave in."""
        if self.allowed and not any(_on_domain(document.url, domain) for domain in self.allowed):
            return False
        if any(_on_domain(document.url, domain) for domain in self.denied):
            return False
        published = document.published
        if self.newest_span and (published is None or published < NOW - self.newest_span):
            return False
        day = published.date() if published else None
        return _within(day, self.after, self.before) and _within(
            document.updated, self.updated_after, self.updated_before
        )


def read_filters(given: Mapping[str, Any], *, where: str = "", iso_dates: bool = False) -> Filters:
    """The filters among the fields of `given`, whose JSON types have been checked already.

    Args:
        given: a request or a tool's `filters`.
        where: what a message starts with, such as `tools[0]: `.
        iso_dates: take YYYY-MM-DD too, as the Agent API was seen to do.

    Raises:
        Refused: a value that the API does not take, or filters that exclude each other.
    """
    recency = given.get("search_recency_filter")
    if recency is not None and recency not in RECENCIES:
        raise _refused(
            f"{where}search recency filter must be one of: {' '.join(RECENCIES)}", "search_recency_filter"
        )
    days = {name: _day(given.get(name), name, where, iso_dates=iso_dates) for name in DATE_FILTERS}
    after, before, updated_after, updated_before = days.values()
    if recency and (after or before):
        raise _refused(
            f"{where}search_recency_filter cannot be combined with search_after_date_filter "
            "or search_before_date_filter",
            "search_recency_filter",
        )
    domains = _domains(given.get("search_domain_filter") or [], where)
    return Filters(
        # The documentation forbids a list that mixes both kinds; the API was seen to accept it.
        allowed=tuple(domain for domain in domains if not domain.startswith("-")),
        denied=tuple(domain[1:] for domain in domains if domain.startswith("-")),
        newest_span=_SPANS[recency] if recency else None,
        after=after,
        before=before,
        updated_after=updated_after,
        updated_before=updated_before,
    )


def _refused(message: str, param: str, kind: str = "invalid_request") -> Refused:
    return Refused(f"validation failed: {message}", type=kind, param=param)


def _day(text: str | None, name: str, where: str, *, iso_dates: bool) -> date | None:
    if text is None:
        return None
    try:
        if found := _US_DATE.fullmatch(text):
            month, day, year = map(int, found.groups())
            return date(year, month, day)
        if iso_dates and len(text) == len("YYYY-MM-DD"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _refused(f"{where}{name} must be a date in MM/DD/YYYY format", name, "invalid_date_format")


def _domains(given: list[str], where: str) -> list[str]:
    name, kind = "search_domain_filter", "invalid_search_domain_filter"
    if len(given) > _MOST_DOMAINS:
        raise _refused(f"{where}{name} must have at most {_MOST_DOMAINS} entries", name, kind)
    for index, domain in enumerate(given):
        if len(domain) > _LONGEST_DOMAIN or not _DOMAIN.fullmatch(domain):
            raise _refused(
                f"{where}{name}[{index}] must be a domain without a scheme, of at most "
                f"{_LONGEST_DOMAIN} characters",
                name,
                kind,
            )
    return [domain.lower() for domain in given]


def _on_domain(url: str, domain: str) -> bool:
    """True for the domain itself, a subdomain, a path below it, or (`.gov`) a whole top-level domain."""
    place = url.partition("://")[2].lower()
    host, _, path = place.partition("/")
    wanted_host, _, wanted_path = domain.partition("/")
    bare = wanted_host.removeprefix("www.").lstrip(".")
    same_host = host == bare or host.endswith(f".{bare}")
    return same_host and path.startswith(wanted_path)


def _within(day: date | None, first: date | None, last: date | None) -> bool:
    if first is None and last is None:
        return True
    return day is not None and (first is None or day >= first) and (last is None or day <= last)
