"""What a client's own settings need to start this server, or to reach it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

Client = Literal["claude", "cursor", "vscode"]

PATH: Final = "/mcp"
_CLAUDE_CODE: Final = ".mcp.json of a project, in Claude Code"
_PLACES: Final[dict[Client, str]] = {
    "claude": f"claude_desktop_config.json (Settings > Developer > Edit Config), or {_CLAUDE_CODE}",
    "cursor": "~/.cursor/mcp.json, or .cursor/mcp.json of a project",
    "vscode": ".vscode/mcp.json, or the user's mcp.json (command `MCP: Open User Configuration`)",
}


def place(client: Client, *, over_http: bool) -> str:
    """Where a client keeps its settings; Claude Desktop's file has only servers that it starts itself."""
    return _CLAUDE_CODE if over_http and client == "claude" else _PLACES[client]


def url(host: str, port: int, names: Sequence[str] = ()) -> str:
    """Where a server over HTTP is reached.

    Args:
        host: the address that it listens on.
        port: its port.
        names: its other names; the first is taken. One with this port is the server itself, any other that of a
            proxy before it, which adds TLS.
    """
    if names:
        return f"{'http' if names[0].endswith(f':{port}') else 'https'}://{names[0]}{PATH}"
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - all addresses: this computer's among them
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


def started(client: Client, name: str, command: Sequence[str], variables: Sequence[str]) -> dict[str, Any]:
    """For a client that starts the server.

    Args:
        client: whose settings.
        name: of the server among them.
        command: what starts it.
        variables: the environment variables that the server takes its secrets from. The secrets themselves are
            never part of the settings that are printed.
    """
    entry: dict[str, Any] = {"command": command[0], "args": list(command[1:])}
    if client == "vscode":
        entry = {"type": "stdio", **entry}
    if variables:
        entry["env"] = {
            one: _to_replace(one) if client == "claude" else _secret(client, one) for one in variables
        }
    return _settings(client, name, entry, variables)


def reached(client: Client, name: str, url: str, variable: str | None) -> dict[str, Any]:
    """For a client that reaches a server that runs: `variable` holds its bearer token, if it asks for one."""
    entry: dict[str, Any] = {"url": url} if client == "cursor" else {"type": "http", "url": url}
    if variable is not None:
        entry["headers"] = {"Authorization": f"Bearer {_secret(client, variable)}"}
    return _settings(client, name, entry, [variable] if variable else [])


def _to_replace(variable: str) -> str:
    """Stands for a key where a client can only take it from its settings; left as it is, it is refused unsent."""
    return f"<your {variable}>"


def _secret(client: Client, variable: str) -> str:
    """How each client is told where a secret comes from."""
    match client:
        case "vscode":
            return f"${{input:{_input(variable)}}}"
        case "cursor":
            return f"${{env:{variable}}}"
        case "claude":  # Claude Code; Claude Desktop takes it as it stands
            return f"${{{variable}}}"


def _settings(client: Client, name: str, entry: dict[str, Any], variables: Sequence[str]) -> dict[str, Any]:
    if client != "vscode":
        return {"mcpServers": {name: entry}}
    asked = [
        {"type": "promptString", "id": _input(one), "description": one, "password": True} for one in variables
    ]
    return {**({"inputs": asked} if asked else {}), "servers": {name: entry}}


def _input(variable: str) -> str:
    return variable.lower().replace("_", "-")
