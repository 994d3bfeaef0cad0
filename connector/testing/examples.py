"""The examples of a connector, each a test: which there are, and where the cassette of one lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from connector.errors import InputError, ManifestError, Problem, did_you_mean
from connector.loading import find
from connector.manifest import Action, Connector, Example


@dataclass(frozen=True)
class ConnectorExample:
    """One example of one action."""

    connector: Connector
    action: Action
    example: Example

    @property
    def id(self) -> str:
        """Its name in a connector: `action/example`."""
        return f"{self.action.id}/{self.example.id}"

    @property
    def cassette(self) -> Path:
        """Where its cassette lies."""
        return path_of(self.connector, self.action, self.example)

    @property
    def command(self) -> str:
        """What records it."""
        name = self.connector.id
        with suppress(ManifestError):  # it is shorter, where it leads there
            if find(name) == self.connector.folder:
                return f"connector record {name}.{self.action.id} {self.example.id}"
        return f"connector record {quote(str(self.connector.folder))} {self.action.id} {self.example.id}"

    def __repr__(self) -> str:
        return f"<example {self.connector.id}.{self.action.id} {self.example.id}>"


def path_of(connector: Connector, action: Action, example: Example) -> Path:
    """The cassette of an example: derived from the manifest, never written by hand.

    Beside the folder `manifests` where the connector lies in one, else inside the connector's own folder.
    """
    folder = connector.folder.resolve()
    root = (
        folder.parent.parent / "cassettes" / folder.name
        if folder.parent.name == "manifests"
        else folder / "cassettes"
    )
    return root / action.id / f"{example.id}.yaml"


def examples(
    connector: Connector, action: str | None = None, example: str | None = None
) -> list[ConnectorExample]:
    """All examples of a connector, those of one action, or one.

    Raises:
        InputError: there is no such action, or it has no such example.
    """
    if action is not None and action not in connector.actions:
        hint = did_you_mean(action, connector.actions)
        raise InputError([Problem("action", f"{connector.id} has no action {action[:200]!r}.", hint)])
    chosen = connector.actions.values() if action is None else [connector.actions[action]]
    return [one for each in chosen for one in _of_action(connector, each, example)]


def _of_action(connector: Connector, action: Action, example: str | None) -> Iterator[ConnectorExample]:
    ids = [one.id for one in action.examples]
    if example is not None and example not in ids:
        hint = did_you_mean(example, ids)
        raise InputError([Problem("example", f"{action.id} has no example {example[:200]!r}.", hint)])
    for one in action.examples:
        if example in {None, one.id}:
            yield ConnectorExample(connector, action, one)


def before(one: ConnectorExample) -> list[ConnectorExample]:
    """What has to run before an example, in this order, so that what it needs is there.

    Raises:
        InputError: an example that there is not, or one that waits for itself.
    """
    known = {f"{each.action.id}.{each.example.id}": each for each in examples(one.connector)}
    return list(_before(one, known, ()))


def _before(
    one: ConnectorExample, known: dict[str, ConnectorExample], begun: tuple[str, ...]
) -> Iterator[ConnectorExample]:
    here = f"{one.action.id}.{one.example.id}"
    if here in begun:
        hint = "Take one out of the examples' `after`."
        raise InputError([Problem(f"example {here}", f"It waits for itself: {' -> '.join(begun)}.", hint)])
    for name in one.example.after:
        if name not in known:
            message = f"It is to run after {name!r}, and there is no such example."
            raise InputError([Problem(f"example {here}", message, did_you_mean(name, known))])
        yield from _before(known[name], known, (*begun, here))
        yield known[name]
