"""The machine's own programs, run for what they do: found by name, and never left behind.

Not for guests (qemu.py), nor for workers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

from bench.kernels.manifest import UnavailableError

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def program(name: str, package: str) -> str:
    """The path of a program. Raises UnavailableError, with the package that has it."""
    found = shutil.which(name)
    if found is None:
        raise UnavailableError(f"{name} is not installed (package {package})")
    return found


@contextmanager
def running(
    command: Sequence[str],
    *,
    said: IO[Any],
    environment: Mapping[str, str],
    folder: Path | None = None,
    descriptors: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the context lasts, what it complains of going to `said`, and wait for it at the end.

    When the context is left early (Ctrl-C) the program ends at once, and all that it started with it: nothing may write
    to a folder that is being removed. That is what its own session is for.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with _uninterrupted():  # a process that nobody knows of yet could not be ended
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=folder,
                env=environment,
                pass_fds=descriptors,
                start_new_session=True,
            )
        yield process
        process.wait()
    except BaseException:
        if process:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals that Python handles wait until the end of the context, and handle the first of them then."""
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    came: list[tuple[int, FrameType | None]] = []
    handlers = {number: handler for number in _STOPPING if callable(handler := signal.getsignal(number))}
    for number in handlers:
        signal.signal(number, lambda *arrival: came.append(arrival))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for arrived, frame in came[:1]:
            handlers[signal.Signals(arrived)](arrived, frame)
