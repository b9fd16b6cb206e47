"""The figures as files of their own, for a README, slides or a paper: SVG and PNG, for light and dark pages.

They are the page's figures, drawn from the same result files by the same code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.report.interface import Document, FolderFormat, Options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.analysis import Analysis, Spread
    from bench.report.blocks import Section

_MARGIN = 10
_COLUMNS = 4
"""Small multiples side by side."""
_SCALE = 1.5
"""Pixels of a PNG for each pixel of its SVG."""


def _render(analysis: Analysis, options: Options) -> Mapping[str, Document]:
    """Return the files by name, such as `big-parent-latency-dark.svg`; it needs the extra `report`."""
    from bench.analysis import spreads
    from bench.report.blocks import sections

    del options
    spread = {index: one for index, one in enumerate(spreads(analysis.rows)) if one is not None}
    indices = {id(cell): index for index, cell in enumerate(analysis.cells)}
    files: dict[str, Document] = {}
    parts = sections(analysis)
    for number, section in enumerate(parts):
        stem = _file_name(section.scenario) + (f"-{number}" if _is_ambiguous(section, parts) else "")
        for name, markup in _figures(section, indices, spread):
            for theme in ("light", "dark"):
                svg = _standalone(markup, theme)
                files[f"{stem}-{name}-{theme}.svg"] = svg
                files[f"{stem}-{name}-{theme}.png"] = _png(svg, theme)
    return files


def _is_ambiguous(section: Section, parts: tuple[Section, ...]) -> bool:
    return sum(_file_name(other.scenario) == _file_name(section.scenario) for other in parts) > 1


def _figures(section: Section, indices: Mapping[int, int], spread: Mapping[int, Spread]) -> Iterator[tuple[str, str]]:
    """Yield name and markup of each figure that the section has."""
    from bench.report.html.figures import curve_figure, largest_footprints, multiples_shown, tails_figure
    from bench.report.html.layout import layout_of
    from bench.report.html.multiples import distributions, drifts, sheet

    layout = layout_of(section, indices)
    largest = largest_footprints(layout)
    for name, figure in (
        ("latency", curve_figure("latency", layout)),
        ("tails", tails_figure("tails", layout, largest)),
    ):
        if figure:
            yield name, figure.wide.markup
    shown = multiples_shown(layout, largest, spread)
    if shown:
        yield "distribution", sheet(distributions(shown, spread), layout.panels, _COLUMNS)
        yield "drift", sheet(drifts(shown, spread), layout.panels, _COLUMNS)


def _standalone(markup: str, theme: str) -> str:
    """Give an image the font that a page would, and the colours of a theme."""
    from bench.report.html.chart import DARK, FONT

    if theme == "dark":
        markup = re.sub(r'"(#[0-9a-fA-F]{6})"', lambda found: f'"{DARK.get(found[1], found[1])}"', markup)
    return _framed(markup.replace("<svg ", f'<svg font-family="{FONT}" ', 1)) + "\n"


def _framed(markup: str) -> str:
    """Give an image a margin: what is drawn reaches its edges."""
    left, top, width, height = map(float, re.search(r'viewBox="(.+?)"', markup)[1].split())  # type: ignore[index]
    box = f"{left - _MARGIN:g} {top - _MARGIN:g} {width + 2 * _MARGIN:g} {height + 2 * _MARGIN:g}"
    head, end, rest = markup.partition(">")
    head = re.sub(r' (?:width|height)="[^"]*"', "", re.sub(r'viewBox=".+?"', f'viewBox="{box}"', head))
    return f'{head} width="{width + 2 * _MARGIN:.0f}" height="{height + 2 * _MARGIN:.0f}"{end}{rest}'


def _png(svg: str, theme: str) -> bytes:
    import vl_convert

    from bench.report.html.chart import DARK, PAPER

    paper = DARK[PAPER] if theme == "dark" else PAPER
    start = svg.index(">") + 1
    ground = f'<rect x="-{_MARGIN}" y="-{_MARGIN}" width="100%" height="100%" fill="{paper}"/>'
    data: bytes = vl_convert.svg_to_png(svg[:start] + ground + svg[start:], scale=_SCALE)
    return data


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", text) or "report"


FORMAT = FolderFormat(name="figures", summary="the page's figures as SVG and PNG, light and dark", render=_render)
