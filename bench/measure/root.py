"""Another distro's root as a place: the running kernel, with the C library, the shell and the tools of that root.

The worker is started as on this machine, and `isolate` (strategies/host/root.c) changes its root: a folder in memory
on which the root's own folders are mounted, read-only, in a mount namespace that only the worker has. What was fetched
is never written to, and nothing is mounted where anybody else could see it.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from bench.machine import GuardProcess
from bench.measure.evidence import Evidence, Order
from bench.measure.local import LocalPlace
from bench.measure.site import NoPlaceError
from bench.record import PlaceFields

_SCRATCH = Path("/run")
"""Where the worker has its files and programs."""
_LENT_BY_THE_MACHINE = ("proc", "sys", "dev")
_PATIENCE_S = 30.0


class RootPlace(LocalPlace):
    """This machine seen from another root."""

    def __init__(self, isolator: Path, guard: GuardProcess, root: Path, description: PlaceFields) -> None:
        """`root` is the folder of the root, which is not changed."""
        super().__init__(isolator, guard)
        self._description = description
        self._scratch.chmod(0o711)  # programs are looked for in it, by whomever a worker runs as
        self._seen = self._scratch / "root"
        self._settings = self._build_tree(root)
        self._programs: dict[Path, Path | NoPlaceError] = {}

    def describe(self) -> PlaceFields:
        """The distro and its C library."""
        return self._description

    def carry_out(self, order: Order) -> Evidence:
        """Run one worker in the root. Raises NoPlaceError when its program does not run there."""
        return super().carry_out(self._moved(order))

    def observe(self, order: Order) -> str | None:
        """Trace one launch of `probe`, by the worker's own program: the machine's would not run in the root."""
        return super().observe(self._moved(order))

    def _build_tree(self, root: Path) -> list[str]:
        """Make the folder that becomes the root, and return the settings of `isolate` that fill it."""
        self._seen.mkdir()
        settings = []
        for entry in sorted(root.iterdir()):
            target = self._seen / entry.name
            if entry.is_symlink():
                target.symlink_to(entry.readlink())
            elif entry.is_dir() and entry.name not in (*_LENT_BY_THE_MACHINE, "run", "tmp"):
                target.mkdir()
                settings.append(f"lend={entry}:{target}")
        for name in _LENT_BY_THE_MACHINE:
            (self._seen / name).mkdir()
            settings.append(f"bind=/{name}:{self._seen / name}")
        for name in ("run", "tmp"):
            (self._seen / name).mkdir(mode=0o1777)
        return [*settings, f"bind={self._scratch}:{self._seen / 'run'}", f"root={self._seen}"]

    def _isolation(self) -> list[str]:
        return self._settings

    def _inside(self, path: Path) -> Path:
        return _SCRATCH / path.relative_to(self._scratch)

    def _programs_of(self, order: Order) -> Path:
        return Path(order.worker[0]).parent

    def _observer(self, order: Order) -> str:
        return order.worker[0]

    def _moved(self, order: Order) -> Order:
        """The same order with the worker's path as it is in the root, where its build is put when it comes first."""
        worker = Path(order.worker[0])
        if worker not in self._programs:
            copied = self._scratch / worker.parent.name
            shutil.copytree(worker.parent, copied)
            program = self._inside(copied) / worker.name
            self._programs[worker] = self._refusal(program) or program
        program_or_why = self._programs[worker]
        if isinstance(program_or_why, NoPlaceError):
            raise program_or_why
        there = str(program_or_why)
        return replace(order, worker=tuple(there if word == str(worker) else word for word in order.worker))

    def _refusal(self, program: Path) -> NoPlaceError | None:
        """Why a program does not run in the root: for want of a library, or of the right to change roots."""
        told = subprocess.run(
            [str(self._isolator), "isolate", *self._settings, "--", str(program), "libc"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if told.returncode == 0:
            return None
        last = told.stderr.strip().splitlines()[-1:] or [f"status {told.returncode}"]
        why = last[0].removeprefix(f"{program}: ").removesuffix(f" (required by {program})")
        return NoPlaceError(f"the worker does not run in {self._description.get('distro', 'the root')}: {why}")
