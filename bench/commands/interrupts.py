"""Signals during a run: the first Ctrl-C lets the worker in hand finish, everything else stops at once, cleanly."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bench.commands.remarks import remark
from bench.measure import Interruption

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Raised in the main thread by a signal; unwinds through everything that puts something back."""


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn signals into an Interruption that the runner heeds, or into Stopped."""
    interruption = Interruption()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        name = signal.Signals(number).name
        if number == signal.SIGINT and interruption.by is None:
            interruption.by = name
            remark("finishing the worker in hand; Ctrl-C again stops at once")
            return
        for stopping in _STOPPING:
            signal.signal(stopping, signal.SIG_IGN)  # what is put back now must not be cut short
        interruption.by = name
        raise Stopped(name)

    # What was ignored from the start stays so: nohup(1) asks for that.
    heeded = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
