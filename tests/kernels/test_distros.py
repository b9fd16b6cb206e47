"""Roots of distros, unpacked by mmdebstrap from a signed archive that the test makes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from local_archive import Archive, trust

from bench.kernels import (
    DamagedError,
    NotFetchedError,
    Root,
    UnavailableError,
    UnknownNameError,
    mirrors,
    obtain_development,
    obtain_root,
    pinned,
    root_of,
)
from bench.kernels.cache import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_archive import Key

OS_RELEASE = b'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\n'

needs_mmdebstrap = pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")


def watch(what: str, percent: float | None) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def packages(signing_key: Key, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A bullseye of a few files, for all tests."""
    archive = Archive(tmp_path_factory.mktemp("archive"), signing_key)
    files = {
        "base-files": {"usr/lib/os-release": OS_RELEASE, "usr/share/doc/base-files/readme": b"paper"},
        "libc6": {"lib/x86_64-linux-gnu/libc.so.6": b"library"},
        "libc6-dev": {"usr/include/stdio.h": b"headers"},
        "musl": {"usr/lib/ld-musl-x86_64.so.1": b"library"},
        "busybox-static": {"usr/bin/busybox": b"static"},
    }
    versions = {"libc6": "2.31-13+deb11u11", "musl": "1.2.2-1"}
    for name in dict.fromkeys((*pinned.distro("bullseye").packages, *files)):
        archive.add("bullseye", name, versions.get(name, "1"), files.get(name, {f"bin/{name}": name.encode()}))
    return archive


@pytest.fixture
def debian(archive: Archive, packages: Archive) -> Archive:
    """A copy of it for one test, and the only archive that this machine knows."""
    shutil.copytree(packages.folder, archive.folder, dirs_exist_ok=True)
    archive.suites.update(packages.suites)
    return archive


@pytest.fixture(scope="module")
def fetched(packages: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache into which the root of bullseye was fetched, for all tests."""
    folder = tmp_path_factory.mktemp("fetched")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        trust(packages, folder / "keyrings", patch)
        obtain_root("bullseye", watch)
    return folder / "launchbench"


@pytest.fixture
def bullseye(debian: Archive, fetched: Path, cache_home: Path) -> Root:  # noqa: ARG001 - where more comes from
    """The root in a copy of that cache."""
    shutil.copytree(fetched, cache_home, symlinks=True)
    return root_of("bullseye")


@needs_mmdebstrap
def test_a_root_is_unpacked_from_its_suite(debian: Archive, cache_home: Path) -> None:
    assert debian.uri
    got = obtain_root("bullseye", watch)

    assert (got.name, got.suite) == ("bullseye", "bullseye")
    assert got.distro == "Debian GNU/Linux 11 (bullseye)"
    assert got.libc == "glibc 2.31"
    assert got.packages["libc6"] == "2.31-13+deb11u11"
    assert set(got.packages) == set(pinned.distro("bullseye").packages)
    assert (got.path / "bin/dash").read_bytes() == b"dash"
    assert got.path.is_relative_to(cache_home / "distros")
    assert root_of("bullseye") == got


@needs_mmdebstrap
def test_what_a_compiler_needs_stands_beside_the_root(bullseye: Root) -> None:
    root, development = bullseye, obtain_development("bullseye", watch)

    assert (development.name, development.libc) == ("bullseye-dev", root.libc)
    assert set(development.packages) == {"libc6-dev", "libc6"}
    assert "libc6-dev" not in root.packages, "a root stays small"
    # Nobody asked for it by name, so nobody needs to be told to fetch it again.
    (development.path / "usr/include/stdio.h").write_text("changed")
    again = obtain_development("bullseye", watch)
    assert (again.sha256, again.path) == (development.sha256, development.path)
    assert (again.path / "usr/include/stdio.h").read_bytes() == b"headers"
    with pytest.raises(UnavailableError, match=r"^distro musl-1\.2\.2 has no glibc$"):
        obtain_development("musl-1.2.2", watch)


@needs_mmdebstrap
def test_nothing_of_the_machine_and_no_paper_is_in_it(bullseye: Root) -> None:
    files = {str(path.relative_to(bullseye.path)) for path in bullseye.path.rglob("*") if path.is_file()}
    assert not files & {"etc/resolv.conf", "etc/hostname", "etc/apt/sources.list", "usr/share/doc/base-files/readme"}
    assert "lib/x86_64-linux-gnu/libc.so.6" in files
    assert list((bullseye.path / "dev").iterdir()) == []


@needs_mmdebstrap
def test_the_modes_of_its_folders_do_not_tell_who_made_it(bullseye: Root) -> None:
    modes = {path.name: oct(path.stat().st_mode) for path in bullseye.path.rglob("*") if path.is_dir()}
    assert modes.pop("tmp") == "0o41777"
    assert set(modes.values()) == {"0o40755"}


@needs_mmdebstrap
def test_the_same_packages_make_the_same_tree(bullseye: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    second = obtain_root("bullseye", watch)

    assert bullseye.path != second.path
    assert bullseye.sha256 == second.sha256


@needs_mmdebstrap
def test_musl_comes_with_commands_and_without_glibc(debian: Archive) -> None:
    assert debian.uri
    got = obtain_root("musl-1.2.2", watch)

    assert (got.libc, got.distro) == ("musl 1.2.2", "musl and busybox of Debian bullseye")
    assert (got.path / "bin/sh").resolve() == got.path / "usr/bin/busybox"
    assert (got.path / "lib/ld-musl-x86_64.so.1").read_bytes() == b"library"
    assert not list(got.path.rglob("libc.so.6"))


@needs_mmdebstrap
def test_a_root_signed_by_somebody_else_is_refused(debian: Archive, foreign_key: Key, cache_home: Path) -> None:
    debian.publish("bullseye", key=foreign_key)

    with pytest.raises(UnavailableError, match=r"^distro bullseye, of Debian bullseye: .*signatures couldn't be veri"):
        obtain_root("bullseye", watch)
    assert [path.name for path in (cache_home / "distros/bullseye").iterdir()] == [".lock"]


@needs_mmdebstrap
@pytest.mark.parametrize(
    "harm",
    [
        lambda root: (root.path / "bin/dash").write_bytes(b"other"),
        lambda root: (root.path / "bin/dash").chmod(0o777),
        lambda root: (root.path / "bin/more").touch(),
        lambda root: (root.path / "bin/dash").unlink(),
        lambda root: shutil.rmtree(root.path),
    ],
)
def test_a_root_that_was_changed_is_noticed(bullseye: Root, harm: Callable[[Root], object]) -> None:
    harm(bullseye)

    for ask in (lambda: root_of("bullseye"), lambda: obtain_root("bullseye", watch)):
        with pytest.raises(DamagedError, match=r"launchbench distros fetch --refresh bullseye$"):
            ask()


@needs_mmdebstrap
@pytest.mark.parametrize(
    "harm", [lambda root: (root.path / "bin/dash").write_bytes(b"other"), lambda root: shutil.rmtree(root.path)]
)
def test_a_root_that_was_changed_can_be_fetched_again(bullseye: Root, harm: Callable[[Root], object]) -> None:
    harm(bullseye)

    assert obtain_root("bullseye", watch, refresh=True) == bullseye
    assert root_of("bullseye") == bullseye


@needs_mmdebstrap
def test_what_is_in_the_cache_needs_no_mirror(bullseye: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: pytest.fail("was asked"))

    assert obtain_root("bullseye", watch) == bullseye


@needs_mmdebstrap
def test_the_manifest_names_every_package(bullseye: Root) -> None:
    data = json.loads((bullseye.path.parent / "manifest.json").read_text())
    assert data["format"] == "launchbench-root/1"
    assert data["packages"] == dict(bullseye.packages)
    assert data["folder"] == bullseye.path.name


def test_without_mmdebstrap_its_package_is_named(
    debian: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert debian.uri
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match=r"package mmdebstrap"):
        obtain_root("bullseye", watch)


def test_a_known_root_that_was_not_fetched_says_how(cache_home: Path) -> None:
    with pytest.raises(NotFetchedError, match=r"launchbench distros fetch noble$"):
        root_of("noble")
    with pytest.raises(UnknownNameError, match="did you mean noble"):
        root_of("nobel")
    assert not cache_home.exists()


def test_the_hash_of_a_tree_is_that_of_its_names_modes_and_contents(tmp_path: Path) -> None:
    def made(name: str) -> Path:
        root = tmp_path / name
        (root / "a").mkdir(parents=True)
        (root / "a/file").write_bytes(b"content")
        (root / "link").symlink_to("a/file")
        return root

    one, other = made("one"), made("other")
    assert tree_digest(one) == tree_digest(other)

    for number, change in enumerate([
        lambda root: (root / "a/file").write_bytes(b"Content"),
        lambda root: (root / "a/file").chmod(0o600),
        lambda root: (root / "a/file").rename(root / "a/elif"),
        lambda root: (root / "b").mkdir(),
        lambda root: ((root / "link").unlink(), (root / "link").symlink_to("a")),
    ]):  # fmt: skip
        root = made(f"changed-{number}")
        change(root)
        assert tree_digest(root) != tree_digest(one), number
