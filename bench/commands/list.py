"""`launchbench list`: what there is on this machine, and why what is missing is missing."""

from __future__ import annotations

import difflib
import functools
from typing import TYPE_CHECKING, Any

import click

from bench.commands import InvalidInput
from bench.commands.places import asked
from bench.commands.rows import row, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.catalogue import Catalogue

_USUAL = "glibc"

KINDS = {
    "strategies": "strategy",
    "reapers": "reaper",
    "hygiene": "hygiene",
    "backings": "backing",
    "hazards": "hazard",
    "scenarios": "scenario",
    "kernels": "kernel",
    "distros": "distro",
}


@click.command(name="list")
@click.argument("kind", required=False)
@click.option("--worker", default=_USUAL, metavar="BUILD", help="As it is in: glibc (default), glibc-static, musl.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="An array of {kind, name, summary, available, reason}; of hazards {source, mitigations} too.",
)
def list_(kind: str | None, *, worker: str, as_json: bool) -> None:
    """List strategies, reapers, hygiene, backings, hazards, scenarios, kernels or distros; all without a KIND."""
    if kind and kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        raise InvalidInput(
            f"no kind {kind!r}; " + (f"did you mean {near[0]}?" if near else f"kinds are {', '.join(KINDS)}")
        )
    if worker != _USUAL:  # what knows the others takes as long to import as all the rest
        asked([worker], (), ())
    workers = functools.cache(functools.partial(_catalogue, worker))  # asked once, however many kinds are listed
    show([row for name in ([kind] if kind else KINDS) for row in _rows(name, workers)], as_json=as_json)


def _rows(kind: str, workers: Callable[[], Catalogue]) -> Iterable[dict[str, Any]]:
    if kind == "scenarios":
        yield from _scenarios()
        return
    if kind in ("kernels", "distros"):
        yield from _fetchable(kind)
        return
    for entry in workers().of(KINDS[kind]):
        listed = row(entry.kind, entry.name, entry.summary, entry.reason)
        if entry.kind == "hazard":
            listed |= {"source": entry.source, "mitigations": list(entry.mitigations)}
        yield listed


def _catalogue(worker: str) -> Catalogue:
    from bench import catalogue

    try:
        return catalogue.load(worker)
    except (catalogue.BuildError, catalogue.CatalogueError) as error:
        raise InvalidInput(str(error)) from None


def _fetchable(kind: str) -> Iterable[dict[str, Any]]:
    from bench.kernels import listing

    for item in listing.kernels() if kind == "kernels" else listing.distros():
        yield row(item.kind, item.name, item.summary, item.reason)


def _scenarios() -> Iterable[dict[str, Any]]:
    import yaml

    from bench import installation

    for path in sorted(installation.scenarios().glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield row("scenario", path.stem, data["question"], None)
