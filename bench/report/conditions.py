"""Where something holds, in few words: many sets of conditions at once, those that differ in one thing only together.

`Linux 4.4 to 5.0, 492 MiB, overcommit mode 0` stands for three sets. Pure; it knows no verdict and no cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.analysis import CHOICES, HARDWARE, natural
from bench.report.typography import plain, size

if TYPE_CHECKING:
    from bench.analysis import Machine

Point: TypeAlias = tuple[tuple[str, str], ...]
"""One set of conditions: axis and text, in the order in which they are said."""

_USUAL: Mapping[str, Any] = {
    "backing": "anon", "in_flight": 1, "bystanders": 0, "open_files": 0, "vmas": 1,
    "worker": "glibc",
}  # fmt: skip
_SAID = frozenset({*CHOICES, "kernel", "distro", "libc", "overcommit", "limit_bytes", "footprint_bytes"})
_PLACES = ("kernel", "distro", "libc")
_PLURALS = {"kernel": "kernels", "distro": "distros", "libc": "libcs", "footprint": "footprints"}
_RUN = 3
"""So many neighbours on a scale are said as a span."""


def point(machine: Machine, axes: Mapping[str, Any]) -> Point:
    """Put a place and a cell's or a verdict's axes into words; what a programmer chooses is none of it."""
    mode, limit = axes.get("overcommit"), axes.get("limit_bytes")
    said = {name: plain(str(getattr(machine, name))) for name in _PLACES}
    if machine.clock != HARDWARE:
        said["clock"] = f"{plain(machine.clock)} clock"
    said["footprint"] = size(axes["footprint_bytes"])
    if mode not in {None, "current"}:
        said["overcommit"] = f"overcommit mode {mode}" + (f" ({size(limit)} to commit)" if limit else "")
    for name, value in axes.items():
        if name not in _SAID and value is not None and value != _USUAL.get(name):
            shown = size(value) if name.endswith("_bytes") and isinstance(value, int) else plain(str(value))
            said[name] = f"{name.removesuffix('_bytes').replace('_', ' ')} {shown}"
    return tuple(said.items())


class Conditions:
    """All conditions of one section: what a phrase may leave out, and what a span or `all` is of."""

    def __init__(self, points: Iterable[Point]) -> None:
        """Learn from every set of conditions that there is."""
        every = [dict(one) for one in points]
        names = dict.fromkeys(name for one in every for name in one)
        self._values = {name: sorted({one.get(name, "") for one in every}, key=_order) for name in names}
        self._short = _short_kernels(self._values.get("kernel", ()))

    @property
    def common(self) -> str:
        """Say what is the same in all of them and not as usual, but for the place: `worker glibc-static`."""
        same = [values[0] for name, values in self._values.items() if len(values) == 1 and name not in _PLACES]
        return ", ".join(filter(None, same))

    def phrases(self, points: Iterable[Point]) -> list[str]:
        """Say these sets, those that differ in one axis only in one phrase; nothing where all are the same."""
        merged: list[dict[str, frozenset[str]]] = [
            {name: frozenset({dict(one).get(name, "")}) for name in self._values} for one in points
        ]
        for axis in ("footprint", *(name for name in self._values if name != "footprint")):
            groups: dict[tuple[Any, ...], frozenset[str]] = {}
            for one in merged:
                rest = tuple((name, values) for name, values in one.items() if name != axis)
                groups[rest] = groups.get(rest, frozenset()) | one[axis]
            merged = [{name: dict(rest).get(name, values) for name in self._values} for rest, values in groups.items()]
        return list(dict.fromkeys(filter(None, map(self._phrase, merged))))

    def _phrase(self, one: Mapping[str, frozenset[str]]) -> str:
        parts = (self._part(name, one[name]) for name in self._values if len(self._values[name]) > 1)
        return ", ".join(part for part in parts if part)

    def _part(self, name: str, values: frozenset[str]) -> str:
        every = self._values[name]
        if len(values) == len(every) and "" not in values:
            number = "both" if len(every) == 2 else f"all {len(every)}"
            return f"{number} {_PLURALS[name]}" if name in _PLURALS else _listed(every)
        at = [every.index(value) for value in sorted(values, key=_order)]
        texts = [self._text(name, every[index]) for index in at if every[index]]
        if len(texts) >= _RUN and at[-1] - at[0] == len(at) - 1 and name in _PLURALS:
            said = f"{texts[0]} to {texts[-1]}"
        else:
            said = _listed(texts)
        return f"Linux {said}" if name == "kernel" and said else said

    def _text(self, name: str, value: str) -> str:
        return self._short.get(value, value) if name == "kernel" else value


def _listed(texts: Sequence[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


_UNITS = {"B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4}


def _order(text: str) -> tuple[float, list[tuple[int, str]]]:
    number, _, unit = text.partition(" ")
    try:
        return float(number) * 1024 ** _UNITS[unit], []
    except (KeyError, ValueError):
        return 0, natural(text)


def _short_kernels(kernels: Sequence[str]) -> Mapping[str, str]:
    """Return kernels by the two numbers that people call them by, when these tell them apart."""
    short = {kernel: found[0] for kernel in kernels if (found := re.match(r"\d+\.\d+", kernel))}
    return short if len(set(short.values())) == len(kernels) else {}
