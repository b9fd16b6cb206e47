"""Rows of what there is, {kind, name, summary, available, reason}: as a table for people, as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


def row(kind: str, name: str, summary: str, reason: str | None) -> dict[str, Any]:
    """Return one row; `reason` says why it is not available, None that it is."""
    return {"kind": kind, "name": name, "summary": summary, "available": reason is None, "reason": reason}


def show(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows."""
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    from tabulate import tabulate

    table = [(row["kind"], row["name"], _said(row)) for row in rows]
    # Names are text, also where they look like numbers: `5.10` is not 5.1.
    click.echo(tabulate(table, headers=("kind", "name", "what it is"), tablefmt="simple", disable_numparse=True))


def _said(row: dict[str, Any]) -> str:
    missing = "" if row["available"] else f"  [not here: {row['reason']}]"
    source = f"  [{row['source']}]" if row.get("source") else ""
    return f"{row['summary']}{source}{missing}"
