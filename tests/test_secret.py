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


@pytest.mark.hazard("D5")
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


@pytest.mark.hazard("D5")
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
    "hex": lambda text: text.encode().hex(),
    "python": lambda text: repr(text)[1:-1],
    "python bytes": lambda text: repr(text.encode())[2:-1],
}


@pytest.mark.hazard("D1")
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


@pytest.mark.hazard("D1")
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"wrong key: {PLAIN[:8]}...", f"wrong key: {MASK}..."),
        (f"wrong key: {PLAIN[:13]}*****{PLAIN[-4:]}", f"wrong key: {MASK}*****{PLAIN[-4:]}"),
        (f"ends in {PLAIN[-8:]}", f"ends in {MASK}"),
        (f"{PLAIN[:10]}{PLAIN}{PLAIN[4:]}", MASK * 3),
        (base64.b64encode(PLAIN.encode()).decode()[:12], MASK),
        (PLAIN[:7], PLAIN[:7]),
        (PLAIN[2:12], PLAIN[2:12]),
    ],
    ids=["beginning", "both ends", "end", "in a row", "of base64", "too short to tell", "from the middle"],
)
def test_the_ends_of_a_secret_are_masked(text: str, masked: str) -> None:
    """Services quote the beginning or the end of a key; from 8 characters on, it goes."""
    assert Redactor([Secret(PLAIN)]).text(text) == masked


@pytest.mark.parametrize("text", [PLAIN[:8], PLAIN[-8:]])
def test_what_an_action_gives_keeps_words_that_begin_a_secret(text: str) -> None:
    """There, only a whole secret is one."""
    assert Redactor([Secret(PLAIN)], cut=False).text(f"{text} {PLAIN}") == f"{text} {MASK}"


@pytest.mark.parametrize("key", ["*" * 20 + "a", "a" + "*" * 20, "aaaaaaaa" * 3, "ab" * 12])
def test_odd_secrets_end(key: str) -> None:
    """Secrets made of the mask's own sign, or of one that repeats, are masked, and that ends."""
    masked = Redactor([Secret(key)]).text(f"x{key}{key[:9]}{key}{key[5:]}y")
    assert key not in masked
    assert "aaaaaaaa" not in masked


SOME = "abcd\n:-"


@pytest.mark.hazard("D3")
def test_no_eight_characters_are_left(figure: Callable[[str, str], None]) -> None:
    """Whatever is put together of secrets, in whole or cut off, no 8 characters of any are left in a row.

    The secrets overlap, hold one another, are short, or go over several lines.
    """
    tried = 0

    @bounded(300)
    @given(st.lists(st.text(SOME, min_size=3, max_size=30), min_size=1, max_size=3), st.data())
    def holds(keys: list[str], data: st.DataObject) -> None:
        nonlocal tried
        keys += [key[4:14] for key in keys if len(key) > 16]  # parts of others
        pieces = st.one_of(st.sampled_from(keys).flatmap(_cut), st.sampled_from(["", " ", "x"]))
        text = "".join(data.draw(st.lists(pieces, max_size=5)))
        masked = Redactor(map(Secret, keys)).text(text)
        tried += 1
        long = [key for key in keys if len(key) >= 16]
        left = [key[at : at + 8] for key in long for at in range(len(key) - 7) if key[at : at + 8] in masked]
        assert left == []
        assert not [key for key in keys if key in masked]

    holds()
    figure("D3", f"0 residues of 8 characters in {tried} texts")


def _cut(key: str) -> st.SearchStrategy[str]:
    """The key, or its beginning or end."""
    if len(key) < 16:
        return st.just(key)
    return st.one_of(
        st.just(key),
        st.integers(8, len(key)).map(lambda length: key[:length]),
        st.integers(8, len(key)).map(lambda length: key[-length:]),
    )


@bounded(100)
@given(JSON)
def test_values_without_secrets_stay(value: Any) -> None:
    """A value that holds no secret is unchanged."""
    assert Redactor([Secret(PLAIN)]).value(value) == value


def test_a_redactor_learns_for_whoever_holds_it() -> None:
    """A token that comes later is masked in all of its forms; of many, the last few are kept in mind."""
    redactor = Redactor([Secret(KEY)])
    hide, tokens = redactor.text, [f"{number}" * 20 for number in range(6)]
    for token in tokens:
        redactor.learn(Secret(token))
        redactor.learn(Secret(token))
    assert hide(f"{KEY} {tokens[5]} {tokens[2]}") == f"{MASK} {MASK} {MASK}"
    assert hide(base64.b64encode(tokens[4].encode()).decode()) == f"{MASK}="
    assert hide(tokens[0]) == tokens[0]
