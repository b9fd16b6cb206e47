"""Makes a root of the smallest size: this machine's shell, the libraries that it needs, and a mark to know it by."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARK = "/etc/of-the-root"


def make(folder: Path, *, libraries: bool = True) -> Path:
    """A root in a new folder; without libraries only a static program runs in it."""
    shell = shutil.which("dash") or "/bin/sh"
    needed = re.findall(
        r"(/\S+) \(0x", subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout
    )
    for path in [shell, *(needed if libraries else ())]:
        copy = folder / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    if not (folder / "bin").exists():
        (folder / "bin").symlink_to("usr/bin")
    if not (folder / "bin" / "sh").exists():
        (folder / "bin" / "sh").symlink_to(shutil.which("dash") or "sh")
    (folder / "etc").mkdir()
    (folder / MARK.lstrip("/")).write_text("")
    return folder
