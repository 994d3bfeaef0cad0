"""When this process looks for garbage. While it starts hardly ever: what it imports is none.

Looking at all that is imported, again and again, takes a tenth of a short run.
"""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()
_STARTING = (100_000, *_USUAL[1:])


def starting() -> None:
    """The process begins: a hundred thousand new objects before a look."""
    gc.set_threshold(*_STARTING)


def started() -> None:
    """All is imported: from now on as always, but among what is new."""
    if gc.get_threshold() == _STARTING:
        gc.freeze()
        gc.set_threshold(*_USUAL)
