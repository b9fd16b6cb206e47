"""The keys that an archive's index must be signed with: the machine's own, or a package of an archive already trusted.

A Debian that has its own keyring can have Ubuntu's from a Debian suite: the package comes through the same verified way
as any other, so the chain of trust begins at the machine. Nothing is installed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bench.kernels import cache, image, mirrors
from bench.kernels.apt import Apt, Repository, Watch
from bench.kernels.manifest import UnavailableError
from bench.kernels.pinned import Vendor

INSTALLED = Path("/usr/share/keyrings")
FILES: Mapping[Vendor, str] = MappingProxyType({
    "debian": "debian-archive-keyring.gpg",
    "ubuntu": "ubuntu-archive-keyring.gpg",
})  # fmt: skip
PACKAGES: Mapping[Vendor, str] = MappingProxyType({
    "debian": "debian-archive-keyring",
    "ubuntu": "ubuntu-keyring",
})  # fmt: skip

# Debian's suites that have Ubuntu's keyring, the longest-lived first.
_LENDERS = ("trixie", "forky", "sid")
_MEMBER = re.compile(r"\./usr/share/keyrings/ubuntu-archive-keyring\.gpg")


def keyring(vendor: Vendor, watch: Watch, *, given: Sequence[str] = ()) -> Path:
    """The file of a vendor's keys; Ubuntu's is fetched when the machine has Debian's alone.

    Raises UnavailableError, with the package to install.
    """
    installed = INSTALLED / FILES[vendor]
    if installed.is_file():
        return installed
    if vendor == "debian":
        raise UnavailableError(f"the keys of Debian's archive are not here (package {PACKAGES['debian']})")
    folder = cache.home() / "keyrings"
    with cache.exclusive(folder):
        borrowed = folder / FILES[vendor]
        if not borrowed.is_file():
            _borrow(borrowed, watch, given)
        return borrowed


def _borrow(target: Path, watch: Watch, given: Sequence[str]) -> None:
    """Take Ubuntu's keyring out of Debian's package of it."""
    package = PACKAGES["ubuntu"]
    why = "no mirror of Debian is known"
    keys = INSTALLED / FILES["debian"]
    if not keys.is_file():
        raise UnavailableError(f"the keys of Ubuntu's archive are not here (package {package})")
    # A mirror that the user gives is Ubuntu's as a rule: the machine's own are asked as well.
    for uri in dict.fromkeys([*mirrors.candidates("debian"), *given]):
        for suite in _LENDERS:
            with cache.workspace(target.parent) as folder:
                try:
                    deb = _download(Apt(folder, Repository(uri, suite, keys)), package, watch)
                except UnavailableError as error:
                    why = str(error)
                    continue
                image.extract(deb, _MEMBER, folder / target.name)
                (folder / target.name).replace(target)
                return
    raise UnavailableError(f"the keys of Ubuntu's archive are not here (package {package}), nor to be had: {why}")


def _download(apt: Apt, name: str, watch: Watch) -> Path:
    apt.update(watch)
    package = apt.newest(name)
    if package is None:
        raise UnavailableError(f"no package {name}")
    return apt.download(package, watch)
