"""Ubuntu's keys on a machine that has Debian's alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from local_archive import Archive, Key, kernel_bytes

from bench.kernels import UnavailableError, image_of, obtain_kernel
from bench.kernels.keyrings import keyring

if TYPE_CHECKING:
    from pathlib import Path

MEMBER = "usr/share/keyrings/ubuntu-archive-keyring.gpg"


def watch(what: str, percent: float | None) -> None:
    """Nobody looks."""


@pytest.fixture
def ubuntu(tmp_path: Path, foreign_key: Key) -> Archive:
    """An archive that is signed with a key which the machine does not have."""
    (tmp_path / "ubuntu").mkdir()
    made = Archive(tmp_path / "ubuntu", foreign_key)
    release = "4.4.0-210-generic"
    made.add("xenial-updates", f"linux-image-{release}", "4.4.0-210.242",
             {f"boot/vmlinuz-{release}": kernel_bytes(release)})  # fmt: skip
    return made


def lend(archive: Archive, key: Key, tmp_path: Path, suite: str = "trixie") -> bytes:
    """Put a package with `key` into Debian's archive."""
    key.export(tmp_path / "exported")
    content = (tmp_path / "exported").read_bytes()
    archive.add(suite, "ubuntu-keyring", "2023", {"usr/share/keyrings/ubuntu-cloud.gpg": b"no", MEMBER: content})
    return content


def test_the_keys_come_out_of_debians_signed_package(archive: Archive, foreign_key: Key, tmp_path: Path) -> None:
    content = lend(archive, foreign_key, tmp_path)

    assert keyring("ubuntu", watch).read_bytes() == content


def test_with_them_a_kernel_of_ubuntu_is_fetched(
    archive: Archive, ubuntu: Archive, foreign_key: Key, tmp_path: Path
) -> None:
    lend(archive, foreign_key, tmp_path, suite="sid")

    got = obtain_kernel("4.4", watch, given=[ubuntu.uri])

    assert (got.suite, got.release) == ("xenial-updates", "4.4.0-210-generic")
    assert json.loads((got.path.parent / "manifest.json").read_text())["version"] == "4.4.0-210.242"
    assert image_of("4.4") == got


def test_other_keys_than_the_archive_is_signed_with_do_not_do(
    archive: Archive, ubuntu: Archive, signing_key: Key, tmp_path: Path
) -> None:
    lend(archive, signing_key, tmp_path)

    with pytest.raises(UnavailableError, match="signatures couldn't be verified"):
        obtain_kernel("4.4", watch, given=[ubuntu.uri])


def test_the_machines_own_are_preferred(archive: Archive, foreign_key: Key, tmp_path: Path) -> None:
    lend(archive, foreign_key, tmp_path)
    own = tmp_path / "keyrings/ubuntu-archive-keyring.gpg"
    own.write_bytes(b"own")

    assert keyring("ubuntu", watch) == own


def test_once_fetched_they_stay(archive: Archive, foreign_key: Key, tmp_path: Path) -> None:
    lend(archive, foreign_key, tmp_path)
    first = keyring("ubuntu", watch)
    archive.publish_unsigned("trixie")

    assert keyring("ubuntu", watch) == first


def test_a_package_that_nobody_trusts_lends_nothing(archive: Archive, foreign_key: Key, tmp_path: Path) -> None:
    lend(archive, foreign_key, tmp_path)
    archive.publish("trixie", key=foreign_key)

    with pytest.raises(UnavailableError, match=r"package ubuntu-keyring\), nor to be had"):
        keyring("ubuntu", watch)


def test_without_any_key_both_packages_are_named(archive: Archive, tmp_path: Path) -> None:
    assert archive.uri
    (tmp_path / "keyrings/debian-archive-keyring.gpg").unlink()

    with pytest.raises(UnavailableError, match="package ubuntu-keyring"):
        keyring("ubuntu", watch)
    with pytest.raises(UnavailableError, match="package debian-archive-keyring"):
        keyring("debian", watch)
