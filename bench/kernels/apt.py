"""One suite of one mirror, through apt with a state of its own: signatures are verified, nothing is installed.

The machine's sources, lists, keys and hooks play no part; of its configuration only how it reaches mirrors does
(proxies, certificates, credentials). Not for: which mirror, which key, which package.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.kernels.manifest import UnavailableError
from bench.kernels.process import program, running

ARCHITECTURE = "amd64"

Watch: TypeAlias = Callable[[str, float | None], None]
"""Told what is in hand, and how much of it is done in percent when that is known."""

_INHERITED = re.compile(r"Acquire::(http|https|ftp|tor|mirror|socks|Retries|ForceIPv[46]|AllowRedirect)\b.*")
"""What of the machine's configuration says how mirrors are reached, and nothing of what is trusted."""
_PROGRESS = re.compile(r"(?:dlstatus|pmstatus):[^:]*:([0-9.]+):")
_UNQUOTABLE = re.compile(r"[\s\]\"]")


@dataclass(frozen=True, slots=True)
class Repository:
    """A suite of a mirror, and the keys that its index must be signed with."""

    uri: str
    suite: str
    keyring: Path
    component: str = "main"

    def line(self) -> str:
        """Return the line of a sources.list.

        Valid-Until is not looked at: what is fetched is old on purpose, and an old index that a mirror holds on to is
        signed all the same. Raises UnavailableError for a path that apt's syntax cannot express.
        """
        if _UNQUOTABLE.search(str(self.keyring)):
            raise UnavailableError(
                f"apt cannot name the keyring {str(self.keyring)!r}: set XDG_CACHE_HOME to a path without spaces"
            )
        options = f"arch={ARCHITECTURE} signed-by={self.keyring} check-valid-until=no"
        return f"deb [{options}] {self.uri} {self.suite} {self.component}"


@dataclass(frozen=True, slots=True)
class Package:
    """A package as a suite has it now."""

    name: str
    version: str


class Apt:
    """apt on one repository, its state in a folder of its own (cache.workspace)."""

    def __init__(self, folder: Path, repository: Repository) -> None:
        """Lay out the folder. Raises UnavailableError without apt."""
        program("apt-get", "apt")
        self._folder, self._repository = folder, repository
        for part in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d",
                     "var/lib/apt/lists/partial", "var/lib/dpkg", "var/cache/apt/archives/partial",
                     "var/log/apt"):  # fmt: skip
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "var/lib/dpkg/status").touch()
        (folder / "etc/apt/sources.list").write_text(repository.line() + "\n", encoding="utf-8")
        self._configuration = folder / "apt.conf"
        self._configuration.write_text(_configuration(folder), encoding="utf-8")

    def update(self, watch: Watch) -> None:
        """Fetch the suite's index and verify its signature. Raises UnavailableError."""
        what = f"index of {self._repository.suite}"
        self._do("apt-get", "update", "--error-on=any", watch=watch, what=what, folder=self._folder)

    def newest(self, pattern: str) -> Package | None:
        """The package whose whole name matches, and of several the one with the highest number in its name."""
        prefix = re.match(r"[a-z0-9-]*", pattern)
        names = self._ask("apt-cache", "pkgnames", prefix.group() if prefix else "").split()
        name = newest_name(name for name in names if re.fullmatch(pattern, name))
        if name is None:
            return None
        shown = self._ask("apt-cache", "show", "--no-all-versions", name)
        version = re.search(r"^Version: (\S+)$", shown, re.MULTILINE)
        return Package(name, version.group(1)) if version else None

    def download(self, package: Package, watch: Watch) -> Path:
        """Fetch a .deb beside apt's state, its hash held against the signed index. Raises UnavailableError."""
        into = self._folder / "package"
        into.mkdir()
        what = f"{package.name} {package.version}"
        self._do("apt-get", "download", f"{package.name}={package.version}", watch=watch, what=what, folder=into)
        (path,) = into.glob("*.deb")
        return path

    def _ask(self, *command: str) -> str:
        """Return what a query of the lists prints. Raises UnavailableError."""
        asked = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False,
                               stdin=subprocess.DEVNULL)  # fmt: skip
        if asked.returncode != 0:
            raise self._failed(asked.stderr)
        return asked.stdout

    def _do(self, *command: str, watch: Watch, what: str, folder: Path) -> None:
        """Let apt fetch something into a folder, and tell `watch` how it gets on. Raises UnavailableError."""
        reading, writing = os.pipe()
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            with (
                os.fdopen(reading, encoding="utf-8", errors="replace") as states,
                running(
                    [*command, "-o", f"APT::Status-Fd={writing}"],
                    said=said,
                    environment=self._environment(),
                    folder=folder,
                    descriptors=(writing,),
                ) as fetching,
            ):
                os.close(writing)
                for state in states:
                    if found := _PROGRESS.match(state):
                        watch(what, float(found.group(1)))
            if fetching.returncode != 0:
                said.seek(0)
                raise self._failed(said.read())

    def _environment(self) -> dict[str, str]:
        return os.environ | {"APT_CONFIG": str(self._configuration), "LC_ALL": "C"}

    def _failed(self, stderr: str) -> UnavailableError:
        why = complaint(stderr)
        repository = f"{self._repository.uri} {self._repository.suite}"
        return UnavailableError(why if self._repository.uri.rstrip("/") in why else f"{repository}: {why}")


def newest_name(names: Iterable[str]) -> str | None:
    """Of package names that differ in their numbers only, the one with the highest; None of none."""
    return max(names, key=lambda name: [int(number) for number in re.findall(r"[0-9]+", name)], default=None)


def complaint(stderr: str) -> str:
    """What apt says went wrong, in one line: its errors, or else its warnings; a missing key before all."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for kind in (": The following signatures", "E: ", "W: "):
        for line in lines:
            if kind in line:
                return re.sub(r"^[EW]: (GPG error: )?", "", line)
    return lines[-1] if lines else "apt failed and did not say why"


def inherited() -> list[str]:
    """Lines of an apt.conf: how this machine reaches mirrors."""
    command = [program("apt-config", "apt"), "dump"]
    machine = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return [line for line in machine.stdout.splitlines() if _INHERITED.fullmatch(line)]


def _configuration(folder: Path) -> str:
    """Return an apt.conf that keeps apt inside `folder`, and has the machine's ways to its mirrors."""
    return "\n".join([
        f'Dir "{folder}/";',
        f'Dir::State::status "{folder}/var/lib/dpkg/status";',
        'Dir::Etc::netrc "/etc/apt/auth.conf";',
        'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";',
        f'APT::Architecture "{ARCHITECTURE}";',
        f'APT::Architectures {{ "{ARCHITECTURE}"; }};',
        'Acquire::Languages "none";',
        'Acquire::AllowInsecureRepositories "false";',
        'Acquire::AllowWeakRepositories "false";',
        'Acquire::AllowDowngradeToInsecureRepositories "false";',
        *inherited(),
        "",
    ])  # fmt: skip
