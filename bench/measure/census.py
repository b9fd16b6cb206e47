"""The census: what a worker holds and what it leaves, counted from outside with psutil.

Not for: deciding whether that is a fault; findings() only subtracts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
# A helper that is told to end by its parent's death may need a moment; what is alive after that is a stray.
_GRACE_S = 0.1
_STEP_S = 0.002


@dataclass(frozen=True, slots=True)
class Count:
    """A worker at one moment. Descriptors and threads are its own and its helpers'."""

    zombies: int
    children: int
    descriptors: int
    threads: int
    helpers: frozenset[int] = frozenset()
    """Children alive when the worker was ready: they belong to the strategy."""

    def as_record(self) -> dict[str, int]:
        """The flat count of the result file."""
        return {
            "zombies": self.zombies,
            "children": self.children,
            "descriptors": self.descriptors,
            "threads": self.threads,
        }


def count(worker: int, ready: Count | None = None) -> Count | None:
    """Count a worker and its descendants, with the helpers of an earlier count; None when it has gone."""
    try:
        process = psutil.Process(worker)
        family = process.children(recursive=True)
        descriptors, threads = process.num_fds(), process.num_threads()
    except psutil.Error:
        return None
    zombies = 0
    alive = set()
    for member in family:
        with suppress(psutil.Error):
            if member.status() == psutil.STATUS_ZOMBIE:
                zombies += 1
                continue
            alive.add(member.pid)
            if ready is None or member.pid in ready.helpers:
                held, running = member.num_fds(), member.num_threads()
                descriptors += held
                threads += running
    return Count(zombies, len(alive), descriptors, threads, ready.helpers if ready else frozenset(alive))


def count_idle(worker: int, ready: Count | None) -> Count | None:
    """Count a worker that has nothing to do any more, once more a little later when it holds more than at first.

    A helper that closes what it got may do so after the launch was over for its caller.
    """
    until = time.monotonic() + _GRACE_S
    while True:
        now = count(worker, ready)
        if now is None or ready is None or time.monotonic() >= until:
            return now
        if now.descriptors <= ready.descriptors and now.children <= ready.children and now.threads <= ready.threads:
            return now
        time.sleep(_STEP_S)


@contextmanager
def adopting() -> Iterator[None]:
    """Be the child subreaper meanwhile: a worker's orphans become ours, to be counted and ended (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int()
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


def own_children() -> frozenset[int]:
    """Our children now. What a program was started with (`exec launchbench > >(tee log)`) is no worker's stray."""
    return frozenset(child.pid for child in psutil.Process().children())


def _family_but(ours: Collection[int]) -> Iterator[psutil.Process]:
    for child in psutil.Process().children():
        if child.pid not in ours:
            yield child
            with suppress(psutil.Error):
                yield from child.children(recursive=True)


def _adopted(ours: Collection[int]) -> list[psutil.Process]:
    """Our descendants, other than those we started; the dead among our own children are buried on the way."""
    alive = []
    for process in _family_but(ours):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
                continue
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
    return alive


def end_strays(ours: Collection[int]) -> list[dict[str, Any]]:
    """Record what outlived the worker, end it, and bury it. `ours` are children of our own: they stay, and theirs."""
    until = time.monotonic() + _GRACE_S
    while (alive := _adopted(ours)) and time.monotonic() < until:
        time.sleep(_STEP_S)
    strays = []
    for process in alive:
        with suppress(psutil.Error):
            strays.append({"pid": process.pid, "name": process.name(), "state": process.status()})
    until = time.monotonic() + 2
    while (alive := _adopted(ours)) and time.monotonic() < until:
        for process in alive:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        time.sleep(_STEP_S)
    return strays


def findings(
    ready: Count | None, done: Count | None, strays: Collection[dict[str, Any]], lost: int
) -> list[dict[str, Any]]:
    """What a worker left or did: its counts when done, less those when it was ready. `lost`: statuses lost."""
    found = {"stray": len(strays), "lost_status": lost}
    if ready and done:
        found |= {
            "zombie": done.zombies - ready.zombies,
            "live_child": done.children - ready.children,
            "leaked_descriptor": done.descriptors - ready.descriptors,
            "leaked_thread": done.threads - ready.threads,
        }
    detail = {"stray": ", ".join(sorted({stray["name"] for stray in strays}))}
    return [
        {"kind": kind, "count": number, "detail": detail.get(kind) or None}
        for kind, number in sorted(found.items())
        if number > 0
    ]
