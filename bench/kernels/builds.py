"""Which build of the worker runs in a distro's root, and how it is made.

A static worker runs in every root. A dynamic one runs with the root's own C library: for a glibc it is compiled
against the root's own files, which are fetched for that, since what is linked with a newer one does not start; for a
musl any will do.
"""

from __future__ import annotations

from bench.catalogue import Build, BuildError, MissingToolError, build_against, build_of
from bench.catalogue.build import STATIC
from bench.kernels.distros import obtain_development
from bench.kernels.manifest import Root, SourceError
from bench.measure import NoPlaceError


def build_for(root: Root, worker: str) -> Build:
    """The build of `worker` for a root.

    Raises NoPlaceError when none runs there or none can be made for it, BuildError for one that is for every root.
    """
    family = root.libc.split()[0]
    if family == "musl" and worker == "musl":
        return build_of("musl-dynamic")
    if worker in STATIC:
        return build_of(worker)
    if family != "glibc":
        raise NoPlaceError(f"distro {root.name} has no glibc: --worker musl, or glibc-static")
    try:
        development = obtain_development(root.name, _untold)
    except SourceError as error:
        raise NoPlaceError(f"no worker can be linked with the glibc of {root.name}: {error}") from None
    try:
        return build_against(root.name, development.path)
    except MissingToolError:
        raise
    except BuildError as error:
        complaint = next((line for line in str(error).splitlines() if "error" in line), str(error).splitlines()[0])
        raise NoPlaceError(f"the worker cannot be linked with the {root.libc} of {root.name}: {complaint}") from None


def _untold(what: str, percent: float | None) -> None:
    """Who fetches beforehand, for many, shows how it gets on."""
