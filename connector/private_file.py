"""Files that are one user's own: written whole or not at all, read only where they are what they seem.

Nothing here knows what the files hold. Every error is a CredentialError that names the file: what is kept
this way belongs to somebody's connections.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from connector.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOCK_SECONDS = 10.0  # a lock is held for a few file writes, never while a person is asked something

# Windows has no such flags: there, links are refused by the look before, and text mode must be off.
_NOFOLLOW, _NONBLOCK = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def default_folder(environ: Mapping[str, str]) -> Path:
    """The folder for a user's own files: `CONNECTOR_HOME`, else the platform's place for settings.

    Raises:
        CredentialError: there is neither a `CONNECTOR_HOME` nor a home folder.
    """
    if chosen := environ.get("CONNECTOR_HOME"):
        return _home(environ) / chosen[2:] if chosen.startswith("~/") else Path(chosen)
    if sys.platform == "win32":
        roaming = environ.get("APPDATA")
        return (Path(roaming) if roaming else _home(environ) / "AppData" / "Roaming") / "connector"
    if sys.platform == "darwin":
        return _home(environ) / "Library" / "Application Support" / "connector"
    xdg = Path(environ.get("XDG_CONFIG_HOME", ""))
    # The XDG specification says that a relative path is to be ignored.
    return (xdg if xdg.is_absolute() else _home(environ) / ".config") / "connector"


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    with suppress(RuntimeError):
        return Path(home) if home else Path.home()
    missing = "This user has no home folder to keep connections in."
    raise _error("CONNECTOR_HOME", missing, "Set CONNECTOR_HOME to a folder of your own.")


def read(path: Path) -> bytes | None:
    """The bytes of a file that is this user's own and, from now on, only this user's to read.

    None where there is no file.

    Raises:
        CredentialError: it is a link, a folder or a pipe, belongs to another user, or cannot be read.
    """
    if path.is_symlink():
        raise _error(path, "It is a symbolic link, which could lead anywhere.", "Put the file itself there.")
    try:
        descriptor = os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _BINARY)
        try:
            _make_own(path, descriptor)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        hint = "Make it readable for this user, or set CONNECTOR_HOME to another folder."
        raise _error(path, f"It cannot be read: {error.strerror}.", hint) from None


def _make_own(path: Path, descriptor: int) -> None:
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        raise _error(path, "It is not a file.", "Move it away.")
    if sys.platform != "win32":
        if state.st_uid != os.geteuid():
            hint = "Take it over with chown, or set CONNECTOR_HOME to a folder of your own."
            raise _error(path, f"It belongs to another user (uid {state.st_uid}).", hint)
        if state.st_mode & 0o077:
            with suppress(OSError):  # a read-only file system; what is secret in it is encrypted
                os.fchmod(descriptor, 0o600)


def write(path: Path, content: bytes) -> None:
    """Replace a file of this user's own, as `replace` does.

    Raises:
        CredentialError: it cannot be written; the old file is untouched.
    """
    try:
        replace(path, content)
    except OSError as error:
        raise _cannot_write(path, error) from None


def replace(path: Path, content: bytes, *, is_private: bool = True) -> None:
    """Replace a file in one step: whatever happens, the old or the new one is there, whole.

    Of several writers at once, the last one wins.

    Args:
        path: of the file; its folder is there.
        content: all of it.
        is_private: only this user may read it, whatever the umask says.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    _clear(path)
    new = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(8).hex()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY
    descriptor = os.open(new, flags, 0o600 if is_private else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if is_private and sys.platform != "win32":
                os.fchmod(descriptor, 0o600)  # a umask may have taken even the owner's rights
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        with suppress(OSError):  # some network file systems cannot sync a folder; the file is in place
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _clear(path: Path) -> None:
    """Remove what writers of this file that were killed have left beside it."""
    left = re.compile(rf"{re.escape(path.name)}\.([0-9]{{1,9}})-[0-9a-f]{{16}}\.new")
    with suppress(OSError):  # a folder that cannot be listed, or another writer that clears it too
        for file in path.parent.iterdir():
            if (found := left.fullmatch(file.name)) and not _lives(int(found[1])):
                file.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    if sys.platform == "win32":  # asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def append(path: Path, line: bytes) -> None:
    """Add a line to a file: the whole line, or nothing of it.

    Only one writer at a time: call it inside `lock`.

    Raises:
        CredentialError: it cannot be written; the file is as it was.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | _NOFOLLOW | _NONBLOCK | _BINARY
        descriptor = os.open(path, flags, 0o600)
        try:
            _make_own(path, descriptor)
            size = os.fstat(descriptor).st_size
            # a writer that was killed may have left a line without its end
            is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            whole = (b"\n" if is_cut else b"") + line + b"\n"
            if os.write(descriptor, whole) != len(whole):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _cannot_write(path, error) from None


@contextmanager
def lock(path: Path, doing: str) -> Iterator[None]:
    """One writer at a time. The system frees the lock when its holder ends, however that ends.

    Args:
        path: the lock's file; it and its folders are made where they are missing.
        doing: what writers do, such as `saving connections`, for the error of one who waited in vain.

    Raises:
        CredentialError: another process has held it for ten seconds, or the folder cannot be written.
    """
    folder = path.parent
    try:
        for parent in (*reversed(folder.parents), folder):
            if not parent.exists():  # an existing folder keeps its mode: others may need to enter it
                parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(path, descriptor):
            if time.monotonic() > deadline:
                busy = f"Another program has been {doing} for {_LOCK_SECONDS:g} seconds."
                raise _error(path, busy, "Wait until it is done, or end it; then try again.")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _try_lock(path: Path, descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists on Windows only

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - does not exist on Windows

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise _cannot_write(path, error) from None
    return True


def _cannot_write(path: Path, error: OSError) -> CredentialError:
    hint = "Make room or allow writing there, or set CONNECTOR_HOME to another folder."
    return _error(path, f"It cannot be written: {error.strerror}.", hint)


def _error(where: object, message: str, hint: str) -> CredentialError:
    return CredentialError(message, where=str(where), hint=hint)
