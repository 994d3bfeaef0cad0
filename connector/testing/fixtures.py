"""What the plugin of pytest gives to tests. It is imported when a test asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import ConnectorError
from connector.installed import installed
from connector.loading import load
from connector.shipped_files import shipped_names
from connector.testing.examples import ConnectorExample, examples

if TYPE_CHECKING:
    from connector.output import Result


class Replay:
    """Runs an example of a connector, answered by its cassette.

    `replay(connector_example).outputs`. While the test lasts, no socket is opened. With
    `--connector-record=mock` or `=live`, the cassette is recorded anew first.
    """

    def __init__(self, mode: str, node: pytest.Item) -> None:
        self._mode = mode
        self._node = node

    def __call__(self, one: ConnectorExample) -> Result:
        """The result of an example.

        Raises:
            CassetteError: there is no cassette, the request differs from the recorded one, a recorded exchange
                was not used, or the outputs differ from the recorded ones.
            ConnectorError: as a run does.
        """
        __tracebackhide__ = True
        from connector.testing.replaying import replay_example

        try:
            if self._mode != "none":
                self._record(one)
            return replay_example(one, self._note)
        except ConnectorError as error:
            failed = error
        raise failed.with_traceback(None) from None  # what lies between is of no use to whoever reads it

    def _record(self, one: ConnectorExample) -> None:
        from connector.testing.recording import record

        for _ in record(one.connector, one.action.id, one.example.id, live=self._mode == "live"):
            pass

    def _note(self, kept: Any) -> None:
        """For reports: what answered, and when."""
        self._node.user_properties += [("recorded_against", kept.against), ("recorded_on", str(kept.on))]


@contextmanager
def opened(mode: str, node: pytest.Item) -> Iterator[Replay]:
    """The fixture `replay`."""
    try:
        from connector.testing.no_network import no_network
        from connector.testing.replaying import replay_example as _needed  # noqa: F401
    except ImportError as error:
        if str(error.name).startswith("connector"):
            raise
        pytest.fail("`replay` needs vcrpy: python -m pip install 'perplexity-connector[test]'", pytrace=False)
    if mode != "none":
        yield Replay(mode, node)
        return
    with no_network():
        yield Replay(mode, node)


def parameters(paths: Iterable[Any], root: Path, options: Mapping[str, Any]) -> list[Any]:
    """The examples of connectors, as pytest's parameters.

    Args:
        paths: names, or folders, seen from pytest's root.
        root: pytest's root.
        options: of the marker: `action`, for the examples of one action.
    """
    action = options.get("action")
    if options.keys() - {"action"} or not isinstance(action, str | None):
        pytest.fail("connector_examples takes names or folders, and action='...'.", pytrace=False)
    try:
        chosen = [one for path in paths for one in examples(load(_place(str(path), root)), action)]
    except ConnectorError as error:
        pytest.fail(f"connector_examples: {error}", pytrace=False)
    if not chosen:
        hint = "Name a connector: @pytest.mark.connector_examples('my_connector'), or connector_paths in pytest's settings."
        pytest.fail(f"connector_example: There are no examples. {hint}", pytrace=False)
    several = len({one.connector.id for one in chosen}) > 1
    return [pytest.param(one, id=_id(one, several=several)) for one in chosen]


def _place(path: str, root: Path) -> str | Path:
    is_name = path in shipped_names() or path in installed().connectors
    return path if is_name else root / path


def _id(one: ConnectorExample, *, several: bool) -> str:
    return f"{one.connector.id}-{one.id}" if several else one.id
