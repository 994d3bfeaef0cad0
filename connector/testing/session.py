"""Examples run as tests by pytest, without a file of Python: its choice of tests, its order of things, its JUnit.

What a person sees is the caller's business: a plugin of pytest, given as `shown`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from connector.errors import ConnectorError
from connector.testing.examples import ConnectorExample
from connector.testing.no_network import NetworkBlocked

Judge = Callable[[ConnectorExample], object]
"""Runs an example; raises what is wrong with it."""

# what pytest does for people who write tests, and not for this
_WITHOUT: Final = (
    *("terminal", "cacheprovider", "faulthandler", "doctest", "unittest", "logging", "warnings"),
    *("unraisableexception", "threadexception"),
)
# settings of whoever calls us are about their tests
_ENVIRONMENT: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None}


def run(
    chosen: Sequence[ConnectorExample],
    judge: Judge,
    shown: object,
    *,
    keyword: str = "",
    stops_at_first: bool = False,
    junit: Path | None = None,
) -> pytest.ExitCode | int:
    """Run examples, in their order.

    Args:
        chosen: the examples.
        judge: what is done with each.
        shown: a plugin of pytest that says how it goes.
        keyword: pytest's expression of which to run, such as `find and not slow`.
        stops_at_first: end with the first failure.
        junit: where to write a report in JUnit's XML.

    Returns:
        pytest's exit code.
    """
    with tempfile.TemporaryDirectory() as empty, _environment(_ENVIRONMENT):
        settings = Path(empty, "pytest.ini")
        settings.write_text("[pytest]\njunit_suite_name = connector\n", encoding="utf-8")
        arguments = ["-c", str(settings), f"--rootdir={empty}", "--noconftest", "--capture=no", empty]
        arguments += [argument for name in _WITHOUT for argument in ("-p", f"no:{name}")]
        arguments += ["-k", keyword] if keyword else []
        arguments += ["-x"] if stops_at_first else []
        arguments += [f"--junitxml={junit}"] if junit is not None else []
        return pytest.main(arguments, plugins=[_Examples(chosen, judge), shown])


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in changes}
    try:
        _set(changes)
        yield
    finally:
        _set(kept)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class _Examples:
    """Gives pytest the tests, where it has found none."""

    def __init__(self, chosen: Sequence[ConnectorExample], judge: Judge) -> None:
        self._chosen = chosen
        self._judge = judge

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        actions: dict[str, _Action] = {}
        for one in self._chosen:
            name = f"{one.connector.id}.{one.action.id}"
            if name not in actions:
                actions[name] = _Action.from_parent(session, name=name, nodeid=name)
            items.append(_Example.of(one, self._judge, actions[name]))


class _Action(pytest.Collector):
    def collect(self) -> Iterable[pytest.Item]:
        return ()


class _Example(pytest.Item):
    one: ConnectorExample
    judge: Judge

    @classmethod
    def of(cls, one: ConnectorExample, judge: Judge, action: _Action) -> _Example:
        made: _Example = cls.from_parent(action, name=one.example.id)
        made.one, made.judge = one, judge
        return made

    def runtest(self) -> None:
        self.judge(self.one)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any, **__: Any) -> Any:
        """What is wrong, for people; a fault of this program with all there is to say about it."""
        if isinstance(excinfo.value, (ConnectorError, NetworkBlocked)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.one.cassette, None, self.one.id
