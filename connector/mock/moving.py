"""The hosts that a connector speaks to, moved to one URL: by the fields of its connection, or in the manifest itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from connector.connection import Connection
from connector.expression import Field, Then
from connector.manifest import Action, ConnectionForm, Connector, Request
from connector.template import Expression, Insert, Static, Template, Text


def leading_fields(connector: Connector, scope: Mapping[str, Any], url: str) -> dict[str, str]:
    """The fields that say where requests go, and where tokens come from, with a URL in them.

    Args:
        connector: whose fields they are.
        scope: the usual fields, as {"connection": {...}}.
        url: where all is to go.
    """
    form = connector.connection
    templates = [form.base_url, *(request.base_url for _, _, request in requests(connector))]
    found = {name: url for one in templates if one is not None and (name := _first_field(one)) is not None}
    if form.auth.token_url is not None and (name := _first_field(form.auth.token_url)) is not None:
        found.setdefault(name, url + token_path(form, scope))
    return found


def token_path(form: ConnectionForm, scope: Mapping[str, Any]) -> str:
    """The path of the tokens' URL, whatever its host; empty where no token is fetched."""
    if not form.auth.fetches_token or form.auth.token_url is None:
        return ""
    return urlsplit(str(form.auth.token_url.fill(scope))).path or "/oauth/token"


def strays(connection: Connection, url: str) -> tuple[str, ...]:
    """What does not lead to a URL: `base_url`, `token_url`, and the ids of actions with a host of their own."""
    urls = {"base_url": connection.base_url}
    if connection.connector.connection.auth.fetches_token:
        urls["token_url"] = connection.token_url
    for action, _, request in requests(connection.connector):
        if request.base_url is not None:
            urls[action.id] = connection.url_of(request)
    return tuple(name for name, one in urls.items() if one != url and not one.startswith(f"{url}/"))


def moved(connector: Connector, scope: Mapping[str, Any], url: str, away: tuple[str, ...]) -> Connector:
    """The connector with a URL in the place of what strays from it."""
    form, here = connector.connection, Template(Static(url))
    if "token_url" in away or "base_url" in away:
        path = token_path(form, scope)
        auth = replace(form.auth, token_url=Template(Static(url + path)) if path else None)
        form = replace(form, auth=auth)
    if "base_url" in away:
        form = replace(form, base_url=here)
    actions = dict(connector.actions)
    for action, name, request in requests(connector):
        if request.base_url is not None and (action.id in away or "base_url" in away):
            here_too = replace(actions[action.id].routes[name], request=replace(request, base_url=here))
            routes = {**actions[action.id].routes, name: here_too}
            actions[action.id] = replace(actions[action.id], routes=routes)
    return replace(connector, connection=form, actions=actions)


def requests(connector: Connector) -> Iterator[tuple[Action, str, Request]]:
    """The request of every route, with its action and the route's name."""
    for action in connector.actions.values():
        for name, route in action.routes.items():
            yield action, name, route.request


def _first_field(template: Template) -> str | None:
    """The field of the connection with which a text begins."""
    piece = template.piece
    first: Any = None
    if isinstance(piece, Insert):
        first = piece.expression
    elif isinstance(piece, Text):
        first = piece.parts[0]
    if isinstance(first, Expression):
        match first.node:
            case Then(Field("connection"), Field(name)):
                return name
    return None
