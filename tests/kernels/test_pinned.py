"""The names of kernels and distros, and which packages they stand for."""

from __future__ import annotations

import re

import pytest

from bench.kernels import UnknownNameError, pinned
from bench.kernels.apt import complaint, newest_name
from bench.kernels.distros import libc_of
from bench.kernels.manifest import SourceError


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("4.4", "linux-image-4.4.0-210-generic"),
        ("5.0", "linux-image-5.0.0-65-generic"),
        ("5.10", "linux-image-5.10.0-32-amd64"),
        ("6.1", "linux-image-6.1.0-50-amd64"),
        ("6.12", "linux-image-6.12.117+deb13-amd64"),
        ("6.12", "linux-image-6.12.90+deb12.1-amd64"),
        ("6.19", "linux-binary-6.19.14+deb13-amd64"),
        ("7.3", "linux-binary-7.3-amd64"),
        ("7.3", "linux-image-7.3.0-9-generic"),
    ],
)
def test_a_version_stands_for_packages_as_the_suites_name_them(name: str, package: str) -> None:
    assert any(re.fullmatch(origin.package, package) for origin in pinned.kernel(name).origins)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("5.1", "linux-image-5.10.0-32-amd64"),
        ("6.1", "linux-image-6.12.117+deb13-amd64"),
        ("6.1", "linux-image-6.1.0-50-rt-amd64"),
        ("6.1", "linux-image-6.1.0-50-cloud-amd64"),
        ("6.12", "linux-image-6.12-amd64"),
        ("6.19", "linux-image-6.19.14+deb13-amd64"),
        ("6.19", "linux-binary-unsigned-6.19.14+deb13-amd64"),
        ("4.4", "linux-image-4.4.0-210-lowlatency"),
        ("4.4", "linux-image-unsigned-4.4.0-210-generic"),
        ("4.4", "linux-image-4x4.0-210-generic"),
    ],
)
def test_and_for_no_others(name: str, package: str) -> None:
    origins = pinned.KERNELS[name].origins if name in pinned.KERNELS else ()

    assert not any(re.fullmatch(origin.package, package) for origin in origins)


def test_kernels_are_listed_from_the_oldest_to_the_newest() -> None:
    versions = [tuple(map(int, name.split("."))) for name in pinned.KERNELS]

    assert versions == sorted(versions)
    assert len(versions) >= 10
    assert versions[0] == (4, 4)
    assert versions[-1] >= (7, 0)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("4.5", "4.4"), ("v6.12", "6.12"), ("6.12.3", "6.12"), ("8", "7.3"), ("5.20", "5.19"), ("runing", "running")],
)
def test_the_nearest_kernel_is_suggested(wrong: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"^no kernel '{re.escape(wrong)}'; did you mean {re.escape(near)}\?$"):
        pinned.kernel(wrong)


@pytest.mark.parametrize(
    ("wrong", "near"), [("bulseye", "bullseye"), ("Bookworm", "bookworm"), ("musl", "musl-1.2.5"), ("musl-1.2", None)]
)
def test_the_nearest_distro_is_suggested(wrong: str, near: str | None) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean {near or 'musl-1.2'}"):
        pinned.distro(wrong)


def test_a_name_like_no_other_is_told_where_the_names_are() -> None:
    for look_up, kind in ((pinned.kernel, "kernel"), (pinned.distro, "distro")):
        with pytest.raises(UnknownNameError, match=f"^no {kind} 'qwxyz'; `launchbench {kind}s list` has the names$"):
            look_up("qwxyz")


def test_the_newest_is_the_highest_number_not_the_last_word() -> None:
    assert newest_name(["a-5.10.0-9-x", "a-5.10.0-32-x", "a-5.10.0-4-x"]) == "a-5.10.0-32-x"
    assert newest_name(["a-7.3-x", "a-7.3.4-x"]) == "a-7.3.4-x"
    assert newest_name([]) is None


@pytest.mark.parametrize(
    ("packages", "libc"),
    [
        ({"dash": "0.5", "libc6": "2.31-13+deb11u11"}, "glibc 2.31"),
        ({"libc6": "2.27-3ubuntu1"}, "glibc 2.27"),
        ({"libc6": "1:2.36-9"}, "glibc 2.36"),
        ({"musl": "1.2.5-3.1~deb13u1"}, "musl 1.2.5"),
    ],
)
def test_the_c_library_is_read_from_its_packages_version(packages: dict[str, str], libc: str) -> None:
    assert libc_of(packages) == libc


def test_a_root_without_a_c_library_is_none() -> None:
    with pytest.raises(SourceError, match="without a C library"):
        libc_of({"dash": "0.5"})


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            """
            W: GPG error: copy:/a x InRelease: The following signatures couldn't be verified: NO_PUBKEY 1
            E: The repository 'copy:/a x InRelease' is not signed.
            """,
            "copy:/a x InRelease: The following signatures couldn't be verified: NO_PUBKEY 1",
        ),
        ("W: something\nE: Failed to fetch a  404  Not Found\nE: Some", "Failed to fetch a  404  Not Found"),
        ("W: only a warning\n", "only a warning"),
        ("dpkg: strange\n", "dpkg: strange"),
        ("", "apt failed and did not say why"),
    ],
)
def test_of_what_apt_says_the_cause_is_told(said: str, line: str) -> None:
    assert complaint(said) == line
