"""Which machine a result file was measured on: the few words of its fingerprint that tell machines apart.

The fingerprint itself is kept whole for reports. Nothing here looks at the machine that this program runs on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Machine:
    """A stratum: latencies are comparable inside one, and only ratios across them."""

    id: str
    """The fingerprint's `machine_id`, or its `hostname` where there is none."""
    kernel: str
    """Its release, such as `6.1.0-18-amd64`."""
    distro: str
    """Its name for people, such as `Debian GNU/Linux 12 (bookworm)`."""


def machine_of(fingerprint: Mapping[str, object]) -> Machine:
    """Return the identity in a fingerprint; what it does not say is `unknown`."""
    return Machine(
        id=_first_text(fingerprint, "machine_id", "hostname"),
        kernel=_first_text(fingerprint, "kernel"),
        distro=_first_text(fingerprint, "distro", "distro_id"),
    )


def _first_text(fingerprint: Mapping[str, object], *names: str) -> str:
    return next((value for name in names if isinstance(value := fingerprint.get(name), str) and value), UNKNOWN)
