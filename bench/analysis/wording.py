"""How a conclusion is put into words: conditions, lists, ratios. No signs beyond ASCII, so that it goes anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_USUAL: Mapping[str, Any] = {
    "backing": "anon",
    "in_flight": 1,
    "bystanders": 0,
    "open_files": 0,
    "vmas": 1,
    "worker": "glibc",
}
"""What a cell is assumed to have, and a sentence leaves out."""
_MOST_LISTED = 12
_SAID_ALREADY = frozenset({"footprint_bytes", "overcommit", "limit_bytes"})


def conditions(circumstances: Mapping[str, Any]) -> str:
    """Say under which conditions a verdict holds: `512 MiB, overcommit mode 2 (1.5 GiB to commit), 1000 open files`."""
    mode, limit = circumstances.get("overcommit"), circumstances.get("limit_bytes")
    parts = [byte_size(circumstances["footprint_bytes"])]
    if mode not in {None, "current"}:
        parts.append(f"overcommit mode {mode}" + (f" ({byte_size(limit)} to commit)" if limit else ""))
    for axis, value in circumstances.items():
        if axis not in _SAID_ALREADY and value is not None and value != _USUAL.get(axis):
            shown = byte_size(value) if axis.endswith("_bytes") and isinstance(value, int) else value
            parts.append(f"{axis.removesuffix('_bytes').replace('_', ' ')} {shown}")
    return ", ".join(parts)


def byte_size(count: float) -> str:
    """Set bytes in binary units, three digits: `64 MiB`, `1.5 GiB`."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(count) >= 1023.5 and len(units) > 1:
        count /= 1024
        units.pop(0)
    return f"{count:.0f} {units[0]}" if abs(count) >= 999.5 else f"{count:.3g} {units[0]}"


def listed(names: Sequence[str], word: str) -> str:
    """Join names: `a`, `a or b`, `a, b or c`; of very many, the first and how many more."""
    if len(names) > _MOST_LISTED:
        return f"{', '.join(names[:_MOST_LISTED])} {word} {len(names) - _MOST_LISTED} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def percent(fraction: float) -> str:
    """Set a fraction in percent: two digits below ten, none after the point beyond."""
    return f"{fraction * 100:.0f}%" if fraction >= 0.0995 else f"{fraction * 100:.2g}%"


def times(ratio: float) -> str:
    """Set a ratio for `takes ... as long`: `1.05 times`, `12.3 times`, `510 times`."""
    return f"{ratio:.3g} times" if ratio < 999.5 else f"{ratio:,.0f} times"


def natural(text: str) -> list[tuple[int, str]]:
    """Sort numbers inside a text as numbers: 5.10 comes after 5.4."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text) if part]
