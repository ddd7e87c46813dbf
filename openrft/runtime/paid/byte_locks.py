"""Locks between processes and threads that end with their process, however it ends: bytes of one file.

The system keeps a lock for each byte (POSIX record locks), so millions of names need one file and nothing is left
behind by a kill. The system's locks belong to a process; threads are kept apart here.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

_open: dict[str, ByteLocks] = {}  # one for a file and process: closing any other would release its locks
_opening = threading.Lock()


class ByteLocks:
    """Locks on the bytes of one file. Made by `open_locks`."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._held: set[int] = set()
        self._mutex = threading.Lock()
        self.users = 0
        self.process = os.getpid()

    def acquire(self, at: int) -> bool:
        """Take the lock `at`, below 2**62, if nobody has it. Never waits."""
        with self._mutex:
            if at in self._held:
                return False
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
            except OSError as fault:
                if fault.errno in (errno.EACCES, errno.EAGAIN):
                    return False
                raise
            self._held.add(at)
            return True

    def release(self, at: int) -> None:
        """Give back a lock that was taken."""
        with self._mutex:
            self._held.discard(at)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, at)

    def is_free(self, at: int) -> bool:
        """Whether nobody has the lock `at`."""
        free = self.acquire(at)
        if free:
            self.release(at)
        return free

    def close(self) -> None:
        """End one use. The last one closes the file and gives back all of its locks."""
        with _opening:
            self.users -= 1
            if not self.users and self.process == os.getpid():
                os.close(self._file)
                _open.pop(self._path, None)


def open_locks(path: Path) -> ByteLocks:
    """The locks of a file, the same for all of a process that open it. Raises OSError."""
    with _opening:
        found = _open.get(str(path))
        if found is None or found.process != os.getpid():  # a forked process has none of its parent's locks
            found = _open[str(path)] = ByteLocks(path)
        found.users += 1
        return found
