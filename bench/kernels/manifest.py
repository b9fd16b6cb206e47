"""What is known of a fetched kernel or distro root, and how that is kept beside it: one JSON object, `manifest.json`.

Not for: where they come from (sources, distros), nor where they are kept (cache).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KERNEL_FORMAT = "launchbench-kernel/1"
ROOT_FORMAT = "launchbench-root/1"


class SourceError(Exception):
    """A kernel or distro cannot be had; the text is one line that names it and the remedy."""


class UnknownNameError(SourceError):
    """No kernel or distro has that name; the text says which is nearest."""


class NotFetchedError(SourceError):
    """The name is known, and nothing was fetched for it yet."""


class UnavailableError(SourceError):
    """This machine lacks a package that is needed, or no mirror that it knows has what was asked for."""


class DamagedError(SourceError):
    """What the cache holds is not what was fetched."""


@dataclass(frozen=True, slots=True)
class KernelImage:
    """A kernel that QEMU can be given. The three last fields are None for a file and for the running kernel."""

    name: str
    """As it was asked for: a name of the catalogue, `running`, or a path."""
    release: str
    """What `uname -r` says on it, read from the image itself."""
    path: Path
    sha256: str
    suite: str | None = None
    package: str | None = None
    version: str | None = None

    @property
    def source(self) -> str:
        """Where it came from, in words: a suite's package with its version, or as it was asked for."""
        return f"{self.package} {self.version} of {self.suite}" if self.package else self.name


@dataclass(frozen=True, slots=True)
class Root:
    """A distro's root folder: a C library, a shell and the core utilities, unpacked and never configured.

    It is shared by every run: whoever needs to write into it makes a copy, or mounts over it.
    """

    name: str
    path: Path
    distro: str
    """PRETTY_NAME of its os-release."""
    libc: str
    """Family and version: `glibc 2.31`, `musl 1.2.5`."""
    sha256: str
    """Over every file's path, mode, length and content (cache.tree_digest)."""
    suite: str
    packages: Mapping[str, str]
    """What was unpacked: package to version."""


def kernel_text(image: KernelImage) -> str:
    """Return the manifest of a fetched kernel; its `file` is relative to the manifest."""
    return _text({
        "format": KERNEL_FORMAT,
        "name": image.name,
        "release": image.release,
        "file": image.path.name,
        "sha256": image.sha256,
        "suite": image.suite,
        "package": image.package,
        "version": image.version,
    })  # fmt: skip


def read_kernel(path: Path) -> KernelImage:
    """Read the manifest of a fetched kernel. Raises DamagedError, UnavailableError, FileNotFoundError."""
    data = _read(path, KERNEL_FORMAT, ("name", "release", "file", "sha256", "suite", "package", "version"))
    return KernelImage(
        name=data["name"],
        release=data["release"],
        path=path.parent / data["file"],
        sha256=data["sha256"],
        suite=data["suite"],
        package=data["package"],
        version=data["version"],
    )


def root_text(root: Root) -> str:
    """Return the manifest of a fetched root; its `folder` is relative to the manifest."""
    return _text({
        "format": ROOT_FORMAT,
        "name": root.name,
        "folder": root.path.name,
        "distro": root.distro,
        "libc": root.libc,
        "sha256": root.sha256,
        "suite": root.suite,
        "packages": dict(sorted(root.packages.items())),
    })  # fmt: skip


def read_root(path: Path) -> Root:
    """Read the manifest of a fetched root. Raises DamagedError, UnavailableError, FileNotFoundError."""
    data = _read(path, ROOT_FORMAT, ("name", "folder", "distro", "libc", "sha256", "suite"))
    packages = data.get("packages")
    if not isinstance(packages, dict):
        raise DamagedError(f"{path}: no packages: remove {path.parent} and fetch it again")
    return Root(
        name=data["name"],
        path=path.parent / data["folder"],
        distro=data["distro"],
        libc=data["libc"],
        sha256=data["sha256"],
        suite=data["suite"],
        packages=packages,
    )


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _read(path: Path, expected: str, texts: tuple[str, ...]) -> dict[str, Any]:
    """Read a manifest whose fields `texts` are all text. What another version wrote is not guessed at."""
    remedy = f"remove {path.parent} and fetch it again"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}: set XDG_CACHE_HOME to a folder of your own") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DamagedError(f"{path}: not JSON ({error}): {remedy}") from None
    if not isinstance(data, dict) or data.get("format") != expected:
        raise DamagedError(f"{path}: not a manifest of {expected}: {remedy}")
    for name in texts:
        if not isinstance(data.get(name), str):
            raise DamagedError(f"{path}: no {name}: {remedy}")
    return data
