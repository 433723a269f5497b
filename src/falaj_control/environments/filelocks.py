"""A lock on a file that says who uses what it stands for: many share it, or one owns it.

It is the kernel's (flock), so it goes with the processes that hold it, however they end. A tool
that is given the file holds the lock as well, for as long as it runs.
"""

from __future__ import annotations

import errno
import fcntl
import os

from falaj_control.environments.values import EnvironmentFailed

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class FileLock:
    """The lock that the file `path` stands for; not held until `share` or `own` returns true."""

    def __init__(self, path: str) -> None:
        """Stand for `path`; its file and folder are made when the lock is first taken."""
        self.path = path
        self._file: int | None = None

    @property
    def file(self) -> int:
        """The open file; whoever has it as well holds the lock as well."""
        assert self._file is not None
        return self._file

    def share(self) -> bool:
        """Hold the lock with others who share it; false, and not held, while somebody owns it."""
        return self._take(fcntl.LOCK_SH)

    def own(self) -> bool:
        """Hold the lock alone; false, and not held, while others hold it.

        Going over from sharing to owning, or back, lets others in between. Raises OSError where
        the file can't be written.
        """
        return self._take(fcntl.LOCK_EX)

    def touch(self) -> None:
        """Note that what is locked is being used."""
        try:
            os.utime(self.file)
        except OSError:
            # A cache that is only read forgets when it was used.
            pass

    def delete(self) -> None:
        """Delete the file of a lock that is owned, and let it go."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            # Somebody has removed the cache by hand.
            pass
        self.release()

    def release(self) -> None:
        """Let the lock go; again does nothing."""
        file, self._file = self._file, None
        if file is not None:
            # A child that was just forked may still have the file open: closing is not enough.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)

    def _take(self, kind: int) -> bool:
        while True:
            if self._file is None:
                self._file = self._open(kind)
            taken = self._try(kind)
            if taken and self._is_current():
                return True
            self.release()
            if not taken:
                return False
            # Whoever owned it has deleted it meanwhile; a new file stands for it now.

    def _open(self, kind: int) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            return os.open(self.path, flags, 0o644)
        except OSError as error:
            if kind != fcntl.LOCK_SH or error.errno not in _READ_ONLY:
                raise
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            os.close(self.file)
            self._file = None
            raise EnvironmentFailed(
                f"{self.path} can't be locked ({error.strerror}). Set FALAJ_CACHE to a folder on "
                "a disk of this machine."
            ) from error
        return True

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.file), os.stat(self.path))
        except FileNotFoundError:
            return False
