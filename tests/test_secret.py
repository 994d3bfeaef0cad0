"""Secrets: they print as a mask, and no form of them is left in what people see."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from generated import JSON, bounded
from hypothesis import given
from hypothesis import strategies as st

from connector.secret import MASK, Redactor, Secret

KEY = "pplx-test-a/b+c d\"e'é"
PLAIN = "pplx-test-0123456789"


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(KEY)),
        repr(Secret(KEY)),
        f"{Secret(KEY)}",
        f"{Secret(KEY)!r:>40}",
        "%s" % Secret(KEY),  # noqa: UP031 - one of the ways to print
        repr({"key": [Secret(KEY)]}),
    ],
)
def test_prints_as_a_mask(shown: str) -> None:
    """Whichever way a secret is printed, a mask comes out."""
    assert MASK in shown
    assert "pplx" not in shown


@pytest.mark.parametrize("move", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
def test_does_not_travel(move: Callable[[Secret], object]) -> None:
    """A secret is neither copied nor pickled, so no dump of an object holds it."""
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        move(Secret(KEY))


def test_compares_by_text() -> None:
    """Secrets of one text are equal and hash alike; no text equals a secret."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_is_false_when_empty() -> None:
    """An empty secret is no secret."""
    assert Secret("a")
    assert not Secret("")


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1],
    "json with letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent in lower case": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), urllib.parse.quote(text, safe="")
    ),
    "percent with slashes": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "html": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("key", [KEY, PLAIN], ids=["odd", "plain"])
def test_every_form_is_masked(key: str, form: Callable[[str], str]) -> None:
    """However a text holds the secret, the mask stands in its place."""
    assert Redactor([Secret(key)]).text(f"<{form(key)}>").strip("<>").rstrip("=") == MASK


@pytest.mark.parametrize("before", ["", "u", "us", "user", "a longer name"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
def test_inside_base64(before: str, after: str) -> None:
    """The secret in the base64 of `user:secret` is masked, wherever it begins."""
    encoded = base64.b64encode(f"{before}{PLAIN}{after}".encode()).decode()
    masked = Redactor([Secret(PLAIN)]).text(encoded)
    assert MASK in masked
    assert len(masked.replace(MASK, "")) <= len(encoded) - len(PLAIN)


@pytest.mark.parametrize(
    ("keys", "text", "masked"),
    [
        (["abc", "abcdef"], "abcdef abc", f"{MASK} {MASK}"),
        (["abc", "cde"], "abcde", MASK),
        (["abab"], "xababab", f"x{MASK}"),
        (["abc", "*d"], "abcd", MASK[:-1] + MASK),
        (["*"], "a*b", "a*b"),
    ],
    ids=["one in the other", "overlapping", "with itself", "mask and neighbour", "part of the mask"],
)
def test_secrets_that_meet(keys: list[str], text: str, masked: str) -> None:
    """Where secrets meet in a text, nothing of either can be read."""
    assert Redactor(map(Secret, keys)).text(text) == masked


def test_nothing_to_hide() -> None:
    """Without a secret, or with an empty one, a text stays as it is."""
    assert Redactor([]).text("abc") == "abc"
    assert Redactor([Secret("")]).text("abc") == "abc"


def test_values() -> None:
    """Texts and keys anywhere in a JSON value are masked; all else keeps its type."""
    value = {"a": [f"x {PLAIN}", 1, None, True], PLAIN: {"b": 2.5}}
    assert Redactor([Secret(PLAIN)]).value(value) == {"a": [f"x {MASK}", 1, None, True], MASK: {"b": 2.5}}


@bounded(150)
@given(
    st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3),
    st.lists(st.one_of(st.sampled_from(sorted(FORMS)), st.text(max_size=4)), max_size=6),
)
def test_no_form_is_left(keys: list[str], pieces: list[str]) -> None:
    """In a text put together of any secrets in any forms and anything else, no form of any is left."""
    keys = [key for key in keys if key.strip("*") and key.isprintable()]
    text = "".join(
        FORMS[piece](keys[number % len(keys)]) if piece in FORMS and keys else piece
        for number, piece in enumerate(pieces)
    )
    masked = Redactor(map(Secret, keys)).text(text)
    assert not [form for key in keys for form in FORMS.values() if form(key) in masked]


@bounded(100)
@given(JSON)
def test_values_without_secrets_stay(value: Any) -> None:
    """A value that holds no secret is unchanged."""
    assert Redactor([Secret(PLAIN)]).value(value) == value
