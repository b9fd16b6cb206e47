"""Whether guests run on this machine's processor: KVM is trusted only after a guest really booted under it.

/dev/kvm may open and every call on it succeed, and a kernel still not come up: nested virtualisation that is half there
looks so. What boots a kernel to its first process in time is believed, and nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.kernels.link import Link
from bench.kernels.qemu import Machine, started
from bench.measure import NoPlaceError, PlaceLostError

_DEVICE = Path("/dev/kvm")
_PATIENCE_S = 8.0  # on a processor, a guest is there in one

_lock = threading.Lock()
_verdict: list[str | None] = []


def kvm_refusal(made: Callable[[], Machine], isolator: Path) -> str | None:
    """Why KVM is not used here; None when it is. The first call boots what is `made` under it, the others remember."""
    with _lock:
        if not _verdict:
            _verdict.append(_try(made, isolator))
        return _verdict[0]


def _try(made: Callable[[], Machine], isolator: Path) -> str | None:
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return f"{_DEVICE} cannot be opened"
    try:
        with started(replace(made(), engine="kvm"), isolator) as emulator:
            link = Link(emulator)
            link.greet(_PATIENCE_S)
            link.power_off()
    except PlaceLostError as lost:
        return f"a guest does not boot under KVM: {lost.reason}"
    except NoPlaceError as refusal:  # there is no image to try it with: whoever opens a guest is told the same
        return str(refusal)
    except OSError as error:
        return f"QEMU does not start: {error}"
    return None
