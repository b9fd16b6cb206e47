"""A run in a process of its own, whose worker stands still in the middle of a launch until it is told to go on."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from conditions import wait_until

from bench.machine.guard import session_members

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCHBENCH = (sys.executable, "-m", "bench")


@dataclass
class Standstill:
    """What a command tells of itself, and a file that lets it and all after it go on."""

    folder: Path

    @property
    def command(self) -> str:
        """The mix: a shell that waits for a file."""
        told = f"echo $PPID $LAUNCHBENCH_ARRIVALS $(cat /proc/sys/vm/overcommit_memory) > {self.folder}/new"
        wait = f"while [ ! -e {self.folder}/go ]; do sleep 0.01; done"
        return f"[{{shell: '{told}; mv {self.folder}/new {self.folder}/told; {wait}'}}]"

    def wait_for_it(self) -> None:
        """Return when a worker is in the middle of a launch."""
        wait_until((self.folder / "told").exists)

    def go_on(self) -> None:
        """Let it end, and let no later one wait."""
        (self.folder / "go").touch()

    @property
    def told(self) -> list[str]:
        return (self.folder / "told").read_text().split()

    @property
    def worker(self) -> int:
        return int(self.told[0])

    @property
    def scratch(self) -> Path:
        return Path(self.told[1]).parent

    @property
    def mode(self) -> int:
        return int(self.told[2])

    def nothing_is_left(self) -> bool:
        """Whether worker, commands and scratch folder are gone."""
        return session_members(self.worker) == [] and not self.scratch.exists()


class BackgroundRun:
    """`launchbench run` in the background; its output goes to files, as in a batch job."""

    def __init__(self, folder: Path, arguments: Sequence[object], prefix: Sequence[str] = ()) -> None:
        self._stderr = folder / "stderr.txt"
        with self._stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, *LAUNCHBENCH, "run", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def stderr(self) -> str:
        return self._stderr.read_text()

    def guard(self) -> int:
        """The guard's process."""
        children = psutil.Process(self.process.pid).children()
        (guard,) = [child.pid for child in children if any("guard.py" in word for word in child.cmdline())]
        return guard

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def interrupt_and_be_heard(self) -> None:
        self.send(signal.SIGINT)
        wait_until(lambda: "finishing the worker in hand" in self.stderr)

    def wait(self) -> int:
        return self.process.wait(timeout=60)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
