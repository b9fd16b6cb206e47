"""A dynamic worker is linked with the C library of a root, never with this machine's by mistake."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.catalogue import Build, MissingToolError, build
from bench.catalogue.target import of_root

HERE = Path("/")
needs_libc_dev = pytest.mark.skipif(
    not list(HERE.glob("usr/lib/*/Scrt1.o")), reason="needs Debian's libc6-dev, whose folders roots have too"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root as libc6-dev leaves it: its links are absolute, and mean the root."""
    development, library, loader = (
        tmp_path / "root" / name for name in ("usr/lib/m-linux-gnu", "lib/m-linux-gnu", "lib64")
    )
    for folder in (development, library, loader):
        folder.mkdir(parents=True)
    for name in ("Scrt1.o", "crti.o", "crtn.o", "libc_nonshared.a"):
        (development / name).write_text(name)
    (development / "libc.so").write_text("GROUP ( /lib/m-linux-gnu/libc.so.6 )")
    (library / "libpthread.so.0").symlink_to("libpthread-2.31.so")
    (library / "libpthread-2.31.so").write_text("threads")
    (library / "libc.so.6").symlink_to("libc-2.31.so")
    (library / "libc-2.31.so").write_text("the library")
    (library / "ld-linux.so.2").symlink_to("/lib64/ld-2.31.so")
    (loader / "ld-2.31.so").write_text("the loader")
    return tmp_path / "root"


def links_of(flags: tuple[str, ...]) -> Path:
    return Path(next(flag for flag in flags if flag.startswith("-L")).removeprefix("-L"))


def test_links_lead_to_files_of_the_root(root: Path) -> None:
    with of_root("old", root) as target:
        links = links_of(target.flags)

        assert (links / "libpthread.so.0").read_text() == "threads"
        assert (links / "ld-linux.so.2").read_text() == "the loader"
        assert (links / "crti.o").read_text() == "crti.o"
        parts = (links / "libc.so").read_text().split()
        assert parts[2:5] == [f"{links}/{name}" for name in ("libc.so.6", "libc_nonshared.a", "libpthread.so.0")]
        assert f"--sysroot={root}" in target.flags
    assert not links.exists()


def test_another_library_is_another_build(root: Path, strategies: Path) -> None:
    digests = {build.digest(strategies, "glibc", "gcc 12.2")}
    for version in ("2.31", "2.31.1"):
        (root / "lib/m-linux-gnu/libc-2.31.so").write_text(version)
        with of_root("old", root) as target:
            digests.add(build.digest(strategies, "glibc", "gcc 12.2", target))

    assert len(digests) == 3


@pytest.mark.parametrize("missing", ["usr/lib/m-linux-gnu/Scrt1.o", "lib/m-linux-gnu/libc.so.6", "lib64/ld-2.31.so"])
def test_without_what_to_link_with_the_reason_is_told(root: Path, missing: str) -> None:
    (root / missing).unlink()

    with pytest.raises(MissingToolError, match=r"^old has no "), of_root("old", root):
        pass


def test_links_that_go_round_end(root: Path) -> None:
    (root / "lib/m-linux-gnu/libpthread.so.0").unlink()
    (root / "lib/m-linux-gnu/libpthread.so.0").symlink_to("libpthread.so.0")

    with of_root("old", root) as target:
        assert not (links_of(target.flags) / "libpthread.so.0").exists()


@needs_libc_dev
def test_a_worker_that_is_linked_with_a_root_runs_there(strategies: Path, tmp_path: Path, built: Build) -> None:
    """The root is this machine's own here, as every one that has libc6-dev would do."""
    with of_root("here", HERE) as target:
        made = build.ensure(strategies, [tmp_path / "builds"], target=target)

    assert made.folder.name == f"{made.digest}-glibc-here"
    assert made.digest != built.digest
    assert (made.variant, made.libc) == ("glibc", None)
    assert subprocess.run([made.worker], capture_output=True, check=True).stdout.startswith(b'{"kind"')
