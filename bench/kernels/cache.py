"""Where fetched kernels and roots are kept, and how they get there whole: locks, workspaces, hashes.

    CACHE/kernels/NAME/manifest.json, vmlinuz-HASH       CACHE/distros/NAME/manifest.json, root-HASH/

The manifest is put in place last and by one rename, so a name either has all of it or nothing; whoever fetches the same
name at the same time waits. An image or root that a newer one replaced stays: a run may be using it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import installation
from bench.kernels.manifest import UnavailableError

_UNFINISHED = ".unfinished-"


def home() -> Path:
    """The cache's folder. Raises UnavailableError for a user without a home."""
    kept = installation.cache()
    if kept is None:
        raise UnavailableError("there is no home folder to keep kernels and distros in: set XDG_CACHE_HOME")
    return kept.absolute()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Make `folder` and be the only process that changes it. Others wait; a process that dies lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UnavailableError(f"{folder}: {error.strerror}: set XDG_CACHE_HOME to a folder of your own") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """Return an empty folder inside `folder`, removed at the end; so is what a killed process left of such.

    To be used under `exclusive(folder)`: nobody else's is in use then.
    """
    for abandoned in folder.glob(f"{_UNFINISHED}*"):
        _remove(abandoned)
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    try:
        yield made
    finally:
        _remove(made)


def put(text: str, path: Path) -> None:
    """Write a file so that a reader finds the old one or the new one, after a crash too."""
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def tree_digest(root: Path) -> str:
    """SHA-256 over every entry below `root`, sorted by path: path, kind and permissions, and content.

    Owners and times are left out: the same packages unpacked by another user make the same tree.
    """
    digest = hashlib.sha256()
    for path in sorted(walk(root)):
        mode = path.lstat().st_mode
        content = _content_digest(path, mode)
        digest.update(f"{path.relative_to(root)}\0{mode:o}\0{content}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def walk(root: Path) -> Iterator[Path]:
    """Every entry below `root`, folders before what is in them; links are not followed."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            yield Path(folder, name)


def _content_digest(path: Path, mode: int) -> str:
    if stat.S_ISREG(mode):
        return file_digest(path)
    return str(path.readlink()) if stat.S_ISLNK(mode) else ""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
