"""A declarative connector: YAML manifests describe the actions, a small runtime runs them.

import connector

with connector.connect("perplexity", api_key="...") as perplexity:
    result = perplexity.run("execute_search", {"query": "latest AI news"})
    print(result.outputs["first_url"])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.loading import load
    from connector.manifest import Limits
    from connector.opening import aconnect, connect
    from connector.output import Event, Result
    from connector.run import OpenConnection
    from connector.run_async import AsyncOpenConnection
    from connector.secret import Secret

__all__ = [
    "AsyncOpenConnection",
    "Event",
    "Limits",
    "OpenConnection",
    "Result",
    "Secret",
    "aconnect",
    "connect",
    "load",
]

_PLACES = {
    "AsyncOpenConnection": "run_async",
    "Event": "output",
    "Limits": "manifest",
    "OpenConnection": "run",
    "Result": "output",
    "Secret": "secret",
    "aconnect": "opening",
    "connect": "opening",
    "load": "loading",
}


def __getattr__(name: str) -> Any:
    # imported when first used: `connector --help` needs neither HTTP nor YAML
    if name in _PLACES:
        return getattr(importlib.import_module(f"connector.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
