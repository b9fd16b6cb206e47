"""Builds an initramfs: a cpio archive in the format `newc`, the same bytes for the same contents. Pure.

The format is that of Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source: heads of 13
eight-digit hexadecimal numbers, names and contents padded to four bytes, closed by an entry named `TRAILER!!!`. Device
nodes are entries like any other, so that no right is needed to make one.
Not for: what a guest holds (guest.py), or compressing (a kernel takes an archive as it is, and unpacks it faster).
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"
_ALIGNMENT = 4
_BLOCK = 512  # what cpio(1) pads an archive to


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive; owned by root, and as old as the epoch."""

    name: str
    """Its path without a leading slash."""
    mode: int
    """File type and permissions, as in `st_mode`."""
    content: bytes = b""
    """Of a symbolic link: where it points."""
    device: tuple[int, int] = (0, 0)
    """Major and minor number of a device node."""


def folder(name: str, permissions: int = 0o755) -> Entry:
    """A directory."""
    return Entry(name, stat.S_IFDIR | permissions)


def file(name: str, content: bytes, permissions: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(name, stat.S_IFREG | permissions, content)


def program(name: str, content: bytes) -> Entry:
    """A regular file that everyone may execute."""
    return file(name, content, 0o755)


def link(name: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(name, stat.S_IFLNK | 0o777, target.encode(errors="surrogateescape"))


def character_device(name: str, major: int, minor: int, permissions: int = 0o600) -> Entry:
    """A character device node."""
    return Entry(name, stat.S_IFCHR | permissions, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive of these entries, with every folder that a name implies, sorted by name.

    Raises ValueError when two entries have one name, or a name is absolute or leads outside.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or str(path) != entry.name or entry.name == _TRAILER:
            raise ValueError(f"{entry.name!r} is no name for an entry of an archive")
        if entry.name in found:
            raise ValueError(f"two entries are named {entry.name!r}")
        found[entry.name] = entry
    for name in list(found):
        for parent in PurePosixPath(name).parents:
            if str(parent) != ".":
                found.setdefault(str(parent), folder(str(parent)))
    packed = bytearray()
    # Sorted, so that a folder stands before what is in it.
    for number, name in enumerate(sorted(found), start=1):
        packed += _pack(found[name], number)
    packed += _pack(Entry(_TRAILER, 0), 0)
    return bytes(packed) + bytes(-len(packed) % _BLOCK)


def _pack(entry: Entry, number: int) -> bytes:
    name = entry.name.encode(errors="surrogateescape") + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        number,  # inode
        entry.mode,
        0,  # owner
        0,  # group
        links,
        0,  # time of the last change
        len(entry.content),
        0,  # device that holds the file
        0,
        *entry.device,
        len(name),
        0,  # checksum, which only the format 070702 has
    )
    head = _MAGIC + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
