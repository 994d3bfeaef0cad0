"""The drift gate: a connector's manifests against the types of the vendor's own SDK, without a network.

    operations   what the SDK can send, each request with its types
    sent         what a route can send, derived from its templates and the action's inputs
    comparing    the two, and the answers' types, field by field
    accepted     the differences that are meant, each with its reason

A difference that is not accepted fails, and so does an accepted one that no longer occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connector.drift.accepted import NONE, read
from connector.drift.comparing import Difference
from connector.drift.operations import sdk
from connector.drift.routes import compare
from connector.errors import Problem
from connector.loading import load

__all__ = ["Difference", "Report", "drift"]


@dataclass(frozen=True)
class Report:
    """What the comparison found.

    Attributes:
        new: differences that nobody has accepted.
        accepted: the others, each with its reason.
        stale: what is accepted and no longer occurs, with its place in the file.
        compared: how many fields were compared.
        version: the SDK's.
    """

    new: tuple[Difference, ...]
    accepted: tuple[tuple[Difference, str], ...]
    stale: tuple[Problem, ...]
    compared: int
    version: str

    @property
    def passed(self) -> bool:
        """Whether nothing is new and nothing is stale."""
        return not self.new and not self.stale


def drift(connector_folder: str | Path, accepted_file: Path | None = None) -> Report:
    """Compare a connector with the installed SDK.

    Args:
        connector_folder: a shipped name (`perplexity`) or a folder that holds a connector.yaml.
        accepted_file: the accepted differences; none are accepted without it.

    Raises:
        ManifestError: if the connector or the file cannot be read.
        ImportError: if the SDK is not installed.
    """
    accepted = NONE if accepted_file is None else read(accepted_file)
    installed = sdk()
    found = compare(load(connector_folder), installed, accepted.aliases)
    reasons = accepted.reasons
    return Report(
        tuple(each for each in found.differences if each.id not in reasons),
        tuple((each, reasons[each.id]) for each in found.differences if each.id in reasons),
        tuple(accepted.stale({each.id for each in found.differences}, found.aliases)),
        found.compared,
        installed.version,
    )
