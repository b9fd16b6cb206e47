from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ordinary_user import OrdinaryUser

sys.path[:0] = [str(Path(__file__).parent.parent / room) for room in ("measure", "record", "analysis")]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TINY = {
    "strategies": '["null", vfork_exec]',
    "footprints": "1MiB",
    "launches": "3",
    "warmup": "1",
    "rounds": "1",
    "time_limit": "60s",
}


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Path]:
    """Write a scenario of two cells that takes a moment, with some keys of the test's own."""

    def write(**keys: str) -> Path:
        lines = [f"{key}: {value}" for key, value in (TINY | keys).items()]
        path = tmp_path / "tiny.yaml"
        path.write_text("\n".join(["name: tiny", "question: Does it work?", *lines, ""]))
        return path

    return write


@pytest.fixture
def ordinary_user() -> Iterator[OrdinaryUser]:
    """Somebody without any right, in a folder of their own."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root, to become somebody else, and setpriv")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    try:
        user = OrdinaryUser.of(folder)
        if user is None:
            pytest.skip("an ordinary user can neither use this interpreter nor read this checkout")
        yield user
    finally:
        shutil.rmtree(folder)
