"""What matters for some inputs: leaving the rest out changes nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, islice
from typing import Any

import pytest
from generated import bounded, fitting
from hypothesis import given
from hypothesis import strategies as st
from mapping import MANIFEST

from connector.checks import completed, input_problems, unsupported
from connector.evaluate import Drift
from connector.manifest import Action, Rule
from connector.relevant import relevant
from connector.template_parser import Within

ROUTES = [
    pytest.param(action, name, id=f"{action.id}-{name}")
    for action in MANIFEST.connector.actions.values()
    for name in action.routes
]


def body(fill: Any, inputs: Any) -> Any:
    try:
        return fill({"inputs": inputs}) if fill else None
    except Drift:
        return Drift


@pytest.mark.parametrize(("action", "name"), ROUTES)
@bounded(15)
@given(drawn=st.data())
def test_the_rest_changes_nothing(action: Action, name: str, drawn: st.DataObject) -> None:
    """For any inputs: the same problems, the same warnings and the same body as with all of the action."""
    names = drawn.draw(st.sets(st.sampled_from(sorted(action.input_fields) or ["x"])))
    given = drawn.draw(st.fixed_dictionaries({n: fitting(action.input_fields.get(n, {})) for n in names}))
    inputs, _ = completed(action, given)
    route = action.routes[name]
    here, rules = relevant(action, name, inputs), (*action.rules, *route.rules)
    assert input_problems(action, here.rules, inputs) == input_problems(action, rules, inputs)
    assert unsupported(here.not_carried, inputs) == unsupported(route.not_carried, inputs)
    whole = route.request.body
    assert body(here.body, inputs) == body(whole.fill if whole else None, inputs)


def test_it_is_found_once() -> None:
    """The same names, in any order, are not looked into again; and not all that ever came is kept."""
    action = MANIFEST.connector.actions["execute_search"]
    first = relevant(action, "search", ["query", "country"])
    assert relevant(action, "search", ["country", "query"]) is first
    for names in islice(combinations(action.input_fields, 4), 200):
        relevant(action, "search", names)
    assert len(action.known) <= 64


def test_names_that_no_action_has_are_not_kept() -> None:
    """They have no end, and each may be long: they neither stay nor push out the others."""
    action = MANIFEST.connector.actions["execute_search"]
    first = relevant(action, "search", ["query"])
    for number in range(200):
        relevant(action, "search", ["query", f"x{number}"])
    assert relevant(action, "search", ["query"]) is first
    assert all(names <= action.input_fields.keys() for _, names in action.known)


def test_it_is_found_for_each_action() -> None:
    """An action that a program has made of another, with the same routes, has rules of its own."""
    action = MANIFEST.connector.actions["execute_search"]
    before = relevant(action, "search", ["query"]).rules
    rule = Rule(when=Within("inputs").expression("${{ inputs.query == 'x' }}", {}), say="Not this.")
    made = relevant(replace(action, rules=(rule,)), "search", ["query"]).rules
    assert rule not in before
    assert rule in made


def test_a_rule_that_names_an_input_twice_is_kept() -> None:
    """It is judged as it is written, though nobody means it."""
    rule = Rule(exclusive=("query", "query"), say="Not this.")
    action = replace(MANIFEST.connector.actions["execute_search"], rules=(rule,))
    found = relevant(action, "search", ["query"])
    assert [told.message for told in input_problems(action, found.rules, {"query": "x"})] == ["Not this."]


def test_what_one_request_had_is_not_in_the_next() -> None:
    """Whoever changes a list or an object of a body changes it there alone, though no input was read for it."""
    template = Within("inputs").template(
        {"rows": "${{ not_null(inputs.x, ['a'])[] }}", "row": "${{ {a: inputs.x} }}"}, {}
    )
    fill = template.given(frozenset()).fill
    once = fill({"inputs": {}})
    once["rows"].append("b")
    once["row"]["b"] = 1
    assert fill({"inputs": {}}) == {"rows": ["a"], "row": {"a": None}}
