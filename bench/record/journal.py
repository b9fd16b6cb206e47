"""The append side of a result file: every line is on the disk before the next worker starts.

It knows lines and syncing, not what the lines mean. Reading is `reader`'s.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.record.reader import Recording, read_stream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from bench.record.format import Header


class JournalError(Exception):
    """The file cannot be created, locked or extended. One line that names the file and the remedy."""


class Journal:
    """An open result file, locked against a second writer; a context manager that closes it.

    The lock is flock(2) on the open file description: it goes with the runner, also after SIGKILL. The descriptor is
    close-on-exec, so workers do not inherit it; a child that never execs must close it or would hold the lock.
    """

    def __init__(self, path: Path, descriptor: int, end: int) -> None:
        """Take over an open, locked `descriptor` of `path` whose whole lines end at byte `end`."""
        self.path = path
        self._descriptor = descriptor
        self._end = end

    @classmethod
    def create(cls, path: str | os.PathLike[str], header: Header) -> Journal:
        """Create `path` with `header` as its first line, synced to disk with its directory entry.

        Mode 0644 less the umask. Raises `JournalError` when `path` exists, is locked, or cannot be written;
        then no file is left.
        """
        path = Path(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise JournalError(f"{path}: exists already: choose another name, or continue it with --resume") from None
        except OSError as error:
            raise JournalError(f"{path}: cannot create the result file: {error.strerror}") from None
        journal = cls(path, descriptor, 0)
        try:
            _lock(descriptor, path)
            journal.append(header)
            _sync_directory(path)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            journal.close()
            raise
        return journal

    @classmethod
    def reopen(cls, path: str | os.PathLike[str]) -> tuple[Journal, Recording]:
        """Open `path` to append to it, with what it holds already.

        A torn last line is cut off; the recording still says `torn`. Raises `JournalError` when the file cannot be
        opened or another runner holds it, `UnreadableResult` when it is not a result file of this version.
        """
        path = Path(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise JournalError(f"{path}: cannot open the result file to continue it: {error.strerror}") from None
        try:
            _lock(descriptor, path)
            # Read through the locked descriptor: the name may have come to mean another file.
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                recording = read_stream(stream, path)
            if recording.torn_at is not None:
                os.ftruncate(descriptor, recording.torn_at)
                os.fsync(descriptor)
            end = os.fstat(descriptor).st_size
        except OSError as error:
            os.close(descriptor)
            raise JournalError(f"{path}: cannot continue the result file: {error.strerror}") from None
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, end), recording

    def append(self, line: Mapping[str, object]) -> None:
        """Write one line and wait until it is on the disk.

        All or nothing: after a failed or short write the file is cut back to its previous end, so the journal can be
        used again once there is space. Raises `JournalError`; `ValueError` for NaN or infinity, `TypeError` for what
        is not JSON (a caller's bug: nothing is written).
        """
        data = encode(line)
        try:
            _write_whole(self._descriptor, data)
            os.fsync(self._descriptor)
        except BaseException as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._end)
            if isinstance(error, OSError):
                raise JournalError(
                    f"{self.path}: cannot append a line: {error.strerror}: what was written before is safe, "
                    "make room and continue with --resume"
                ) from None
            raise
        self._end += len(data)

    def close(self) -> None:
        """Release the lock and the file; closing twice is harmless."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            # Explicit: a forked child that still has the descriptor would keep the lock past close(2).
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it, whatever happened."""
        self.close()


def encode(line: Mapping[str, object]) -> bytes:
    """One line of a result file: compact JSON, UTF-8, ending in a newline; what UTF-8 cannot hold becomes `?`."""
    text = json.dumps(line, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace") + b"\n"


def _write_whole(descriptor: int, data: bytes) -> None:
    """Write all of `data`: in one write(2), but a short one is continued to learn why it was short."""
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        if written == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[written:]


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(f"{path}: another launchbench is writing to it: wait for it to end") from None
    except OSError as error:
        raise JournalError(f"{path}: cannot be locked ({error.strerror}): use another file system") from None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems have no fsync for directories.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise JournalError(f"{path}: cannot be synced to disk: {error.strerror}") from None
    finally:
        os.close(descriptor)
