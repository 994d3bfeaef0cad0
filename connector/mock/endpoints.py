"""What a mock serves: the requests of a connector's actions, those that follow them, and the connection's check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from connector.manifest import Action, Connector, Request, Route
from connector.plan import path_parts
from connector.template import Expression, Template


@dataclass(frozen=True)
class Endpoint:
    """A method and a path, and what asks for it.

    Attributes:
        method: in capitals.
        parts: of the path: texts and expressions.
        action, route_id: that send this request; None for the connection's check.
        follows: it is sent after the route's own request.
    """

    method: str
    parts: tuple[str | Expression, ...]
    action: Action | None = None
    route_id: str = ""
    follows: bool = False

    @property
    def route(self) -> Route:
        """The action's route."""
        assert self.action is not None
        return self.action.routes[self.route_id]

    @property
    def openness(self) -> int:
        """How much of the path may be anything: of two that match, the one with less is meant.

        `/items/new` before `/items/{id}`, and `/commits/{sha}.{form}` before `/commits/{sha}`: a segment that may be
        anything counts twice, one that is written out in part once.
        """
        return sum(_openness(pattern.pattern) for pattern in self._segments)

    @cached_property
    def shown(self) -> str:
        """The path with a name in braces for each expression."""
        return "".join(part if isinstance(part, str) else f"{{{_name(part)}}}" for part in self.parts)

    @cached_property
    def _segments(self) -> list[re.Pattern[str]]:
        patterns, now = [], ""
        for part in self.parts:
            if isinstance(part, str):
                first, *others = part.split("/")
                now += re.escape(unquote(first))
                for other in others:
                    patterns.append(now)
                    now = re.escape(unquote(other))
            else:
                now += "(.+)"
        return [re.compile(pattern, re.DOTALL) for pattern in (*patterns, now)]

    def matched(self, path: str) -> list[str] | None:
        """What stands in the path for each expression; None for another path.

        Args:
            path: percent-encoded; an expression is one segment, whatever that holds.
        """
        given = path.split("/")
        if len(given) != len(self._segments):
            return None
        values: list[str] = []
        for pattern, segment in zip(self._segments, given, strict=True):
            found = pattern.fullmatch(unquote(segment))
            if found is None:
                return None
            values += found.groups()
        return values


def endpoints(connector: Connector, prefix_of: Callable[[Request | None], str]) -> Iterator[Endpoint]:
    """All of a connector, its actions' own requests first.

    Args:
        connector: whose they are.
        prefix_of: what the paths of a request begin with; of the connection's check if there is none.
    """
    routes = [(action, name) for action in connector.actions.values() for name in action.routes]
    for action, name in routes:
        request = action.routes[name].request
        yield Endpoint(request.method, _parts(request.path, prefix_of(request)), action, name)
    for action, name in routes:
        poll = action.routes[name].poll
        if poll is not None:
            prefix = prefix_of(action.routes[name].request)
            yield Endpoint(poll.method, _parts(poll.path, prefix), action, name, follows=True)
            if poll.cancel is not None:
                parts = _parts(poll.cancel.path, prefix)
                yield Endpoint(poll.cancel.method, parts, action, name, follows=True)
    if (check := connector.connection.check) is not None:
        yield Endpoint(check.method, (prefix_of(None) + check.path,))


def listed(all_: list[Endpoint]) -> list[str]:
    """Each method with its path, once."""
    return list(dict.fromkeys(f"{one.method} {one.shown}" for one in all_))


def _openness(pattern: str) -> int:
    return 2 if pattern == "(.+)" else int("(.+)" in pattern)


def _parts(path: Template, prefix: str) -> tuple[str | Expression, ...]:
    parts = path_parts(path.piece)
    # as a request is built: the path begins with a slash, whatever the manifest says
    begins = bool(parts) and isinstance(parts[0], str) and parts[0].startswith("/")
    return (prefix, *parts) if begins else (f"{prefix}/", *parts)


def _name(expression: Expression) -> str:
    return expression.references[0][-1] if expression.references else "value"
