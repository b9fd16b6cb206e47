"""The pacer: a small process beside the workers that says, while they measure, how fast the machine is just then.

strategies/host/pacer.c has both its sides. It is started once for a place, on the CPU of its workers, and each worker
meets it at a socket in the scratch folder.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path


class Pacer:
    """One pacer. It dies with the process that started it, whatever happens to that."""

    def __init__(self, worker: Path, folder: Path, cpus: Sequence[int]) -> None:
        """`worker` is the native worker, which stands beside `probe`. Raises OSError."""
        self.cpus = tuple(cpus)
        self.path = folder / "pacer"
        self.path.unlink(missing_ok=True)
        settings = [f"parent={os.getpid()}", f"cpus={','.join(map(str, cpus))}"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(self.path))
            listening.listen(1)
            self._process = subprocess.Popen(
                [str(worker), "isolate", *settings, "--", str(worker), "pacer", str(worker.with_name("probe"))],
                stdin=listening.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        """Whether it still serves."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self.path.unlink(missing_ok=True)
