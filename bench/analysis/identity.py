"""Where a worker was measured: the few words of a fingerprint, and of a worker's own place, that tell machines apart.

The fingerprint itself is kept whole for reports. Nothing here looks at the machine that this program runs on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.record import WorkerLine

UNKNOWN = "unknown"
HARDWARE = "hardware"
"""The clock of what runs on the machine itself, or on its processor in a guest."""
_TOLD = 8
"""Digits of a SHA-256 that tell builds of a kernel apart."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A stratum: latencies are comparable inside one, and only ratios across them."""

    id: str
    """The fingerprint's `machine_id`, or its `hostname` where there is none."""
    kernel: str
    """Its release, such as `6.1.0-18-amd64`."""
    distro: str
    """Its name for people, such as `Debian GNU/Linux 12 (bookworm)`."""
    libc: str = UNKNOWN
    """The library that the worker ran with, such as `glibc 2.36` or `musl 1.2.3`."""
    clock: str = HARDWARE
    """`hardware`, `emulated` or `instructions`: times of two clocks are never compared."""


def machine_of(fingerprint: Mapping[str, object]) -> Machine:
    """Return the identity in a fingerprint; what it does not say is `unknown`."""
    return Machine(
        id=_first_text(fingerprint, "machine_id", "hostname"),
        kernel=_first_text(fingerprint, "kernel"),
        distro=_first_text(fingerprint, "distro", "distro_id"),
        libc=_first_text(fingerprint, "libc"),
    )


def machine_at(host: Machine, worker: WorkerLine) -> Machine:
    """Return where one worker ran: on the machine of its file, but for what its place says.

    A worker that never came to run in another place has the name that was asked for, where nothing better is known. A
    kernel that was given as a file is one with its image: who builds kernels has many of one release.
    """
    place, cell = worker.get("place", {}), worker["cell"]
    asked = _asked(cell, "kernel", host.kernel)
    kernel = place.get("kernel") or asked
    if "image" in place and "/" in asked:
        kernel = build_name(kernel, place["image"])
    return Machine(
        id=place.get("machine", host.id),
        kernel=kernel,
        distro=place.get("distro") or _asked(cell, "distro", host.distro),
        libc=place.get("libc", host.libc),
        clock=place.get("clock", host.clock),
    )


def build_name(release: str, image: str) -> str:
    """Name a build of a kernel by its release and the SHA-256 of its image: `7.3.0-rc1 #c5bb7de4`."""
    return f"{release} #{image[:_TOLD]}"


def _asked(cell: Mapping[str, object], axis: str, otherwise: str) -> str:
    name = cell.get(axis)
    return name if isinstance(name, str) else otherwise


def _first_text(fingerprint: Mapping[str, object], *names: str) -> str:
    return next((value for name in names if isinstance(value := fingerprint.get(name), str) and value), UNKNOWN)
