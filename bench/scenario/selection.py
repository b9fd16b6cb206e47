"""`--only KEY=VALUE,...`: which cells of a matrix are meant.

Values are spelled as in a scenario. A filter that no cell can agree with is an error, never an empty run.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from bench.scenario.environment import HERE, WORKERS, Environment
from bench.scenario.matrix import AXES, Cell
from bench.scenario.units import Multiple, Size, parse_amount, parse_limit
from bench.scenario.wording import nearest, quote, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE = "none"
"""The value of a limit that a cell does not have."""
_FIELDS = {
    "footprint": "footprint_bytes",
    "limit": "limit_bytes",
    "memory": "memory_limit_bytes",
    "pids": "pids_limit",
    "nofile": "nofile_limit",
    "nproc": "nproc_limit",
}
_ENVIRONMENT = tuple(field.name for field in fields(Environment))
KEYS = (*AXES, *_ENVIRONMENT)
"""What a filter can name: the axes of a scenario, and those of the command line."""
_MOST_LISTED = 12


class FilterError(ValueError):
    """A filter that cannot be meant; its text is the whole one-line message."""


def parse_filter(text: str) -> dict[str, str]:
    """Read `strategy=fork_exec,footprint=1GiB`; the values come back in canonical spelling.

    Raises FilterError for an unknown key, a wrong unit, a repeated key, or text of another form.
    """
    filters: dict[str, str] = {}
    for item in text.split(","):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise FilterError(f"{quote(item)} is not KEY=VALUE")
        if key not in KEYS:
            near = nearest(key, KEYS)
            raise FilterError(
                f"unknown key {quote(key)}" + (f", did you mean '{near}'?" if near else f": keys are {', '.join(KEYS)}")
            )
        if key in filters:
            raise FilterError(f"{key} stands here twice: a cell has one")
        try:
            filters[key] = _canonical(key, value)
        except ValueError as error:
            raise FilterError(f"{key}: {error}") from None
    return filters


def select(cells: Sequence[Cell], filters: Mapping[str, str]) -> list[Cell]:
    """Return the cells that agree with every filter, in their order.

    Raises FilterError that names the first filter no cell agrees with, and the values there are.
    """
    for key, value in filters.items():
        if not any(agrees(cell, key, value) for cell in cells):
            known = list(dict.fromkeys(spell(cell, key) for cell in cells))
            hint = suggest(value, known) if nearest(value, known) else f": there is {', '.join(known[:_MOST_LISTED])}"
            raise FilterError(f"no cell has {key}={value}{hint}")
    chosen = [cell for cell in cells if cell.matches(filters)]
    if not chosen:
        raise FilterError(f"no cell has {' and '.join(f'{key}={value}' for key, value in filters.items())} together")
    return chosen


def agrees(cell: Cell, key: str, value: str) -> bool:
    """Say whether a cell has a value, given in canonical spelling, at a key.

    Shares of RAM are compared with the cell's id, which keeps the scenario's words; sizes also with the bytes.
    """
    if spell(cell, key) == value:
        return True
    if key not in ("footprint", "limit", "memory") or value == NONE:
        return False
    amount = parse_limit(value)
    actual = getattr(cell, _FIELDS[key])
    if isinstance(amount, Size):
        return bool(amount.bytes == actual)
    if isinstance(amount, Multiple) and key == "limit":
        return bool(amount.resolve(ram_bytes=0, footprint_bytes=cell.footprint_bytes) == actual)
    return False


def spell(cell: Cell, key: str) -> str:
    """Return how a cell's value at a key is spelled: sizes as in its id, an absent limit as `none`.

    The kernel and distro of this machine are `here`.
    """
    parts = cell.id.split("/")
    if key == "footprint":
        return parts[1] if len(parts) > 1 else f"{cell.footprint_bytes}B"
    if key == "limit":
        return next((part.partition("+")[2] for part in parts if part.startswith("mode2+")), NONE)
    if key == "memory":
        return next((part.partition("=")[2] for part in parts if part.startswith("memory=")), NONE)
    value = getattr(cell, _FIELDS.get(key, key))
    if value is None:
        return HERE if key in _ENVIRONMENT else NONE
    return str(value)


def _canonical(key: str, value: str) -> str:
    if key == "worker" and value not in WORKERS:
        raise ValueError(f"there is no {quote(value)}{suggest(value, WORKERS)}")
    if key in _ENVIRONMENT:
        return value
    if value == NONE and AXES[key] in ("overcommit", "limits"):
        return value
    if key in ("footprint", "memory"):
        return str(parse_amount(value))
    if key == "limit":
        return str(parse_limit(value))
    if key in ("in_flight", "bystanders", "open_files", "vmas", "pids", "nofile", "nproc"):
        if not (value.isascii() and value.isdecimal()):
            raise ValueError(f"must be a whole number, not {quote(value)}")
        return str(int(value[:20]))
    return value
