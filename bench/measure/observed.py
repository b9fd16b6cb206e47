"""What one observed launch showed: the calls that made it, and what its command inherited. Pure.

The record is written by two: the observer (strategies/host/observe.c), and the probe that it observes
(strategies/command/inherited.h).
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.measure import inherited, mechanism
from bench.measure.inherited import Inherited


@dataclass(frozen=True, slots=True)
class Observed:
    """Of a launch that was not timed."""

    mechanism: str | None = None
    inherited: Inherited | None = None
    """None when the launch was not made, or of a program other than the probe."""


def read(record: str | None) -> Observed:
    """Read a record; nothing is known without one."""
    lines = (record or "").splitlines()
    told = [line for line in lines if line.startswith(inherited.MARK)]
    calls = "\n".join(line for line in lines if not line.startswith(inherited.MARK))
    return Observed(mechanism.describe(calls) if calls else None, inherited.read(told[0]) if told else None)
