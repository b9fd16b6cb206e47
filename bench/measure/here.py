"""This machine as a site: the running kernel, with its own root."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from bench.catalogue import Build, build_of
from bench.machine import GuardProcess
from bench.measure.local import LocalPlace
from bench.measure.site import Clock


class LocalSite:
    """The running kernel and this machine's own distro."""

    clock: Clock = "hardware"
    boots = 1

    def __init__(self, usual: Build, guard: GuardProcess) -> None:
        """`usual` is the default build, whose `isolate` starts every worker."""
        self._usual = usual
        self._guard = guard

    @property
    def ram_bytes(self) -> int:
        """This machine's memory."""
        return psutil.virtual_memory().total

    @functools.cache  # noqa: B019 - there is one site a run
    def build(self, worker: str) -> Build:
        """The build for this machine. Raises BuildError."""
        return self._usual if worker == self._usual.variant else build_of(worker)

    @contextmanager
    def open(self, boot: int) -> Iterator[LocalPlace]:
        """This machine; nothing is booted."""
        del boot
        yield LocalPlace(self._usual.worker, self._guard)

    def abandon(self) -> None:
        """Nothing: workers here are one at a time, and the runner ends them itself."""
