"""How a command ends: the one table of exit codes, and what is said on stderr when it does not end well."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from connector.cli.streams import tell
from connector.cli.visible import visible

if TYPE_CHECKING:
    from connector.errors import ConnectorError, Problem
    from connector.secret import Redactor


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FOUND = 1
    WRONG = 2
    CONNECTION = 3
    REFUSED = 4
    NO_ANSWER = 5
    DRIFT = 6
    FAULT = 70
    INTERRUPTED = 130
    PIPE = 141


MEANINGS = {
    Exit.OK: "it worked",
    Exit.FOUND: "lint, a test or a check found something wrong, rows of a batch are not ok, or you answered no",
    Exit.WRONG: "wrong usage, inputs or manifest; nothing was sent",
    Exit.CONNECTION: "the connection: no key, a wrong one, no credit, not allowed",
    Exit.REFUSED: "the service refused or failed",
    Exit.NO_ANSWER: "no answer: unreachable, too slow or cut off",
    Exit.DRIFT: "the answer does not fit the action's outputs",
    Exit.FAULT: "output cannot be written, or a fault of this program",
    Exit.INTERRUPTED: "interrupted",
    Exit.PIPE: "whoever read the output went away, as `| head` does",
}

_OF_THE_CONNECTION = {"bad_credential", "no_credit", "not_allowed"}


def exit_of(error: ConnectorError) -> Exit:
    """The exit code of an error."""
    from connector import errors

    by_type = (
        (errors.InputError, Exit.WRONG),
        (errors.ManifestError, Exit.WRONG),
        (errors.CredentialError, Exit.CONNECTION),
        (errors.ApiError, Exit.REFUSED),
        (errors.TransportError, Exit.NO_ANSWER),
        (errors.OutputError, Exit.DRIFT),
    )
    if error.kind in _OF_THE_CONNECTION:
        return Exit.CONNECTION
    if error.kind == "bad_cassette":
        return Exit.FOUND
    return next((code for kind, code in by_type if isinstance(error, kind)), Exit.FAULT)


RUNS = (Exit.OK, Exit.WRONG, Exit.CONNECTION, Exit.REFUSED, Exit.NO_ANSWER, Exit.DRIFT, Exit.INTERRUPTED)
"""How a command may end that sends a request."""


def closing(*examples: str, ends: Iterable[Exit]) -> str:
    """The end of a command's help: examples, and the exit codes that it may end with."""
    lines = ["\b", "Example:" if len(examples) == 1 else "Examples:", *(f"  {one}" for one in examples)]
    lines += ["", "\b", "Exit codes:", *(f"  {code:>3}  {MEANINGS[code]}" for code in ends)]
    return "\n".join(lines)


def ended(error: BaseException, redactors: Iterable[Redactor]) -> Exit:
    """Say on stderr what went wrong, without secrets and without a traceback; gives the exit code."""
    code, lines = _ending(error)
    for line in lines:
        text = line
        for redactor in redactors:
            text = redactor.text(text)
        tell(text)
    return code


def _ending(error: BaseException) -> tuple[Exit, Iterable[str]]:
    from connector.errors import ConnectorError

    if isinstance(error, ConnectorError):
        return exit_of(error), _told(error)
    if isinstance(error, click.ClickException):
        return Exit.WRONG, [f"error: {_usage(error)}"]
    if isinstance(error, (KeyboardInterrupt, click.Abort, EOFError)):
        return Exit.INTERRUPTED, [""]  # ends the line on which the terminal wrote ^C
    if os.environ.get("CONNECTOR_DEBUG") == "1":
        import traceback

        return Exit.FAULT, "".join(traceback.format_exception(error)).splitlines()
    if isinstance(error, OSError) and error.strerror:
        place = visible(str(error.filename or "the output"), one_line=True)
        return Exit.FAULT, [f"error: {place}: {error.strerror}."]
    fault = f"error: a fault of this program ({type(error).__name__})."
    return Exit.FAULT, [f"{fault} Please report it, with what it says when CONNECTOR_DEBUG=1 is set."]


def _told(error: ConnectorError) -> Iterator[str]:
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    if not problems:
        yield f"error: {visible(str(error), one_line=True)}"
    elif len(problems) == 1:
        yield from _problem("error: ", problems[0])
    else:
        yield f"error: {visible(error.message, one_line=True)}"
        for problem in problems:
            yield from _problem("- ", problem)


def _problem(prefix: str, problem: Problem) -> Iterator[str]:
    text = f"{problem.where}: {problem.message} {problem.hint}".rstrip()
    yield prefix + visible(text, one_line=True)
    if problem.excerpt:
        yield from visible(problem.excerpt).split("\n")


def _usage(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    if "unexpected extra argument" in message:
        message = "There are too many arguments."  # not which: one may be a key, pasted in the wrong place
    context = getattr(error, "ctx", None)
    see = f" See `{context.command_path} --help`." if context else ""
    return visible(message, one_line=True) + see
