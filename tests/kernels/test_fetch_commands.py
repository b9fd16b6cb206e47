"""`launchbench kernels` and `launchbench distros`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from local_archive import LACKING, Archive, kernel_bytes

from bench.kernels import image_of, keyrings, listing, mirrors, obtain_kernel, pinned, root_of

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = {"kernels": "qemu-system-x86_64 (package qemu-system-x86)", "distros": "mmdebstrap (package mmdebstrap)"}


@pytest.fixture
def debian(archive: Archive) -> Archive:
    """An archive with the kernels 5.10 and 6.1."""
    for suite, release in (("bullseye", "5.10.0-32-amd64"), ("bookworm", "6.1.0-50-amd64")):
        archive.add(suite, f"linux-image-{release}", "1", {f"boot/vmlinuz-{release}": kernel_bytes(release)})
    return archive


def test_a_kernel_is_fetched_and_told_in_one_line(launchbench: Callable[..., Any], debian: Archive) -> None:
    result = launchbench("kernels", "fetch", "5.10", "--mirror", debian.uri)

    assert result.exit_code == 0
    digest = image_of("5.10").sha256
    assert result.stdout == (
        f"5.10: Linux 5.10.0-32-amd64, linux-image-5.10.0-32-amd64 1 of bullseye, SHA-256 {digest}\n"
    )
    assert result.stderr == "fetching index of bullseye\nfetching linux-image-5.10.0-32-amd64 1\n"


def test_quiet_says_what_was_got_alone(launchbench: Callable[..., Any], debian: Archive) -> None:
    result = launchbench("kernels", "fetch", "--quiet", "5.10", "6.1", "--mirror", debian.uri)

    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == ["5.10", "6.1"]


def test_one_that_cannot_be_had_does_not_keep_the_others_from_coming(
    launchbench: Callable[..., Any], debian: Archive
) -> None:
    result = launchbench("kernels", "fetch", "-q", "5.10", "6.12", "6.1", "--mirror", debian.uri)

    assert result.exit_code == 4
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == ["5.10", "6.1"]
    (line,) = result.stderr.splitlines()
    assert line.startswith("kernel 6.12, of Debian trixie")
    assert "--mirror" in line


@pytest.mark.parametrize("kind", ["kernels", "distros"])
def test_a_name_that_does_not_exist_is_told_before_anything_is_fetched(
    launchbench: Callable[..., Any], archive: Archive, cache_home: Path, kind: str
) -> None:
    right, wrong, near = ("5.10", "5.16", "5.15") if kind == "kernels" else ("bullseye", "bookwurm", "bookworm")

    result = launchbench(kind, "fetch", right, wrong, "--mirror", archive.uri)

    assert result == (2, "", f"no {kind[:-1]} '{wrong}'; did you mean {near}?\n")
    assert not cache_home.exists()


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--kernel", "4.5", "no kernel '4.5'; did you mean 4.4?"),
        ("--distro", "bulseye", "no distro 'bulseye'; did you mean bullseye?"),
        ("--kernel", "/no/such/vmlinuz", "/no/such/vmlinuz: No such file or directory"),
    ],
)
def test_a_run_on_what_does_not_exist_is_refused_before_it_begins(
    launchbench: Callable[..., Any], cache_home: Path, option: str, name: str, said: str
) -> None:
    assert launchbench("run", "quick", option, name, "--dry-run") == (2, "", f"{said}\n")
    assert not cache_home.exists()


@pytest.mark.parametrize("kind", ["kernels", "distros"])
@pytest.mark.parametrize("more", [[], ["--all", "5.10"]])
def test_fetching_nothing_or_both_is_wrong_usage(launchbench: Callable[..., Any], kind: str, more: list[str]) -> None:
    result = launchbench(kind, "fetch", *more)

    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert f"launchbench {kind} list" in line


@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
def test_a_distro_is_fetched_and_listed(launchbench: Callable[..., Any], archive: Archive) -> None:
    archive.add("trixie", "musl", "1.2.5-1", {"usr/lib/ld-musl-x86_64.so.1": b""})
    archive.add("trixie", "busybox-static", "1", {"usr/bin/busybox": b""})

    result = launchbench("distros", "fetch", "musl-1.2.5", "--mirror", archive.uri)

    assert (result.exit_code, result.stderr) == (0, "fetching packages of trixie\n")
    digest = root_of("musl-1.2.5").sha256
    assert result.stdout == (
        f"musl-1.2.5: musl and busybox of Debian trixie, musl 1.2.5, 2 packages of trixie, SHA-256 {digest}\n"
    )
    rows = json.loads(launchbench("list", "distros", "--json").stdout)
    (row,) = [row for row in rows if row["name"] == "musl-1.2.5"]
    assert row["summary"] == "musl and busybox of Debian trixie, musl 1.2.5, fetched"


@pytest.mark.parametrize(("kind", "names"), [("kernels", [*pinned.KERNELS, "running"]), ("distros", pinned.DISTROS)])
def test_listing_is_that_of_launchbench_list(
    launchbench: Callable[..., Any], cache_home: Path, kind: str, names: list[str]
) -> None:
    own, general = launchbench(kind, "list", "--json"), launchbench("list", kind, "--json")

    assert own == general
    assert own.exit_code == 0
    rows = json.loads(own.stdout)
    assert [row["name"] for row in rows] == list(names)
    assert {row["kind"] for row in rows} == {kind[:-1]}
    assert not cache_home.exists()


def test_people_see_versions_as_they_are_written(launchbench: Callable[..., Any], cache_home: Path) -> None:
    assert not cache_home.exists()
    lines = launchbench("kernels", "list").stdout.splitlines()

    assert [line.split()[1] for line in lines[2:]] == [*pinned.KERNELS, "running"]


@pytest.mark.parametrize("kind", ["kernels", "distros"])
def test_without_its_programs_the_list_names_their_packages(
    launchbench: Callable[..., Any], cache_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert not cache_home.exists()
    monkeypatch.setenv("PATH", str(tmp_path))

    rows = json.loads(launchbench(kind, "list", "--json").stdout)

    assert rows
    for row in rows:
        assert row["available"] is False
        if row["name"] != "running":  # which may have no image to begin with
            assert PROGRAMS[kind] in row["reason"]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program that is needed, by name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("qemu-system-x86_64", "apt-get", "dpkg-deb", "mmdebstrap"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("programs", "cache_home")
def test_without_any_keys_the_list_names_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyrings, "INSTALLED", tmp_path)
    reasons = {item.name: item.reason for item in (*listing.kernels(), *listing.distros())}

    assert reasons["4.4"] == "no keys to verify its archive with (package ubuntu-keyring)"
    assert reasons["bullseye"] == "no keys to verify its archive with (package debian-archive-keyring)"


@pytest.mark.usefixtures("programs", "cache_home")
def test_debians_keys_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyrings, "INSTALLED", tmp_path)
    (tmp_path / "debian-archive-keyring.gpg").touch()

    reasons = {item.name: item.reason for item in (*listing.kernels(), *listing.distros())}
    assert {reason for name, reason in reasons.items() if name != "running"} == {None}


def test_what_was_fetched_is_told_apart_from_what_can_be(debian: Archive) -> None:
    obtain_kernel("5.10", lambda *_: None, given=[debian.uri])
    summaries = {item.name: item.summary for item in listing.kernels()}

    assert summaries["5.10"] == "Linux 5.10.0-32-amd64, fetched from bullseye"
    assert summaries["6.1"] == "Linux 6.1, to be fetched from Debian bookworm"


def test_a_broken_manifest_is_the_reason(debian: Archive) -> None:
    got = obtain_kernel("5.10", lambda *_: None, given=[debian.uri])
    (got.path.parent / "manifest.json").write_text("{}")

    reasons = {item.name: item.reason for item in listing.kernels()}
    assert "not a manifest" in (reasons["5.10"] or "")


def answering(vendor: str, suite: str) -> None:
    """Skip unless a mirror that this machine knows is on the network and answers."""
    if LACKING:
        pytest.skip(f"not installed: {', '.join(LACKING)}")
    if not (keyrings.INSTALLED / keyrings.FILES["debian"]).is_file():
        pytest.skip("this machine has no keys of Debian's archive")
    if not any(answers(uri, suite) for uri in mirrors.candidates(vendor)):
        pytest.skip(f"no mirror of {vendor} that this machine knows answers")


def answers(uri: str, suite: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/dists/{suite}/InRelease", timeout=5):
            return True
    except (urllib.error.URLError, TimeoutError, ValueError):  # a mirror of apt's kind is no URL of urllib's
        return False


@pytest.mark.network
@pytest.mark.parametrize(("name", "vendor", "suite"), [("4.4", "ubuntu", "xenial-updates"), ("7.3", "debian", "sid")])
def test_a_real_kernel_comes_from_a_real_mirror(
    launchbench: Callable[..., Any], cache_home: Path, name: str, vendor: str, suite: str
) -> None:
    answering("debian", "trixie")  # which may have to lend its keys
    answering(vendor, suite)

    result = launchbench("kernels", "fetch", "-q", name)

    assert (result.exit_code, result.stderr) == (0, "")
    got = image_of(name)
    assert got.release.startswith(f"{name}.")
    assert got.path.stat().st_size > 1 << 20
    assert got.path.is_relative_to(cache_home)


@pytest.mark.network
@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
def test_a_real_root_comes_from_a_real_mirror(launchbench: Callable[..., Any], cache_home: Path) -> None:
    answering("debian", "trixie")

    result = launchbench("distros", "fetch", "-q", "musl-1.2.5")

    assert (result.exit_code, result.stderr) == (0, "")
    got = root_of("musl-1.2.5")
    assert got.libc == "musl 1.2.5"
    assert got.path.is_relative_to(cache_home)
    assert (got.path / "usr/bin/busybox").read_bytes()[:4] == b"\x7fELF"
    assert (got.path / "lib/ld-musl-x86_64.so.1").exists()


def test_on_a_terminal_a_bar_is_painted_for_each_name_and_taken_away(debian: Archive, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom bench import cli\nfrom bench.kernels import keyrings\n"
        "keyrings.INSTALLED = Path(sys.argv[1])\nsys.exit(cli.execute(sys.argv[2:]))\n"
    )
    ours, its = os.openpty()
    command = [sys.executable, "-c", program, str(tmp_path / "keyrings"),
               "kernels", "fetch", "5.10", "6.1", "--mirror", debian.uri]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=its, text=True,
                          env=os.environ | {"TERM": "xterm", "COLUMNS": "80"}) as process:  # fmt: skip
        os.close(its)
        painted = bytearray()
        with suppress(OSError):  # how a terminal says that nobody writes to it any more
            while block := os.read(ours, 4096):
                painted += block
        assert process.stdout is not None
        said = process.stdout.read()
    os.close(ours)

    assert process.returncode == 0
    assert [line.partition(":")[0] for line in said.splitlines()] == ["5.10", "6.1"]
    first, second = painted.index(b"0/2"), painted.index(b"1/2")
    assert b"\x1b[?25h" in painted[first:second]  # the first is gone, and the cursor back, before its line is printed
    assert painted.rindex(b"\x1b[?25h") > painted.rindex(b"/2")


def wait_for_the_end_of(pid: int) -> None:
    """Wait until a process has ended, whether anybody has asked for its status or not."""
    deadline = time.monotonic() + 20
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"{pid} goes on"
            time.sleep(0.01)


SLOW = """#!/bin/sh
# Stands for a program of the machine's that takes its time, and has started another.
sleep 1000 &
echo $! > "$1"
exec sleep 1000
"""


@pytest.mark.parametrize(
    ("kind", "name", "slow"), [("kernels", "5.10", "apt-get"), ("distros", "bullseye", "mmdebstrap")]
)
def test_ctrl_c_ends_what_was_started_and_leaves_nothing(
    archive: Archive, cache_home: Path, tmp_path: Path, kind: str, name: str, slow: str
) -> None:
    started = tmp_path / "started"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / slow).write_text(SLOW.replace("$1", str(started)))
    (tmp_path / "bin" / slow).chmod(0o755)
    program = (
        "import sys\nfrom pathlib import Path\nfrom bench import cli\nfrom bench.kernels import keyrings\n"
        "keyrings.INSTALLED = Path(sys.argv[1])\nsys.exit(cli.execute(sys.argv[2:]))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "keyrings"), kind, "fetch", "-q", name,
               "--mirror", archive.uri]  # fmt: skip
    with subprocess.Popen(command, env=os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}) as process:
        while not started.exists() or not started.read_text().strip():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)

    assert process.returncode == 4
    wait_for_the_end_of(int(started.read_text()))
    left = [path.name for path in cache_home.rglob("*") if path.is_file() or path.name.startswith(".unfinished")]
    assert left == [".lock"]
