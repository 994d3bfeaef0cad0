"""The built-in corpus, and the choice of documents for a query."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from connector.sandbox.seed import Seed

_WORD = re.compile(r"\w+")
_DULL = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "can", "did", "do", "does", "for", "from"),
        *("how", "i", "in", "is", "it", "me", "of", "on", "or", "that", "the", "this", "to", "was", "were"),
        *("what", "when", "where", "which", "who", "why", "will", "with", "you", "your"),
    )
)
_CONSIDERED_WORDS = 64
# A query that no document knows still gets something to show.
_SHOWN_ANYWAY = 5


@dataclass(frozen=True)
class Document:
    """A synthetic page. `kind` is web, news, academic, sec or people; no country means worldwide."""

    title: str
    url: str
    snippet: str
    published: datetime | None
    updated: date | None
    country: str | None
    language: str
    kind: str
    words: frozenset[str]
    title_words: frozenset[str]

    @property
    def day(self) -> str | None:
        return self.published.date().isoformat() if self.published else None

    @property
    def updated_day(self) -> str | None:
        return self.updated.isoformat() if self.updated else None


def words_of(text: str) -> frozenset[str]:
    """The words that say what a text is about; the first 64 different ones of a long text."""
    found = dict.fromkeys(word for word in _WORD.findall(text[:10_000].casefold()) if word not in _DULL)
    return frozenset(list(found)[:_CONSIDERED_WORDS])


def _document(row: dict[str, Any]) -> Document:
    published = row["published"]
    updated = row["updated"]
    return Document(
        title=row["title"],
        url=row["url"],
        snippet=row["snippet"],
        published=datetime.fromisoformat(published).replace(tzinfo=UTC) if published else None,
        updated=date.fromisoformat(updated) if updated else None,
        country=row["country"],
        language=row["language"],
        kind=row["kind"],
        words=words_of(row["snippet"]),
        title_words=words_of(row["title"]),
    )


@cache
def corpus() -> tuple[Document, ...]:
    text = files("connector.sandbox").joinpath("corpus.json").read_text(encoding="utf-8")
    return tuple(_document(row) for row in json.loads(text))


def rank(queries: Iterable[str], most: int, left_in: Callable[[Document], bool]) -> list[Document]:
    """The best documents for all queries together, best first: one flat list without repetitions."""
    documents = [document for document in corpus() if left_in(document)]
    rankings = [_ranked(query, documents) for query in queries]
    # Turn by turn, so that each of several queries is served before the list is full.
    longest = max(map(len, rankings), default=0)
    turns = [ranking[turn] for turn in range(longest) for ranking in rankings if turn < len(ranking)]
    return list({document.url: document for document in turns}.values())[:most]


def _ranked(query: str, documents: list[Document]) -> list[Document]:
    words = words_of(query)
    scored = [(len(words & document.words) + 3 * len(words & document.title_words)) for document in documents]
    found = sorted(
        (place for place, score in enumerate(scored) if score), key=lambda place: (-scored[place], place)
    )
    if len(found) < _SHOWN_ANYWAY:
        seed = Seed("fallback", query)
        rest = [place for place, score in enumerate(scored) if not score]
        rest.sort(key=lambda place: seed.number(documents[place].url, 1 << 32))
        found += rest[: _SHOWN_ANYWAY - len(found)]
    return [documents[place] for place in found]
