"""This machine as a site: the running kernel, with its own root or that of another distro."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from bench.catalogue import Build, build_of
from bench.machine import GuardProcess
from bench.measure.local import LocalPlace
from bench.measure.root import RootPlace
from bench.measure.site import Clock, NoPlaceError
from bench.record import PlaceFields


def root_refusal() -> str | None:
    """Why this process cannot change into another root; None when it can, as far as that is seen without trying."""
    return "needs root, to change into the root of another distro" if os.geteuid() != 0 else None


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

    @property
    def description(self) -> PlaceFields:
        """Nothing: this is the machine that runs are on."""
        return {}

    @functools.cache  # noqa: B019 - there is one site a run
    def build(self, worker: str) -> Build:
        """The build for this machine. Raises BuildError."""
        return self._usual if worker == self._usual.variant else build_of(worker)

    @contextmanager
    def open(self, boot: int) -> Iterator[LocalPlace]:
        """This machine; nothing is booted."""
        del boot
        with closing(LocalPlace(self._usual.worker, self._guard)) as place:
            yield place

    def abandon(self) -> None:
        """Nothing: workers here are one at a time, and the runner ends them itself."""


class RootSite(LocalSite):
    """The running kernel, with another distro's root."""

    def __init__(
        self,
        root: Path,
        description: PlaceFields,
        usual: Build,
        guard: GuardProcess,
        build_for: Callable[[str], Build] = build_of,
    ) -> None:
        """`root` is its folder; `description` says its distro and libc; `build_for` makes the builds that run there."""
        super().__init__(usual, guard)
        self._root = root
        self._description = description
        self._build_for = build_for

    @property
    def description(self) -> PlaceFields:
        """The distro and its C library."""
        return self._description

    @functools.cache  # noqa: B019 - there is one site a run
    def build(self, worker: str) -> Build:
        """The build for the root. Raises BuildError, NoPlaceError."""
        return self._build_for(worker)

    @contextmanager
    def open(self, boot: int) -> Iterator[LocalPlace]:
        """This machine, seen from the root. Raises NoPlaceError without the right to change roots."""
        del boot
        reason = root_refusal()
        if reason:
            raise NoPlaceError(reason)
        with closing(RootPlace(self._usual.worker, self._guard, self._root, self._description)) as place:
            yield place
