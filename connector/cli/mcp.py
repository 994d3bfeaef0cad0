"""`connector mcp`: the actions as tools, for the clients of the Model Context Protocol."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from connector.cli import garbage
from connector.cli.endings import Exit, closing
from connector.cli.naming import complete_action, find_action
from connector.cli.opening import listed, resolved, saved, secret_variables
from connector.cli.streams import give, tell
from connector.cli.visible import json_text, visible
from connector.errors import ConnectorError, CredentialError, InputError, Problem
from connector.secret import Secret
from connector.shipped_files import shipped_names

if TYPE_CHECKING:
    from connector.connection import Connection
    from connector.manifest import Action, Connector
    from connector.mcp.calls import Calls
    from connector.mcp.tools import Tool
    from connector.saved_files import ListedConnection

_PORT = 8766
_SEPARATOR = re.compile(r"[/\\]")


@click.command(
    "mcp",
    short_help="Serve the actions as tools of MCP, to assistants and editors.",
    epilog=closing(
        "connector mcp --print-config claude",
        "connector mcp --actions execute_search,create_chat_completion",
        "connector mcp --http --port 8766",
        ends=(Exit.OK, Exit.WRONG, Exit.CONNECTION, Exit.INTERRUPTED),
    ),
)
@click.option(
    "--connection",
    "connections",
    multiple=True,
    metavar="NAME",
    help="A saved connection; one for each connector. Without it: the environment (PERPLEXITY_API_KEY, ...), or, "
    "where that is silent, the saved connection that has the connector's name.",
)
@click.option(
    "--actions",
    multiple=True,
    metavar="NAME,...",
    shell_complete=complete_action,
    help="Only these: actions (execute_search, ./folder.find), or all of a connector (perplexity, ./folder). "
    "Without it: all that are shipped.",
)
@click.option(
    "--tools",
    "kind",
    type=click.Choice(["actions", "vendor", "directory"]),
    default="actions",
    show_default=True,
    help="A tool for each action; or the names and inputs of the vendor's own server, or of a public directory.",
)
@click.option("--http", "over_http", is_flag=True, help="Over streamable HTTP, instead of stdin and stdout.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0: any free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen. One that other computers reach needs --auth-token-env.",
)
@click.option(
    "--host-name",
    "names",
    multiple=True,
    metavar="NAME[:PORT]",
    help="Another name in the Host header that is this server's, such as that of a proxy before it.",
)
@click.option(
    "--auth-token-env",
    "token_variable",
    metavar="NAME",
    help="The environment variable with the bearer token that clients have to send.",
)
@click.option(
    "--print-config",
    "client",
    type=click.Choice(["claude", "cursor", "vscode"]),
    help="Print what this client's settings need for this very command, and end.",
)
def mcp(
    connections: tuple[str, ...],
    actions: tuple[str, ...],
    kind: Any,
    over_http: bool,
    port: int,
    host: str,
    names: tuple[str, ...],
    token_variable: str | None,
    client: Any,
) -> None:
    """Serve every action as a tool, to assistants and editors that speak the Model Context Protocol.

    A client starts this command and speaks to it over stdin and stdout; --print-config says what to put into the
    client's settings. With --http it is a server of its own, until Ctrl-C. The tools are listed without a key;
    what is missing is told when one is called. Stdout carries nothing but the protocol, all else goes to stderr.
    """
    if not over_http:
        _only_over_http(names=names, token=token_variable)
    wanted = [name for text in actions for part in text.split(",") if (name := part.strip())]
    tools = _tools(kind, wanted)
    chosen = _chosen(connections, tools.values())
    if client is not None:
        from connector.mcp.configuration import url

        chosen = {**_of_their_names(tools.values()), **chosen}
        again = _arguments([one.name for one in chosen.values()], wanted, kind)
        _print_config(
            client,
            tools,
            chosen,
            again,
            address=url(host, port, names) if over_http and port else None,
            over_http=over_http,
            token_variable=token_variable,
        )
        return
    token = _token(token_variable)
    _need_sdk()
    calls = _calls(chosen)
    if not over_http:
        from connector.mcp import stdio

        if sys.stdin.isatty():
            tell(
                "A client of MCP is expected on stdin: --print-config says how it starts this. Ctrl-C ends it."
            )
        stdio.serve(tools, calls)
        return
    from connector.mcp import listening

    def ready(url: str) -> None:
        tell(f"{len(tools)} tools at {url}. Ctrl-C ends it.")
        for connector in {tool.connector.id: tool.connector for tool in tools.values()}.values():
            try:
                calls.resolve(connector)
            except ConnectorError as error:
                tell(
                    f"warning: no tool of {connector.name} can be called yet. {visible(str(error), one_line=True)}"
                )

    try:
        listening.serve(tools, calls, port=port, ready=ready, host=host, names=names, token=token)
    except OSError as error:
        from socket import gaierror

        in_use = error.errno == errno.EADDRINUSE
        message = "It is in use." if in_use else f"It cannot be listened on: {error.strerror or error}."
        hint = "Choose another with --port; --port 0 takes any free one."
        if isinstance(error, gaierror) or error.errno == errno.EADDRNOTAVAIL:
            hint = "Give --host an address of this computer, such as 0.0.0.0 for all of them."
        raise InputError([Problem(f"{host} port {port}", message, hint)]) from None


def _only_over_http(*, names: Sequence[str], token: str | None) -> None:
    given = [option for option, value in (("--host-name", names), ("--auth-token-env", token)) if value]
    if given:
        raise click.UsageError(
            f"{given[0]} is for --http: stdin and stdout belong to whoever starts the server."
        )


def _tools(kind: Any, wanted: Sequence[str]) -> dict[str, Tool]:
    from connector.loading import load
    from connector.mcp.tools import tools_of

    if kind == "actions":
        found = [pair for name in wanted or shipped_names() for pair in _actions(name)]
        return tools_of(
            {(connector.folder, action.id): (connector, action) for connector, action in found}.values()
        )
    from connector.mcp.aliases import aliases

    if wanted:
        raise click.UsageError(f"--actions chooses among actions; --tools {kind} has tools of its own.")
    return aliases(kind, load("perplexity"))


def _actions(name: str) -> list[tuple[Connector, Action]]:
    """One action, or all of a connector."""
    from connector.loading import load

    is_folder = os.path.isfile(os.path.join(name, "connector.yaml"))  # noqa: PTH113, PTH118 - no time for pathlib
    if name in shipped_names() or is_folder:
        connector = load(name)
        return [(connector, action) for action in connector.actions.values()]
    place, _, last = name.rpartition(".")
    if _SEPARATOR.search(last if place else name):
        load(name)  # it says what the folder lacks
    return [find_action(name)]


def _of_their_names(tools: Iterable[Tool]) -> dict[str, ListedConnection]:
    """The saved connections that bear their connectors' names: settings name them, and need no key beside them."""
    served = {tool.connector.id for tool in tools}
    return {one.connector: one for one in saved().names() if one.name == one.connector in served}


def _chosen(connections: Iterable[str], tools: Iterable[Tool]) -> dict[str, ListedConnection]:
    """The saved connection to use for each connector, by its id."""
    chosen: dict[str, ListedConnection] = {}
    served = {tool.connector.id for tool in tools}
    for name in connections:
        one = listed(saved(), name)
        where = f"connection {name!r}"
        if one.connector not in served:
            message = f"It is a connection of {one.connector}, of which no action is served."
            raise CredentialError(message, where=where, hint=f"Choose one of: {', '.join(sorted(served))}.")
        if one.connector in chosen:
            message = f"{chosen[one.connector].name!r} is a connection of {one.connector} too."
            raise CredentialError(message, where=where, hint="Choose one for each connector.")
        chosen[one.connector] = one
    return chosen


def _token(variable: str | None) -> Secret | None:
    if variable is None:
        return None
    text = os.environ.get(variable, "").strip()
    if not text:
        message = "It is not set, or empty."
        hint = f"Set it to what clients have to send: export {variable}=$(openssl rand -hex 32)"
        raise CredentialError(message, where=f"environment variable {variable[:64]}", hint=hint)
    return Secret(text)


def _need_sdk() -> None:
    if find_spec("mcp_types") is None:  # a part of the SDK from version 2 on
        older = "an older version of " if find_spec("mcp") else "no "
        raise InputError(
            [
                Problem(
                    "connector mcp",
                    f"There is {older}package mcp, the protocol's official SDK.",
                    "Install it: python -m pip install 'perplexity-connector[mcp]'",
                )
            ]
        )


def _calls(chosen: Mapping[str, ListedConnection]) -> Calls:
    from connector.cli.running import note_usage
    from connector.mcp.calls import Calls

    redactors = click.get_current_context().obj
    known: dict[str, Connection] = {}  # nobody is asked twice for a passphrase

    def resolve(connector: Connector) -> Connection:
        garbage.started()
        if connector.id not in known:
            listed = chosen.get(connector.id)
            known[connector.id] = resolved(connector, listed.name if listed else None)
            redactors.append(known[connector.id].redactor)
        return known[connector.id]

    return Calls(resolve, note_usage)


def _print_config(
    client: Any,
    tools: dict[str, Tool],
    chosen: Mapping[str, ListedConnection],
    arguments: Sequence[str],
    *,
    address: str | None,
    over_http: bool,
    token_variable: str | None,
) -> None:
    from connector.mcp.configuration import place, reached, started

    connectors = {tool.connector.id: tool.connector for tool in tools.values()}
    name = next(iter(connectors)) if len(connectors) == 1 else "connector"
    tell(f"For {place(client, over_http=over_http)}:")
    if over_http:
        if address is None:
            raise click.UsageError("The settings need a port: give one with --port.")
        give(json_text(reached(client, name, address, token_variable)))
        return
    keys = [
        one
        for id_, connector in connectors.items()
        if id_ not in chosen
        for one in secret_variables(connector)
    ]
    locked = any(one.kept_in == "file" for one in chosen.values())
    variables = [*keys, *(["CONNECTOR_PASSPHRASE"] if locked else [])]
    give(json_text(started(client, name, [*_command(), "mcp", *arguments], variables)))
    if keys and client == "claude":
        tell("Put your key there; or save it (`connector connections add`), and print the settings again.")
    if locked:
        tell(
            "The saved key is in an encrypted file: the client has to give CONNECTOR_PASSPHRASE, which opens it."
        )


def _command() -> list[str]:
    """What starts this program from anywhere: clients know neither its environment nor its folder."""
    script = os.path.join(os.path.dirname(sys.executable), "connector")  # noqa: PTH118, PTH120
    return [script] if os.path.isfile(script) else [sys.executable, "-m", "connector.cli"]  # noqa: PTH113


def _arguments(connections: Sequence[str], actions: Sequence[str], kind: str) -> list[str]:
    """The same choice of tools; folders in full."""
    names = [os.path.abspath(name) if _SEPARATOR.search(name) else name for name in actions]  # noqa: PTH100
    return [
        *(part for name in connections for part in ("--connection", name)),
        *(("--actions", ",".join(names)) if names else ()),
        *(("--tools", kind) if kind != "actions" else ()),
    ]
