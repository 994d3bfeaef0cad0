"""The documentation of a connector, as Markdown: one page, or a folder of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from connector.documenting.action_page import action_page
from connector.documenting.markdown import code, table, text
from connector.documenting.setup_page import links, setup
from connector.manifest import Action, Connector

WRITTEN: Final = "<!-- Written by `connector docs`: change the manifest, not this page. -->"


def whole_page(connector: Connector, place: str) -> str:
    """Everything on one page.

    Args:
        connector: what is documented.
        place: the name or the folder that commands use.
    """
    lines = list(_front(connector, place, lambda action: f"#{action.id}"))
    for action in connector.actions.values():
        lines += [f'<a id="{action.id}"></a>', "", *action_page(connector, action, place)]
    return _page([*lines, *_back(connector)])


def pages(connector: Connector, place: str) -> Mapping[str, str]:
    """By the paths of their files: index.md, and actions/<action>.md, as the manifest has them."""
    index = [*_front(connector, place, lambda action: f"actions/{action.id}.md"), *_back(connector)]
    made = {"index.md": _page(index)}
    for action in connector.actions.values():
        lines = [WRITTEN, "", *action_page(connector, action, place, level=1)]
        lines += [
            f"[{text(connector.name)}](../index.md): the connection, errors, limits, and the other actions."
        ]
        made[f"actions/{action.id}.md"] = _page(lines)
    return made


def actions_table(connectors: Iterable[tuple[str, Connector]]) -> str:
    """A row for each action: what it does, what it needs and what it gives. For a page that shows several."""
    rows = []
    for place, connector in connectors:
        for action in connector.actions.values():
            name = f"**{text(action.name)}**<br>{code(f'{place}.{action.id}')}"
            rows.append((name, text(action.description), _needs(action), _some(list(action.output_fields))))
    return "\n".join(list(table(("action", "what it does", "needs", "gives"), rows))[:-1]) + "\n"


def _needs(action: Action) -> str:
    needed = [name for name in action.input_fields if name in action.inputs.get("required", [])]
    more = len(action.input_fields) - len(needed)
    return f"{_names(needed)}; {more} more are optional"


def _some(names: list[str], shown: int = 6) -> str:
    """The first of them, and how many there are beyond: `connector show` has them all."""
    more = len(names) - shown
    return _names(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _names(names: list[str]) -> str:
    return ", ".join(map(code, names))


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _front(connector: Connector, place: str, address: Callable[[Action], str]) -> Iterator[str]:
    yield from (f"# {text(connector.name)}", "", WRITTEN, "", text(connector.description), "")
    pages_for_people = links(connector)
    yield from (f"Version {text(connector.version)}. {pages_for_people}".rstrip(), "")
    yield from setup(connector, place)
    yield from ("## Actions", "")
    rows = [
        (f"[{text(action.name)}]({address(action)})", text(action.description), _names(_required(action)))
        for action in connector.actions.values()
    ]
    yield from table(("action", "what it does", "needs"), rows)


def _required(action: Action) -> list[str]:
    return [name for name in action.input_fields if name in action.inputs.get("required", ())]


def _back(connector: Connector) -> Iterator[str]:
    yield from _errors(connector)
    yield from _limits(connector)


def _errors(connector: Connector) -> Iterator[str]:
    yield from ("## Errors", "")
    yield (
        "Every error says where, what and what to do. Its kind is a word to branch on (`error.kind` in Python); "
        "the first row that fits an answer counts."
    )
    yield ""
    rows = [
        (
            code(rule.kind),
            text(", ".join(map(str, rule.status))),
            ", ".join(map(code, rule.types)),
            text(rule.hint),
        )
        for rule in connector.errors.kinds
    ]
    yield from table(("kind", "HTTP status", "the service's word", "what to do"), rows)


def _limits(connector: Connector) -> Iterator[str]:
    retry, timeouts, limits = connector.retry, connector.timeouts, connector.limits
    yield from ("## Limits, retries and deadlines", "")
    if limits.requests is not None:
        span = "a second" if limits.seconds == 1 else f"in {limits.seconds:g} seconds"
        yield f"- A connection sends {_count(limits.requests, 'request')} {span} at most; a run waits for its turn."
    if limits.at_once is not None:
        yield f"- {_count(limits.at_once, 'request')} at most are under way at the same time."
    if retry.statuses and retry.attempts > 1:
        statuses = ", ".join(map(str, retry.statuses))
        yield (
            f"- A request is sent {retry.attempts} times at most: again after the status {statuses}, or where none "
            f"of it was sent. The first wait is up to {retry.first_wait:g} seconds and doubles; none is longer than "
            f"{retry.longest_wait:g} seconds. What may have been paid for is not sent again."
        )
    else:
        yield "- A request is sent again only where none of it was sent."
    yield f"- A run ends after {timeouts.deadline:g} seconds, retries included, where its action says nothing else."
    yield (
        f"- Seconds to wait: {timeouts.connect:g} to connect, {timeouts.write:g} to send, {timeouts.read:g} for the next "
        f"byte of an answer, {timeouts.idle:g} for the next of a stream."
    )
    yield ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
