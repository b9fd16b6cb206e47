"""`launchbench distros`: the distro roots that workers can run in, and fetching them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench.commands import InvalidInput

if TYPE_CHECKING:
    from bench.kernels import Watch


@click.group()
def distros() -> None:
    """List and fetch the roots that `run --distro` runs workers in. No root is needed to fetch them."""


@distros.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="An array of {kind, name, summary, available, reason}.")
def list_(*, as_json: bool) -> None:
    """List the distros: what is in the cache, what can be fetched from where, and why not."""
    from bench.commands import fetching
    from bench.kernels import listing

    fetching.show(listing.distros(), as_json=as_json)


@distros.command()
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every distro that `launchbench distros list` names.")
@click.option("--mirror", "mirrors", metavar="URI", multiple=True, help="Ask this mirror alone; may be repeated.")
@click.option("--refresh", is_flag=True, help="Take the newest that the suite has, also when there is one already.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def fetch(names: tuple[str, ...], *, everything: bool, mirrors: tuple[str, ...], refresh: bool, quiet: bool) -> None:
    """Unpack distros' roots into the cache with mmdebstrap, signatures verified.

    Mirrors are those of this machine's apt, of mmdebstrap or of debootstrap, unless some are given.
    """
    from bench.commands import fetching
    from bench.kernels import obtain_root, pinned

    if everything == bool(names):
        raise InvalidInput("name the distros to fetch, or say --all; `launchbench distros list` has the names")

    fetching.known(names, pinned.distro)

    def one(name: str, watch: Watch) -> str:
        got = obtain_root(name, watch, given=mirrors, refresh=refresh)
        return f"{name}: {got.distro}, {got.libc}, {len(got.packages)} packages of {got.suite}, SHA-256 {got.sha256}"

    fetching.fetch(list(pinned.DISTROS) if everything else names, one, quiet=quiet)
