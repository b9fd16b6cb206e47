"""The boots of one site: opened when a worker needs one, replaced when it died, closed when their rounds are over.

Used by one thread. What a worker does in a place is the runner's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar, cast

from bench.measure import schedule
from bench.measure.evidence import Place
from bench.measure.site import NoPlaceError, PlaceLostError, Site
from bench.record import BootCost, PlaceFields

T = TypeVar("T")


@dataclass(slots=True)
class Opened:
    """One place in use."""

    place: Place
    description: PlaceFields
    """What the lines of its workers say of it."""
    usual_mode: int
    """vm.overcommit_memory when it was opened."""


@dataclass(slots=True)
class Trial:
    """What is known of a site's boots, whichever thread they were of."""

    has_booted: bool = False
    lost: PlaceLostError | None = None
    """How a boot was lost for the second time; the same is to be expected of a site of which none has succeeded."""


@dataclass(slots=True)
class Boots:
    """The places of one site, one at a time."""

    site: Site
    rounds: int
    """Of the whole run: what boots are spread over."""
    session: int
    trial: Trial = field(default_factory=Trial)
    over: Callable[[], bool] = lambda: False
    """Whether the run has been given up: what dies then was ended by the runner, and is not opened anew."""
    costs: list[BootCost] = field(default_factory=list)
    """Of every boot that was closed."""
    _opened: Opened | None = None
    _number: int = -1
    _resources: ExitStack = field(default_factory=ExitStack)
    _failed: dict[int, NoPlaceError | PlaceLostError] = field(default_factory=dict)
    _opens: Counter[int] = field(default_factory=Counter)
    _begun_at: int = 0
    _ready_at: int = 0
    _known: PlaceFields = field(default_factory=lambda: cast("PlaceFields", {}))

    @property
    def description(self) -> PlaceFields:
        """What was last known of a place of this site, without its boot; or what is known beforehand."""
        clock = {} if self.site.clock == "hardware" else {"clock": self.site.clock}
        known = {**self.site.description, **self._known}
        return cast("PlaceFields", clock | {key: value for key, value in known.items() if key != "boot"})

    def attempt(self, round_number: int, work: Callable[[Opened], T]) -> T:
        """Do the work of a worker in the boot of its round; once more, in a new place, when that dies.

        Raises NoPlaceError, and PlaceLostError when it died again. A boot that could not be opened is not tried by
        every worker again, nor a site of which none could.
        """
        number = schedule.boot(round_number, self.rounds, self.site.boots)
        if number in self._failed:
            raise self._failed[number]
        if self.trial.lost and not self.trial.has_booted:
            lost = self.trial.lost
            raise PlaceLostError(lost.kind, f"not booted again, for no boot of it came up: {lost.reason}", lost.console)
        if number != self._number:
            self.close()
        unopened = self._opened is None
        try:
            return work(self._opened or self._open(number))
        except PlaceLostError as lost:
            self.close(lost)
            if self.over():
                raise
        try:
            return work(self._open(number))
        except PlaceLostError as lost:
            if unopened and self._opened is None:
                self._failed[number] = self.trial.lost = lost  # it died twice while it booted
            self.close(lost)
            raise

    def _open(self, number: int) -> Opened:
        self._number, self._begun_at = number, time.monotonic_ns()
        self._opens[number] += 1
        try:
            place = self._resources.enter_context(self.site.open(number))
            description = place.describe()
            usual = place.settings().memory
        except NoPlaceError as refusal:
            self._failed[number] = refusal
            self.close()
            raise
        self._known = description
        self.trial.has_booted = True
        self._ready_at = time.monotonic_ns()
        own = {**self.description, **description, **self._own_number()}
        self._opened = Opened(place, cast("PlaceFields", own), usual)
        return self._opened

    def _own_number(self) -> dict[str, str]:
        """What tells this boot from the others, where there are several."""
        number = self._number
        return {"boot": f"{self.session}.{number}.{self._opens[number]}"} if self.site.boots > 1 else {}

    def close(self, lost: PlaceLostError | None = None) -> None:
        """End the place in use, which is `lost` or of no more use; nothing when there is none."""
        closing = time.monotonic_ns()
        self._resources.close()
        opened = self._opened
        place = opened.description if opened else {**self.description, **self._own_number()}
        if lost or (opened and "boot" in place):
            ready = self._ready_at if opened else closing
            cost: dict[str, object] = {
                "place": place,
                "spent_ns": {
                    "open": ready - self._begun_at,
                    "workers": closing - ready,
                    "close": time.monotonic_ns() - closing,
                },
            }
            if lost and not self.over():
                cost["lost"] = {"kind": lost.kind, "reason": lost.reason, "console": lost.console}
            self.costs.append(cast("BootCost", cost))
        self._opened, self._number = None, -1
