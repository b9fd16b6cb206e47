"""A comparison for people: a table on the terminal or in Markdown, transitions first, what differs in signs and words.

It shows what the analysis answered and concludes nothing; complete data is `conclusion_records`'.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from bench.report.folding import SIDE, Line, fold
from bench.report.typography import ASCII, UNICODE, Glyphs, clip, duration, plain, size, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis import CellKey, CompareResult, Comparison
    from bench.report.interface import Options

_ALWAYS = ("strategy", "footprint_bytes")
_OPENING = ("strategy", "footprint_bytes", "overcommit", "limit_bytes")
"""The keys of a cell that stand first; the others follow where rows differ in them."""
_ASSUMED: Mapping[str, str] = {
    "overcommit": "current",
    "reaper": "waitpid",
    "hygiene": "none",
    "backing": "anon",
    "in_flight": "1",
    "bystanders": "0",
    "open_files": "0",
    "vmas": "1",
    "open files": "0",
    "in flight": "1",
}
"""What a cell has that says nothing of it, as it is set."""
_COLOURS: Mapping[str, str] = {"slower": "red", "faster": "green", "transition": "yellow"}
_NEW = "new"
"""The column that tells the new sides apart."""
_YIELDING = (_NEW, "base p50", "new p50")
"""What makes room for answers, in this order: sides are then named above their rows; the change tells of both p50."""
_GAP = 2
_LEAST_OF_ANSWER = 34
"""Columns that an answer has also where the lesser keys of a cell take the rest: a transition fits."""
_ORDER = ("transition", "slower", "faster", "same", "inconclusive", "missing")


def render_terminal(result: CompareResult, options: Options) -> str:
    """Return the table, under it the answers that it had to cut, and the warnings; lines are cut to the width."""
    glyphs = UNICODE if options.unicode else ASCII
    width = max(options.width, 60)
    told = fold(result)
    titles, rows = _cells(result, told, glyphs)
    sides: list[str] = []
    lines = _table(titles, rows)
    if max(map(len, lines)) > width:
        narrow = _narrow(titles, rows, _keys(result), width, glyphs)
        for column in _YIELDING:
            if column in titles and _hides_answers(*narrow, width):
                at = titles.index(column)
                sides = [row[at] for row in rows] if column == _NEW else sides
                titles, *rows = ([*row[:at], *row[at + 1 :]] for row in (titles, *rows))
                narrow = _narrow(titles, rows, _keys(result), width, glyphs)
        lines = _table(*narrow)
    shown = [clip(line.rstrip(), width, glyphs) for line in lines]
    if options.colour and shown:
        shown[0] = click.style(shown[0], dim=True)
        shown[1:] = [
            click.style(line, fg=_COLOURS.get(one.row.answer)) for line, one in zip(shown[1:], told, strict=True)
        ]
    for number in reversed([at for at, side in enumerate(sides) if at == 0 or side != sides[at - 1]]):
        shown[1 + number : 1 + number] = ["", *wrap(f"{_NEW}: {sides[number]}", width)]
    cut = [line for text in _cut(result, shown) for line in wrap(text, width, rest="  ")]
    head = f"{_title(result.key)}: {_base(result)} {_arrow(glyphs)} {_new(result)}"
    text = [*wrap(head, width), "", *shown, "", *cut, *([""] if cut else []), *wrap(_totals(result), width)]
    text += [line for note in _notes(result) for line in wrap(note, width)]
    for warning in result.warnings:
        text += [_styled(line, options) for line in wrap(f"warning: {warning}", width, rest="  ")]
    found = "\n".join(text) + "\n"
    return found if options.unicode else found.encode("ascii", "replace").decode()


def _table(titles: list[str], rows: list[list[str]]) -> list[str]:
    return tabulate([titles, *rows], tablefmt="plain", disable_numparse=True).splitlines()


def _narrow(
    titles: list[str], rows: list[list[str]], keys: Sequence[str], width: int, glyphs: Glyphs
) -> tuple[list[str], list[list[str]]]:
    """Say in one column, the last, what the lesser keys of a cell are, and leave out empty columns.

    What a reader assumes goes without saying. An answer is cut where it would hide whose it is.
    """
    first, last = sum(key in _ALWAYS for key in keys), len(keys)
    assumed = [_ASSUMED.get(title, "") for title in titles]

    def where(row: Sequence[str]) -> str:
        lesser = range(first, last)
        return " ".join(f"{titles[at]} {row[at]}" for at in lesser if row[at] not in {"", assumed[at]})

    told = [[*row[:first], *row[last:], where(row)] for row in rows]
    heads = [*titles[:first], *titles[last:], "where"]
    kept = [at for at in range(len(heads)) if any(row[at] not in {"", glyphs.none} for row in told)]
    answer = heads.index("answer")
    others = sum(max(len(row[at]) for row in [heads, *told]) + _GAP for at in kept if at != answer)
    for row in told:
        row[answer] = clip(row[answer], max(width - others, _LEAST_OF_ANSWER), glyphs)
    return [heads[at] for at in kept], [[row[at] for at in kept] for row in told]


def _hides_answers(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    columns = titles.index("answer") + 1
    widths = (max(map(len, column)) for column in list(zip(titles, *rows, strict=True))[:columns])
    return sum(widths) + _GAP * (columns - 1) > width


def _cut(result: CompareResult, table: Sequence[str]) -> list[str]:
    """Return the answers that the table does not show whole, each once."""
    shown = "\n".join(table)
    return [text for text in dict.fromkeys(map(_answer, result.rows)) if text not in shown]


def _styled(line: str, options: Options) -> str:
    return click.style(line, fg="yellow") if options.colour else line


def render_markdown(result: CompareResult) -> str:
    """Return what fits a pull request's comment: the totals, the table of what differs, the rest folded away."""
    lines = fold(result)
    titles, rows = _cells(result, lines, UNICODE)
    told = [(one.row, [_escaped(text) for text in cells]) for one, cells in zip(lines, rows, strict=True)]
    first = [cells for row, cells in told if row.answer in {"transition", "slower", "faster"}]
    rest = [cells for row, cells in told if row.answer not in {"transition", "slower", "faster"}]
    parts = [f"**{_escaped(_title(result.key))}: {_escaped(_base(result))} → {_escaped(_new(result))}**"]
    parts.append(_escaped(_totals(result)))
    if first:
        parts.append(tabulate(first, titles, tablefmt="github", disable_numparse=True))
    if rest:
        folded = tabulate(rest, titles, tablefmt="github", disable_numparse=True)
        parts.append(
            f"<details><summary>{_without(result)} without a shown difference</summary>\n\n{folded}\n\n</details>"
        )
    parts += [_escaped(note) for note in _notes(result)]
    parts += [f"> warning: {_escaped(warning)}" for warning in result.warnings]
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    """Keep foreign text from being Markdown or HTML."""
    for sign in "\\`*[]|":
        text = text.replace(sign, f"\\{sign}")
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _without(result: CompareResult) -> int:
    return sum(row.answer not in {"transition", "slower", "faster"} for row in result.rows)


def _cells(result: CompareResult, lines: Sequence[Line], glyphs: Glyphs) -> tuple[list[str], list[list[str]]]:
    """Return the titles and the rows of the table: the keys that tell rows apart, both sides, and the answer."""
    keys = _keys(result)
    sided = len(result.new) > 1 or len({row.side for row in result.rows}) > 1
    titles = [*(_title(key) for key in keys), *([_NEW] if sided else []), "base p50", "new p50", "change", "answer"]
    rows = [
        [
            *(line.texts.get(key, _value(key, line.row)) for key in keys),
            *([line.texts[SIDE]] if sided else []),
            _p50(None if line.several else line.row.base_ns, glyphs),
            _p50(None if line.several else line.row.new_ns, glyphs),
            _change(line.row, glyphs),
            _answer(line.row),
        ]
        for line in lines
    ]
    return titles, rows


def _base(result: CompareResult) -> str:
    return _named(result.key, result.base)


def _new(result: CompareResult) -> str:
    return ", ".join(_named(result.key, name) for name in result.new) or "nothing"


def _named(key: str, value: str) -> str:
    return size(int(value)) if key.endswith("_bytes") and value.isdecimal() else plain(value)


def _keys(result: CompareResult) -> list[str]:
    known = [row.new or row.base or {} for row in result.rows]
    every = dict.fromkeys([*_OPENING, *(key for cell in known for key in cell)])
    varying = [key for key in every if len({repr(cell.get(key)) for cell in known}) > 1 or key in _ALWAYS]
    told = [key for key in varying if key not in {result.key, "machine", "clock"} and not _follows(key, known)]
    sides = [row.side for row in result.rows]
    return [key for key in told if key in _ALWAYS or not _is_of_side([cell.get(key) for cell in known], sides)]


def _is_of_side(values: Sequence[object], sides: Sequence[str]) -> bool:
    """Say whether a key goes along with the new side, such as the C library of a distro."""
    return 1 < len(set(sides)) == len({(side, repr(value)) for side, value in zip(sides, values, strict=True)})


def _follows(key: str, cells: Sequence[CellKey]) -> bool:
    """Say whether a key goes along with the strategy, such as the reaper of one that reaps by itself."""
    pairs = {(str(cell.get("strategy")), repr(cell.get(key))) for cell in cells}
    return key not in _ALWAYS and len(pairs) == len({strategy for strategy, _ in pairs})


def _title(key: str) -> str:
    return key.removesuffix("_bytes").replace("_", " ")


def _value(key: str, row: Comparison) -> str:
    value: Any = (row.new or row.base or {}).get(key)
    if value is None:
        return ""
    return size(value) if key.endswith("_bytes") and isinstance(value, int) else plain(str(value))


def _p50(ns: int | None, glyphs: Glyphs) -> str:
    return glyphs.none if ns is None else duration(ns, glyphs)


def _change(row: Comparison, glyphs: Glyphs) -> str:
    """Set a ratio with its interval: in percent near 1, as a factor beyond."""
    if row.ratio is None or row.low is None or row.high is None:
        return glyphs.none
    if row.low >= 0.5 and row.high <= 2:
        return f"{_percent(row.ratio)} [{_percent(row.low)}, {_percent(row.high)}]"
    return f"{row.ratio:.3g}{glyphs.times} [{row.low:.3g}, {row.high:.3g}]"


def _percent(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f}%"


def _answer(row: Comparison) -> str:
    said = "~" if row.answer == "same" else row.answer
    return f"{said}: {plain(row.reason)}" if row.reason else said


def _totals(result: CompareResult) -> str:
    counts: Counter[str] = Counter(row.answer for row in result.rows)
    said = ", ".join(f"{counts[answer]} {'~' if answer == 'same' else answer}" for answer in _ORDER if counts[answer])
    if result.geometric_mean is None:
        return said or "no rows"
    mean = _percent(result.geometric_mean)
    apart = max(math.expm1(abs(math.log(row.ratio))) for row in result.rows if row.ratio is not None)
    return (
        f"{said}; geometric mean of the {result.common} rows with times on both sides: {mean}, "
        f"none further apart than {apart * 100:.1f}%"
    )


def _notes(result: CompareResult) -> list[str]:
    """Say what the numbers rest on, once for each unit of inference."""
    words = {
        "round": "pairs of workers of one round",
        "boot": "pairs of boots of one run, one number each",
        "run": "runs, one number each",
        "file": "single runs, held against the drift between runs",
    }
    rows = [row for row in result.rows if row.ratio is not None]
    floors: dict[str, list[float]] = {}
    for row in rows:
        floors.setdefault(row.unit, []).append(row.floor or 0.0)
    paced = sum(row.slope is not None for row in rows)
    against = f"{'' if paced == len(rows) else f'{paced} of {len(rows)} '}ratios are held against the machine's pace."
    return [
        f"Compared: {words[unit]}; noise floor {_span(found)}. ~: no difference was shown."
        for unit, found in floors.items()
    ] + ([against[:1].upper() + against[1:]] if paced else [])


def _span(floors: Sequence[float]) -> str:
    low, high = (f"{value * 100:.1f}%" for value in (min(floors), max(floors)))
    return low if low == high else f"{low} to {high}"


def _arrow(glyphs: Glyphs) -> str:
    return "->" if glyphs is ASCII else "→"
