"""The guard: outlives the runner, puts vm.overcommit_* back, ends what a dead runner left, and removes its groups.

Run by path in a bare interpreter (`python -I -S -B guard.py`) with a socket to the runner as standard input. The end of
that socket is the runner's end, in whatever way it came; SIGKILL cannot be caught, but it closes sockets. Standard
library only. `overcommit.py` is the other end of the socket, and `doctor --restore` uses the same functions when the
guard itself was killed.

    runner                     guard                          machine
    hold        ------------>  lock, remember, state file
    scratch DIR ------------>
    group DIR   ------------>
    watch PID   ------------>
    set 2 1000  ------------>  ---------------------------->  vm.overcommit_kbytes, vm.overcommit_memory
    restore     ------------>  ---------------------------->  as they were
    (dies)      --- EOF ---->  ---------------------------->  as they were; kill -9 what PID's session and
                                                              the group hold; rmdir and rm -r DIR
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

SYSCTL = Path("/proc/sys/vm")
# Gone after a reboot, as the settings are.
STATE_FOLDER = Path("/run/launchbench")
_KILLING_S = 2.0


@dataclass(frozen=True)
class Settings:
    """vm.overcommit_memory, vm.overcommit_ratio (percent) and vm.overcommit_kbytes (KiB, 0: the ratio rules)."""

    memory: int
    ratio: int
    kbytes: int


class Busy(Exception):  # noqa: N818 - a state, not a fault
    """Another run holds the settings; its text says which process."""


def read_settings(folder: Path = SYSCTL) -> Settings:
    """Return the settings in force. Raises OSError."""
    return Settings(*(int((folder / f"overcommit_{name}").read_text()) for name in ("memory", "ratio", "kbytes")))


def _write(folder: Path, name: str, value: int) -> None:
    (folder / f"overcommit_{name}").write_text(f"{value}\n")


def apply(mode: int, kbytes: int | None, folder: Path = SYSCTL) -> None:
    """Put a mode in force, with a limit in KiB when one is given. Raises OSError.

    The limit first: it means nothing until the mode is 2.
    """
    if kbytes is not None:
        _write(folder, "kbytes", kbytes)
    _write(folder, "memory", mode)


def put_back(old: Settings, folder: Path = SYSCTL) -> None:
    """Put settings back. Raises OSError.

    The mode first, for the others mean nothing without mode 2. Ratio and kbytes are one setting with two names:
    writing the one zeroes the other (Documentation/admin-guide/sysctl/vm.rst).
    """
    _write(folder, "memory", old.memory)
    if old.kbytes:
        _write(folder, "kbytes", old.kbytes)
    else:
        _write(folder, "ratio", old.ratio)


class Hold:
    """The machine-wide lock, and the old settings in a file beside it for `doctor --restore`."""

    def __init__(self, folder: Path = STATE_FOLDER, sysctl: Path = SYSCTL) -> None:
        """Take the lock and remember the settings.

        A state file that is found now was left by a guard that was killed: what it says are the machine's own settings,
        and they are put back first. Raises Busy, OSError.
        """
        self._sysctl = sysctl
        self._state = folder / "overcommit.json"
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip()
            os.close(self._lock)
            raise Busy(f"vm.overcommit_* is held by another run (process {holder or 'unknown'})") from None
        try:
            self.old = self._remember(read_state(folder))
        except BaseException:
            os.close(self._lock)
            raise

    def _remember(self, left: Settings | None) -> Settings:
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        if left:
            put_back(left, self._sysctl)
        old = left or read_settings(self._sysctl)
        scratch = self._state.with_suffix(".new")
        scratch.write_text(json.dumps(asdict(old)))
        scratch.replace(self._state)
        return old

    def restore(self) -> None:
        """Put the old settings back; the hold goes on."""
        put_back(self.old, self._sysctl)

    def release(self) -> None:
        """Put the old settings back, forget them and let go of the lock."""
        self.restore()
        self._state.unlink(missing_ok=True)
        os.close(self._lock)


def read_state(folder: Path = STATE_FOLDER) -> Settings | None:
    """Return the settings that a killed guard left to be put back, or None."""
    try:
        return Settings(**json.loads((folder / "overcommit.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def session_members(leader: int) -> list[int]:
    """Return the processes of a session, by the sixth field of /proc/PID/stat (proc(5))."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                stat = (process / "stat").read_text(errors="replace")
                state, _, _, session = stat[stat.rindex(")") + 2 :].split()[:4]
                if int(session) == leader and state != "Z":
                    found.append(int(process.name))
    return found


def end_session(leader: int) -> None:
    """Kill what is left of a worker's session, until nothing is or two seconds are over."""
    until = time.monotonic() + _KILLING_S
    while time.monotonic() < until:
        members = session_members(leader)
        if not members:
            return
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def group_members(directory: Path) -> list[int]:
    """Return the processes of a control group, as far as this namespace knows them; none when it is gone."""
    try:
        return [pid for pid in map(int, (directory / "cgroup.procs").read_text().split()) if pid > 0]
    except (OSError, ValueError):
        return []


def end_group(directory: Path) -> bool:
    """Kill what is left in a control group, remove it, and tell whether it is gone. Tries for two seconds.

    A process that was killed leaves its group only when it has died, which may take a moment with much memory to free.
    """
    until = time.monotonic() + _KILLING_S
    while True:
        for pid in group_members(directory):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # EBUSY
            if time.monotonic() >= until:
                return False
            time.sleep(0.005)
        else:
            return True


def _path(line: str) -> str:
    """What follows a line's first word; a path may hold blanks."""
    return line.split(maxsplit=1)[1].rstrip("\n")


class Guard:
    """What the guard process does with each line."""

    def __init__(self, folder: Path = STATE_FOLDER, sysctl: Path = SYSCTL) -> None:
        """Hold and watch nothing."""
        self._folder, self._sysctl = folder, sysctl
        self.hold: Hold | None = None
        self.watched: int | None = None
        self.scratch: list[str] = []
        self.groups: list[Path] = []

    def obey(self, line: str) -> str:
        """Carry out one line; return `ok`, or `no` and the reason."""
        try:
            understood = self._carry_out(line)
        except (OSError, Busy, ValueError, MemoryError) as error:
            return f"no {error}"
        return "ok" if understood else f"no {line!r} is not understood now"

    def _carry_out(self, line: str) -> bool:
        match line.split():
            case ["hold"]:
                self.hold = self.hold or Hold(self._folder, self._sysctl)
            case ["watch", pid]:
                self.watched = int(pid)
            case ["unwatch"]:
                self.watched = None
            case ["scratch", _, *_]:
                self.scratch.append(_path(line))
            case ["group", _, *_]:
                self.groups.append(Path(_path(line)))
            case ["ungroup", _, *_]:
                self.groups.remove(Path(_path(line)))
            case ["set", mode, kbytes] if self.hold:
                apply(int(mode), None if kbytes == "-" else int(kbytes), self._sysctl)
            case ["restore"] if self.hold:
                self.hold.restore()
            case _:
                return False
        return True

    def end(self) -> None:
        """Leave the machine as it was: the settings first, they matter to everybody."""
        if self.hold:
            try:
                self.hold.release()
            except OSError as error:
                sys.stderr.write(f"launchbench: vm.overcommit_* could not be put back: {error}\n")
        if self.watched:
            end_session(self.watched)
        for directory in self.groups:
            if not end_group(directory):
                sys.stderr.write(f"launchbench: {directory} could not be removed\n")
        for folder in self.scratch:
            shutil.rmtree(folder, ignore_errors=True)


def _survive() -> None:
    # A Ctrl-C or a hang-up goes to the whole terminal; the guard is the one that stays.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # needs CAP_SYS_RESOURCE, and so does changing the settings
        Path("/proc/self/oom_score_adj").write_text("-1000")


def main() -> None:
    """Obey line by line until the runner has gone."""
    _survive()
    guard = Guard()
    try:
        _serve(guard)
    finally:
        while not _ended(guard):
            pass


def _serve(guard: Guard) -> None:
    # Paths are bytes to the kernel: a folder's name need not be UTF-8.
    with os.fdopen(0, "rb", closefd=False) as runner, suppress(OSError):
        for line in runner:
            os.write(0, os.fsencode(guard.obey(os.fsdecode(line))) + b"\n")


def _ended(guard: Guard) -> bool:
    try:
        guard.end()
    except MemoryError:
        return False  # the very settings it puts back may be why
    return True


if __name__ == "__main__":
    main()
