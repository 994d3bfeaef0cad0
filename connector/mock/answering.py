"""Which answer a request gets: of which action it is, whether it is final, whether it comes in pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connector.evaluate import Drift, is_true
from connector.manifest import Connector
from connector.mock.answer import Made, Wanted, answer_for
from connector.mock.asked import Asked
from connector.mock.endpoints import Endpoint
from connector.mock.events import TEXT, events_for
from connector.mock.value import schema_at
from connector.schema import Checker
from connector.template import Expression

_MOST_KEPT: Final = 500
_Pair = tuple[Endpoint, Asked]


@dataclass(frozen=True)
class Reply:
    """An answer, ready to be sent: its content, or the events of a stream."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_text: bool = False
    events: Sequence[Mapping[str, Any]] | None = None


class Answering:
    """Makes answers and keeps them, so that the same request gets the same.

    Args:
        connector: whose service answers.
        told: called with a sentence, once, for what the answers of a route cannot meet.
    """

    def __init__(self, connector: Connector, told: Callable[[str], None]) -> None:
        self._connector = connector
        self._told = told
        self._made: dict[str, Made] = {}
        self._asked: dict[str, int] = {}
        self._said: set[str] = set()

    def reply(self, fitting: Sequence[_Pair], *, path: str, asks_for_stream: bool) -> Reply:
        """The answer to a request.

        Args:
            fitting: what the request can be, the likeliest first.
            path: of the request.
            asks_for_stream: whether its headers do.

        Raises:
            CannotMakeError: the schema asks for more than a mock gives.
        """
        endpoint, asked = fitting[0]
        if endpoint.action is None:
            return Reply({})
        wanted = Wanted(endpoint.action, endpoint.route, self._connector.tables)
        inputs = {**endpoint.action.input_defaults, **asked.inputs}
        others = tuple(
            Wanted(one.action, one.route, self._connector.tables)
            for one, _ in fitting[1:]
            if one.action is not None and one.route is not endpoint.route
        )
        # what another action began is over by the time that it is asked for
        is_followed = any(one.follows and one.action is not endpoint.action for one, _ in fitting)
        made = None if is_followed else self._unfinished(endpoint, wanted, inputs, path)
        made = made or self._answer(wanted, inputs, others)
        made = _echoed(made, wanted, endpoint, inputs)
        streams = asks_for_stream or _holds(endpoint.route.stream, inputs)
        can_stream = endpoint.route.stream is not None and not endpoint.follows
        if streams and can_stream and (events := self._events(wanted, made, inputs)):
            return Reply(None, 200, made.headers, events=events)
        return Reply(made.body, made.status, made.headers, is_text=endpoint.route.answer == "text")

    def _answer(self, wanted: Wanted, inputs: Mapping[str, Any], others: tuple[Wanted, ...] = ()) -> Made:
        kept = [wanted.action.id, wanted.final, sorted(inputs.items()), [one.action.id for one in others]]
        key = json.dumps([id(wanted.route), *kept], default=str)
        if key not in self._made:
            made = answer_for(wanted, inputs, others)
            if made.wrong and wanted.final:
                self._say(
                    f"{wanted.action.id}: an answer could not be made that fits: {'; '.join(made.wrong)}."
                )
            self._made[key] = made
            if len(self._made) > _MOST_KEPT:
                del self._made[next(iter(self._made))]
        return self._made[key]

    def _unfinished(
        self, endpoint: Endpoint, wanted: Wanted, inputs: Mapping[str, Any], path: str
    ) -> Made | None:
        """The answer of work that takes its time: the first one, where the route asks again for the final one."""
        poll = endpoint.route.poll
        # inputs that are never sent are those that say `wait`
        local = dict.fromkeys(endpoint.route.local, True)
        if poll is None or endpoint.follows or not _holds(poll, {**local, **inputs}):
            return None
        if endpoint.method == "GET":  # it is asked again with the same request
            number = self._asked.pop(path, 0)
            self._asked[path] = number + 1
            if len(self._asked) > _MOST_KEPT:
                del self._asked[next(iter(self._asked))]
            if number % 2:
                return None
        made = self._answer(replace(wanted, final=False), inputs)
        return None if made.wrong else made

    def _events(
        self, wanted: Wanted, made: Made, inputs: Mapping[str, Any]
    ) -> Sequence[Mapping[str, Any]] | None:
        stream = wanted.route.stream
        assert stream is not None
        events = events_for(stream, made.body, self._connector.tables)
        if events is None or wanted.wrong(made, inputs, TEXT):
            self._say(
                f"{wanted.action.id}: no events could be made for its stream; it is answered as a whole."
            )
            return None
        return events

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._told(sentence)


def _holds(way: Any, inputs: Mapping[str, Any]) -> bool:
    try:
        return way is not None and is_true(way.when.evaluate({"inputs": inputs}))
    except Drift:
        return False


def _echoed(made: Made, wanted: Wanted, endpoint: Endpoint, inputs: Mapping[str, Any]) -> Made:
    """With the ids that the path asks for, where the answer has a field for them."""
    if endpoint.follows or not isinstance(made.body, dict):
        return made
    body = dict(made.body)
    for part in endpoint.parts:
        name = part.references[0][-1] if isinstance(part, Expression) and part.references else ""
        for key in (name, "id" if name.endswith("id") else name):
            schema = schema_at(wanted.schema, ("body", key))
            if name in inputs and key in body and not Checker(schema).problems(inputs[name]):
                body[key] = inputs[name]
                break
    changed = replace(made, body=body)
    return changed if len(wanted.wrong(changed, inputs)) <= len(wanted.wrong(made, inputs)) else made
