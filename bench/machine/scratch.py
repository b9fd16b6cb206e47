"""Folders for a run's own files, in memory where there is such a place; and what killed runs left of them.

Removing one at the end is the guard's. One that a run left, killed together with its guard, is known by its lock, which
dies with the run: the next run removes it, and so does `doctor --restore`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - samples never wait for a disk there; mkdtemp is private
_PREFIX = "launchbench-run-"


@dataclass(frozen=True, slots=True)
class Scratch:
    """One folder. It is locked as long as `lock`, a descriptor of it, is open."""

    path: Path
    lock: int

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def usual_base() -> Path:
    """Where such folders are made."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def make(base: Path | None = None) -> Scratch:
    """Make a folder and lock it; what killed runs left is removed first."""
    base = base or usual_base()
    sweep(base)
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_SH)
        # Somebody who sweeps may have come between the two, and have taken it for abandoned.
        if path.exists():
            return Scratch(path, lock)
        os.close(lock)


def sweep(base: Path | None = None) -> list[Path]:
    """Remove the folders whose run is over, and return them; those of another user are his."""
    return [path for path in (base or usual_base()).glob(f"{_PREFIX}*") if _is_swept(path)]


def _is_swept(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            return not path.exists()
        return False
    finally:
        os.close(lock)
