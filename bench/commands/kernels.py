"""`launchbench kernels`: the kernels that a guest can be booted with, and fetching them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench.commands import InvalidInput

if TYPE_CHECKING:
    from bench.kernels import Watch


@click.group()
def kernels() -> None:
    """List and fetch the kernels that `run --kernel` boots. Nothing is installed, and no root is needed."""


@kernels.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="An array of {kind, name, summary, available, reason}.")
def list_(*, as_json: bool) -> None:
    """List the kernels: what is in the cache, what can be fetched from where, and why not."""
    from bench.commands import fetching
    from bench.kernels import listing

    fetching.show(listing.kernels(), as_json=as_json)


@kernels.command()
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every kernel that `launchbench kernels list` names.")
@click.option("--mirror", "mirrors", metavar="URI", multiple=True, help="Ask this mirror alone; may be repeated.")
@click.option("--refresh", is_flag=True, help="Take the newest that the suite has, also when there is one already.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def fetch(names: tuple[str, ...], *, everything: bool, mirrors: tuple[str, ...], refresh: bool, quiet: bool) -> None:
    """Fetch kernels into the cache, signatures verified.

    Mirrors are those of this machine's apt, of mmdebstrap or of debootstrap, unless some are given.
    """
    from bench.commands import fetching
    from bench.kernels import obtain_kernel, pinned

    if everything == bool(names):
        raise InvalidInput("name the kernels to fetch, or say --all; `launchbench kernels list` has the names")

    fetching.known(names, pinned.kernel)

    def one(name: str, watch: Watch) -> str:
        got = obtain_kernel(name, watch, given=mirrors, refresh=refresh)
        origin = f", {got.package} {got.version} of {got.suite}" if got.package else ""
        return f"{name}: Linux {got.release}{origin}, SHA-256 {got.sha256}"

    fetching.fetch(list(pinned.KERNELS) if everything else names, one, quiet=quiet)
