"""Starts hazard probes as the runner does, and looks at what they leave."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
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


@contextmanager
def trying(catalogue: Catalogue) -> Iterator[Attempt]:
    """What a run tries hazards with."""
    with adopting(), GuardProcess() as guard, attempts(catalogue, guard) as make:
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
    folders: frozenset[str]
    groups: frozenset[str]
    settings: tuple[str, ...]


def machine(scratch: Path = Path("/dev/shm")) -> Machine:
    """The machine now."""
    ours = {child.pid for child in psutil.Process().children(recursive=True)}
    settings = ("vm/overcommit_memory", "vm/overcommit_ratio", "vm/overcommit_kbytes", "kernel/pid_max")
    return Machine(
        processes=frozenset(ours),
        folders=frozenset(entry.name for entry in scratch.iterdir() if entry.stat().st_uid == os.geteuid()),
        groups=frozenset(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/launchbench-{os.getpid()}*")),
        settings=tuple(Path("/proc/sys", name).read_text() for name in settings),
    )


def alone(catalogue: Catalogue, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The probe by itself, without a runner that would clean up after it."""
    command = [str(catalogue.build.worker), "isolate", "open_files=max", "--", str(catalogue.build.worker), "hazard"]
    return subprocess.run(
        [*command, *words, f"folder={folder}"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
