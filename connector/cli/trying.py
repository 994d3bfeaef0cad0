"""`connector try`: one action of a connector that is being written, run and looked at; again whenever it is saved."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from connector.cli.endings import RUNS, Exit, closing, exit_of
from connector.cli.inputs import gather
from connector.cli.opening import connection_to_use, has_credentials
from connector.cli.streams import give, tell
from connector.cli.visible import json_text, visible
from connector.errors import ConnectorError, InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from connector.cli.trial import Trial
    from connector.connection import Connection
    from connector.manifest import Action, Connector

_SECONDS_BETWEEN_LOOKS: Final = 0.25


@dataclass(frozen=True)
class _Wish:
    """What was asked for on the command line; `with_mock` is None where nothing was said."""

    path: str
    action: str
    arguments: tuple[str, ...]
    file: str | None
    route: str | None
    connection: str | None
    base_url: str | None
    deadline: float | None
    with_mock: bool | None
    as_json: bool
    suggest: bool


@dataclass(frozen=True)
class _Answerer:
    connection: Connection
    about: str
    is_mock: bool


@click.command(
    "try",
    short_help="Run an action of your own connector, and look at all of it.",
    epilog=closing(
        "connector try ./my_connector find query=tea",
        "connector try ./my_connector find query=tea --mock --watch",
        "connector try perplexity execute_search --mock",
        ends=(*RUNS[:1], Exit.FOUND, *RUNS[1:]),
    ),
)
@click.argument("path")
@click.argument("action")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[INPUT]...")
@click.option("--input", "file", metavar="FILE", help="A file with a JSON object of inputs; - reads stdin.")
@click.option(
    "--mock/--real",
    "with_mock",
    default=None,
    help="Who answers: a mock made from the manifest, or the service. Without either: the service where "
    "there are credentials for it, else the mock.",
)
@click.option("--watch", is_flag=True, help="Run again whenever a file is saved, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON on stdout.")
@click.option("--route", metavar="NAME", help="The route to take, whatever the connection says.")
@click.option("--connection", metavar="NAME", help="A saved connection.")
@click.option("--base-url", metavar="URL", help="Where requests go, such as a gateway.")
@click.option("--deadline", type=float, metavar="SECONDS", help="When to give up.")
def try_(watch: bool, **said: Any) -> None:
    """Run one action of the connector in PATH, and show the plan, what went over the wire, and the outputs.

    Every output stands beside the type that is derived from its expression, and what in the answer differs
    from the response schema is told. Secrets are masked. Without inputs, those of the action's first example
    are taken; a mock can do without an example.
    """
    wish = _Wish(suggest=False, **said)
    if wish.with_mock and (wish.connection or wish.base_url):
        raise click.UsageError("--mock takes no --connection and no --base-url: it has its own.")
    if not watch:
        code = _once(wish)
        if code != Exit.OK:
            raise click.exceptions.Exit(code)
        return
    if wish.file == "-":
        raise click.UsageError("--watch reads the inputs anew each time, and stdin can be read once.")
    try:
        _watch(wish)
    except KeyboardInterrupt:
        tell("")  # ends the line on which the terminal wrote ^C


def _watch(wish: _Wish) -> None:
    from connector.loading import find

    folder = find(wish.path)
    while True:
        before = _stamps(folder, wish.file)
        _again(wish)
        while _stamps(folder, wish.file) == before:
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _again(wish: _Wish) -> None:
    """One run of many: what goes wrong is shown, and the next save is waited for."""
    from connector.cli.page import Page
    from connector.lint import lint

    if not wish.as_json:
        page = Page()
        page.clear()
    problems = lint(wish.path)
    if problems and wish.as_json:
        give(json_text({"lint": [str(problem) for problem in problems]}, indent=None))
    elif problems:
        page.title("connector lint", f"{len(problems)} to mend; nothing was run")
        page.line()
        for problem in problems:
            page.line(str(problem))
    else:
        try:
            _once(wish, is_watched=True)
        except ConnectorError as error:
            if wish.as_json:
                give(json_text({"error": {"kind": error.kind, "message": str(error)}}, indent=None))
            else:
                page.line(str(error), style="red")
    tell(f"{time.strftime('%H:%M:%S')} Waiting for a file to be saved; Ctrl-C ends.")


def _stamps(folder: Path, file: str | None) -> dict[str, tuple[int, int]]:
    """When each of the files was written, and how long it is."""
    files = [*folder.glob("*.yaml"), *folder.glob("actions/*.yaml"), *([Path(file)] if file else [])]
    stamps = {}
    for path in files:
        try:
            found = path.stat()
        except OSError:  # an editor puts a new file in its place
            continue
        stamps[str(path)] = (found.st_mtime_ns, found.st_size)
    return stamps


def _once(wish: _Wish, *, is_watched: bool = False) -> Exit:
    """One run, shown. Gives the exit code.

    Raises:
        ConnectorError: nothing was sent.
    """
    from connector.cli.trial import tried
    from connector.loading import load
    from connector.observed import Observed
    from connector.run import OpenConnection

    connector = load(wish.path)
    action = _action(connector, wish.action)
    with _answerer(wish, connector) as answerer:
        inputs, whose = _inputs(wish, action, is_mock=answerer.is_mock)
        hidden = {"Authorization", connector.connection.auth.name}
        observed = Observed(answerer.connection.redactor, hidden)
        with OpenConnection(answerer.connection, observed) as opened:
            trial = tried(opened, observed, action, inputs, route=wish.route, deadline=wish.deadline)
    _show(wish, trial, answerer, whose, is_watched=is_watched)
    if not is_watched:
        _tell_lint(wish.path)
    return Exit.OK if trial.error is None else exit_of(trial.error)


def _show(wish: _Wish, trial: Trial, answerer: _Answerer, whose: str, *, is_watched: bool) -> None:
    from connector.cli import trial_shown
    from connector.cli.page import Page

    if wish.as_json:
        answered = {"mock": answerer.is_mock, "base_url": answerer.connection.base_url}
        said = {**answered, "inputs_from": whose or "the command line", **trial_shown.as_json(trial)}
        give(json_text(said, indent=None if is_watched else 2))
        return
    trial_shown.show(Page(), trial, "; ".join(filter(None, (answerer.about, whose))))


def _tell_lint(path: str) -> None:
    from connector.lint import lint

    if count := len(lint(path)):
        problems = "1 problem" if count == 1 else f"{count} problems"
        tell(f"note: `connector lint {visible(path, one_line=True)}` finds {problems}.")


@contextmanager
def _answerer(wish: _Wish, connector: Connector) -> Iterator[_Answerer]:
    """Who answers, for as long as it is needed."""
    is_asked = wish.with_mock or wish.connection or wish.base_url
    is_mock = wish.with_mock
    why = ""
    if is_mock is None:
        is_mock = not is_asked and not has_credentials(connector)
        why = ", for want of credentials"
    if not is_mock:
        connection = connection_to_use(connector, wish.connection, wish.base_url)
        yield _Answerer(connection, f"answered by the service at {connection.base_url}", is_mock=False)
        return
    from connector.connection import resolve
    from connector.mock import Mock

    with Mock(connector, told=lambda line: tell(f"note: {visible(line, one_line=True)}")) as mock:
        connection = resolve(mock.connector, mock.fields, environ={})
        yield _Answerer(connection, f"answered by a MOCK{why}", is_mock=True)


def _inputs(wish: _Wish, action: Action, *, is_mock: bool) -> tuple[Mapping[str, Any], str]:
    """The inputs, and whose they are where nobody gave any."""
    if wish.arguments or wish.file is not None:
        return gather(wish.arguments, wish.file), ""
    for example in action.examples:
        if wish.route is None or example.route in {None, wish.route}:
            return example.inputs, f"inputs of the example {example.id}"
    if is_mock and action.inputs.get("required"):
        from connector.mock import value_for

        wanted = {name: action.input_fields.get(name, {}) for name in action.inputs["required"]}
        return {
            name: value_for(schema, name) for name, schema in wanted.items()
        }, "inputs made from the schema"
    return {}, ""


def _action(connector: Connector, name: str) -> Action:
    if name not in connector.actions:
        message = f"{connector.name} has no action {name[:200]!r}."
        raise InputError([Problem("action", message, did_you_mean(name[:200], connector.actions))])
    return connector.actions[name]
