"""What of an action matters for the inputs that are given: it is found once for each set of their names, and kept.

Most rules are about inputs that are seldom given, and most of a request's body is made of them. Whoever runs an
action again gives the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.manifest import Action, NotCarried, Route, Rule
from connector.template import Filler

_MOST = 64  # sets of names that are kept for an action


class Relevant:
    """For one set of names.

    Attributes:
        rules: that can be broken, of the action and of the route.
        not_carried: the inputs among them that the route cannot carry whatever their value, or some of their values.
        body: fills the body; None where the request has none.
    """

    __slots__ = ("body", "not_carried", "rules")

    # no dataclass: making one takes longer than all that a command does here
    def __init__(
        self, rules: tuple[Rule, ...], not_carried: tuple[NotCarried, ...], body: Filler | None
    ) -> None:
        self.rules = rules
        self.not_carried = not_carried
        self.body = body


def relevant(action: Action, route: str, inputs: Iterable[str]) -> Relevant:
    """What matters on a route where just these inputs are given."""
    names = frozenset(inputs)
    key, known = (route, names), action.known
    found: Relevant | None = known.get(key)
    if found is None:
        found = _found(action, action.routes[route], names)
        if names <= action.input_fields.keys():  # other names have no end, and may be long
            if len(known) >= _MOST:
                known.clear()
            known[key] = found
    return found


def _found(action: Action, route: Route, names: frozenset[str]) -> Relevant:
    body = route.request.body
    return Relevant(
        tuple(rule for rule in (*action.rules, *route.rules) if _can_be_broken(rule, names)),
        tuple(one for one in route.not_carried if one[0][0] in names),
        body.given(names).fill if body else None,
    )


def _can_be_broken(rule: Rule, names: frozenset[str]) -> bool:
    """Whether a rule can be broken where just these inputs are given."""
    if rule.when is not None:
        return not rule.needs or not rule.needs.isdisjoint(names)
    is_lonely = any(name in names and needed not in names for name, needed in rule.requires.items())
    is_ordered = rule.order is not None and rule.order.input in names
    return is_lonely or is_ordered or sum(name in names for name in rule.exclusive) > 1
