"""For pytest: the examples of a connector as tests, `connector_example`, and `replay`, which runs one offline.

pytest imports this module wherever this package is installed, so it imports nothing until it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from connector.testing.fixtures import Replay

_EXAMPLE = "connector_example"
_PATHS = "connector_paths"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("connector", "examples of connectors")
    group.addoption(
        "--connector-record",
        choices=("none", "mock", "live"),
        default="none",
        help="Record the examples that `replay` runs anew: against the sandbox or a mock, or the real service, "
        "which may cost money. Without it, nothing is recorded, and no socket is opened.",
    )
    parser.addini(
        _PATHS, "names or folders of connectors, for tests that take `connector_example`", "linelist", []
    )


def pytest_configure(config: pytest.Config) -> None:
    text = "connector_examples(*paths, action=None): run the test once for each example of these connectors"
    config.addinivalue_line("markers", text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _EXAMPLE not in metafunc.fixturenames:
        return
    from connector.testing.fixtures import parameters

    marker = metafunc.definition.get_closest_marker("connector_examples")
    paths = [*marker.args] if marker and marker.args else metafunc.config.getini(_PATHS)
    found = parameters(paths, metafunc.config.rootpath, marker.kwargs if marker else {})
    metafunc.parametrize(_EXAMPLE, found)


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Iterator[Replay]:
    """Runs an example, answered by its cassette; see connector.testing.fixtures.Replay."""
    from connector.testing.fixtures import opened

    with opened(request.config.getoption("--connector-record"), request.node) as replaying:
        yield replaying
