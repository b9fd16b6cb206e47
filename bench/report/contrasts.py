"""What a report of several files or places sets against each other, and the words for it.

Files of several machines stand beside the first; several kernels, distros or builds of one run beside the first of
them. Every ratio and answer is the analysis's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.analysis import compare_by, compare_files
from bench.report.blocks import axis_name, axis_text, count, mode_name
from bench.report.typography import factor, plain, size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from bench.analysis import Analysis, CellKey, CompareResult, Comparison, WorkerRow
    from bench.report.blocks import Section

_PLACES = ("kernel", "distro", "worker")
"""The keys that one run can have several of."""
_SIDE = frozenset({"machine", "kernel", "distro", "libc", "clock", "scenario"})
_NAMED = frozenset({"strategy", "footprint_bytes", "overcommit"})
_USUAL = frozenset({"None", "0", "1", "anon", "glibc", "none", "waitpid", "own"})
_ANSWERS = {
    "transition": "changed in kind (worked and fails, or the other way round)",
    "slower": "slower",
    "faster": "faster",
    "same": "without a shown difference",
    "inconclusive": "inconclusive",
    "missing": "on one side only",
}


def contrasts(sections: Sequence[Section], analysis: Analysis) -> list[CompareResult]:
    """Compare what there is several of: the places inside each section, and each section with the first.

    Files that are so many that their launches were left in a database are not compared here.
    """
    if not analysis.rows:
        return []
    found = [result for section in sections for result in _inside(section, analysis)]
    base, *others = sections
    rows = _rows_of(base, analysis)
    return found + [compare_files(rows, _rows_of(other, analysis), _names(base, other)) for other in others]


def _inside(section: Section, analysis: Analysis) -> Iterator[CompareResult]:
    rows, told = _rows_of(section, analysis), False
    for key in _PLACES:
        values = {str(row.cell.get(key) if key == "worker" else getattr(row.machine, key)) for row in rows}
        if len(values) < 2:
            continue
        result = compare_by(rows, key)
        # Such as builds that each distro has one of: the distros stand beside each other already.
        if not told or any(row.base and row.new for row in result.rows):
            told = True
            yield result


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


def title(result: CompareResult) -> str:
    """Name the sides of a comparison."""
    return f"{plain(result.base)} against {', '.join(plain(name) for name in result.new) or 'nothing'}"


def said(result: CompareResult, shown: int) -> str:
    """Say how many cells became what, and what is the same in all of them; `shown` is how many rows follow."""
    answers = Counter[str](row.answer for row in result.rows)
    counts = [f"{answers[answer]} {text}" for answer, text in _ANSWERS.items() if answers[answer]]
    parts = [f"{count(len(result.rows), 'cell')}: {', '.join(counts)}."] if counts else ["No cell on either side."]
    if result.geometric_mean is not None:
        ratios = count(result.common, "common ratio")
        parts.append(f"Geometric mean of {ratios}: {factor(result.geometric_mean)}.")
    if common := common_conditions(result.rows):
        parts.append(f"In every cell: {', '.join(common.values())}.")
    if shown < len(result.rows):
        parts.append(f"The first {shown} are shown.")
    return " ".join(parts)


def ratio_text(row: Comparison) -> str:
    """Set a ratio with its interval; `~` before it says that no difference was shown. The row has a ratio."""
    text = factor(row.ratio or 0)
    if row.low is not None and row.high is not None:
        text += f" [{factor(row.low)}, {factor(row.high)}]"
    return f"~ {text}" if row.answer == "same" else text


def cell_name(row: Comparison, common: Collection[str]) -> str:
    """Name the cell of a row by what it did, leaving out the conditions that are said once."""
    return ", ".join(text for part, text in _parts(row.new or row.base or {}).items() if part not in common)


def common_conditions(rows: Iterable[Comparison]) -> dict[str, str]:
    """Return what is the same in all cells, but for the strategy, which names them."""
    every = [_parts(row.new or row.base or {}) for row in rows]
    first = every[0] if every else {}
    return {
        name: text for name, text in first.items() if name != "strategy" and all(one.get(name) == text for one in every)
    }


def _parts(key: CellKey) -> dict[str, str]:
    """Name a cell axis by axis; what is as usual is left out."""
    parts = {"strategy": plain(str(key.get("strategy", "")))}
    if isinstance(footprint := key.get("footprint_bytes"), int):
        parts["footprint_bytes"] = size(footprint)
    if isinstance(mode := key.get("overcommit"), int):
        parts["overcommit"] = mode_name(mode).partition(" (")[0]
    for name, value in key.items():
        if name not in _NAMED | _SIDE and str(value) not in _USUAL:
            parts[name] = f"{axis_name(name)} {axis_text(name, value)}"
    return parts
