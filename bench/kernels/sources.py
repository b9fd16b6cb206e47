"""Kernels by name: from the cache, from a suite's packages, from a file, or the one that runs here.

    image_of("4.4")                    # what was fetched, held against its manifest; NotFetchedError when nothing was
    obtain_kernel("4.4", watch)        # the same, fetched first when needed

Not for: booting them (guest).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.kernels import cache, image, keyrings, mirrors, pinned
from bench.kernels.apt import Apt, Package, Repository, Watch
from bench.kernels.manifest import (
    DamagedError,
    KernelImage,
    NotFetchedError,
    UnavailableError,
    kernel_text,
    read_kernel,
)
from bench.kernels.pinned import RUNNING, Origin, PinnedKernel

_MANIFEST = "manifest.json"


def image_of(name: str) -> KernelImage:
    """A kernel that can be booted now: a name of the catalogue, `running`, or the path of an image.

    Raises UnknownNameError, NotFetchedError, DamagedError, UnavailableError; SourceError for a file that is no kernel.
    """
    if name == RUNNING:
        return _running()
    if is_path(name):
        return _of_file(name, Path(name))
    pinned.kernel(name)
    return _cached(name)


def obtain_kernel(name: str, watch: Watch, *, given: Sequence[str] = (), refresh: bool = False) -> KernelImage:
    """A kernel that can be booted, fetched when the cache has none (`refresh`: the newest that the suite has).

    `given` are mirrors to use instead of those that the machine knows. Raises as image_of(), but for NotFetchedError.
    """
    if not refresh or name == RUNNING or is_path(name):
        with suppress(NotFetchedError):  # but what is damaged is not replaced without a word
            return image_of(name)
    wanted = pinned.kernel(name)
    with cache.exclusive(_folder(name)):
        if not refresh:
            with suppress(NotFetchedError):  # another process may have fetched it while this one waited
                return _cached(name)
        return _fetch(wanted, watch, given)


def check_kernel(name: str) -> None:
    """Raise SourceError for what can never be a kernel: UnknownNameError for a name, others for a path.

    Nothing is fetched, and what the cache holds is not looked at.
    """
    if is_path(name):
        image.release(Path(name))
    elif name != RUNNING:
        pinned.kernel(name)


def is_path(name: str) -> bool:
    """Whether a kernel is named by the path of its image."""
    return os.sep in name


def _folder(name: str) -> Path:
    return cache.home() / "kernels" / name


def _cached(name: str) -> KernelImage:
    try:
        found = read_kernel(_folder(name) / _MANIFEST)
    except FileNotFoundError:
        raise NotFetchedError(f"kernel {name} is not fetched: launchbench kernels fetch {name}") from None
    again = f"launchbench kernels fetch --refresh {name}"
    try:
        digest = cache.file_digest(found.path)
    except OSError as error:
        raise DamagedError(f"kernel {name}: {found.path}: {error.strerror}: {again}") from None
    if digest != found.sha256:
        raise DamagedError(f"kernel {name}: {found.path} is not what was fetched (its SHA-256 differs): {again}")
    return found


def _running() -> KernelImage:
    release = platform.release()
    places = (Path(f"/boot/vmlinuz-{release}"), Path(f"/lib/modules/{release}/vmlinuz"))
    for path in places:
        if os.access(path, os.R_OK):
            return _of_file(RUNNING, path)
    unreadable = next((path for path in places if path.exists()), None)
    if unreadable:
        raise UnavailableError(f"the running kernel: {unreadable} may not be read: run as root, or copy it")
    raise UnavailableError(f"the running kernel {release} has no image in /boot or /lib/modules: name one by its path")


def _of_file(name: str, path: Path) -> KernelImage:
    release = image.release(path)
    return KernelImage(name=name, release=release, path=path.absolute(), sha256=cache.file_digest(path))


@dataclass(frozen=True, slots=True)
class _Found:
    """A package, and the suite that it came from."""

    suite: str
    package: Package
    deb: Path


def _fetch(wanted: PinnedKernel, watch: Watch, given: Sequence[str]) -> KernelImage:
    """Fetch a kernel into its folder, which the caller has for itself, and return it."""
    folder = _folder(wanted.name)
    with cache.workspace(folder) as work:
        found = _find(wanted, watch, given, work)
        unpacked = work / "vmlinuz"
        image.unpack(found.deb, unpacked)
        digest = cache.file_digest(unpacked)
        fetched = KernelImage(
            name=wanted.name,
            release=image.release(unpacked),
            path=folder / f"vmlinuz-{digest[:12]}",
            sha256=digest,
            suite=found.suite,
            package=found.package.name,
            version=found.package.version,
        )
        unpacked.replace(fetched.path)
        cache.put(kernel_text(fetched), folder / _MANIFEST)
        return fetched


def _find(wanted: PinnedKernel, watch: Watch, given: Sequence[str], work: Path) -> _Found:
    """Ask every mirror for every suite that may have a kernel, until one has it and hands it over."""
    why: list[str] = []
    for origin in wanted.origins:
        for uri in mirrors.candidates(origin.vendor, given):
            try:
                keys = keyrings.keyring(origin.vendor, watch, given=given)
                found = _ask(origin, Repository(uri, origin.suite, keys), work / f"attempt-{len(why)}", watch)
            except UnavailableError as error:
                why.append(str(error))
                continue
            if found:
                return found
            why.append(f"{uri} {origin.suite} has no such package")
    places = " and ".join(dict.fromkeys(origin.place for origin in wanted.origins))
    reason = "; ".join(dict.fromkeys(why)) or "no mirror is known"
    raise UnavailableError(f"kernel {wanted.name}, of {places}: {reason}: name a mirror that has it with --mirror")


def _ask(origin: Origin, repository: Repository, folder: Path, watch: Watch) -> _Found | None:
    apt = Apt(folder, repository)
    apt.update(watch)
    package = apt.newest(origin.package)
    return _Found(origin.suite, package, apt.download(package, watch)) if package else None
