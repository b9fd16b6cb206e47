"""The emulator: its command line, and one running machine with its console and its line to the agent.

A guest has one CPU, no disk and no network; the console and the line are serial ports, which every kernel's image has
built in. Everything that QEMU is given is an open descriptor: a guest that is killed leaves no file behind.
Not for: what is said on the line (link.py), or whether KVM works here (acceleration.py).
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

PROGRAM = "qemu-system-x86_64"
PACKAGE = "qemu-system-x86"
_ARCHITECTURE = "x86_64"
_TAIL = 4000
CONSOLE_BYTES = 64 << 20
"""Of what a kernel prints no more than this is kept, for it is in memory; a guest that goes on is ended (link.py)."""
_END_S = 10.0

Engine: TypeAlias = Literal["kvm", "tcg", "icount"]
"""KVM; QEMU's own translation; the same under a clock that counts the instructions that were executed, 1 ns each."""

_ENGINES: dict[Engine, tuple[str, ...]] = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg", "-cpu", "qemu64"),
    # Sleeping, an idle guest follows the wall clock; a worker's launches never let the guest's only CPU idle. What a
    # kernel takes for chance and for the date is the same in every boot.
    "icount": (
        *("-accel", "tcg", "-cpu", "qemu64", "-icount", "shift=0,sleep=on"),
        *("-seed", "1", "-rtc", "base=2020-01-01,clock=vm"),
    ),
}
_COMMAND_LINE = (
    "console=ttyS0",
    "rdinit=/init",
    "quiet",
    "panic=-1",  # at once, and -no-reboot makes an end of it
    "oops=panic",
    "nokaslr",  # one layout for all boots
    "cryptomgr.notests",  # of ciphers that no launch meets, and 1 to 2 s of an emulated boot
)
_PARAMETERS: dict[Engine, tuple[str, ...]] = {
    "kvm": (),
    # The processor's counter is measured against a timer at the boot, and wrongly when the host is busy just then: a
    # guest's seconds were eight times too short. The HPET counts the wall's time, and is slower to read.
    "tcg": ("no_timer_check", "clocksource=hpet"),
    # Where all counters count instructions none can be wrong. Where a process lies decides how many page tables it
    # takes: one layout for all of them.
    "icount": ("no_timer_check", "tsc=reliable", "clocksource=tsc", "norandmaps"),
}


def missing() -> str | None:
    """Why no guest can run here; None when one can."""
    if os.uname().machine != _ARCHITECTURE:
        return f"guests are of {_ARCHITECTURE}, this machine is {os.uname().machine}"
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM} is not installed (package {PACKAGE})"
    return None


@dataclass(frozen=True, slots=True)
class Machine:
    """What is booted."""

    engine: Engine
    kernel: bytes
    """A bzImage, or an uncompressed kernel with a PVH entry (payload.py)."""
    initramfs: bytes
    memory_bytes: int


def command(machine: Machine, kernel: int, initramfs: int, line: int, console: int) -> list[str]:
    """QEMU's command line. The numbers are descriptors that it inherits."""
    parameters = (*_COMMAND_LINE, *_PARAMETERS[machine.engine])
    return [
        PROGRAM,
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *_ENGINES[machine.engine],
        *("-smp", "1", "-m", f"{machine.memory_bytes >> 20}M"),
        *("-kernel", f"/proc/self/fd/{kernel}", "-initrd", f"/proc/self/fd/{initramfs}"),
        *("-append", " ".join(parameters)),
        *("-chardev", f"file,id=console,path=/proc/self/fd/{console}", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=line,fd={line}", "-serial", "chardev:line"),
    ]


class Emulator:
    """One running machine. It ends with the thread that started it, whatever ends that."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket, console: int) -> None:
        """`line` is the runner's end of the second serial port, `console` holds what came out of the first."""
        self._process = process
        self._console = console
        self.line = line

    def kill(self) -> None:
        """End it at once; from any thread."""
        self._process.kill()

    def ended(self, patience_s: float) -> bool:
        """Whether it powers off, or dies, within that time."""
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def has_flooded(self) -> bool:
        """Whether it has printed more than is kept."""
        return os.fstat(self._console).st_size >= CONSOLE_BYTES

    def console(self) -> str:
        """The end of what the guest's kernel, and QEMU itself, have printed."""
        size = os.fstat(self._console).st_size
        text = os.pread(self._console, _TAIL, max(0, size - _TAIL)).decode(errors="replace")
        return "\n".join(text.replace("\0", "").splitlines())


@contextmanager
def started(machine: Machine, isolator: Path) -> Iterator[Emulator]:
    """Start a machine; at the end it is gone. `isolator` is the native worker, whose `isolate` binds it to this thread.

    Raises OSError when QEMU cannot be started.
    """
    with ExitStack() as stack:
        here, there = (stack.enter_context(end) for end in socket.socketpair())
        kernel, initramfs, console = (
            stack.enter_context(_held(name, content))
            for name, content in (("kernel", machine.kernel), ("initramfs", machine.initramfs), ("console", b""))
        )
        process = subprocess.Popen(
            [
                *(str(isolator), "isolate", f"parent={os.getpid()}", "--"),
                *_absolute(command(machine, kernel, initramfs, there.fileno(), console)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            pass_fds=(kernel, initramfs, there.fileno(), console),
            cwd="/",
            start_new_session=True,
        )
        there.close()
        try:
            # Its console is the one file that QEMU writes. Its processors' threads block the signal, and QEMU goes on
            # without it. An ordinary user may not raise a limit that is lower.
            with suppress(PermissionError):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (CONSOLE_BYTES, CONSOLE_BYTES))
            yield Emulator(process, here, console)
        finally:
            process.kill()
            process.wait()


@contextmanager
def _held(name: str, content: bytes) -> Iterator[int]:
    """A file in memory, which has no path."""
    descriptor = os.memfd_create(name)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield descriptor
    finally:
        os.close(descriptor)


def _absolute(words: list[str]) -> list[str]:
    return [shutil.which(words[0]) or words[0], *words[1:]]
