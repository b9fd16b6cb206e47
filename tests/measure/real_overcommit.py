"""The machine's real vm.overcommit_*, kept safe around a test that changes them."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conditions import wait_until

from bench.machine.guard import STATE_FOLDER, Settings, put_back, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def nobody_else_holds_them() -> Iterator[None]:
    """Wait until no run on this machine holds the settings, and hold them meanwhile."""
    STATE_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    lock = os.open(STATE_FOLDER / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        wait_until(lambda: _locked(lock))
        yield
    finally:
        os.close(lock)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def kept() -> Iterator[Settings]:
    """Read the settings before, and put them back afterwards, whatever the test did to them."""
    with nobody_else_holds_them():
        before = read_settings()
    try:
        yield before
    finally:
        with nobody_else_holds_them():
            if read_settings() != before:
                put_back(before)
            (STATE_FOLDER / "overcommit.json").unlink(missing_ok=True)
