"""An initramfs is a cpio archive in the format newc: read back here by the format's own words, and by cpio(1)."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.kernels import initramfs
from bench.kernels.initramfs import Entry


class Unpacked(NamedTuple):
    name: str
    mode: int
    content: bytes
    device: tuple[int, int]


def unpack(archive: bytes) -> list[Unpacked]:
    """Read an archive as the kernel does (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    found, at = [], 0
    while True:
        assert archive[at : at + 6] == b"070701"
        numbers = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        _, mode, uid, gid, _, mtime, size, _, _, major, minor, name_size, check = numbers
        assert (uid, gid, mtime, check) == (0, 0, 0, 0)
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        start = -(-(at + 110 + name_size) // 4) * 4
        if name == b"TRAILER!!!\0":
            assert not archive[start:].strip(b"\0")
            return found
        found.append(Unpacked(name[:-1].decode(), mode, archive[start : start + size], (major, minor)))
        at = -(-(start + size) // 4) * 4


EXAMPLE = [
    initramfs.program("launchbench/probe", b"\x7fELF..."),
    initramfs.file("etc/os-release", b"ID=none\n", 0o640),
    initramfs.link("init", "launchbench/probe"),
    initramfs.character_device("dev/console", 5, 1),
    initramfs.folder("tmp", 0o1777),
    initramfs.file("odd", b"12345"),
    initramfs.file("empty", b""),
]


def test_it_holds_what_was_put_in_and_the_folders_that_the_names_imply() -> None:
    assert unpack(initramfs.archive(EXAMPLE)) == [
        ("dev", stat.S_IFDIR | 0o755, b"", (0, 0)),
        ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
        ("empty", stat.S_IFREG | 0o644, b"", (0, 0)),
        ("etc", stat.S_IFDIR | 0o755, b"", (0, 0)),
        ("etc/os-release", stat.S_IFREG | 0o640, b"ID=none\n", (0, 0)),
        ("init", stat.S_IFLNK | 0o777, b"launchbench/probe", (0, 0)),
        ("launchbench", stat.S_IFDIR | 0o755, b"", (0, 0)),
        ("launchbench/probe", stat.S_IFREG | 0o755, b"\x7fELF...", (0, 0)),
        ("odd", stat.S_IFREG | 0o644, b"12345", (0, 0)),
        ("tmp", stat.S_IFDIR | 0o1777, b"", (0, 0)),
    ]


def test_the_same_contents_are_the_same_bytes_in_whatever_order_they_come() -> None:
    assert initramfs.archive(EXAMPLE) == initramfs.archive(reversed(EXAMPLE))
    assert len(initramfs.archive(EXAMPLE)) % 512 == 0


@pytest.mark.parametrize("name", ["/init", "../init", "bin//init", "bin/", "./init", "TRAILER!!!"])
def test_a_name_that_an_archive_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        initramfs.archive([initramfs.file(name, b"")])


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two entries"):
        initramfs.archive([initramfs.file("init", b"1"), initramfs.file("init", b"2")])


def test_cpio_reads_it(tmp_path: Path) -> None:
    if not shutil.which("cpio"):
        pytest.skip("cpio is not installed (package cpio)")
    without_nodes = [entry for entry in EXAMPLE if not stat.S_ISCHR(entry.mode)]  # they need root
    archive = initramfs.archive(without_nodes)

    listed = subprocess.run(["cpio", "-t"], input=archive, capture_output=True, check=True)
    subprocess.run(["cpio", "-id", "--quiet"], input=archive, cwd=tmp_path, check=True)

    assert listed.stdout.decode().split() == [entry.name for entry in unpack(archive)]
    assert (tmp_path / "launchbench" / "probe").read_bytes() == b"\x7fELF..."
    assert (tmp_path / "init").readlink() == Path("launchbench/probe")
    assert (tmp_path / "etc" / "os-release").stat().st_mode & 0o7777 == 0o640


def test_an_entry_is_as_it_was_described() -> None:
    assert initramfs.link("a", "b") == Entry("a", stat.S_IFLNK | 0o777, b"b")
