"""An answer that arrives in pieces, shown as it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.cli.streams import tell
from connector.cli.visible import visible
from connector.errors import ConnectorError

if TYPE_CHECKING:
    from connector.output import Event, Result


def arrived(events: Iterable[Event], *, as_text: bool) -> Result:
    """The result in the last event.

    Args:
        events: of a run.
        as_text: write the pieces to stdout as they come; without it, stdout is left for the result alone.
    """
    column = 0
    status = ""
    result: Result | None = None
    try:
        for event in events:
            result = event.result
            if event.delta and as_text:
                sys.stdout.write(visible(event.delta))
                sys.stdout.flush()
                column = 1
            elif event.delta is None and result is None and event.type != status and _is_status(event.type):
                status = event.type
                tell(f"{status} ...")
    except ConnectorError as error:
        if column:
            sys.stdout.write("\n")
        elif error.partial_text:
            tell(f"The text so far:\n{visible(error.partial_text)}")
        raise
    if column:
        sys.stdout.write("\n\n")
    assert result is not None
    return result


def _is_status(word: str) -> bool:
    # what is waited for says queued or in_progress; the events of a stream have dotted names
    return "." not in word
