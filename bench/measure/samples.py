"""Decodes what a worker and its probes left in files: samples and arrivals. Pure.

The layouts are `struct sample` in strategies/host/internal.h and `struct arrival` in strategies/command/probe.c.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_SAMPLE = struct.Struct("=IIIIiiiiqqqQ")
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

    One launch is alive at a time, so the arrival between a launch's call and its reaping is its own, whoever forked it:
    a strategy behind a helper or a shell does not know the process.
    """
    reached: list[int | None] = []
    at = 0
    for sample in samples:
        while at < len(arrivals) and arrivals[at].reached < sample.call:
            at += 1
        mine = at < len(arrivals) and (not sample.reaped or arrivals[at].reached <= sample.reaped)
        reached.append(arrivals[at].reached if mine else None)
    return reached
