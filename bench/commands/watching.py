"""Shows how a run gets on: a bar on a terminal, plain lines elsewhere. Paints between workers only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.commands.remarks import remark

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.progress import Progress, TaskID
    from typing_extensions import Self

    from bench.measure import Interruption, Observer, Planned
    from bench.record import HazardKey, HazardLine, WorkerLine
    from bench.scenario import Cell


class Bar:
    """A bar with the time to go and the cell in hand. No thread of its own: it would paint while a worker measures."""

    def __init__(self, total: int, rounds: int, hazards: int = 0) -> None:
        """`total` workers are to come, then so many hazards."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._rounds = rounds
        self._progress: Progress = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task("", total=total + hazards)

    def begins(self, planned: Planned, cell: Cell) -> None:
        """Show which worker is in hand."""
        text = f"round {planned.round + 1}/{max(self._rounds, planned.round + 1)}  {cell.id}".replace("[", r"\[")
        self._progress.update(self._task, description=text, refresh=True)

    def ended(self, written: WorkerLine) -> None:  # noqa: ARG002 - the observer's signature
        """Move on by one."""
        self._progress.advance(self._task)

    def tries(self, key: HazardKey) -> None:
        """Show which hazard is in hand."""
        self._progress.update(self._task, description=f"hazard {key.text}", refresh=True)

    def tried(self, written: HazardLine) -> None:  # noqa: ARG002 - as above
        """Move on by one."""
        self._progress.advance(self._task)

    def __enter__(self) -> Self:
        """Begin to paint."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._progress.stop()


class Lines:
    """A plain line on stderr now and then: for logs."""

    _EVERY_S = 10.0

    def __init__(self, total: int, rounds: int, hazards: int = 0) -> None:
        """`total` workers are to come, then so many hazards."""
        self._total, self._rounds, self._done = total + hazards, rounds, 0
        self._plan = [f"{total} workers in {rounds} round{'s' * (rounds != 1)}"] if total or not hazards else []
        self._plan += [f"{hazards} hazards"] if hazards else []
        self._what = " and ".join(part.split()[1] for part in self._plan)
        self._begun = self._said = time.monotonic()

    def begins(self, planned: Planned, cell: Cell) -> None:
        """Say which worker is in hand, when nothing was said for a while."""
        self._say(f"round {planned.round + 1}/{self._rounds}: {cell.id}")

    def tries(self, key: HazardKey) -> None:
        """Say which hazard is in hand, when nothing was said for a while."""
        self._say(f"hazard {key.text}")

    def _say(self, in_hand: str) -> None:
        now = time.monotonic()
        if now - self._said >= self._EVERY_S:
            self._said = now
            to_go = (now - self._begun) / max(1, self._done) * (self._total - self._done)
            remark(f"{self._done}/{self._total} {self._what}, about {_span(to_go)} to go, {in_hand}")

    def ended(self, written: WorkerLine) -> None:  # noqa: ARG002 - the observer's signature
        """Count."""
        self._done += 1

    def tried(self, written: HazardLine) -> None:  # noqa: ARG002 - as above
        """Count."""
        self._done += 1

    def __enter__(self) -> Self:
        """Say what is to come."""
        remark(", then ".join(self._plan))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how many were done."""
        remark(f"{self._done}/{self._total} {self._what} done in {time.monotonic() - self._begun:.0f} s")


class Silence:
    """Says nothing (`--quiet`)."""

    def begins(self, planned: Planned, cell: Cell) -> None:
        """Say nothing."""

    def ended(self, written: WorkerLine) -> None:
        """Say nothing."""

    def tries(self, key: HazardKey) -> None:
        """Say nothing."""

    def tried(self, written: HazardLine) -> None:
        """Say nothing."""

    def __enter__(self) -> Self:
        """Say nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say nothing."""


class Until:
    """Ends a run that need not go on, after the worker in hand; another observer shows it."""

    def __init__(self, shown: Observer, enough: Callable[[WorkerLine], str | None], interruption: Interruption) -> None:
        """`enough` is asked after each worker, and says by what the run is ended."""
        self._shown, self._enough, self._interruption = shown, enough, interruption
        self.begins, self.tries, self.tried = shown.begins, shown.tries, shown.tried

    def ended(self, written: WorkerLine) -> None:
        """Show it, and ask."""
        self._shown.ended(written)
        reason = self._enough(written)
        if self._interruption.by is None:
            self._interruption.by = reason


def watcher(total: int, rounds: int, hazards: int = 0, *, quiet: bool, terminal: bool) -> Bar | Lines | Silence:
    """The observer that suits where the run's messages go."""
    if quiet:
        return Silence()
    return Bar(total, rounds, hazards) if terminal else Lines(total, rounds, hazards)


def _span(seconds: float) -> str:
    """A time to come: in hours from two of them, in minutes from three of those."""
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 180 else f"{seconds:.0f} s"
