"""How long a worker is waited for before it counts as hung, in seconds; the same here and in a guest."""

from __future__ import annotations

EXIT_S = 60.0
"""From `exit` to the worker's end."""

_START_S = 30.0
_SLOWEST_FILL = 32 << 20  # bytes a second
_GRACE_S = 10.0


def start_s(footprint_bytes: int) -> float:
    """From the request to `ready`: the footprint is mapped and touched meanwhile."""
    return _START_S + footprint_bytes / _SLOWEST_FILL


def launches_s(time_limit_ns: int, *, watched: bool) -> float:
    """From `go` to `done`. `watched`: bystanders are looked at for as long again without launches."""
    return time_limit_ns / 1e9 * (2 if watched else 1) + _GRACE_S
