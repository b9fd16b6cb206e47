"""Where a worker ran, as a result file has it, and what a guest's boots cost.

Not for: the lines that these stand in (format).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict


class PlaceFields(TypedDict, total=False):
    """Where a worker ran, when that was not simply the header's machine; what is absent is as the header has it.

    `clock` is `hardware`, `emulated` (wall time of an emulated machine: behaviour counts, latency says little) or
    `instructions` (a virtual clock that counts them). Times of different clocks are never compared. `boot` tells the
    boots of a guest apart, which are strata. Of a guest's kernel, `source` is the package that it came from, or its
    file, `image` the SHA-256 of its bzImage, and `entry` how it was entered: `pvh`, unpacked, or as its `image`.
    `no_kvm` is why a guest that might have run on the processor was emulated.
    """

    machine: str
    source: str
    image: str
    entry: Literal["pvh", "image"]
    no_kvm: str
    kernel: str
    distro: str
    libc: str
    clock: Literal["hardware", "emulated", "instructions"]
    boot: str


class LostBoot(TypedDict):
    """Why a boot had to be replaced, and the end of its console."""

    kind: Literal["crashed", "hung"]
    reason: str
    console: str


class _BootCostFields(TypedDict):
    place: PlaceFields
    spent_ns: Mapping[str, int]


class BootCost(_BootCostFields, total=False):
    """What one boot of a guest cost, in ns of wall time: `open` until it was ready, `workers`, and `close`."""

    lost: LostBoot
