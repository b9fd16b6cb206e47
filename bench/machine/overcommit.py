"""vm.overcommit_*: read by anyone, changed only through the guard.

Not for: deciding what a cell needs (bench.measure), or how many bytes that is (memory.py).
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.machine import groups, guard, scratch
from bench.machine.guard import STATE_FOLDER, SYSCTL, Busy, Hold, Settings, read_settings, read_state
from bench.machine.scratch import Scratch

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

_PATIENCE_S = 10.0


class GuardError(Exception):
    """The guard refused or has gone; one line."""


def missing_right(folder: Path = SYSCTL) -> str | None:
    """Say why this process may not change vm.overcommit_*; None when it may."""
    name = folder / "overcommit_memory"
    if os.access(name, os.W_OK):
        return None
    return f"may not change vm.overcommit_memory (needs root, and a writable {folder})"


class GuardProcess:
    """The guard, seen from the runner. A context manager: at its end the machine is as it was.

    The guard leads a session of its own, so that no terminal's signal reaches it, and knows of the runner's end by the
    end of their socket.
    """

    def __init__(self) -> None:
        """Start the guard. Raises OSError."""
        here, there = socket.socketpair()
        with there:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", guard.__file__],
                stdin=there.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        here.settimeout(_PATIENCE_S)
        self._socket = here
        self._has_held = False
        self._unread = 0
        self._rest = b""
        self._scratch: list[Scratch] = []
        self._groups: list[Path] = []

    @property
    def pid(self) -> int:
        """The guard's process, which is the runner's child and not a stray."""
        return self._process.pid

    def _say(self, line: str) -> None:
        try:
            # What a signal kept us from reading is no answer to this line.
            while self._unread:
                self._answer()
            self._unread += 1
            self._socket.sendall(os.fsencode(line) + b"\n")
            text = self._answer()
        except OSError as error:
            raise GuardError(f"the guard does not answer: {error}") from None
        if text != "ok":
            raise GuardError(text.removeprefix("no "))

    def _answer(self) -> str:
        """Read one line; what comes in pieces is kept, also when a signal ends the wait."""
        while b"\n" not in self._rest:
            part = self._socket.recv(4096)
            if not part:
                raise GuardError("the guard has died")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        self._unread -= 1
        return line.decode(errors="replace").strip()

    def hold(self) -> None:
        """Take the machine-wide lock for this run. Raises GuardError, also when another run has it."""
        self._say("hold")
        self._has_held = True

    def watch(self, pid: int) -> None:
        """Name the session that must not outlive the runner."""
        self._say(f"watch {pid}")

    def scratch(self, base: Path | None = None) -> Path:
        """Make a folder for the run's own files, in memory unless told where, which is removed at the end."""
        made = scratch.make(base)
        self._scratch.append(made)
        self._say(f"scratch {made.path}")
        return made.path

    def group(self, directory: Path) -> None:
        """Name a control group that is about to be made, and that must not outlive the runner."""
        self._groups.append(directory)
        self._say(f"group {directory}")

    def ungroup(self) -> None:
        """End and remove those groups. One that cannot be removed yet is tried again at the end of the run."""
        for directory in tuple(self._groups):
            if guard.end_group(directory):
                self._groups.remove(directory)
                self._say(f"ungroup {directory}")

    def unwatch(self) -> None:
        """Forget it: the session has ended."""
        self._say("unwatch")

    def set(self, mode: int, kbytes: int | None) -> None:
        """Put a mode in force until restore(), with a limit in KiB or None. Raises GuardError."""
        self._say(f"set {mode} {'-' if kbytes is None else kbytes}")

    def restore(self) -> None:
        """Put the machine's own settings in force again. Raises GuardError."""
        self._say("restore")

    def close(self) -> None:
        """End the guard and make sure that its work is done, even when it was killed."""
        self._socket.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_PATIENCE_S)
        if self._has_held and read_state():
            with suppress(Busy):  # who has the hold by now has put them back first
                repair()
        for directory in self._groups:
            guard.end_group(directory)
        groups.sweep()  # and of workers that made one for themselves and were killed
        while self._scratch:
            self._scratch.pop().remove()

    def __enter__(self) -> Self:
        """Return the guard itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it, whatever happened."""
        self.close()


def repair(folder: Path = STATE_FOLDER, sysctl: Path = SYSCTL) -> Settings | None:
    """Put back what a killed guard left changed. Returns the settings put back, or None when there was nothing to do.

    Raises Busy when a run is under way, OSError without the right.
    """
    left = read_state(folder)
    if left is None:
        return None
    Hold(folder, sysctl).release()  # taking the hold puts back what the state file says
    return left


def abandoned(folder: Path = STATE_FOLDER) -> bool:
    """Whether settings were left changed by a run that is over. A run under way has them changed rightly."""
    if read_state(folder) is None:
        return False
    try:
        lock = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


__all__ = [
    "Busy",
    "GuardError",
    "GuardProcess",
    "Settings",
    "abandoned",
    "missing_right",
    "read_settings",
    "read_state",
    "repair",
]
