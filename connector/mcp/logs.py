"""What libraries log goes to stderr, from warnings on, and holds no secret."""

from __future__ import annotations

import logging
import sys

from connector.log_masking import mask


def to_stderr() -> None:
    """From now on, in this process. Stdout may carry the protocol, and nobody reads more than warnings."""
    written = logging.StreamHandler(sys.stderr)
    written.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    mask(written)
    logging.basicConfig(level=logging.WARNING, handlers=[written], force=True)
