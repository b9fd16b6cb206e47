"""The section that sets A against B: files of several machines, or kernels, distros and libcs of one.

Every row is the analysis's: transitions first, then ratios with their intervals on one logarithmic axis, then what only
one side has.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import compare_by, compare_files
from bench.report.blocks import axis_name, axis_text, count, mode_name
from bench.report.html.marks import beside, ratio_axis
from bench.report.html.ranking import ratio_text
from bench.report.html.tables import NONE, Entry, Head, Row, Table, without_empty
from bench.report.typography import UNICODE, duration, factor, plain, size

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from bench.analysis import Analysis, CellKey, CompareResult, Comparison, WorkerRow
    from bench.report.blocks import Section

_PLACES = ("kernel", "distro", "worker")
"""The keys that one run can have several of, and that are then set against each other."""
_SIDE = frozenset({"machine", "kernel", "distro", "libc", "clock", "scenario"})
_USUAL = frozenset({"None", "0", "1", "anon", "glibc", "none", "waitpid", "own"})
_MOST_ROWS = 300
_ANSWERS = {"same": "~", "transition": "changed", "missing": "missing"}
_KINDS = {"faster": "all", "slower": "some", "transition": "no", "missing": "none", "inconclusive": "none"}


@dataclass(frozen=True, slots=True)
class Versus:
    """One comparison as the template sets it."""

    title: str
    said: str
    warnings: Sequence[str]
    table: Table


def comparisons(sections: Sequence[Section], analysis: Analysis) -> list[Versus]:
    """Compare what there is several of: the sections with the first, and the places inside each."""
    found = [_versus(result) for section in sections for result in _inside(section, analysis)]
    if len(sections) > 1:
        base, *others = sections
        rows = _rows_of(base, analysis)
        for other in others:
            names = _names(base, other)
            found.append(_versus(compare_files(rows, _rows_of(other, analysis), names, noise=analysis.noise)))
    return found


def _inside(section: Section, analysis: Analysis) -> Iterator[CompareResult]:
    rows = _rows_of(section, analysis)
    for key in _PLACES:
        values = {str(row.cell.get(key) if key == "worker" else getattr(row.machine, key)) for row in rows}
        if len(values) > 1:
            yield compare_by(rows, key, noise=analysis.noise)


def _rows_of(section: Section, analysis: Analysis) -> list[WorkerRow]:
    return [row for row in analysis.rows if (row.host, row.scenario) == (section.machine, section.scenario)]


def _names(base: Section, other: Section) -> tuple[str, str]:
    """Name two sections by what tells them apart."""
    if base.scenario != other.scenario:
        return base.scenario, other.scenario
    for name in ("kernel", "distro", "libc", "id"):
        if getattr(base.machine, name) != getattr(other.machine, name):
            return str(getattr(base.machine, name)), str(getattr(other.machine, name))
    return base.files[0].path, other.files[0].path


def _versus(result: CompareResult) -> Versus:
    new = ", ".join(plain(name) for name in result.new) or "nothing"
    ratios = [end for row in result.rows for end in (row.ratio, row.low, row.high) if end is not None]
    ends = _ends(ratios)
    shown = result.rows[:_MOST_ROWS]
    side = result.key if len(result.new) > 1 else None
    common = _common(shown)
    heads = (
        Head("cell", number=False),
        Head(axis_name(result.key), "of the new side", number=False),
        Head("answer", "~: no difference was shown", number=False),
        Head(
            "new / base", "dot: ratio of the p50 of total; bar: its 95% interval", number=False, mark=ratio_axis(*ends)
        ),
        Head("ratio", "of the p50 of total, new / base, with its 95% interval"),
        Head("base"),
        Head("new"),
        Head("why", number=False),
    )
    table = Table(
        caption=f"{plain(result.base)} against {new}",
        heads=heads,
        titled=True,
        rows=tuple(_row(row, side, ends, common) for row in shown),
    )
    return Versus(
        title=f"{plain(result.base)} against {new}",
        said=_said(result, len(shown)) + (f" In every cell: {', '.join(common.values())}." if common else ""),
        warnings=[plain(warning) for warning in result.warnings],
        table=without_empty(table),
    )


def _ends(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: 1 in the middle, and no narrower than half and double."""
    widest = max((max(ratio, 1 / ratio) for ratio in ratios if ratio > 0), default=2.0)
    widest = max(2.0, widest * 1.1)
    return 1 / widest, widest


def _said(result: CompareResult, shown: int) -> str:
    answers = Counter[str](row.answer for row in result.rows)
    words = {
        "transition": "changed in kind (worked and fails, or the other way round)",
        "slower": "slower",
        "faster": "faster",
        "same": "without a shown difference",
        "inconclusive": "inconclusive",
        "missing": "on one side only",
    }
    said = f"{count(len(result.rows), 'cell')}: " + ", ".join(
        f"{answers[answer]} {text}" for answer, text in words.items() if answers[answer]
    )
    if result.geometric_mean is not None:
        said += f". Geometric mean of {count(result.common, 'common ratio')}: {factor(result.geometric_mean)}"
    said += "."
    return said if shown == len(result.rows) else f"{said} The first {shown} are shown."


def _row(row: Comparison, key_of_side: str | None, ends: tuple[float, float], common: Container[str]) -> Row:
    key = row.new or row.base or {}
    interval = None if row.low is None or row.high is None else (row.low, row.high)
    muted = row.answer in {"same", "inconclusive"}
    picture = "" if row.ratio is None else beside(row.ratio, interval, ends, muted=muted)
    name = ", ".join(text for part, text in _parts(key).items() if part not in common)
    side = str(key.get(key_of_side, "")) if key_of_side else ""
    return Row(
        Entry(name, "name", name),
        (
            Entry(plain(side), value=side),
            Entry(_ANSWERS.get(row.answer, row.answer), f"outcome answer {_KINDS.get(row.answer, '')}", row.answer),
            Entry("", "picture", row.ratio, mark=picture),
            Entry(NONE if row.ratio is None else ratio_text(row), "number", row.ratio),
            _time(row.base_ns),
            _time(row.new_ns),
            Entry(plain(row.reason), "text"),
        ),
    )


def _time(ns: int | None) -> Entry:
    return Entry(NONE if ns is None else duration(ns, UNICODE), "number", ns)


def _parts(key: CellKey) -> dict[str, str]:
    """Name a cell by what it did, axis by axis; what is as usual is left out."""
    parts = {"strategy": plain(str(key.get("strategy", "")))}
    if isinstance(footprint := key.get("footprint_bytes"), int):
        parts["footprint"] = size(footprint)
    if isinstance(mode := key.get("overcommit"), int):
        parts["overcommit"] = mode_name(mode).partition(" (")[0]
    for name, value in key.items():
        if name not in {"strategy", "footprint_bytes", "overcommit", *_SIDE} and str(value) not in _USUAL:
            parts[name] = f"{axis_name(name)} {axis_text(name, value)}"
    return parts


def _common(rows: Iterable[Comparison]) -> dict[str, str]:
    """Return what is the same in all cells, but for the strategy, which names them."""
    every = [_parts(row.new or row.base or {}) for row in rows]
    first = every[0] if every else {}
    return {
        name: text for name, text in first.items() if name != "strategy" and all(one.get(name) == text for one in every)
    }
