"""Kernels by name, from a signed archive that the test makes."""

from __future__ import annotations

import json
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from local_archive import Archive, Key, kernel_bytes

from bench.kernels import (
    DamagedError,
    KernelImage,
    NotFetchedError,
    SourceError,
    UnavailableError,
    UnknownNameError,
    image_of,
    mirrors,
    obtain_kernel,
)
from bench.kernels.cache import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable


def watch(what: str, percent: float | None) -> None:
    """Nobody looks."""


def add_kernel(archive: Archive, release: str, version: str = "1", suite: str = "bullseye") -> None:
    name = f"linux-image-{release}"
    archive.add(suite, name, version, {f"boot/config-{release}": b"", f"boot/vmlinuz-{release}": kernel_bytes(release)})


def kept(cache_home: Path) -> list[str]:
    """What the cache holds of kernels, locks apart."""
    found = (path.relative_to(cache_home) for path in cache_home.rglob("*") if path.is_file() and path.name != ".lock")
    return sorted(str(path) for path in found)


def test_a_kernel_is_fetched_from_the_suite_that_has_it(archive: Archive, cache_home: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64", version="5.10.223-1")

    got = obtain_kernel("5.10", watch)

    assert (got.name, got.release) == ("5.10", "5.10.0-32-amd64")
    assert (got.suite, got.package, got.version) == ("bullseye", "linux-image-5.10.0-32-amd64", "5.10.223-1")
    assert got.path.read_bytes() == kernel_bytes("5.10.0-32-amd64")
    assert got.sha256 == file_digest(got.path)
    assert image_of("5.10") == got
    assert kept(cache_home) == ["kernels/5.10/manifest.json", f"kernels/5.10/vmlinuz-{got.sha256[:12]}"]


def test_the_manifest_beside_the_image_says_where_it_came_from(archive: Archive) -> None:
    add_kernel(archive, "5.10.0-32-amd64", version="5.10.223-1")
    got = obtain_kernel("5.10", watch)

    assert json.loads((got.path.parent / "manifest.json").read_text()) == {
        "format": "launchbench-kernel/1",
        "name": "5.10",
        "release": "5.10.0-32-amd64",
        "file": got.path.name,
        "sha256": got.sha256,
        "suite": "bullseye",
        "package": "linux-image-5.10.0-32-amd64",
        "version": "5.10.223-1",
    }


def test_of_several_builds_the_newest_is_taken_and_no_other_flavour(archive: Archive) -> None:
    for release in ("5.10.0-9-amd64", "5.10.0-32-amd64", "5.10.0-99-rt-amd64", "5.10.0-99-cloud-amd64"):
        add_kernel(archive, release)
    archive.add("bullseye", "linux-image-5.10.0-99-amd64-dbg", "1", {"usr/lib/debug/x": b""})

    assert obtain_kernel("5.10", watch).release == "5.10.0-32-amd64"


def test_an_image_that_is_kept_with_its_modules_is_found(archive: Archive) -> None:
    release = "7.1.8+deb13-amd64"
    archive.add("trixie-backports", f"linux-image-{release}", "1", {"usr/share/doc/empty": b""})
    archive.add(
        "trixie-backports",
        f"linux-binary-{release}",
        "1",
        {f"usr/lib/modules/{release}/vmlinuz": kernel_bytes(release)},
    )

    assert obtain_kernel("7.1", watch).package == f"linux-binary-{release}"


def test_the_next_suite_is_asked_when_the_first_has_none(archive: Archive) -> None:
    release = "7.2.13+deb14-amd64"
    add_kernel(archive, "6.18.1+deb13-amd64", suite="trixie-backports")
    archive.add("sid", f"linux-binary-{release}", "1", {f"boot/vmlinuz-{release}": kernel_bytes(release)})

    assert obtain_kernel("7.2", watch).suite == "sid"


def test_what_is_in_the_cache_needs_no_mirror(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    got = obtain_kernel("5.10", watch)
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: [])

    assert obtain_kernel("5.10", watch) == got


def test_a_mirror_that_is_given_is_asked_alone(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: pytest.fail("was asked"))

    assert obtain_kernel("5.10", watch, given=[archive.uri]).release == "5.10.0-32-amd64"


def test_the_next_mirror_is_asked_when_one_has_not_the_suite(archive: Archive, tmp_path: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64")

    assert obtain_kernel("5.10", watch, given=[f"copy:{tmp_path}/nowhere", archive.uri]).suite == "bullseye"


def refused(cache_home: Path) -> str:
    """The one line that says why there is no 5.10, after seeing that nothing of it was kept."""
    with pytest.raises(UnavailableError) as caught:
        obtain_kernel("5.10", watch)
    assert kept(cache_home) == []
    with pytest.raises(NotFetchedError):
        image_of("5.10")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("kernel 5.10, of Debian bullseye: ")
    assert "--mirror" in line
    return line


def test_an_index_signed_by_somebody_else_is_refused(archive: Archive, cache_home: Path, foreign_key: Key) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    archive.publish("bullseye", key=foreign_key)

    assert "signatures couldn't be verified" in refused(cache_home)


def test_an_index_without_a_signature_is_refused(archive: Archive, cache_home: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    archive.publish_unsigned("bullseye")

    assert "is not signed" in refused(cache_home)


def test_an_index_that_was_changed_after_signing_is_refused(archive: Archive, cache_home: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    signed = archive.folder / "dists/bullseye/InRelease"
    signed.write_text(signed.read_text().replace("Suite: bullseye", "Suite: bulls-eye"))

    assert refused(cache_home)


def test_a_package_that_is_not_the_one_in_the_index_is_refused(archive: Archive, cache_home: Path) -> None:
    files = {"boot/vmlinuz-5.10.0-32-amd64": kernel_bytes("5.10.0-32-amd64")}
    deb = archive.add("bullseye", "linux-image-5.10.0-32-amd64", "1", files)
    content = bytearray(deb.read_bytes())
    content[-1] ^= 1
    deb.write_bytes(content)

    assert "Hash Sum mismatch" in refused(cache_home)


def test_a_suite_without_the_kernel_says_so(archive: Archive, cache_home: Path) -> None:
    add_kernel(archive, "5.11.0-32-amd64")

    assert f"{archive.uri} bullseye has no such package" in refused(cache_home)


def test_a_mirror_without_the_suite_says_so(archive: Archive, cache_home: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64", suite="bookworm")

    assert "bullseye" in refused(cache_home)


def test_a_machine_that_knows_no_mirror_says_so(
    archive: Archive, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "of_machine", lambda _vendor: [])
    assert archive.uri

    assert "no mirror is known" in refused(cache_home)


def test_keys_that_are_not_here_are_named_by_their_package(archive: Archive, cache_home: Path, tmp_path: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    (tmp_path / "keyrings/debian-archive-keyring.gpg").unlink()

    with pytest.raises(UnavailableError, match="package debian-archive-keyring"):
        obtain_kernel("5.10", watch)
    assert kept(cache_home) == []


def test_a_package_without_an_image_is_refused(archive: Archive, cache_home: Path) -> None:
    archive.add("bullseye", "linux-image-5.10.0-32-amd64", "1", {"boot/config": b""})

    with pytest.raises(SourceError, match="holds no kernel image"):
        obtain_kernel("5.10", watch)
    assert kept(cache_home) == []


def test_an_image_that_was_changed_in_the_cache_is_noticed_and_can_be_fetched_again(archive: Archive) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    got = obtain_kernel("5.10", watch)
    got.path.write_bytes(kernel_bytes("6.6.6"))

    for ask in (lambda: image_of("5.10"), lambda: obtain_kernel("5.10", watch)):
        with pytest.raises(DamagedError, match=r"launchbench kernels fetch --refresh 5\.10$"):
            ask()

    assert obtain_kernel("5.10", watch, refresh=True) == got
    assert image_of("5.10").path.read_bytes() == kernel_bytes("5.10.0-32-amd64")


@pytest.mark.parametrize(
    "harm",
    [
        lambda got: got.path.unlink(),
        lambda got: (got.path.parent / "manifest.json").write_text("{"),
        lambda got: (got.path.parent / "manifest.json").write_text("[]"),
        lambda got: (got.path.parent / "manifest.json").write_text('{"format": "launchbench-kernel/2"}'),
        lambda got: (got.path.parent / "manifest.json").write_text('{"format": "launchbench-kernel/1", "name": 3}'),
        lambda got: (got.path.parent / "manifest.json").write_bytes(b"\xff"),
    ],
)
def test_a_cache_that_lost_something_is_noticed(archive: Archive, harm: Callable[[KernelImage], object]) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    got = obtain_kernel("5.10", watch)
    harm(got)

    with pytest.raises(DamagedError, match="fetch"):
        image_of("5.10")
    assert obtain_kernel("5.10", watch, refresh=True) == got


def test_a_newer_one_comes_when_asked_for_and_leaves_the_old_to_whoever_uses_it(archive: Archive) -> None:
    add_kernel(archive, "5.10.0-9-amd64")
    old = obtain_kernel("5.10", watch)
    add_kernel(archive, "5.10.0-32-amd64")

    assert obtain_kernel("5.10", watch) == old
    assert obtain_kernel("5.10", watch, refresh=True).release == "5.10.0-32-amd64"
    assert image_of("5.10").release == "5.10.0-32-amd64"
    assert file_digest(old.path) == old.sha256


def test_progress_is_told(archive: Archive) -> None:
    add_kernel(archive, "5.10.0-32-amd64", version="7")
    told: list[tuple[str, float | None]] = []

    obtain_kernel("5.10", lambda what, percent: told.append((what, percent)))

    assert list(dict.fromkeys(what for what, _ in told)) == [
        "index of bullseye",
        "linux-image-5.10.0-32-amd64 7",
    ]
    assert all(percent is not None and 0 <= percent <= 100 for _, percent in told)


FETCH = """
import sys
from pathlib import Path
from bench.kernels import keyrings, obtain_kernel
keyrings.INSTALLED = Path(sys.argv[2])
print(obtain_kernel("5.10", lambda *_: None, given=[sys.argv[1]]))
"""


def test_processes_that_fetch_the_same_at_once_get_the_same(archive: Archive, cache_home: Path, tmp_path: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    command = [sys.executable, "-c", FETCH, archive.uri, str(tmp_path / "keyrings")]

    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate()[0] for process in running}

    assert [process.returncode for process in running] == [0] * 4
    assert said == {f"{image_of('5.10')}\n"}
    assert len(kept(cache_home)) == 2


def test_what_a_killed_fetch_left_is_removed_by_the_next(archive: Archive, cache_home: Path) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    left = cache_home / "kernels/5.10/.unfinished-left"
    (left / "apt").mkdir(parents=True)
    (left / "apt/file").touch()

    obtain_kernel("5.10", watch)

    assert not left.exists()
    assert len(kept(cache_home)) == 2


def test_a_cache_that_cannot_be_written_is_a_line_with_a_remedy(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kernel(archive, "5.10.0-32-amd64")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(UnavailableError, match="XDG_CACHE_HOME"):
        obtain_kernel("5.10", watch)


def test_a_name_that_is_not_known_suggests_the_nearest(cache_home: Path) -> None:
    for ask in (image_of, lambda name: obtain_kernel(name, watch)):
        with pytest.raises(UnknownNameError, match=r"^no kernel '6\.3'; did you mean 6\.2\?$"):
            ask("6.3")
    assert not cache_home.exists()


def test_a_kernel_can_be_given_as_a_file(tmp_path: Path, cache_home: Path) -> None:
    path = tmp_path / "bzImage"
    path.write_bytes(kernel_bytes("6.9.0-mine+"))

    for got in (image_of(str(path)), obtain_kernel(str(path), watch)):
        assert got == KernelImage(str(path), "6.9.0-mine+", path, file_digest(path))
    assert not cache_home.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not an x86 bzImage"),
        (b"\x7fELF" + bytes(2000), "not an x86 bzImage"),
        (kernel_bytes("")[:0x400], "without a release"),
    ],
)
def test_a_file_that_is_no_kernel_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(SourceError, match=f"^{path}: .*{why}"):
        image_of(str(path))


def test_an_image_is_as_long_as_its_header_says(tmp_path: Path) -> None:
    path = tmp_path / "bzImage"
    setup, paragraphs = 3, 1000
    image = bytearray(kernel_bytes("6.9.0").ljust((setup + 1) * 0x200 + 16 * paragraphs, b"?"))
    image[0x1F1] = setup
    struct.pack_into("<I", image, 0x1F4, paragraphs)
    path.write_bytes(image)
    assert image_of(str(path)).release == "6.9.0"

    path.write_bytes(image[:-1])
    with pytest.raises(SourceError, match=r"cut short: 18047 of at least 18048 bytes$"):
        image_of(str(path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe: not a file"):
        image_of(str(tmp_path / "pipe"))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        image_of(str(tmp_path / "nothing"))


def test_the_running_kernel_is_its_own_image_or_says_why_not() -> None:
    release = platform.release()
    readable = [path for path in (f"/boot/vmlinuz-{release}", f"/lib/modules/{release}/vmlinuz")
                if os.access(path, os.R_OK)]  # fmt: skip
    if readable:
        got = image_of("running")
        assert (got.release, str(got.path)) == (release, readable[0])
    else:
        with pytest.raises(UnavailableError, match=r"^the running kernel"):
            image_of("running")
