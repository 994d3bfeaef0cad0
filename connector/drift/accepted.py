"""The differences that are accepted, each with its reason: one YAML file for each connector.

aliases:                # what the service offers under another path than the SDK's, and below it
  - {path: /v1/agent, sdk: /v1/responses, reason: The service offers both.}
accepted:
  - reason: A sentence.
    differences:        # as `connector drift` prints them
      - execute_search.search body.max_results is not in the SDK
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.document import Document, parse
from connector.document import Path as Place
from connector.errors import ManifestError, Problem, did_you_mean


@dataclass(frozen=True)
class Accepted:
    """The content of the file.

    Attributes:
        aliases: path of a manifest -> path of the SDK.
        reasons: the id of a difference -> why it is accepted.
        unused: a problem for each alias and id, for when it is no longer needed.
    """

    aliases: Mapping[str, str]
    reasons: Mapping[str, str]
    unused: Mapping[str, Problem]

    def stale(self, ids: Collection[str], aliases: Collection[str]) -> list[Problem]:
        """What stands in the file, and is not among the differences and aliases that were found."""
        return [problem for key, problem in self.unused.items() if key not in ids and key not in aliases]


NONE = Accepted({}, {}, {})


def read(file: Path) -> Accepted:
    """Read the file.

    Raises:
        ManifestError: with every mistake in it, each with its line.
        OSError: if it cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"Not UTF-8 text (byte {error.start})."
        raise ManifestError([Problem(str(file), message, "Save the file as UTF-8.")]) from None
    document = parse(text, str(file))
    problems = list(_problems(document))
    if problems:
        raise ManifestError(problems)
    aliases: dict[str, str] = {}
    reasons: dict[str, str] = {}
    unused: dict[str, Problem] = {}
    for index, alias in enumerate(document.value.get("aliases", [])):
        aliases[alias["path"]] = alias["sdk"]
        message = "No route needs this alias."
        unused[alias["path"]] = document.problem(("aliases", index), message, "Remove it.")
    for index, entry in enumerate(document.value.get("accepted", [])):
        for position, name in enumerate(entry["differences"]):
            reasons[name] = entry["reason"]
            place = ("accepted", index, "differences", position)
            unused[name] = document.problem(place, "This difference no longer occurs.", "Remove it.")
    return Accepted(aliases, reasons, unused)


def _problems(document: Document) -> Iterator[Problem]:
    whole = document.value
    if not isinstance(whole, dict):
        yield document.problem((), "It must be a mapping.", "Write `aliases:` and `accepted:`.")
        return
    yield from _unknown(document, (), whole, ("aliases", "accepted"))
    seen: dict[str, Place] = {}
    for key, names in (("aliases", ("path", "sdk", "reason")), ("accepted", ("reason", "differences"))):
        entries = whole.get(key, [])
        if not isinstance(entries, list):
            yield document.problem((key,), "It must be a list.", "Begin each entry with `- `.")
            continue
        for index, entry in enumerate(entries):
            place: Place = (key, index)
            if not isinstance(entry, dict):
                yield document.problem(place, "It must be a mapping.", f"Its keys: {', '.join(names)}.")
                continue
            yield from _unknown(document, place, entry, names)
            for name in names:
                if name != "differences":
                    yield from _text(document, (*place, name), entry.get(name))
            if key == "accepted":
                yield from _differences(document, (*place, "differences"), entry.get("differences"), seen)


def _unknown(
    document: Document, place: Place, entry: Mapping[str, Any], names: Collection[str]
) -> Iterator[Problem]:
    for name in entry.keys() - set(names):
        message = f"There is no key {name!r} here."
        yield document.problem((*place, name), message, did_you_mean(name, names), at_key=True)


def _text(document: Document, place: Place, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield document.problem(place, f"{place[-1]!r} must be text.", "Write it out.")


def _differences(document: Document, place: Place, value: Any, seen: dict[str, Place]) -> Iterator[Problem]:
    if not isinstance(value, list) or not value:
        yield document.problem(place, "'differences' must be a list.", "Copy them from `connector drift`.")
        return
    for index, name in enumerate(value):
        here = (*place, index)
        yield from _text(document, here, name)
        if isinstance(name, str) and seen.setdefault(name, here) != here:
            yield document.problem(here, "This difference stands there twice.", "Keep one, with its reason.")
