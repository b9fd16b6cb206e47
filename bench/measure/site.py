"""Where places come from: this machine, another distro's root on it, guests of another kernel.

A site is known before the run; its places are opened while it goes on, one for each boot, and closed again. What a site
costs when it is not used is nothing. The runner speaks with sites through this Protocol alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

from bench.catalogue import Build
from bench.measure.evidence import Place
from bench.record import PlaceFields

Clock: TypeAlias = Literal["hardware", "emulated", "instructions"]


class NoPlaceError(Exception):
    """A place cannot be had: its workers are `skipped`, and the text, one line, says why."""


class PlaceLostError(Exception):
    """A place died or no longer answers, at its boot or under a worker. It is closed and opened anew, once a worker."""

    def __init__(self, kind: Literal["crashed", "hung"], reason: str, console: str = "") -> None:
        """`kind` and `reason` become the worker's outcome when it happens again, `console` (its end) its `stderr`."""
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.console = console


class Site(Protocol):
    """One kernel and distro that workers can run on."""

    @property
    def clock(self) -> Clock:
        """Of all its places. Those of `hardware` are used one at a time and alone; others side by side."""

    @property
    def boots(self) -> int:
        """How many boots the rounds are spread over, at most one a round: 1 where nothing is booted."""

    @property
    def ram_bytes(self) -> int:
        """What shares of RAM in a scenario are shares of."""

    @property
    def description(self) -> PlaceFields:
        """What is known of its places before one is opened."""

    def build(self, worker: str) -> Build:
        """The build of the native worker (`bench.scenario.WORKERS`) that runs there, compiled when it is not yet.

        The `worker` of an Order names its program by its path in the build's folder on this machine. Raises
        bench.catalogue.MissingToolError when it cannot be compiled here, NoPlaceError when it cannot run there.
        """

    def open(self, boot: int) -> AbstractContextManager[Place]:
        """Boot number `boot` (from 0), ready for workers; closed at the end of the context.

        May be called from several threads; each uses its own place, from open to close. Raises NoPlaceError, and
        PlaceLostError when it dies while it boots.
        """

    def abandon(self) -> None:
        """End all open places at once, from any thread: who uses one gets PlaceLostError. The run is over."""


Sites: TypeAlias = Mapping[tuple[str | None, str | None], Site | str]
"""(kernel, distro) of a cell to its site, or to the reason why there is none."""
