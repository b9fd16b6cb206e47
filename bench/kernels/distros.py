"""Distro roots by name: unpacked by mmdebstrap from signed packages, kept as folders, never configured or run.

    root_of("bullseye")                  # what was fetched, held against its manifest; NotFetchedError when nothing was
    obtain_root("bullseye", watch)       # the same, fetched first when needed

No root is needed to make one. Not for: changing into it (measure), or booting it (guest).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.kernels import cache, keyrings, mirrors, pinned
from bench.kernels.apt import ARCHITECTURE, Repository, Watch, complaint, inherited
from bench.kernels.manifest import (
    DamagedError,
    NotFetchedError,
    Root,
    SourceError,
    UnavailableError,
    read_root,
    root_text,
)
from bench.kernels.pinned import PinnedDistro
from bench.kernels.process import program, running

_MANIFEST = "manifest.json"
_PAPER = ("doc", "man", "info", "locale", "lintian")
# mmdebstrap lends a new root the machine's own, and notes what it did; devices are for whoever uses the root.
_MACHINES_OWN = ("dev", "etc/resolv.conf", "etc/hostname", "etc/machine-id", "etc/apt", "var/lib/apt", "var/cache/apt",
                 "var/log/apt", "var/lib/dpkg/arch")  # fmt: skip
_FOR_ALL = ("tmp", "var/tmp", "var/lock")
_MERGED = ("bin", "lib", "lib64", "sbin")
_LIBC = {"libc6": "glibc", "musl": "musl"}
_UNPACKED = re.compile(r"^unpacked\t(\S+)\t(\S+)$", re.MULTILINE)
_HOOK = (
    'for deb in "$1"/var/cache/apt/archives/*.deb; do '
    "dpkg-deb --show --showformat='unpacked\\t${Package}\\t${Version}\\n' \"$deb\" >&2; done"
)


def root_of(name: str) -> Root:
    """A root that can be used now. Raises UnknownNameError, NotFetchedError, DamagedError, UnavailableError."""
    pinned.distro(name)
    return _cached(name)


def obtain_root(name: str, watch: Watch, *, given: Sequence[str] = (), refresh: bool = False) -> Root:
    """A root that can be used, fetched when the cache has none (`refresh`: with the newest packages of its suite).

    `given` are mirrors to use instead of those that the machine knows. Raises as root_of(), but for NotFetchedError.
    """
    return _obtain(pinned.distro(name), watch, given, refresh=refresh)


def obtain_development(name: str, watch: Watch, *, given: Sequence[str] = ()) -> Root:
    """What a compiler needs of a distro's glibc, its headers and what to link with, in a folder beside the root.

    Raises as obtain_root(); a distro of musl has none, and needs none: what is linked with one musl runs with others.
    """
    distro = pinned.distro(name)
    if distro.applets:
        raise UnavailableError(f"distro {name} has no glibc")
    wanted = replace(distro, name=f"{name}-dev", packages=("libc6", "libc6-dev"))
    try:
        return _obtain(wanted, watch, given, refresh=False)
    except DamagedError:  # nobody chose this copy, and what is linked with it has its hash
        return _obtain(wanted, watch, given, refresh=True)


def _obtain(wanted: PinnedDistro, watch: Watch, given: Sequence[str], *, refresh: bool) -> Root:
    if not refresh:
        with suppress(NotFetchedError):  # but what is damaged is not replaced without a word
            return _cached(wanted.name)
    with cache.exclusive(_folder(wanted.name)):
        if not refresh:
            with suppress(NotFetchedError):  # another process may have fetched it while this one waited
                return _cached(wanted.name)
        return _fetch(wanted, watch, given)


def usual_worker(name: str) -> str:
    """The build of the worker that is linked with a distro's own C library. Raises UnknownNameError.

    What the cache holds is not looked at.
    """
    return pinned.distro(name).worker


def libc_of(packages: Mapping[str, str]) -> str:
    """The C library among unpacked packages, as `glibc 2.31`. Raises SourceError when there is none."""
    for package, family in _LIBC.items():
        # Debian's version is [epoch:]upstream[-revision] (deb-version(7)).
        upstream = re.match(r"(?:[0-9]+:)?([0-9]+(?:\.[0-9]+)+)", packages.get(package, ""))
        if upstream:
            return f"{family} {upstream.group(1)}"
    raise SourceError("a root without a C library was unpacked")


def _folder(name: str) -> Path:
    return cache.home() / "distros" / name


def _cached(name: str) -> Root:
    try:
        found = read_root(_folder(name) / _MANIFEST)
    except FileNotFoundError:
        raise NotFetchedError(f"distro {name} is not fetched: launchbench distros fetch {name}") from None
    again = f"launchbench distros fetch --refresh {name}"
    try:
        digest = cache.tree_digest(found.path)
    except OSError as error:
        raise DamagedError(f"distro {name}: {error.filename}: {error.strerror}: {again}") from None
    if digest != found.sha256:
        raise DamagedError(f"distro {name}: {found.path} is not what was fetched (its SHA-256 differs): {again}")
    return found


def _fetch(wanted: PinnedDistro, watch: Watch, given: Sequence[str]) -> Root:
    """Unpack a root into its folder, which the caller has for itself, and return it."""
    mmdebstrap = program("mmdebstrap", "mmdebstrap")
    uris = mirrors.candidates(wanted.vendor, given)
    keys = keyrings.keyring(wanted.vendor, watch, given=given)
    folder, why = _folder(wanted.name), "no mirror is known"
    for uri in uris:
        with cache.workspace(folder) as work:
            made = work / "root"
            watch(f"packages of {wanted.suite}", None)
            command = _command(mmdebstrap, wanted, made, Repository(uri, wanted.suite, keys))
            status, said = _run(command, scratch=work)
            if status == 0:
                return _keep(wanted, made, dict(_UNPACKED.findall(said)), folder)
            why = complaint(said)
    raise UnavailableError(f"distro {wanted.name}, of {wanted.place}: {why}: name a mirror that has it with --mirror")


def _run(command: Sequence[str], *, scratch: Path) -> tuple[int, str]:
    """Run mmdebstrap, its temporary files in `scratch`; its status, and what it said."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        with running(command, said=said, environment=os.environ | {"TMPDIR": str(scratch)}) as unpacking:
            pass
        said.seek(0)
        return unpacking.returncode, said.read()


def _command(mmdebstrap: str, wanted: PinnedDistro, made: Path, repository: Repository) -> list[str]:
    return [
        mmdebstrap,
        "--mode=chrootless",  # nothing of the root is run: no right is needed
        "--variant=extract",
        f"--architectures={ARCHITECTURE}",
        f"--include={','.join(wanted.packages)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in _PAPER),
        *(f"--aptopt={line}" for line in inherited()),
        f"--extract-hook={_HOOK}",
        wanted.suite,
        str(made),
        repository.line(),
    ]


def _keep(wanted: PinnedDistro, made: Path, packages: Mapping[str, str], folder: Path) -> Root:
    """Complete an unpacked root and put it in its place."""
    _disown(made)
    if wanted.applets:
        _link_applets(made, wanted.applets)
    digest = cache.tree_digest(made)
    root = Root(
        name=wanted.name,
        path=folder / f"root-{digest[:12]}",
        distro=_pretty_name(made) or f"musl and busybox of {wanted.place}",
        libc=libc_of(packages),
        sha256=digest,
        suite=wanted.suite,
        packages=packages,
    )
    if root.path.exists():  # the suite has nothing newer; what is there may have been harmed
        shutil.rmtree(root.path)
    made.rename(root.path)
    cache.put(root_text(root), folder / _MANIFEST)
    return root


def _disown(made: Path) -> None:
    """Take out what is the machine's own, so that the same packages make the same tree everywhere and for everyone.

    Without root not every mode can be given to a folder: all have one of two.
    """
    for name in _MACHINES_OWN:
        path = made / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (made / "dev").mkdir()
    for path in cache.walk(made):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o1777 if str(path.relative_to(made)) in _FOR_ALL else 0o755)


def _link_applets(made: Path, applets: Sequence[str]) -> None:
    """Give a root of busybox its commands, and the links of a merged /usr that base-files would have brought."""
    for name in _MERGED:
        if (made / "usr" / name).is_dir() and not (made / name).exists():
            (made / name).symlink_to(f"usr/{name}")
    for name in applets:
        (made / "bin" / name).symlink_to("busybox")


def _pretty_name(made: Path) -> str | None:
    with suppress(FileNotFoundError):
        text = (made / "usr/lib/os-release").read_text(encoding="utf-8")
        found = re.search(r'^PRETTY_NAME="?([^"\n]*)"?$', text, re.MULTILINE)
        return found.group(1) if found else None
    return None
