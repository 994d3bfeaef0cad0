"""ACTION on the command line: which connector and which of its actions are meant.

One rule: the text after the last dot is the action, all before it is a connector's name - of a shipped one, or of
one that another package brings - or a folder. `perplexity.execute_search`, `./folder.execute_search`,
`../v1.2/acme.find`. An action may also stand alone, `execute_search`: it is a shipped connector's, if one of them
has it. Installing a package changes nothing that was already said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from connector.installed import installed
from connector.shipped_files import files_of, shipped_names

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from connector.errors import InputError
    from connector.manifest import Action, Connector


def find_action(text: str) -> tuple[Connector, Action]:
    """The connector, read from its folder, and the action.

    Raises:
        InputError: if the text names no action.
        ManifestError: if it names no connector, or its manifest is wrong.
    """
    from connector.errors import did_you_mean
    from connector.loading import load

    place, _, name = _whole(text).rpartition(".")
    connector = load(place)
    if name not in connector.actions:
        message = f"{connector.name} has no action {name[:200]!r}."
        raise _unknown(text, message, did_you_mean(name, connector.actions))
    return connector, connector.actions[name]


def here_or_shipped() -> list[str]:
    """What is meant where no connector is named: the one in this folder, or else all that are shipped."""
    here = os.path.isfile("connector.yaml")  # noqa: PTH113 - pathlib takes too long for `list`
    return ["."] if here else shipped_names()


def find_connectors(words: Sequence[str]) -> list[tuple[Connector, str | None, str | None]]:
    """What `[PATH] [ACTION [EXAMPLE]]` names: connectors, each with an action's id and an example's, if there are such.

    PATH is a connector's name or a folder; ACTION is an id after it, or stands for both, as in `acme.find`. Without
    any word: the connector in this folder, or else all that are shipped.

    Raises:
        InputError, ManifestError: what is named is not there.
        click.UsageError: there is a word too many.
    """
    from connector.errors import ManifestError
    from connector.loading import find, load

    if not words:
        return [(load(place), None, None) for place in here_or_shipped()]
    first, (second, third) = words[0], (*words[1:], None, None)[:2]
    try:
        find(first)
    except ManifestError:
        is_action = "." in re.split(r"[/\\]", first)[-1] or any(
            action == first for _, action in (*shipped_actions(), *installed_actions())
        )
        if not is_action:
            raise
        if third is not None:
            raise click.UsageError("There are too many arguments.") from None
        connector, chosen = find_action(first)
        return [(connector, chosen.id, second)]
    return [(load(first), second, third)]


def complete_words(_context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """What a shell proposes for the first of `[PATH] [ACTION [EXAMPLE]]`."""
    from click.shell_completion import CompletionItem

    names = [name for name in (*shipped_names(), *installed().connectors) if name.startswith(start)]
    return [*map(CompletionItem, names), *complete_action(_context, _parameter, start)]


def action_ids(place: str, connector: Connector) -> Mapping[str, Action]:
    """Each action under the text that names it on the command line."""
    prefix = re.sub(r"(?<=[^/\\])[/\\]+\Z", "", place)
    return {f"{prefix}.{name}": action for name, action in connector.actions.items()}


def shipped_actions() -> list[tuple[str, str]]:
    """(connector, action) of all that is shipped, by the names of their files."""
    return [(name, action) for name in shipped_names() for action in _actions(files_of(name))]


def installed_actions() -> list[tuple[str, str]]:
    """As shipped_actions, of the connectors that other packages bring."""
    found = installed().connectors.values()
    return [(one.name, action) for one in found for action in _actions(files_of(one.name, one.folder))]


def _actions(files: list[str]) -> list[str]:
    names = (file.rpartition("/")[2] for file in files[1:])
    return [name.removesuffix(".yaml") for name in names if name.endswith(".yaml")]


def complete_action(_context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """What a shell proposes for ACTION."""
    from click.shell_completion import CompletionItem

    names = [f"{connector}.{action}" for connector, action in (*shipped_actions(), *installed_actions())]
    return [CompletionItem(name) for name in names if name.startswith(start)]


def _whole(text: str) -> str:
    """The text with its connector: a bare name becomes `connector.name`."""
    from connector.errors import did_you_mean

    place, _, name = text.rpartition(".")
    if place and not re.search(r"[/\\]", name):
        return text
    known = shipped_actions()
    if re.search(r"[/\\]", text):
        raise _unknown(text, "It names a folder, but no action.", f"Write {text.rstrip('/')}.ACTION.")
    if all(action != text for _, action in known):
        known = [*known, *installed_actions()]
    having = [connector for connector, action in known if action == text]
    if len(having) == 1:
        return f"{having[0]}.{text}"
    if having:
        names = " or ".join(f"{connector}.{text}" for connector in having)
        raise _unknown(text, "Several connectors have an action of this name.", f"Write {names}.")
    of_connector = [f"{connector}.{action}" for connector, action in known if connector == text]
    if of_connector:
        raise _unknown(text, "It is a connector, not an action.", f"Its actions: {', '.join(of_connector)}.")
    wanted = text.removeprefix(".")
    raise _unknown(text, "There is no such action.", did_you_mean(wanted, {action for _, action in known}))


def _unknown(text: str, message: str, hint: str) -> InputError:
    from connector.errors import InputError, Problem

    return InputError([Problem(f"action {text[:200]!r}", message, hint)])
