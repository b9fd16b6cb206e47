"""Runs `launchbench` as somebody who may not do much, when the tests run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534


@dataclass
class OrdinaryUser:
    """`folder` is the user's own, and where commands run unless told."""

    folder: Path
    interpreter: str

    @classmethod
    def of(cls, folder: Path) -> OrdinaryUser | None:
        """The user, with an interpreter that they may use: a virtual environment may stand on one in root's folder."""
        system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        for interpreter in (sys.executable, system):
            user = cls(folder, interpreter)
            # A worker in Python runs on the base interpreter: both must be within reach.
            if user.run("list", "hygiene").returncode == 0:
                return user
        return None

    def given(self, file: Path) -> Path:
        """A copy of a file that the user can read."""
        return Path(shutil.copy(file, self.folder))

    def run(
        self, *arguments: object, cwd: Path | None = None, user: int = NOBODY, home: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """One command line."""
        packages = [path for path in sys.path if path.endswith("-packages")]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *packages])}
        if home:
            environment["HOME"] = str(self.folder)
        return subprocess.run(
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
             self.interpreter, "-m", "bench", *map(str, arguments)],
            cwd=cwd or self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
