"""Which kernels and distros there are, and why one cannot be had here. Nothing is fetched, and no image is hashed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from bench.kernels import cache, keyrings, sources
from bench.kernels.manifest import SourceError, read_kernel, read_root
from bench.kernels.pinned import DISTROS, KERNELS, RUNNING, PinnedDistro, PinnedKernel, Vendor

# What each step needs, and the Debian package that has it.
_TO_BOOT = {"qemu-system-x86_64": "qemu-system-x86"}
_TO_FETCH_A_KERNEL = {"apt-get": "apt", "dpkg-deb": "dpkg"}
_TO_FETCH_A_ROOT = {"mmdebstrap": "mmdebstrap", "apt-get": "apt"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `launchbench list`."""

    kind: Literal["kernel", "distro"]
    name: str
    summary: str
    reason: str | None
    """Why it cannot be had here; None when it is in the cache, or can be fetched."""


def kernels() -> list[Listed]:
    """Every kernel of the catalogue, oldest first, and the one that runs here."""
    return [*map(_kernel, KERNELS.values()), _running()]


def distros() -> list[Listed]:
    """Every distro of the catalogue, oldest C library first."""
    return [_distro(pinned) for pinned in DISTROS.values()]


def _kernel(pinned: PinnedKernel) -> Listed:
    listed = partial(Listed, "kernel", pinned.name)
    try:
        found = read_kernel(_kept("kernels", pinned.name))
    except FileNotFoundError:
        lacking = _lacking(_TO_BOOT | _TO_FETCH_A_KERNEL) or _keyless(origin.vendor for origin in pinned.origins)
        return listed(f"Linux {pinned.name}, to be fetched from {pinned.origins[0].place}", lacking)
    except SourceError as error:
        return listed(f"Linux {pinned.name}", str(error))
    return listed(f"Linux {found.release}, fetched from {found.suite}", _lacking(_TO_BOOT))


def _running() -> Listed:
    listed = partial(Listed, "kernel", RUNNING)
    try:
        found = sources.image_of(RUNNING)
    except SourceError as error:
        return listed("the kernel that runs here, in a guest", str(error))
    return listed(f"Linux {found.release}, which runs here, in a guest", _lacking(_TO_BOOT))


def _distro(pinned: PinnedDistro) -> Listed:
    listed = partial(Listed, "distro", pinned.name)
    try:
        found = read_root(_kept("distros", pinned.name))
    except FileNotFoundError:
        lacking = _lacking(_TO_FETCH_A_ROOT) or _keyless([pinned.vendor])
        return listed(f"{pinned.place}, to be fetched", lacking)
    except SourceError as error:
        return listed(pinned.place, str(error))
    return listed(f"{found.distro}, {found.libc}, fetched", None)


def _kept(kind: str, name: str) -> Path:
    return cache.home() / kind / name / "manifest.json"


def _lacking(programs: dict[str, str]) -> str | None:
    missing = [f"{name} (package {package})" for name, package in programs.items() if not shutil.which(name)]
    return f"not installed: {', '.join(missing)}" if missing else None


def _keyless(vendors: Iterable[Vendor]) -> str | None:
    """Why no index of these vendors can be verified; Ubuntu's keys can be fetched by whoever has Debian's."""
    wanted = dict.fromkeys(vendors)
    here = [vendor for vendor, file in keyrings.FILES.items() if (keyrings.INSTALLED / file).is_file()]
    if "debian" in here or any(vendor in here for vendor in wanted):
        return None
    packages = ", ".join(keyrings.PACKAGES[vendor] for vendor in wanted)
    return f"no keys to verify its archive with (package {packages})"
