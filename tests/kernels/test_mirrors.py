"""Where mirrors are learnt. No name of a real one is needed for that."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import bench
from bench.kernels import mirrors

# What `apt-get indextargets` prints in mirrors' own format.
TARGETS = """\
Packages\thttp://a.test/debian/\tbookworm\tDebian\tDebian
DEP-11\thttp://dep.test/debian/\tbookworm\tDebian\tDebian
Packages\thttp://a.test/debian/\tbookworm-updates\tDebian\tDebian
Packages\thttp://a.test/debian-security/\tbookworm-security\tDebian\tDebian-Security
Packages\tmirror+file:/etc/apt/mirrors/debian.list\ttrixie\tDebian\tDebian
Packages\thttp://c.test/node\tnodistro\t. nodistro\t. nodistro
Packages\thttp://u.test/ubuntu/\tnoble\tUbuntu\tUbuntu
Packages\thttp://s.test/ubuntu/\tnoble-security\tUbuntu\tUbuntu
"""
# What `apt-get update --print-uris` prints before anything was fetched.
ADDRESSES = """\
'http://a.test/debian/dists/bookworm/InRelease' a.test_debian_dists_bookworm_InRelease 0 
'http://a.test/debian-security/dists/bookworm-security/InRelease' a.test_debian-security_dists_bookworm 0 
'http://a.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' a.test_debian_Packages 0 
"""  # noqa: W291 - as apt prints it


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ("debian", ["http://a.test/debian/", "http://a.test/debian/", "mirror+file:/etc/apt/mirrors/debian.list"]),
        ("ubuntu", ["http://u.test/ubuntu/"]),
    ],
)
def test_the_machines_own_are_told_apart_by_whose_they_are(
    monkeypatch: pytest.MonkeyPatch, vendor: str, expected: list[str]
) -> None:
    monkeypatch.setattr(mirrors, "_printed", lambda *_command: TARGETS)

    assert mirrors.of_machine(vendor) == expected


def test_before_the_first_update_the_addresses_are_known_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "_printed", lambda *command: "" if "indextargets" in command else ADDRESSES)

    assert mirrors.of_machine("debian") == ["http://a.test/debian"]


@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
@pytest.mark.parametrize("vendor", ["debian", "ubuntu"])
def test_mmdebstrap_is_asked_without_fetching_anything(vendor: str) -> None:
    found = mirrors.of_mmdebstrap(vendor)

    assert found
    assert all(re.fullmatch(r"https?://\S+", uri) for uri in found)
    assert all(vendor in uri for uri in found)


def test_debootstraps_scripts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "DEBOOTSTRAP_SCRIPTS", tmp_path)
    (tmp_path / "gutsy").write_text(
        'case $ARCH in\n  amd64|i386)\n\tdefault_mirror http://u.test/ubuntu\n\t;;\n  *)\n\tdefault_mirror "$PORTS"\n'
    )

    assert mirrors.of_debootstrap("ubuntu") == ["http://u.test/ubuntu"]
    assert mirrors.of_debootstrap("debian") == []


def test_candidates_come_in_order_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: ["http://a.test/x/", "http://a.test/x"])
    monkeypatch.setattr(mirrors, "of_mmdebstrap", lambda _vendor: ["http://a.test/x", "http://b.test/x"])
    monkeypatch.setattr(mirrors, "of_debootstrap", lambda _vendor: ["http://b.test/x", "http://c.test/x"])

    assert list(mirrors.candidates("debian")) == ["http://a.test/x", "http://b.test/x", "http://c.test/x"]


def test_what_costs_a_program_is_asked_only_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: ["http://a.test/x"])
    monkeypatch.setattr(mirrors, "of_mmdebstrap", lambda _vendor: pytest.fail("was asked"))

    assert next(mirrors.candidates("debian")) == "http://a.test/x"


def test_what_the_user_gives_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: pytest.fail("was asked"))

    assert list(mirrors.candidates("debian", ["http://b.test", "http://a.test", "http://b.test"])) == [
        "http://b.test",
        "http://a.test",
    ]


def test_no_mirror_is_named_in_the_package() -> None:
    sources = Path(bench.__file__).parent / "kernels"
    named = subprocess.run(["grep", "-rnE", "--include=*.py", r"[a-z]+://[a-z]", str(sources)],
                           capture_output=True, text=True, check=False)  # fmt: skip

    assert named.stdout == ""
    assert named.returncode == 1
