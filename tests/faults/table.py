"""All the faults of whole answers, by name."""

from __future__ import annotations

from faults.bodies import COMPRESSED, FORMS
from faults.ends import AGAIN, ENDS, REDIRECTS, REFUSALS
from faults.heads import HEADS, LENGTHS
from faults.mode import Mode
from faults.slow import SLOW

QUICK_MODES: tuple[Mode, ...] = (*HEADS, *LENGTHS, *COMPRESSED, *FORMS, *ENDS, *REFUSALS, *AGAIN, *REDIRECTS)
MODES: dict[str, Mode] = {mode.name: mode for mode in (*QUICK_MODES, *SLOW)}
