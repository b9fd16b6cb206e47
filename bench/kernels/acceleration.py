"""Whether guests run on this machine's processor: KVM is trusted only after a guest really booted under it.

/dev/kvm may open and every call on it succeed, and a kernel still not come up: nested virtualisation that is half there
looks so. What boots a kernel to its first process in time is believed, and nothing else. A kernel that does not come up
may itself be the reason, so it takes two of them to say that it is the machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.kernels.link import Link
from bench.kernels.qemu import Machine, started
from bench.measure import NoPlaceError, PlaceLostError

_DEVICE = Path("/dev/kvm")
_PATIENCE_S = 8.0  # on a processor, a guest is there in one
_ENOUGH = 2


@dataclass(slots=True)
class _Known:
    """What the tries so far have shown."""

    works: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    """Why, by the kernel that it was tried with."""


_lock = threading.Lock()
_known = _Known()


def kvm_refusal(kernel: str, made: Callable[[], Machine], isolator: Path) -> str | None:
    """Why KVM is not used here for this kernel (anything that tells it from others); None when it is.

    Boots what is `made` under KVM, unless that is known: once a kernel came up all others are trusted to, and when two
    did not, no other is tried. A kernel that did not come up keeps its refusal.
    """
    with _lock:
        if kernel in _known.refused:
            return _known.refused[kernel]
        if _known.works:
            return None
        lacking = _lacking()
        if lacking or len(_known.refused) >= _ENOUGH:
            return lacking or next(reversed(_known.refused.values()))
        try:
            refusal = _try(made, isolator)
        except NoPlaceError as imageless:  # whoever opens a guest is told the same
            return str(imageless)
        if refusal is None:
            _known.works = True
        else:
            _known.refused[kernel] = refusal
        return refusal


def _lacking() -> str | None:
    if not _DEVICE.exists():
        return f"there is no {_DEVICE}"
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return f"this user may not open {_DEVICE}"
    return None


def _try(made: Callable[[], Machine], isolator: Path) -> str | None:
    try:
        with started(replace(made(), engine="kvm"), isolator) as emulator:
            link = Link(emulator)
            link.greet(_PATIENCE_S)
            link.power_off()
    except PlaceLostError as lost:
        return f"a guest does not boot under KVM: {lost.reason}"
    except OSError as error:
        return f"QEMU does not start: {error}"
    return None
