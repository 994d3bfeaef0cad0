"""What the property tests draw from. `bounded` makes them the same on every run, and short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from connector.errors import InputError
from connector.manifest import Action, Connector
from connector.pattern import matches
from connector.plan import Plan, plan

settings.register_profile("long")  # before pytest reads --hypothesis-profile: conftest.py imports this module

TODAY = date(2026, 11, 21)
_Test = TypeVar("_Test", bound=Callable[..., None])


def bounded(examples: int) -> Callable[[_Test], _Test]:
    """Run a property test on so many examples, always the same ones; under the profile `long`, on others and more.

    The long run: python -m pytest tests/test_properties.py --hypothesis-profile=long
    """
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
    if settings.get_current_profile_name() == "long":
        return settings(max_examples=examples * 50, deadline=None, suppress_health_check=checks)
    return settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=checks
    )


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["${{ inputs.x }}", "{{7*7}}", "${{", "}}", '"', "'", "a\nb", "2024", "null", "true", "[]", "é🔑", ""]
    ),
)
"""Any text, and often one that another program would read as something else."""

NUMBERS = st.one_of(st.integers(-(2**63), 2**64), st.floats(allow_nan=False, allow_infinity=False, width=64))

JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
"""Any JSON value."""


_OF_PATTERNS = ("en", "US", "09/27/2026", "https://a.test/b", "openai/gpt-6", "fast", "a.test", "abc")


def sample(schema: Any, text: str = "abc") -> Any:
    """One value that fits a schema of the shipped manifests, with that text wherever any text may stand."""
    for word in ("const", "enum"):
        if word in schema:
            return schema[word] if word == "const" else schema[word][0]
    if "pattern" in schema:
        return next(word for word in _OF_PATTERNS if matches(schema["pattern"], word))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            rest = {name: value for name, value in schema.items() if name != word}
            return sample({**rest, **schema[word][0]}, text)
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        wanted = schema.get("properties", {})
        names = schema.get("required", ()) or (
            () if "additionalProperties" not in schema else list(wanted)[:1]
        )
        return {name: sample(wanted.get(name, {}), text) for name in names} or {"a": text}
    if kind == "array":
        return [sample(schema.get("items", {}), text)] * schema.get("minItems", 1)
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 20), min(20, schema.get("maximum", 20)))
    return {"string": text, "boolean": True, "null": None}[kind]


_BESIDE: dict[str, dict[str, Any]] = {
    "create_chat_completion": {"model": "sonar"},
    "create_response": {
        "effort": "low",
        "web_search": True,
        "fetch_url": True,
        "image_search": True,
        "background": True,
        "json_schema": {"type": "object"},
    },
    "decide": {"questions": {"a": {"type": "noul", "instructions": "Is it?"}}},
    "get_response": {"stream": True},
    "verify_citations": {"text": "Water is wet."},
}
"""What rules ask for beside the required inputs."""


def planned(connector: Connector, action: Action, route: str, name: str, text: str = "abc") -> Plan | None:
    """The plan with what the action needs and a sample of one input; None if the two exclude each other."""
    beside = _BESIDE.get(action.id, {})
    inputs = {
        field: sample(action.input_fields[field], text)
        for field in (*action.inputs.get("required", ()), name)
    }
    kept = {
        field: value for field, value in beside.items() if field != name or field in {"model", "questions"}
    }
    try:
        return plan(connector, action, {**inputs, **kept}, today=TODAY, route=route)
    except InputError:
        return None


def fitting(schema: Any) -> st.SearchStrategy[Any]:
    """Values of which most fit a schema of the shipped manifests."""
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema["enum"] if "enum" in schema else [schema["const"]])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            rest = {name: value for name, value in schema.items() if name != word}
            return st.one_of([fitting({**rest, **branch}) for branch in schema[word]])
    kinds = schema.get("type", ["string", "object"])
    return st.one_of([_of_type(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def _of_type(kind: str, schema: Any) -> st.SearchStrategy[Any]:
    if kind == "object":
        fields, required = schema.get("properties", {}), schema.get("required", ())
        if not fields:
            return st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=2)
        return st.fixed_dictionaries(
            {name: fitting(fields[name]) for name in required if name in fields},
            optional={name: fitting(field) for name, field in fields.items() if name not in required},
        )
    if kind == "array":
        least = schema.get("minItems", 0)
        return st.lists(fitting(schema.get("items", {})), min_size=least, max_size=least + 2)
    if kind == "string":
        if "pattern" in schema:
            return st.from_regex(schema["pattern"].replace("$", r"\Z"), fullmatch=False)
        return TEXTS.filter(lambda text: len(text) >= schema.get("minLength", 0))
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "integer":
        return st.integers(low, high if high is not None else 10**6)
    if kind == "number":
        return st.floats(low, high, allow_nan=False, allow_infinity=False)
    return st.booleans() if kind == "boolean" else st.none()
