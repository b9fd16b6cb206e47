"""What a guest's memory holds when it starts: builds of the worker, one of them its agent, and a distro's root if any.

Everything is read here, and packed by initramfs.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from bench.catalogue import Build
from bench.kernels import initramfs
from bench.kernels.initramfs import Entry

FILES = PurePosixPath("/run/launchbench")
"""Where the agent keeps the files of the worker in hand (strategies/host/main.c)."""
_PROGRAMS = PurePosixPath("/launchbench")
# What the kernel makes, the agent mounts, or this package puts in.
_OWN = frozenset({"dev", "proc", "sys", "run", "tmp", "init", "launchbench"})


def path_of(program: Path) -> PurePosixPath:
    """Where a guest has a program of a build."""
    return _PROGRAMS / program.parent.name / program.name


def entries(agent: Build, builds: Iterable[Build], root: Path | None) -> list[Entry]:
    """Everything that a guest starts with; `agent`, one of the builds, is its first process."""
    found = [
        initramfs.link("init", str(path_of(agent.worker))),
        initramfs.character_device("dev/console", 5, 1),
        *(initramfs.folder(name) for name in ("proc", "sys", "run", "tmp")),
    ]
    found += [
        initramfs.program(str(path_of(program)).lstrip("/"), program.read_bytes())
        for build in builds
        for program in sorted(build.folder.iterdir())
        if program.suffix != ".json"
    ]
    return [*found, *(_tree(root) if root else ())]


def _tree(root: Path) -> Iterator[Entry]:
    first: dict[int, str] = {}
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        if inside == Path():
            folders[:] = [name for name in folders if name not in _OWN]
        folders.sort()  # which name of a file is the first must not depend on the file system
        for name in sorted([*folders, *files]):
            if inside != Path() or name not in _OWN:
                yield from _entry(Path(folder, name), str(inside / name), first)


def _entry(path: Path, name: str, first: dict[int, str]) -> Iterator[Entry]:
    """One entry; `first` has the name under which each file with several was packed.

    Its other names become symbolic links: a distro whose utilities are one program of a hundred names would not fit
    into memory a hundred times.
    """
    status = path.lstat()
    permissions = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        yield initramfs.link(name, os.fsdecode(path.readlink()))
    elif stat.S_ISDIR(status.st_mode):
        yield initramfs.folder(name, permissions)
    elif stat.S_ISREG(status.st_mode):
        known = first.setdefault(status.st_ino, name)
        if known == name:
            yield initramfs.file(name, path.read_bytes(), permissions)
        else:
            yield initramfs.link(name, os.path.relpath(known, str(PurePosixPath(name).parent)))
