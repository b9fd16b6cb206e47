"""The page about kernels and distros names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from bench.kernels import pinned

PAGE = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text(encoding="utf-8")


def test_every_kernel_has_its_row_with_its_suites() -> None:
    rows = re.findall(r"^\| `([\d.]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)

    assert rows == [
        (kernel.name, ", ".join(origin.place for origin in kernel.origins)) for kernel in pinned.KERNELS.values()
    ]


def test_every_distro_has_its_row_with_its_suite() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \| (?:glibc|musl) [\d.]+ \|$", PAGE, re.MULTILINE)

    assert rows == [(distro.name, distro.place) for distro in pinned.DISTROS.values()]


def test_how_many_kernels_there_are_is_told() -> None:
    assert f"--all: {len(pinned.KERNELS)} kernels" in PAGE
