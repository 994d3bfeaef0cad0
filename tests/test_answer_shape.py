"""What answers look like, and how two looks differ: fields and types, never values."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from connector.testing.answer_shape import AnswerShape, differences, drifted, shape_of


def shape(*bodies: Any, form: str = "application/json", method: str = "POST") -> AnswerShape:
    """Of answers with these bodies."""
    contents = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
    answers = [
        {"status": {"code": 200}, "headers": {"Content-Type": [form]}, "body": {"string": content}}
        for content in contents
    ]
    return shape_of([SimpleNamespace(method=method)] * len(answers), answers)


CHANGES: list[Any] = [
    pytest.param({"a": "x"}, {"a": "y"}, [], [], id="another value"),
    pytest.param({"a": 1}, {"a": 1.5}, [], [], id="another number"),
    pytest.param({"a": [1, 2]}, {"a": [3]}, [], [], id="another length"),
    pytest.param({"a": 1}, {"a": 1, "b": 2}, ["+ body.b: number"], [], id="a new field"),
    pytest.param({"a": 1, "b": 2}, {"a": 1}, ["- body.b: number"], ["- body.b: number"], id="a field is gone"),
    pytest.param({"a": 1}, {"a": "1"}, ["~ body.a: number -> text"], ["~ body.a: number -> text"], id="another type"),
    pytest.param({"a": 1}, {"a": None}, ["~ body.a: number -> null"], [], id="null now"),
    pytest.param({"a": None}, {"a": 1}, ["~ body.a: null -> number"], [], id="null then"),
    pytest.param({"a": [{"b": 1}]}, {"a": []}, ["- body.a[]: object", "- body.a[].b: number"], [], id="an empty list"),
    pytest.param({"a": [{"b": 1}]}, {"a": [{}]}, ["- body.a[].b: number"], ["- body.a[].b: number"], id="a column is gone"),
    pytest.param({"a": True}, {"a": 1}, ["~ body.a: true or false -> number"], ["~ body.a: true or false -> number"], id="one for true"),
    pytest.param({"a": {"b": 1}}, {"a": None}, ["~ body.a: object -> null", "- body.a.b: number"], [], id="no object"),
    pytest.param([1], {"a": 1}, ["~ body: list -> object", "+ body.a: number", "- body[]: number"], ["~ body: list -> object"], id="no list"),
    pytest.param({"a": 1}, b"<p>", ["~ body: object -> text", "- body.a: number"], ["~ body: object -> text"], id="a page"),
    pytest.param({"a": 1}, b"", ["~ body: object -> nothing", "- body.a: number"], ["~ body: object -> nothing"], id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "changed", "live"), CHANGES)
def test_how_shapes_differ(before: Any, after: Any, changed: list[str], live: list[str]) -> None:
    """A recording tells every difference; another day's answer only what it could not be without reason."""
    assert differences(shape(before), shape(after)) == changed
    assert drifted(shape(before), shape(after)) == live


def test_values_are_not_in_it() -> None:
    """A shape can be shown to anybody."""
    assert "test-value" not in str(shape({"a": ["test-value"], "b": {"c": "test-value"}}))


def test_streams_are_seen_event_by_event() -> None:
    """Their names, and the fields of their data."""
    one = b'event: begun\ndata: {"id": "x"}\n\nevent: done\ndata: {"id": "x", "cost": 1}\n\ndata: [DONE]\n\n'
    other = one.replace(b"cost", b"price").replace(b"begun", b"started")
    form = "text/event-stream; charset=utf-8"
    assert differences(shape(one, form=form), shape(other, form=form)) == [
        "- event begun: event",
        "+ event started: event",
        "- event.cost: number",
        "+ event.price: number",
    ]


def test_how_often_it_was_asked_again_is_no_difference() -> None:
    """Answers to one method are taken together."""
    assert shape({"status": "queued"}) == shape({"status": "queued"}, {"status": "done"})


def test_a_long_list_is_cut() -> None:
    """Nobody reads a thousand lines."""
    lines = differences(shape({}), shape({f"f{number}": 1 for number in range(1000)}))
    assert (len(lines), lines[-1]) == (31, "and 970 more")
