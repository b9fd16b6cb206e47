"""WITH WHAT: the strategies, reapers, hygiene and backings that exist on this machine, and the workers that have them.

    catalogue = load()
    catalogue.strategy("vfork_exec").available

Loading builds the native worker when its sources changed. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench import installation
from bench.catalogue import build as native_build
from bench.catalogue.build import Build, BuildError, MissingToolError
from bench.catalogue.native import CatalogueError, Entry, ask, base_interpreter, python_worker
from bench.catalogue.target import of_root

if TYPE_CHECKING:
    from bench.scenario import Vocabulary

__all__ = [
    "PYTHON_ALONE",
    "Build",
    "BuildError",
    "Catalogue",
    "CatalogueError",
    "Entry",
    "MissingToolError",
    "base_interpreter",
    "build_against",
    "build_of",
    "load",
]


PYTHON_ALONE = "strategies in Python run in this machine's own interpreter, beside the default build of the worker"


@dataclass(frozen=True)
class Catalogue:
    """Everything that can be named in a scenario, and the programs that carry it out."""

    build: Build
    strategies_folder: Path
    entries: tuple[Entry, ...]

    def of(self, kind: str) -> list[Entry]:
        """All entries of a kind, by name."""
        return sorted((entry for entry in self.entries if entry.kind == kind), key=lambda entry: entry.name)

    @cached_property
    def _strategies(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in self.of("strategy")}

    def strategy(self, name: str) -> Entry:
        """One strategy. Raises KeyError."""
        return self._strategies[name]

    def promises(self, hygiene: str) -> tuple[str, ...]:
        """What a command does not inherit with a hygiene (`descriptors`, `blocked`, `ignored`)."""
        return next((entry.promises for entry in self.of("hygiene") if entry.name == hygiene), ())

    def worker(self, entry: Entry, build: Build | None = None) -> list[str]:
        """The command line of the worker that has a strategy, without its last word (`work`); `build`: in which."""
        native = [str((build or self.build).worker)]
        return python_worker(self.strategies_folder) if entry.runtime == "python" else native

    def vocabulary(self) -> Vocabulary:
        """The names, for reading a scenario."""
        from bench.scenario import Vocabulary  # takes as long to import as the workers take to answer

        def names(kind: str) -> tuple[str, ...]:
            return tuple(entry.name for entry in self.of(kind))

        return Vocabulary(
            strategies={entry.name: entry.own_reaper for entry in self.of("strategy")},
            reapers=names("reaper"),
            hygiene=names("hygiene"),
            backings=names("backing"),
            hazards=names("hazard"),
        )


def _one_each(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if found.setdefault((entry.kind, entry.name), entry) is not entry:
            raise CatalogueError(f"two of the strategies' files register the {entry.kind} {entry.name!r}")
    return tuple(found.values())


def build_of(worker: str) -> Build:
    """Find or make a build of the native worker: `glibc`, `glibc-static` or `musl`. Raises BuildError."""
    shipped = native_build.read(installation.SHIPPED / "native")
    if shipped is not None and shipped.variant == worker and not installation.is_checkout():
        return shipped
    return native_build.ensure(installation.strategies(), installation.builds(), worker)


def build_against(name: str, root: Path) -> Build:
    """Find or make the dynamic build for another glibc, whose libc6-dev `root` holds. Raises BuildError."""
    with of_root(name, root) as target:
        return native_build.ensure(installation.strategies(), installation.builds(), target=target)


def load(worker: str = "glibc") -> Catalogue:
    """Find or build the workers and ask them. Raises BuildError, CatalogueError."""
    strategies = installation.strategies()
    build = build_of(worker)
    python = ask(python_worker(strategies), "python")
    if worker != "glibc":
        python = [replace(entry, reason=PYTHON_ALONE) for entry in python]
    return Catalogue(build, strategies, _one_each((*ask([str(build.worker)], "native"), *python)))
