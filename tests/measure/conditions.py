"""Waits for a condition, never for a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GENEROUS_S = 60.0  # a loaded machine is slow, not wrong


def wait_until(condition: Callable[[], object], deadline_s: float = GENEROUS_S) -> None:
    """Return as soon as the condition holds; fail when it never does."""
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, "the condition never came to hold"
        time.sleep(0.005)
