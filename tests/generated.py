"""What the property tests draw from. `bounded` makes them the same on every run, and short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_Test = TypeVar("_Test", bound=Callable[..., None])


def bounded(examples: int) -> Callable[[_Test], _Test]:
    """Run a property test on so many examples, always the same ones."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
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
