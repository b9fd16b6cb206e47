"""The names of kernels and distros: which suites have them, under which name of a package. No mirror is named.

Adding a kernel or a distro is adding one line here. Names are versions as people say them (`4.4`), or code names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from bench.kernels.manifest import UnknownNameError

Vendor: TypeAlias = Literal["debian", "ubuntu"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something may be had."""

    vendor: Vendor
    suite: str
    package: str
    """A regular expression for the whole name; of several packages the highest number is taken."""

    @property
    def place(self) -> str:
        """For people: `Ubuntu xenial-updates`."""
        return f"{self.vendor.capitalize()} {self.suite}"


@dataclass(frozen=True, slots=True)
class PinnedKernel:
    """A kernel by its version, and the suites that have it, the preferred one first."""

    name: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class PinnedDistro:
    """A distro's root: a C library, a shell and the core utilities of one suite."""

    name: str
    vendor: Vendor
    suite: str
    packages: tuple[str, ...] = ("base-files", "libc6", "dash", "coreutils", "findutils", "grep", "sed")
    applets: tuple[str, ...] = ()
    """Commands that busybox, the one program of such a root, is linked to by name."""

    @property
    def worker(self) -> str:
        """The build of the worker that is linked with its C library, when it is not linked statically."""
        return "musl" if "musl" in self.packages else "glibc"

    @property
    def place(self) -> str:
        """For people: `Debian bullseye`."""
        return f"{self.vendor.capitalize()} {self.suite}"


def _ubuntu(name: str, suite: str) -> Origin:
    return Origin("ubuntu", suite, rf"linux-image-{re.escape(name)}\.0-[0-9]+-generic")


def _debian(name: str, suite: str) -> Origin:
    """Debian numbers its stable kernels by ABI (6.1.0-47), the others by the stable release they come from."""
    return Origin("debian", suite, rf"linux-image-{re.escape(name)}\.[0-9]+(-[0-9]+)?(\+deb[0-9.]+)?-amd64")


def _debian_binary(name: str, suite: str) -> Origin:
    """From 6.19 the image has a package of its own, and linux-image-* is an empty one that depends on it."""
    return Origin("debian", suite, rf"linux-binary-{re.escape(name)}(\.[0-9]+)?(\+deb[0-9.]+)?-amd64")


# Long-lived suites come first: the interim ones of Ubuntu, and Debian's development, move on.
_KERNELS = (
    PinnedKernel("4.4", (_ubuntu("4.4", "xenial-updates"),)),
    PinnedKernel("4.15", (_ubuntu("4.15", "bionic-updates"),)),
    PinnedKernel("4.18", (_ubuntu("4.18", "bionic-updates"),)),
    PinnedKernel("5.0", (_ubuntu("5.0", "bionic-updates"),)),
    PinnedKernel("5.3", (_ubuntu("5.3", "bionic-updates"),)),
    PinnedKernel("5.4", (_ubuntu("5.4", "focal-updates"),)),
    PinnedKernel("5.8", (_ubuntu("5.8", "focal-updates"),)),
    PinnedKernel("5.10", (_debian("5.10", "bullseye"),)),
    PinnedKernel("5.11", (_ubuntu("5.11", "focal-updates"),)),
    PinnedKernel("5.13", (_ubuntu("5.13", "focal-updates"),)),
    PinnedKernel("5.15", (_ubuntu("5.15", "jammy-updates"),)),
    PinnedKernel("5.19", (_ubuntu("5.19", "jammy-updates"),)),
    PinnedKernel("6.1", (_debian("6.1", "bookworm"),)),
    PinnedKernel("6.2", (_ubuntu("6.2", "jammy-updates"),)),
    PinnedKernel("6.5", (_ubuntu("6.5", "jammy-updates"),)),
    PinnedKernel("6.8", (_ubuntu("6.8", "noble-updates"),)),
    PinnedKernel("6.11", (_ubuntu("6.11", "noble-updates"),)),
    PinnedKernel("6.12", (_debian("6.12", "trixie"), _debian("6.12", "bookworm-backports"))),
    PinnedKernel("6.14", (_ubuntu("6.14", "noble-updates"), _ubuntu("6.14", "plucky"))),
    PinnedKernel("6.16", (_debian("6.16", "trixie-backports"),)),
    PinnedKernel("6.17", (_ubuntu("6.17", "noble-updates"), _debian("6.17", "trixie-backports"))),
    PinnedKernel("6.18", (_debian("6.18", "trixie-backports"),)),
    PinnedKernel("6.19", (_debian_binary("6.19", "trixie-backports"),)),
    PinnedKernel("7.0", (_ubuntu("7.0", "resolute-updates"), _debian_binary("7.0", "trixie-backports"))),
    PinnedKernel("7.1", (_debian_binary("7.1", "trixie-backports"),)),
    PinnedKernel("7.2", (_debian_binary("7.2", "trixie-backports"), _debian_binary("7.2", "sid"))),
    PinnedKernel("7.3", (
        _debian_binary("7.3", "trixie-backports"), _ubuntu("7.3", "stonking"), _debian_binary("7.3", "experimental"),
    )),
)  # fmt: skip

# Not base-files: it draws in an awk, and with it glibc.
_MUSL = ("musl", "busybox-static")
_APPLETS = ("cat", "cp", "echo", "env", "expr", "false", "find", "grep", "head", "kill", "ls", "mkdir", "mv", "ps",
            "pwd", "rm", "sed", "sh", "sleep", "sort", "tail", "test", "touch", "true", "uname", "wc",
            "xargs")  # fmt: skip

_DISTROS = (
    PinnedDistro("xenial", "ubuntu", "xenial"),
    PinnedDistro("bionic", "ubuntu", "bionic"),
    PinnedDistro("focal", "ubuntu", "focal"),
    PinnedDistro("bullseye", "debian", "bullseye"),
    PinnedDistro("jammy", "ubuntu", "jammy"),
    PinnedDistro("bookworm", "debian", "bookworm"),
    PinnedDistro("noble", "ubuntu", "noble"),
    PinnedDistro("trixie", "debian", "trixie"),
    PinnedDistro("questing", "ubuntu", "questing"),
    PinnedDistro("resolute", "ubuntu", "resolute"),
    PinnedDistro("stonking", "ubuntu", "stonking"),
    PinnedDistro("forky", "debian", "forky"),
    PinnedDistro("sid", "debian", "sid"),
    # Debian's musl alone, without its glibc: the shell and the utilities are busybox, which is static.
    PinnedDistro("musl-1.2.2", "debian", "bullseye", _MUSL, _APPLETS),
    PinnedDistro("musl-1.2.3", "debian", "bookworm", _MUSL, _APPLETS),
    PinnedDistro("musl-1.2.5", "debian", "trixie", _MUSL, _APPLETS),
)

RUNNING = "running"
"""The name of the kernel that runs here, which is in no suite."""

KERNELS: Mapping[str, PinnedKernel] = MappingProxyType({kernel.name: kernel for kernel in _KERNELS})
DISTROS: Mapping[str, PinnedDistro] = MappingProxyType({distro.name: distro for distro in _DISTROS})


def kernel(name: str) -> PinnedKernel:
    """The kernel of a name. Raises UnknownNameError, with the nearest."""
    pinned = KERNELS.get(name)
    if pinned is None:
        raise UnknownNameError(_unknown("kernel", name, (*KERNELS, RUNNING)))
    return pinned


def distro(name: str) -> PinnedDistro:
    """The distro of a name. Raises UnknownNameError, with the nearest."""
    pinned = DISTROS.get(name)
    if pinned is None:
        raise UnknownNameError(_unknown("distro", name, DISTROS))
    return pinned


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"`launchbench {kind}s list` has the names"
    return f"no {kind} {name!r}; {hint}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that comes closest: of version numbers the nearest version, of words the nearest spelling.

    Of names that a word begins, such as `musl`, it is the last.
    """
    names = list(known)
    begun = [other for other in names if name and other.startswith(f"{name.casefold()}-")]
    if begun:
        return begun[-1]
    if re.fullmatch(r"v?[0-9]+(\.[0-9]+)*.*", name):
        versions = [other for other in names if other[0].isdigit()]
        return min(versions, key=lambda other: abs(_position(other) - _position(name)), default=None)
    import difflib  # only for a message

    close = difflib.get_close_matches(name.casefold(), names, n=1)
    return close[0] if close else None


def _position(version: str) -> int:
    """Where a version stands in the line of releases, which counts to about 20 before the first number moves on."""
    major, minor, *_ = [*(int(number) for number in re.findall(r"[0-9]+", version)), 0]
    return major * 20 + minor
