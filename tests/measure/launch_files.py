"""Builds the bytes that a worker and its probes leave in files, launch by launch."""

from __future__ import annotations

import struct

OVER, UNDER_WAY, NOT_BEGUN = 2, 1, 0
NONE, SPAWN, EXEC, WAIT = range(4)


def sample(
    call: int,
    *,
    returned: int | None = None,
    reaped: int | None = None,
    state: int = OVER,
    command: int = 0,
    warmup: int = 0,
    stage: int = NONE,
    error: int = 0,
    status: int | None = 0,
    pid: int = 100,
    minor_faults: int = 3,
    written: int = 0,
    pace: int = 0,
) -> bytes:
    """`struct sample` of strategies/host/internal.h: 80 bytes. A launch takes 100 ns unless told."""
    begun_only = state == UNDER_WAY
    return struct.pack(
        "=4I4i3qQqq",
        state,
        command,
        warmup,
        stage,
        error,
        int(status is not None and not begun_only),
        0 if begun_only else status or 0,
        0 if begun_only else pid,
        call,
        0 if begun_only else call + 40 if returned is None else returned,
        0 if begun_only else call + 100 if reaped is None else reaped,
        0 if begun_only else minor_faults,
        written,
        pace,
    )


def arrival(reached: int, pid: int = 100, parent: int = 99) -> bytes:
    """`struct arrival` of strategies/command/probe.c: 16 bytes."""
    return struct.pack("=q2i", reached, pid, parent)
