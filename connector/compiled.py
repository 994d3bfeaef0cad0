"""Connectors as reading gives them, kept in files: to load one takes a hundredth of reading its YAML.

They are kept for what is shipped, and for what other packages bring (`installed`).

It is with these files as with Python's .pyc: they stand in the package's own folder, beside the code, and
whoever could change them could change the code. They are made when the package is built, and when a connector
that has none is first loaded. A file is good only for what it was made from, down to the byte, which it knows
by hash: the manifest, and this runtime's code. In any other case the YAML is read. A folder of one's own is
always read. What is kept of another package's connector lies with the others, in this package's folder, so it is
this runtime that has made it; where that may not be written, as in an installation of another user's, the YAML is
read each time. Nothing that lies with a manifest is ever taken for its compiled form.

A file is a tuple in marshal's format, as a .pyc is. Each action in it is a pickle, so that one can be had
without the others, and the list of them without any. Unpickling makes the runtime's frozen types and days,
and nothing else.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from importlib.util import source_hash
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from connector.shipped_files import COMPILED, PACKAGE, files_of

if TYPE_CHECKING:
    from pathlib import Path

    from connector.manifest import Action, Connector

_MARSHAL: Final = 2  # every Python reads it, and it has no references
_PICKLE: Final = 5
_TYPES_IN: Final = {
    f"connector.{module}"
    for module in (
        *("manifest_values", "manifest_route", "manifest_action", "manifest_connection", "manifest"),
        *("template", "compiling", "expression"),
    )
}


class Compiled(NamedTuple):
    """A connector that was read before."""

    head: bytes
    """The pickle of its fields, but for actions and folder."""
    actions: dict[str, tuple[str, str, bytes]]
    """id -> name, description, pickle."""

    def connector(self, folder: Path) -> Connector:
        """The connector; its actions are made when they are asked for."""
        from connector.manifest import Connector  # noqa: PLC0415 - a list of the actions does not need it

        pickles = {name: pickle for name, (_, _, pickle) in self.actions.items()}
        return Connector(**_unpickled(self.head), actions=_Actions(pickles), folder=folder)


class _Actions(Mapping[str, "Action"]):
    def __init__(self, pickles: dict[str, bytes]) -> None:
        self._pickles = pickles
        self._made: dict[str, Action] = {}

    def __getitem__(self, name: str) -> Action:
        made = self._made.get(name)
        # threads that make it at once get one and the same
        return made or self._made.setdefault(name, _unpickled(self._pickles[name]))

    def __contains__(self, name: object) -> bool:
        return name in self._pickles

    def __iter__(self) -> Iterator[str]:
        return iter(self._pickles)

    def __len__(self) -> int:
        return len(self._pickles)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def compiled(name: str, folder: str | None = None) -> Compiled | None:
    """What is kept of a connector; None where it is to be read.

    Args:
        name: of a shipped connector, or the name under which another package brings one.
        folder: of that one.
    """
    fresh = fingerprint(name, folder)
    try:
        content = _bytes(_place(name))
        if fresh is None or content[:16] != fresh + source_hash(content[16:]):
            return None
        return Compiled(*marshal.loads(content[16:]))  # noqa: S302 - see above: as safe as a .pyc
    except (OSError, ValueError, EOFError, TypeError):
        return None


def content_of(connector: Connector, made_from: bytes) -> bytes:
    """What is kept of a connector.

    Args:
        connector: as it was read.
        made_from: its fingerprint from before it was read.
    """
    import pickle  # noqa: PLC0415 - as above

    head = {name: value for name, value in vars(connector).items() if name not in {"actions", "folder"}}
    actions = {
        name: (action.name, action.description, pickle.dumps(action, _PICKLE))
        for name, action in connector.actions.items()
    }
    kept = marshal.dumps((pickle.dumps(head, _PICKLE), actions), _MARSHAL)
    return made_from + source_hash(kept) + kept


def keep(name: str, connector: Connector, made_from: bytes | None, folder: str | None = None) -> None:
    """Keep a connector for the next time, where that may be written: see compiled and content_of."""
    if made_from is None or fingerprint(name, folder) != made_from:
        return
    if _code() != _CODE:  # edited since this process began: it is not what has read the connector
        return
    place = _place(name)
    new = f"{place}.{os.getpid()}"  # whole or not at all: other processes read and write it too
    with suppress(OSError):
        os.makedirs(COMPILED, exist_ok=True)
        try:
            with open(new, "wb") as file:
                file.write(content_of(connector, made_from))
            os.replace(new, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(new)
            raise


def fingerprint(name: str, folder: str | None = None) -> bytes | None:
    """8 bytes that are others as soon as a file of the connector or of the code is; None if nothing can be known."""
    try:
        return source_hash(_CODE + _hashes(files_of(name, folder))) if _CODE else None
    except OSError:
        return None


def _code() -> bytes:
    """The hashes of this runtime's modules; none if it is not in files, such as in a zip."""
    try:
        return _hashes(f"{PACKAGE}/{name}" for name in sorted(os.listdir(PACKAGE)) if name.endswith(".py"))
    except OSError:
        return b""


def _hashes(paths: Iterable[str]) -> bytes:
    return b"".join(source_hash(os.path.basename(path).encode() + b"\0" + _bytes(path)) for path in paths)


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _place(name: str) -> str:
    return f"{COMPILED}/{name}.compiled"


def _unpickled(content: bytes) -> Any:
    import io  # noqa: PLC0415 - a list of the actions unpickles nothing
    import pickle  # noqa: PLC0415
    from dataclasses import is_dataclass  # noqa: PLC0415

    class OnlyOurTypes(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) == ("datetime", "date"):
                return date
            found = super().find_class(module, name) if module in _TYPES_IN else None
            if not is_dataclass(found):
                raise pickle.UnpicklingError(f"{module}.{name} is no part of a manifest")
            return found

    return OnlyOurTypes(io.BytesIO(content)).load()


_CODE: Final = _code()  # as it was when this process imported it
