"""`connector import curl`: a connector from a cURL command."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import give, tell
from connector.cli.visible import visible

if TYPE_CHECKING:
    from connector.importing.draft import Draft

_LARGEST = 4_000_000  # bytes


@click.command(
    "curl",
    short_help="Make a connector from a cURL command.",
    epilog=closing(
        "connector import curl 'curl https://api.example.com/v1/things -H \"X-Api-Key: $KEY\"'",
        "connector import curl --file command.txt -o ./acme --response answer.json",
        "pbpaste | connector import curl - --add-to ./acme",
        ends=(Exit.OK, Exit.WRONG, Exit.FAULT),
    ),
)
@click.argument("command", required=False)
@click.option("--file", "file", metavar="FILE", help="Read the command from a file; - reads stdin.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The folder to write; ./<id> if absent."
)
@click.option("--id", "connector_id", default="", help="The connector's id; made from the host if absent.")
@click.option("--name", default="", help="The connector's name; made from its id if absent.")
@click.option("--action", default="", help="The action's id; made from the path if absent.")
@click.option(
    "--response", metavar="FILE", help="An answer of the service, as JSON: outputs are made from it."
)
@click.option(
    "--add-to",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Add the action to the connector in FOLDER.",
)
@click.option(
    "--force", is_flag=True, help="Replace the connector that is in the folder; with --add-to, the action."
)
def curl(
    command: str | None,
    file: str | None,
    output: Path | None,
    connector_id: str,
    name: str,
    action: str,
    response: str | None,
    add_to: Path | None,
    force: bool,
) -> None:
    """Make a connector with one action from COMMAND: a cURL command in quotes; without it, or as `-`, from stdin.

    No shell runs, nothing is sent, and no file that the command names is read. What the command sends becomes
    inputs, with its values as defaults; the key in it becomes a field of the connection and stands in no file.
    What cannot be said is told on stderr, or refused.
    """
    from connector.importing.curl import Named, imported
    from connector.importing.draft import write
    from connector.importing.linted import linted

    if add_to is not None and (output or connector_id or name):
        raise click.UsageError("--add-to takes its connector from the folder: leave out -o, --id and --name.")
    _check_id(connector_id, "--id")
    _check_id(action, "--action")
    answer = None if response is None else _read(response)
    draft = imported(_command(command, file), Named(connector_id, name, action), answer=answer)
    if add_to is not None:
        folder = _added(draft, add_to, force=force)
    else:
        folder = output or Path(str(draft.connector["id"]))
        write(linted(draft), folder, is_forced=force)
    for sentence in draft.left_out:
        tell(visible(f"note: {sentence}", one_line=True))
    (action_id,) = draft.actions
    give(visible(f"{folder}: {action_id}", one_line=True))
    for line in _next_steps(draft, folder, action_id, has_sample=response is not None):
        tell(visible(line, one_line=True))


def _added(draft: Draft, folder: Path, *, force: bool) -> Path:
    """Add the draft's action to the connector in a folder.

    Raises:
        ManifestError: there is none, or the action is of another host.
    """
    from connector.importing.draft import add
    from connector.importing.joining import joined
    from connector.importing.linted import linted

    whole = joined(draft, folder)
    linted(whole.draft)
    ((action_id, action),) = whole.draft.actions.items()
    add(action_id, action, whole.folder, is_forced=force)
    for sentence in whole.draft.left_out:
        tell(visible(f"note: {sentence}", one_line=True))
    return whole.folder


def _check_id(text: str, option: str) -> None:
    if text and not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", text):
        message = "Use lower-case letters, digits and _, at most 64, beginning with a letter."
        raise click.BadParameter(message, param_hint=option)


def _command(text: str | None, file: str | None) -> str:
    if text not in {None, "-"} and file is not None:
        raise click.UsageError("Give the command as an argument or in a file, not both.")
    if text not in {None, "-"}:
        return str(text)
    if text is None and file is None and sys.stdin.isatty():
        raise click.UsageError("Give a cURL command in quotes, or --file FILE.")
    content = _read("-" if file is None else file)
    for encoding in ("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            break
    raise click.UsageError("The command is not UTF-8 text.")


def _read(file: str) -> bytes:
    """The bytes of a file that the caller named, or of stdin."""
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if len(content) > _LARGEST:
        raise click.UsageError(f"{file} has more than {_LARGEST:,} bytes.")
    return content


def _next_steps(draft: Draft, folder: Path, action_id: str, *, has_sample: bool) -> list[str]:
    """What to type now."""
    place = (
        folder.as_posix() if folder.is_absolute() or str(folder).startswith(".") else f"./{folder.as_posix()}"
    )
    action = draft.actions[action_id]
    inputs = action["inputs"]["properties"]
    signs = {name: "=" if inputs[name].get("type") == "string" else ":=" for name in inputs}
    needed = " ".join(f"{name}{signs[name]}..." for name in action["inputs"].get("required", ()))
    run = f"{place}.{action_id} {needed}".rstrip()
    form: dict[str, Any] = draft.connector["connection"]["fields"]
    variables = [
        f"{draft.connector['id']}_{name}".upper() for name in form["required"] if name != "connection_name"
    ]
    lines = ["Next:", f"  connector plan {run}    # the exact request; nothing is sent"]
    lines.append(f"  connector try {place} {action_id} --mock    # a mock of the service answers")
    lines += [f"  export {variable}=..." for variable in variables]
    if has_sample:
        return [*lines, f"  connector run {run}"]
    lines.append(f"  connector run {run} > answer.json")
    return [*lines, "For flat, typed outputs, import again with --response answer.json --force."]
