"""What makes answers repeatable: ids, times and choices are drawn from a digest of the request.

The sandbox's clock stands still at `NOW`, so relative filters ("past week") mean the same every day.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TODAY = NOW.date()


def canonical(value: Any) -> bytes:
    """One spelling for equal JSON values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Seed:
    """A source of ids and numbers that depends on nothing but the given JSON values."""

    def __init__(self, *parts: Any) -> None:
        self._digest = hashlib.sha256(canonical(parts)).digest()

    def raw(self, label: str, size: int = 32) -> bytes:
        """`size` bytes that look random and are the same each time for the same label."""
        return hashlib.shake_256(self._digest + label.encode()).digest(size)

    def uuid(self, label: str = "id") -> str:
        return str(uuid.UUID(bytes=self.raw(label, 16), version=4))

    def number(self, label: str, below: int) -> int:
        """A whole number from 0 to below - 1."""
        return int.from_bytes(self.raw(label, 8), "big") % below

    @property
    def created(self) -> int:
        """Epoch seconds within the hour after `NOW`."""
        return int(NOW.timestamp()) + self.number("created", 3600)


def tokens(text: str) -> int:
    """A stand-in for a tokenizer: four characters a token, and no text without one."""
    return max(1, -(-len(text) // 4))


def usd(amount: float) -> float:
    """Money as the API rounds it: five decimals."""
    return round(amount, 5)
