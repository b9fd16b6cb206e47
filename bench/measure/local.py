"""This machine as a place: starts one isolated worker, speaks with it, and cleans up after it.

The conversation, the runner on the left and the worker on the right:

    Popen isolate -- worker work
      request  ------------>
               <------------  ready      footprint mapped, touched, verified
    census, mode in force
      go       ------------>             nothing else happens here until `done`
               <------------  done
    mode restored, census
      exit     ------------>
    wait, census of strays
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.machine import (
    GuardProcess,
    LimitRights,
    MemoryFacts,
    Settings,
    commit_kbytes,
    limit_rights,
    memory_facts,
    missing_right,
    read_settings,
)
from bench.measure import census, patience
from bench.measure.evidence import Evidence, Mode, Order, observation, spans
from bench.measure.limits import Confinement, confined
from bench.measure.pacer import Pacer
from bench.measure.request import environment
from bench.record import PlaceFields

_LONGEST_WAIT_S = 86400.0  # what the selector's clock can hold, whatever a footprint would take
_STDERR_TAIL = 2000


class WorkerGoneError(Exception):
    """The channel closed before the worker said what was awaited."""


class WorkerHungError(Exception):
    """The worker said nothing in time."""


class _Channel:
    """Lines from and to one worker."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._selector = selectors.DefaultSelector()
        self._selector.register(end, selectors.EVENT_READ)
        self._rest = b""

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            raise WorkerGoneError from None

    def receive(self, patience_s: float) -> dict[str, Any]:
        """One message. Blocks in the kernel: a runner that polls would take time from what it measures."""
        until = time.monotonic() + min(patience_s, _LONGEST_WAIT_S)
        while b"\n" not in self._rest:
            # Once more without waiting: a runner that was stopped for longer than its patience has not looked yet.
            if not (self._selector.select(max(0.0, until - time.monotonic())) or self._selector.select(0)):
                raise WorkerHungError
            with suppress(ConnectionResetError):
                part = self._socket.recv(65536)
                if part:
                    self._rest += part
                    continue
            raise WorkerGoneError
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise WorkerGoneError  # what talks like that is no worker any more
        return message

    def close(self) -> None:
        self._selector.close()
        self._socket.close()


class LocalPlace:
    """This machine. A context manager: it owns the guard, a scratch folder, and the adoption of orphans."""

    def __init__(self, isolator: Path, guard: GuardProcess) -> None:
        """`isolator` is the native worker, whose `isolate` starts every worker."""
        self._isolator = isolator
        self._guard = guard
        self._scratch = guard.scratch()
        self._rights = limit_rights()
        self._pacer: Pacer | None = None

    def close(self) -> None:
        """End what stands beside the workers."""
        if self._pacer:
            self._pacer.close()
            self._pacer = None

    def describe(self) -> PlaceFields:
        """Nothing: this is the machine that runs are on."""
        return {}

    def cpus(self) -> tuple[int, ...]:
        """The CPUs that this process may use."""
        return tuple(sorted(os.sched_getaffinity(0)))

    def memory(self) -> MemoryFacts:
        """/proc/meminfo, now."""
        return memory_facts()

    def settings(self) -> Settings:
        """vm.overcommit_*, now."""
        return read_settings()

    def missing_right(self) -> str | None:
        """Why vm.overcommit_* may not be changed here."""
        return missing_right()

    def limit_rights(self) -> LimitRights:
        """What a worker may be limited to by this process, as it was when the place was made."""
        return self._rights

    def carry_out(self, order: Order) -> Evidence:
        """Run one worker. Whatever happens, the mode is back and nothing of the worker is left."""
        return self._work(order)

    def _work(self, order: Order) -> Evidence:
        evidence = Evidence()
        clock = time.monotonic_ns
        begun = clock()
        pacer = self._meet_pacer(order)
        oom_before = _oom_kills()
        before = memory_facts()
        files = {name: self._scratch / name for name in ("samples", "arrivals", "stderr")}
        for file in files.values():
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
        with (
            self._mode(order.mode, before) as enter,
            confined(order.limits, self._guard) as confinement,
            self._worker(order, confinement, files["stderr"], evidence) as (process, channel),
        ):
            marks = {"begun": begun, "spawned": clock()}
            try:
                self._converse(order, files, pacer, process, channel, evidence, marks, enter)
            except WorkerHungError:
                evidence.hung = "mapping" if not evidence.ready else "launching" if not evidence.done else "ending"
            except WorkerGoneError:
                pass
            _end(process, evidence, hung=evidence.hung is not None)
            marks["ended"] = clock()
            evidence.held = confinement.held()
        evidence.oom = _oom_kills() > oom_before
        evidence.samples = files["samples"].read_bytes()
        evidence.arrivals = files["arrivals"].read_bytes()
        evidence.stderr = _tail(files["stderr"])
        evidence.spent = spans(marks, evidence, clock())
        return evidence

    def _meet_pacer(self, order: Order) -> Pacer | None:
        """The pacer on the order's CPU; None where none was asked for, or none can be had."""
        if not order.paced or order.cpus is None:
            return None
        if self._pacer and (self._pacer.cpus != order.cpus or not self._pacer.is_alive()):
            self.close()
        if not self._pacer:
            with suppress(OSError):
                self._pacer = Pacer(self._isolator, self._scratch, order.cpus)
        return self._pacer

    def observe(self, order: Order) -> str | None:
        """Trace one launch of `probe` from a small footprint (ptrace(2)); None when that is not possible here."""
        record = self._scratch / "observed"
        record.unlink(missing_ok=True)
        worker = (self._observer(order), "observe", str(self._inside(record)), *order.worker)
        evidence = self._work(replace(observation(order, str(self._inside(record))), worker=worker))
        return record.read_text() if evidence.done and record.exists() else None

    @contextmanager
    def _mode(self, mode: Mode | None, before: MemoryFacts) -> Iterator[_ModeSwitch]:
        switch = _ModeSwitch(self._guard, mode, before)
        try:
            if mode and mode.while_mapping:
                switch.on()
            yield switch
        finally:
            switch.off()

    @contextmanager
    def _worker(
        self, order: Order, confinement: Confinement, stderr: Path, evidence: Evidence
    ) -> Iterator[tuple[subprocess.Popen[bytes], _Channel]]:
        """The process; at the end neither it nor anything that it started is left, and what there was is recorded."""
        ours = census.own_children()  # each time: a guest may have been started since
        here, there = socket.socketpair()
        settings = [f"parent={os.getpid()}", *self._isolation()]
        if order.cpus is not None:
            settings.append(f"cpus={','.join(map(str, order.cpus))}")
        settings += confinement.settings
        with there, stderr.open("ab") as errors:
            process = subprocess.Popen(
                [str(self._isolator), "isolate", *settings, "--", *order.worker, "work"],
                stdin=there.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=self._environment(order),
                cwd="/",
                start_new_session=True,  # out of the terminal's reach from its first instruction
            )
        channel = _Channel(here)
        try:
            self._guard.watch(process.pid)
            yield process, channel
        finally:
            channel.close()
            if process.poll() is None:
                process.kill()
            process.wait()
            evidence.strays = census.end_strays(ours)
            self._guard.unwatch()

    def _isolation(self) -> list[str]:
        """Settings of `isolate` that every worker of the place has."""
        return []

    def _inside(self, path: Path) -> Path:
        """How a worker names a file of the scratch folder."""
        return path

    def _programs_of(self, order: Order) -> Path:  # noqa: ARG002 - of another place
        """The folder of the programs that a worker launches, as it names it."""
        return self._isolator.parent

    def _observer(self, order: Order) -> str:  # noqa: ARG002 - as above
        """The program that observes a worker."""
        return str(self._isolator)

    def _environment(self, order: Order) -> dict[str, str]:
        return environment(self._programs_of(order), self._inside(self._scratch / "arrivals"))

    def _converse(
        self,
        order: Order,
        files: dict[str, Path],
        pacer: Pacer | None,
        process: subprocess.Popen[bytes],
        channel: _Channel,
        evidence: Evidence,
        marks: dict[str, int],
        switch: _ModeSwitch,
    ) -> None:
        clock = time.monotonic_ns
        request = order.request
        met = self._inside(pacer.path) if pacer else None
        channel.send(request.encode(self._inside(files["samples"]), self.cpus(), self._environment(order), met))
        message = channel.receive(patience.start_s(request.footprint_bytes))
        marks["ready"] = clock()
        if message.get("state") != "ready":
            evidence.refusal = message
            return
        evidence.ready = message
        evidence.counted_ready = census.count(process.pid)
        switch.on()
        evidence.in_force = _in_force()
        marks["go"] = clock()
        channel.send(b"go\n")
        try:
            evidence.done = channel.receive(patience.launches_s(request.time_limit_ns, watched=request.bystanders > 0))
        finally:
            marks["done"] = clock()
            switch.off()
        evidence.counted_done = census.count_idle(process.pid, evidence.counted_ready)
        marks["exit"] = clock()
        channel.send(b"exit\n")


class _ModeSwitch:
    """A mode that is on for the launches only; off() as often as one likes."""

    def __init__(self, guard: GuardProcess, mode: Mode | None, before: MemoryFacts) -> None:
        self._guard, self._mode, self._before = guard, mode, before
        self._is_on = False

    def on(self) -> None:
        if self._mode and not self._is_on:
            limit = self._mode.limit_bytes
            committed = self._before.committed_bytes or 0
            kbytes = None if limit is None else commit_kbytes(committed, limit, self._before)
            self._is_on = True
            self._guard.set(self._mode.memory, kbytes)

    def off(self) -> None:
        if self._is_on:
            self._guard.restore()
            self._is_on = False


def _end(process: subprocess.Popen[bytes], evidence: Evidence, *, hung: bool) -> None:
    """Wait for the worker; one that does not end is stopped, and then it hung."""
    if not hung:
        try:
            evidence.returncode = process.wait(timeout=patience.EXIT_S)
        except subprocess.TimeoutExpired:
            evidence.hung = "ending"
        else:
            return
    process.kill()
    evidence.returncode = process.wait()


def _tail(file: Path) -> str:
    with file.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _STDERR_TAIL))
        return stream.read().decode(errors="replace")


def _in_force() -> dict[str, int | None]:
    facts = memory_facts()
    return {"mode": facts.mode, "commit_limit": facts.commit_limit_bytes, "committed": facts.committed_bytes}


def _oom_kills() -> int:
    """How often the OOM killer has run (/proc/vmstat, since Linux 4.13; 0 where it does not say)."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
