"""`connector test`: every example of a connector replayed, or compared with the real service."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.endings import Exit, closing
from connector.cli.naming import complete_words, find_connectors
from connector.cli.opening import is_interactive, open_connection
from connector.cli.recording import EXAMPLES, checked, not_installed
from connector.cli.streams import tell
from connector.cli.visible import visible
from connector.errors import CredentialError, InputError, Problem

if TYPE_CHECKING:
    from connector.run import OpenConnection
    from connector.testing.examples import ConnectorExample


@click.command(
    "test",
    short_help="Replay every example of a connector.",
    help="Replay every example of a connector, of one ACTION, or one EXAMPLE of it, from its cassette.\n"
    f"{EXAMPLES}\n"
    "    No socket is opened and no key is needed. An example passes if it sends what was recorded, uses all of\n"
    "    it, and gives the same outputs. With --live, the real service answers instead, and the shape of its\n"
    "    answers, not their values, is compared with the cassette's: the free check comes first, then what only\n"
    "    asks; what may cost money or change something is sent only after a yes.",
    epilog=closing(
        "connector test perplexity",
        "connector test ./my_connector find -x --junit report.xml",
        "connector test ./my_connector --live",
        ends=(Exit.OK, Exit.FOUND, Exit.WRONG, Exit.CONNECTION, Exit.INTERRUPTED),
    ),
)
@click.argument("words", nargs=-1, metavar="[PATH] [ACTION [EXAMPLE]]", shell_complete=complete_words)
@click.option(
    "-k", "keyword", default="", metavar="EXPR", help="Only examples that fit, such as 'find and not old'."
)
@click.option("-x", "stops", is_flag=True, help="Stop at the first failure.")
@click.option("--junit", metavar="FILE", help="Write a report in JUnit's XML.")
@click.option("--live", is_flag=True, help="Compare with the real service, with your key.")
@click.option("--yes", is_flag=True, help="With --live: run also what may cost money or change something.")
@click.option("--connection", metavar="NAME", help="With --live: a saved connection, as for run.")
def test(
    words: tuple[str, ...],
    keyword: str,
    stops: bool,
    junit: str | None,
    live: bool,
    yes: bool,
    connection: str | None,
) -> None:
    try:
        from connector.testing import session
        from connector.testing.examples import examples
        from connector.testing.replaying import replay_example
    except ImportError as error:
        not_installed(error, "Testing", "pytest and vcrpy")
    from connector.cli.tested_shown import Shown

    if (yes or connection is not None) and not live:
        raise click.UsageError(
            "--yes and --connection go with --live: a replay costs nothing and needs no key."
        )
    checked(words)
    file = _writable(junit)
    chosen = [one for named in find_connectors(words) for one in examples(*named)]
    _need_some(chosen)
    shown = Shown()
    how: Any = {"keyword": keyword, "stops_at_first": stops, "junit": file}
    if live:
        with ExitStack() as stack:
            code = _live(chosen, connection, yes, shown, how, stack)
    else:
        code = session.run(chosen, lambda one: replay_example(one, shown.seen(one)), shown, **how)
    _end(int(code), keyword)


def _live(
    chosen: Sequence[ConnectorExample],
    name: str | None,
    yes: bool,
    shown: Any,
    how: Any,
    stack: ExitStack,
) -> int:
    from connector.testing import session
    from connector.testing.live import compare, is_free, is_retired

    opened: dict[str, OpenConnection] = {}
    for one in chosen:
        if one.connector.id not in opened:
            opened[one.connector.id] = stack.enter_context(open_connection(one.connector, name))
            _check(opened[one.connector.id])
    retired = [one for one in chosen if is_retired(one)]
    free = [one for one in chosen if one not in retired and is_free(one, opened[one.connector.id])]
    others = [one for one in chosen if one not in retired and one not in free]
    if retired:
        shown.left_out["takes a route that the service has retired"] = retired
    if others and not (yes or _agreed(others)):
        shown.left_out["may cost money or change something, and needs --yes"] = others
        others = []
    if not free and not others:
        hint = "Add --yes to run those that may cost money or change something."
        raise InputError([Problem("connector test --live", "There is nothing to run that is free.", hint)])
    return int(
        session.run([*free, *others], lambda one: compare(one, opened[one.connector.id]), shown, **how)
    )


def _check(opened: OpenConnection) -> None:
    """Before anything else, the request that costs nothing."""
    if opened.connector.connection.check is None:
        return
    result = opened.check()
    if result.state != "works":
        where = f"connection {opened.connection.name!r}"
        raise CredentialError(result.message, where=where, hint=result.what_to_do)


def _agreed(others: Sequence[ConnectorExample]) -> bool:
    if not is_interactive():
        return False
    for one in others:
        tell(f"  {visible(one.id, one_line=True)}")
    question = f"These {len(others)} examples may cost money or change something at the service. Run them?"
    return click.confirm(question, err=True)


def _need_some(chosen: Sequence[ConnectorExample]) -> None:
    where = "connector test"
    if not chosen:
        hint = (
            "Write `examples: [{id: ..., inputs: {...}}]` into an action, and record them: connector record"
        )
        raise InputError([Problem(where, "There is nothing to run: there are no examples.", hint)])
    if not any(one.cassette.is_file() for one in chosen):
        message = "There is nothing to replay: no example has a cassette."
        hint = f"Record them; one of them by: {chosen[0].command}"
        raise InputError([Problem(where, message, hint)])


def _writable(junit: str | None) -> Path | None:
    if junit is None:
        return None
    file = Path(junit)
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a path"
        hint = "Give a file in a folder that is there."
        raise InputError(
            [Problem("--junit", f"{junit[:200]!r} cannot be written: {reason}.", hint)]
        ) from None
    return file.absolute()


def _end(code: int, keyword: str) -> None:
    """From pytest's exit code to ours."""
    if code == 5:  # nothing was run
        message = f"There is nothing to run: no example fits -k {keyword!r}."
        raise InputError(
            [Problem("-k", message, "It is matched with action and example: -k 'find and not old'.")]
        )
    if code == 4:
        raise InputError(
            [Problem("-k", f"It is no expression: {keyword!r}.", "Write words with and, or, not.")]
        )
    if code == 2:
        raise KeyboardInterrupt
    if code:
        raise click.exceptions.Exit(Exit.FOUND if code == 1 else Exit.FAULT)
