"""Decodes what a worker and its probes left in files: samples and arrivals. Pure.

The layouts are `struct sample` in strategies/host/internal.h and `struct arrival` in strategies/command/probe.c.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_SAMPLE = struct.Struct("=IIIIiiiiqqqQqq")
_ARRIVAL = struct.Struct("=qii")
UNDER_WAY, OVER = 1, 2


@dataclass(frozen=True, slots=True)
class Sample:
    """The record of one launch. Clocks are CLOCK_MONOTONIC in ns; 0 in `returned` and `reaped`: that never came."""

    state: int
    command: int
    warmup: int
    stage: int
    error: int
    has_status: int
    status: int
    pid: int
    call: int
    returned: int
    reaped: int
    minor_faults: int
    written: int
    """ns that the worker's own writes to its footprint took; 0: there were none."""
    pace: int
    """ns that the pacer's launch took before this one; 0: it was not asked."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A probe's first instruction: when (CLOCK_MONOTONIC, ns), and who."""

    reached: int
    pid: int
    parent: int


def decode(data: bytes) -> list[Sample]:
    """The launches that were begun, in order."""
    whole = len(data) // _SAMPLE.size * _SAMPLE.size
    samples = (Sample(*fields) for fields in _SAMPLE.iter_unpack(data[:whole]))
    return [sample for sample in samples if sample.state in (UNDER_WAY, OVER)]


def decode_arrivals(data: bytes) -> list[Arrival]:
    """The probes that ran, by time; a record that a dying probe cut short is left out."""
    whole = len(data) // _ARRIVAL.size * _ARRIVAL.size
    return sorted((Arrival(*fields) for fields in _ARRIVAL.iter_unpack(data[:whole])), key=lambda a: a.reached)


def join(samples: Sequence[Sample], arrivals: Sequence[Arrival]) -> list[int | None]:
    """When each launch's program was first reached, or None.

    As long as one launch is alive at a time, the arrival between its call and its reaping is its own, whoever forked
    it: a strategy behind a helper or a shell does not know the process. Where launches overlap, the pid tells.
    """
    overlap = any(not sample.reaped or later.call < sample.reaped for sample, later in pairwise(samples))
    if overlap and all(sample.pid or sample.stage for sample in samples):
        return _by_pid(samples, arrivals)
    reached: list[int | None] = []
    at = 0
    for sample in samples:
        while at < len(arrivals) and arrivals[at].reached < sample.call:
            at += 1
        mine = at < len(arrivals) and (not sample.reaped or arrivals[at].reached <= sample.reaped)
        reached.append(arrivals[at].reached if mine else None)
    return reached


def _by_pid(samples: Sequence[Sample], arrivals: Sequence[Arrival]) -> list[int | None]:
    """A pid may come back: an arrival is that of the last launch before it that had its pid."""
    reached: list[int | None] = [None] * len(samples)
    launched: dict[int, int] = {}
    at = 0
    for arrival in arrivals:
        while at < len(samples) and samples[at].call <= arrival.reached:
            launched[samples[at].pid] = at
            at += 1
        mine = launched.pop(arrival.pid, None)
        if mine is not None:
            reached[mine] = arrival.reached
    return reached
