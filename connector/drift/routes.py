"""Every route of a connector against the operation of the SDK that it corresponds to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connector.drift.comparing import Comparison, Difference
from connector.drift.operations import Operation, Sdk
from connector.drift.sent import Sending
from connector.drift.value import Member, Value, of_schema
from connector.manifest import Action, Connector, Route
from connector.template import Insert, Static, Template, Text

_BYTES = Value(frozenset({"bytes"}))
_OBJECT = frozenset({"object"})


@dataclass(frozen=True)
class Found:
    """What the comparison of a connector found.

    Attributes:
        differences: in order of the manifests, each once.
        compared: how many fields were compared.
        aliases: those of the given ones that were needed.
    """

    differences: tuple[Difference, ...]
    compared: int
    aliases: frozenset[str]


def compare(connector: Connector, sdk: Sdk, aliases: Mapping[str, str]) -> Found:
    """Everything that a connector and the SDK say differently.

    Args:
        connector: its manifests.
        sdk: what the SDK sends and reads.
        aliases: path of a manifest -> path of the SDK, for operations that the service offers under both.
            Each stands for the paths below it, too.
    """
    return _Routes(connector, sdk, aliases).found()


class _Routes:
    def __init__(self, connector: Connector, sdk: Sdk, aliases: Mapping[str, str]) -> None:
        self._connector = connector
        self._sdk = sdk
        self._aliases = aliases
        self._needed: set[str] = set()
        self._used: set[str] = set()
        self._compared = 0

    def found(self) -> Found:
        differences = [
            difference for action in self._connector.actions.values() for difference in self._action(action)
        ]
        for operation in self._sdk.operations:
            if operation.name not in self._used:
                where = f"{operation.method} {operation.path}"
                differences.append(Difference(where, "is in the SDK, and no route sends it", "path"))
        check = self._connector.connection.check
        if check is not None:
            differences += self._path("connection.check", check.method, check.path)[1]
        for name in self._sdk.unread:
            differences.append(Difference(f"{name}()", "of the SDK cannot be read", "path"))
        return Found(tuple(dict.fromkeys(differences)), self._compared, frozenset(self._needed))

    def _action(self, action: Action) -> Iterator[Difference]:
        sending = Sending(action.inputs, self._connector.tables)
        for name, route in action.routes.items():
            place = f"{action.id}.{name}"
            operation, unknown = self._path(place, route.request.method, _path_text(route.request.path))
            yield from unknown
            if operation is not None:
                yield from self._sent(place, sending, route, operation)
                yield from self._answered(place, route, operation)
            if route.poll is not None:
                poll = route.poll
                yield from self._path(f"{place} poll", poll.method, _path_text(poll.path))[1]
            for given_up in (route.stream, route.poll):
                if given_up is not None and (cancel := given_up.cancel) is not None:
                    yield from self._path(f"{place} cancel", cancel.method, _path_text(cancel.path))[1]

    def _path(self, place: str, method: str, path: str) -> tuple[Operation | None, list[Difference]]:
        """The operation of a method and path; without one, the difference that this is."""
        for alias, in_sdk in [("", ""), *self._aliases.items()]:
            if path != alias and not path.startswith(f"{alias}/"):
                continue
            asked = _nameless(in_sdk + path.removeprefix(alias))
            same = [operation for operation in self._sdk.operations if _nameless(operation.path) == asked]
            for operation in same:
                if operation.method == method:
                    self._used.add(operation.name)
                    self._needed |= {alias} - {""}
                    return operation, []
        return None, [Difference(f"{place} {method} {path}", "is not in the SDK", "path")]

    def _sent(self, place: str, sending: Sending, route: Route, operation: Operation) -> Iterator[Difference]:
        comparison = Comparison("sent")
        request = route.request
        if request.body is not None:
            theirs = Value(_OBJECT, forms=(operation.body,))
            yield from comparison.value(
                f"{place} body", sending.value(request.body.piece).without("null"), theirs
            )
        else:
            form = {name: sending.member(template.piece) for name, template in request.form.items()}
            form |= {
                name: Member(_BYTES, sending.member(part.content.piece).required)
                for name, part in request.files.items()
            }
            yield from comparison.form(f"{place} body.", form, operation.body)
        query = {name: sending.member(template.piece) for name, template in request.query.items()}
        yield from comparison.form(f"{place} query.", query, operation.query)
        headers = {name.lower(): sending.member(template.piece) for name, template in request.headers.items()}
        yield from comparison.form(f"{place} header.", headers, operation.headers)
        self._compared += len(comparison.compared)

    def _answered(self, place: str, route: Route, operation: Operation) -> Iterator[Difference]:
        comparison = Comparison("answered")
        ours = _BYTES if route.answer != "json" else of_schema(route.response)
        yield from comparison.value(f"{place} response", ours, operation.answer)
        self._compared += len(comparison.compared)


def _path_text(template: Template) -> str:
    """The path with `{}` for each expression."""
    match template.piece:
        case Static(value):
            return str(value)
        case Text(parts):
            return "".join(part if isinstance(part, str) else "{}" for part in parts)
        case Insert():
            return "{}"
        case _:
            raise AssertionError("a path is text")


def _nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)
