"""`launchbench list`: what there is on this machine, and why what is missing is missing."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

import click

from bench.commands import InvalidInput
from bench.commands.places import asked

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = {
    "strategies": "strategy",
    "reapers": "reaper",
    "hygiene": "hygiene",
    "backings": "backing",
    "hazards": "hazard",
    "scenarios": "scenario",
}


@click.command(name="list")
@click.argument("kind", required=False)
@click.option("--worker", default="glibc", metavar="BUILD", help="As it is in: glibc (default), glibc-static, musl.")
@click.option("--json", "as_json", is_flag=True, help="An array of {kind, name, summary, available, reason}.")
def list_(kind: str | None, *, worker: str, as_json: bool) -> None:
    """List strategies, reapers, hygiene, backings, hazards or scenarios; all of them without a KIND."""
    if kind and kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        raise InvalidInput(
            f"no kind {kind!r}; " + (f"did you mean {near[0]}?" if near else f"kinds are {', '.join(KINDS)}")
        )
    asked([worker], (), ())
    rows = [row for name in ([kind] if kind else KINDS) for row in _rows(name, worker)]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    _print(rows)


def _rows(kind: str, worker: str) -> Iterable[dict[str, Any]]:
    from bench import catalogue

    if kind == "scenarios":
        yield from _scenarios()
        return
    try:
        found = catalogue.load(worker).of(KINDS[kind])
    except (catalogue.BuildError, catalogue.CatalogueError) as error:
        raise InvalidInput(str(error)) from None
    for entry in found:
        yield {
            "kind": entry.kind,
            "name": entry.name,
            "summary": entry.summary,
            "available": entry.available,
            "reason": entry.reason,
        }


def _scenarios() -> Iterable[dict[str, Any]]:
    import yaml

    from bench import installation

    for path in sorted(installation.scenarios().glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield {"kind": "scenario", "name": path.stem, "summary": data["question"], "available": True, "reason": None}


def _print(rows: list[dict[str, Any]]) -> None:
    from tabulate import tabulate

    table = [
        (row["kind"], row["name"], row["summary"] + ("" if row["available"] else f"  [not here: {row['reason']}]"))
        for row in rows
    ]
    click.echo(tabulate(table, headers=("kind", "name", "what it is"), tablefmt="simple"))
