"""Which processes are at work on one file: each holds a lock on a byte of a lock file beside it.

The system frees the lock when its holder ends, however that ends. So a process that died is told from one
that is slow without any clock. Locks belong to the process: one of them opens a file's slots once.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from connector.errors import ConnectorError

_MOST: Final = 1000
_WRITER: Final = 0
_LOOK_AGAIN: Final = 0.02


class Slots:
    """The slots of one file.

    Attributes:
        own: this process's, from 1.
    """

    def __init__(self, path: Path) -> None:
        """Take the first slot that is free.

        Raises:
            ConnectorError: the lock file cannot be opened, or locks do not work there.
        """
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._failed(error) from None
        self.own = 0
        self.own = next((slot for slot in range(1, _MOST) if self._take(slot)), 0)
        if not self.own:
            self.close()
            hint = "Wait until some of them have ended."
            raise ConnectorError("Too many processes are at work on it.", where=str(path), hint=hint)

    def is_dead(self, slot: int) -> bool:
        """Whether the process that had this slot has ended."""
        if slot == self.own or not self._take(slot):
            return False
        self._give(slot)
        return True

    def lead(self, *, wait: bool = False) -> bool:
        """Whether this process is the one that writes the output; from then on it is, until it closes.

        Args:
            wait: until it is; without it, the answer may be no.
        """
        while not (leads := self._take(_WRITER)) and wait:
            time.sleep(_LOOK_AGAIN)
        return leads

    def close(self) -> None:
        """Give every lock back."""
        os.close(self._file)

    def _take(self, slot: int) -> bool:
        try:
            if sys.platform == "win32":
                import msvcrt  # noqa: PLC0415 - exists on Windows only

                os.lseek(self._file, slot, os.SEEK_SET)
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl  # noqa: PLC0415 - does not exist on Windows

                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except BlockingIOError:
            return False
        except PermissionError:  # what Windows, and some network file systems, say of a lock that is held
            return False
        except OSError as error:
            raise self._failed(error) from None
        return True

    def _give(self, slot: int) -> None:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            os.lseek(self._file, slot, os.SEEK_SET)
            msvcrt.locking(self._file, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)

    def _failed(self, error: OSError) -> ConnectorError:
        message = f"It cannot be locked: {error.strerror}."
        return ConnectorError(message, where=str(self._path), hint="Put the ledger on a local disk.")
