"""A guest starts with the builds that it was given, its agent as first process, and the files of a distro's root."""

from __future__ import annotations

import stat
from pathlib import Path

from bench.catalogue import Build
from bench.kernels import contents, initramfs


def build(folder: Path) -> Build:
    folder.mkdir(parents=True)
    for name in ("launchbench-worker", "probe", "build.json"):
        (folder / name).write_bytes(name.encode())
    return Build(folder, "abc", folder.name)


def test_it_holds_the_programs_of_every_build_and_begins_with_the_agent(tmp_path: Path) -> None:
    agent, other = build(tmp_path / "abc-glibc-static"), build(tmp_path / "def-musl")

    found = {entry.name: entry for entry in contents.entries(agent, [agent, other], None)}

    assert found["init"].content == b"/launchbench/abc-glibc-static/launchbench-worker"
    assert {name for name in found if name.startswith("launchbench/")} == {
        f"launchbench/{variant}/{program}"
        for variant in ("abc-glibc-static", "def-musl")
        for program in ("launchbench-worker", "probe")
    }
    assert found["launchbench/def-musl/probe"].mode == stat.S_IFREG | 0o755
    assert found["dev/console"].device == (5, 1)


def test_a_root_comes_as_it_is_but_for_what_the_guest_makes_itself(tmp_path: Path) -> None:
    # GIVEN a root with links, modes, and files where the guest has its own
    root = tmp_path / "root"
    for name in ("usr/bin", "dev/shm", "proc", "tmp/left", "etc"):
        (root / name).mkdir(parents=True)
    (root / "usr/bin/sh").write_bytes(b"shell")
    (root / "usr/bin/sh").chmod(0o4755)
    (root / "bin").symlink_to("usr/bin")
    (root / "init").write_bytes(b"somebody else's")
    (root / "dev/null").write_bytes(b"")
    (root / "etc/dangling").symlink_to("/no/such/file")

    # WHEN it is packed
    agent = build(tmp_path / "abc-glibc-static")
    entries = contents.entries(agent, [agent], root)
    found = {entry.name: entry for entry in entries}

    # THEN links stay links, and what the guest has is the guest's
    assert found["usr/bin/sh"] == initramfs.file("usr/bin/sh", b"shell", 0o4755)
    assert found["bin"] == initramfs.link("bin", "usr/bin")
    assert found["etc/dangling"] == initramfs.link("etc/dangling", "/no/such/file")
    assert found["init"].content != b"somebody else's"
    assert not {"dev/null", "dev/shm", "tmp/left"} & found.keys()
    assert initramfs.archive(entries)


def test_a_program_of_many_names_is_packed_once(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/lib/tools").mkdir(parents=True)
    (root / "usr/bin/cat").write_bytes(b"every tool")
    (root / "usr/bin/ls").hardlink_to(root / "usr/bin/cat")
    (root / "usr/lib/tools/ls").hardlink_to(root / "usr/bin/cat")
    agent = build(tmp_path / "abc-glibc-static")

    found = {entry.name: entry for entry in contents.entries(agent, [agent], root)}

    assert found["usr/bin/cat"].content == b"every tool"
    assert found["usr/bin/ls"] == initramfs.link("usr/bin/ls", "cat")
    assert found["usr/lib/tools/ls"] == initramfs.link("usr/lib/tools/ls", "../../bin/cat")
