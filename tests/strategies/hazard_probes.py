"""Starts hazard probes as the runner does, and looks at what they leave."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bench.machine import GuardProcess
from bench.measure import adopting, attempts
from bench.record import HazardKey, HazardLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.catalogue import Catalogue
    from bench.measure import Attempt


BASE = Path(tempfile.mkdtemp(prefix="hazard-tests-", dir="/dev/shm"))
"""Where the probes of this process have their folders, and nobody else's."""
atexit.register(shutil.rmtree, BASE, ignore_errors=True)


@contextmanager
def trying(catalogue: Catalogue) -> Iterator[Attempt]:
    """What a run tries hazards with."""
    with adopting(), GuardProcess() as guard, attempts(catalogue, guard, BASE) as make:
        yield make


def tried(
    catalogue: Catalogue, hazard: str, strategy: str, mitigation: str | None = None, trials: int = 3
) -> HazardLine:
    """One hazard with one strategy."""
    with trying(catalogue) as make:
        return make(HazardKey(hazard, strategy, mitigation), trials=trials, session=0)


@dataclass(frozen=True)
class Machine:
    """What a probe could leave behind."""

    processes: frozenset[int]
    """Of ours and of the worker's name, zombies included."""
    files: frozenset[str]
    groups: frozenset[str]
    settings: tuple[str, ...]
    """The kernel's, and what this process would pass on."""
    descriptors: int


def machine() -> Machine:
    """The machine now: what is ours on it, and its settings."""
    ours = {child.pid for child in psutil.Process().children(recursive=True)}
    settings = ("kernel/pid_max", "kernel/threads-max", "fs/leases-enable", "fs/lease-break-time", "fs/file-max")
    status = Path("/proc/self/status").read_text()
    passed_on = ("SigPnd", "SigBlk", "SigIgn", "SigCgt", "Umask", "Seccomp", "Uid")  # SigQ counts a user's processes
    return Machine(
        processes=frozenset(ours),
        files=frozenset(str(path) for path in BASE.rglob("*")),
        # Not Path.glob(): it does not take it well when a group that a test beside this one made goes meanwhile.
        groups=frozenset(
            path for path, _, _ in os.walk("/sys/fs/cgroup") if Path(path).name.startswith(f"launchbench-{os.getpid()}")
        ),
        settings=(
            *(Path("/proc/sys", name).read_text() for name in settings),
            *(line for line in status.splitlines() if line.startswith(passed_on)),
            Path("/proc/self/limits").read_text(),
        ),
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
    )


def alone(catalogue: Catalogue, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The probe by itself, without a runner that would clean up after it."""
    command = [str(catalogue.build.worker), "isolate", "open_files=max", "--", str(catalogue.build.worker), "hazard"]
    return subprocess.run(
        [*command, *words, f"folder={folder}"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "STARTED_WITH": str(folder)},
    )  # fmt: skip


def started_with(folder: Path) -> list[psutil.Process]:
    """Every process that `alone` started with this folder, by its command line or its environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(folder) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process)
    return found
