"""The runner's end of one worker's channel, for tests: starts a worker through `isolate`, and speaks with it.

request  ------------>
<------------  ready
go       ------------>
<------------  done
exit     ------------>

A worker is always brought to an end, with everything that its session still holds.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

from bench.catalogue import Catalogue, Entry
from bench.machine.guard import session_members
from bench.measure.request import ARRIVALS, CommandLine, Request
from bench.measure.samples import UNDER_WAY, Arrival, Sample, decode, decode_arrivals

# Only so that a worker that hangs fails its test instead of stopping the suite.
PATIENCE_S = 30.0
MIB = 1 << 20


def command(*argv: str) -> CommandLine:
    """A program and its arguments."""
    return CommandLine.of(argv, "")


def shell(script: str) -> CommandLine:
    """A line for a shell; every strategy gives it one."""
    return CommandLine.of((), script)


PROBE = command("probe")


def request(entry: Entry, *commands: CommandLine, **settings: Any) -> Request:
    """One launch of each command, from a small footprint, unless `settings` say otherwise."""
    plain = Request(
        strategy=entry.name,
        reaper="own" if entry.own_reaper else "waitpid",
        hygiene="none",
        backing="anon",
        footprint_bytes=MIB,
        open_files=0,
        time_limit_ns=int(PATIENCE_S * 1e9),
        warmup=0,
        plan=tuple(range(len(commands))),
        commands=commands,
    )
    return replace(plain, **settings)


def await_condition(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds. Raises TimeoutError."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() >= until:
            raise TimeoutError("the condition never came to hold")
        time.sleep(0.005)


def await_end(*pids: int) -> None:
    """Return when each of these processes has ended, whoever its parent is. Raises TimeoutError."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            ready, _, _ = select.select([descriptor], [], [], PATIENCE_S)
        finally:
            os.close(descriptor)
        if not ready:
            raise TimeoutError(f"process {pid} goes on")


def children(pid: int) -> list[int]:
    """The children of a process, zombies included (proc_pid_task(5))."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found += map(int, (thread / "children").read_text().split())
    return sorted(found)


def descriptors(pid: int) -> list[str]:
    """What the descriptors of a process are open on, sorted: equal lists mean nothing leaked."""
    found = []
    for number in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(f"{number.name} {number.readlink()}")
    return sorted(found)


class ChannelEndError(Exception):
    """The worker closed its end of the channel instead of saying something."""


@dataclass
class Done:
    """What a worker that was talked through left behind."""

    ready: dict[str, Any]
    done: dict[str, Any]
    samples: list[Sample]
    arrivals: list[Arrival]
    stdout: bytes
    stderr: bytes
    returncode: int


@final
@dataclass
class Conversation:
    """One worker. A context manager: at its end nothing of the worker is left."""

    catalogue: Catalogue
    entry: Entry
    folder: Path
    isolate: Sequence[str] = ()
    """Settings of `isolate`."""
    tracer: Sequence[str] = ()
    """A program that runs the worker, such as strace and its options."""
    pid: int = field(init=False, default=0)

    def __enter__(self) -> Conversation:
        self.folder.mkdir(exist_ok=True)
        self.samples_file.touch()
        self.arrivals_file.touch()
        here, there = socket.socketpair()
        here.settimeout(PATIENCE_S)
        self._channel = here
        self._lines = here.makefile("rb")
        worker = [*self.tracer, *self.catalogue.worker(self.entry), "work"]
        isolator = [str(self.catalogue.build.worker), "isolate", *self.isolate, "--"]
        with there, (self.folder / "stdout").open("ab") as out, (self.folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                [*isolator, *worker], stdin=there, stdout=out, stderr=errors, env=self.environment, cwd="/"
            )
        self.pid = self.process.pid
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        while members := session_members(self.pid):
            for member in members:
                with suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)

    @property
    def samples_file(self) -> Path:
        return self.folder / "samples"

    @property
    def arrivals_file(self) -> Path:
        return self.folder / "arrivals"

    @property
    def environment(self) -> dict[str, str]:
        """What a command finds in its environment when a test does not say otherwise; `probe` stands first in PATH."""
        path = f"{self.catalogue.build.folder}:/usr/local/bin:/usr/bin:/bin"
        return {"PATH": path, "LC_ALL": "C", ARRIVALS: str(self.arrivals_file)}

    def send(self, data: bytes) -> None:
        self._channel.sendall(data)

    def hear(self) -> dict[str, Any]:
        """The worker's next message. Raises ChannelEndError."""
        try:
            line = self._lines.readline()
        except ConnectionResetError:
            line = b""
        if not line:
            raise ChannelEndError((self.folder / "stderr").read_text(errors="replace"))
        message: dict[str, Any] = json.loads(line)
        return message

    def hang_up(self) -> None:
        """The runner's end of the channel closes, as when the runner ends."""
        self._lines.close()
        self._channel.close()

    def ask(
        self, order: Request, environment: Mapping[str, str] | None = None, fill_cpus: tuple[int, ...] = (0,)
    ) -> dict[str, Any]:
        """Send a request and return the answer: `ready`, or why not."""
        self.send(order.encode(self.samples_file, fill_cpus, self.environment if environment is None else environment))
        return self.hear()

    def samples(self) -> list[Sample]:
        """The launches that were begun so far; also of a worker that was killed."""
        return decode(self.samples_file.read_bytes())

    def await_launch(self, number: int = 0) -> None:
        """Return when the launch of that number is under way. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            samples = self.samples()
            if len(samples) > number and samples[number].state == UNDER_WAY and samples[number].call:
                return
            time.sleep(0.001)
        raise TimeoutError(f"launch {number} is not under way")

    def arrivals(self) -> list[Arrival]:
        return decode_arrivals(self.arrivals_file.read_bytes())

    def finish(self) -> int:
        """`exit`, and the worker's exit status."""
        self.send(b"exit\n")
        return self.process.wait(PATIENCE_S)

    def carry_out(self, order: Request, environment: Mapping[str, str] | None = None) -> Done:
        """From the request to the exit."""
        ready = self.ask(order, environment)
        assert ready["state"] == "ready", ready
        self.send(b"go\n")
        done = self.hear()
        returncode = self.finish()
        out, errors = ((self.folder / name).read_bytes() for name in ("stdout", "stderr"))
        return Done(ready, done, self.samples(), self.arrivals(), out, errors, returncode)
