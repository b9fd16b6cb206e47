"""What a worker is asked to do, and how that is said: strategies/host/request.c reads it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

SHELL = "/bin/sh"
PROBE = "probe"
# What strategies/command/probe.c finds in its environment.
ARRIVALS = "LAUNCHBENCH_ARRIVALS"
_SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def environment(programs: PurePath, arrivals: PurePath) -> dict[str, str]:
    """What workers and commands have as their environment; `programs` is the folder that the probe stands in.

    Small and the same everywhere: its size moves the stack, and with it the times (Mytkowicz et al. 2009). The probe's
    folder comes first, so that a search along PATH finds it at once.
    """
    return {"PATH": ":".join((str(programs), *_SEARCH_PATH)), "LC_ALL": "C", ARRIVALS: str(arrivals)}


INHERITED = "LAUNCHBENCH_INHERITED"
GATE = "LAUNCHBENCH_GATE"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command of the mix as a worker gets it."""

    argv: tuple[str, ...]
    line: str
    """The same for a shell."""

    @classmethod
    def of(cls, argv: tuple[str, ...], shell: str) -> CommandLine:
        """From a scenario's `argv` or `shell`, whichever is not empty: what wants a shell gets one everywhere."""
        if shell:
            return cls((SHELL, "-c", shell), shell)
        return cls(argv, shlex.join(argv))

    @property
    def tells_arrival(self) -> bool:
        """Whether the program itself says when it was reached."""
        return self.argv[0] == PROBE


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that one worker needs to know."""

    strategy: str
    reaper: str
    hygiene: str
    backing: str
    footprint_bytes: int
    open_files: int
    time_limit_ns: int
    warmup: int
    plan: tuple[int, ...]
    commands: tuple[CommandLine, ...]
    vmas: int = 1
    """Pieces that the footprint is mapped in."""
    inheritable: bool = False
    """`open_files` are opened without O_CLOEXEC."""
    in_flight: int = 1
    burst: bool = False
    """All launches in flight end at the same moment, then come the next."""
    writes: int = 0
    """Pages of the footprint that the worker writes to while a command lives."""
    hold_child: bool = False
    """... before its exec, not after it."""
    bystanders: int = 0
    inherited: str = ""
    """The file into which `probe` is to write what it inherited; none when empty."""

    def encode(
        self,
        samples: PurePath,
        fill_cpus: tuple[int, ...],
        environment: Mapping[str, str],
        pacer: PurePath | None = None,
    ) -> bytes:
        """The request on the control channel: its length in a line, then words that end in NUL.

        `pacer` is the socket at which the pacer is asked, when there is one.
        """
        words = [
            f"strategy={self.strategy}",
            *([f"reaper={self.reaper}"] if self.reaper != "own" else []),
            f"hygiene={self.hygiene}",
            f"backing={self.backing}",
            f"footprint={self.footprint_bytes}",
            f"vmas={self.vmas}",
            f"open_files={self.open_files}",
            f"inheritable={self.inheritable:d}",
            f"in_flight={self.in_flight}",
            f"burst={self.burst:d}",
            f"writes={self.writes}",
            f"hold_child={self.hold_child:d}",
            f"bystanders={self.bystanders}",
            f"time_limit={self.time_limit_ns}",
            f"warmup={self.warmup}",
            f"samples={samples}",
            f"fill_cpus={','.join(map(str, fill_cpus))}",
            *([f"pacer={pacer}"] if pacer else []),
            f"plan={','.join(map(str, self.plan))}",
            *(f"env={name}={value}" for name, value in environment.items()),
            *([f"env={GATE}={samples.parent / 'gate'}"] if self.burst or (self.writes and not self.hold_child) else []),
            *([f"env={INHERITED}={self.inherited}"] if self.inherited else []),
        ]
        for command in self.commands:
            words += [f"command={command.line}", *(f"arg={word}" for word in command.argv)]
        body = b"".join(word.encode(errors="surrogateescape") + b"\0" for word in words)
        return b"request %d\n" % len(body) + body
