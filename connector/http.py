"""httpx, without its own command line: where click and rich are installed, importing it takes half of the time.

Every module that needs httpx takes it from here.
"""

from __future__ import annotations

import sys

__all__ = ["httpx"]

_COMMAND_LINE = "httpx._main"

if "httpx" not in sys.modules:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # httpx copes: it is an extra of httpx
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]
else:
    import httpx
