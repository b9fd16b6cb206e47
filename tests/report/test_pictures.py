"""The figures as files, and the specifications that they are drawn from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from examples import analysed, everything, large, nothing
from result_lines import cell, failed, header, ok, worker, write

from bench.report import Options, formats
from bench.report.blocks import sections

pytest.importorskip("vl_convert", reason="figures need vl-convert-python: pip install 'launchbench[report]'")


def files_of(*paths: Path) -> dict[str, Any]:
    return dict(formats()["figures"].render(analysed(*paths), Options()))


def test_each_figure_is_there_as_svg_and_png_for_light_and_dark_pages(tmp_path: Path) -> None:
    files = files_of(large(tmp_path))

    assert sorted(files) == sorted(
        f"big-parent-{figure}-{theme}.{ending}"
        for figure in ("latency", "tails", "distribution", "drift")
        for theme in ("light", "dark")
        for ending in ("svg", "png")
    )
    for name, data in files.items():
        if name.endswith(".png"):
            assert data.startswith(b"\x89PNG")
        else:
            assert ET.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_theme_changes_colours_and_nothing_else(tmp_path: Path) -> None:
    from bench.report.html.chart import DARK

    files = files_of(large(tmp_path))

    dark = files["big-parent-latency-dark.svg"]
    for before, after in DARK.items():
        assert before not in dark
        dark = dark.replace(f'"{after}"', f'"{before}"')
    assert dark == files["big-parent-latency-light.svg"]


@pytest.mark.parametrize("make", [everything, nothing])
def test_a_figure_that_has_nothing_to_show_is_not_drawn(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert not any("-latency-" in name for name in files_of(make(tmp_path)))


def specifications(path: Path) -> list[Any]:
    from bench.report.html.chart import NARROW, WIDE
    from bench.report.html.curve import curve
    from bench.report.html.figures import largest_footprints
    from bench.report.html.layout import layout_of
    from bench.report.html.tails import tails

    analysis = analysed(path)
    indices = {id(one): index for index, one in enumerate(analysis.cells)}
    layout = layout_of(sections(analysis)[0], indices)
    largest = largest_footprints(layout)
    return [draw for room in (WIDE, NARROW) for draw in (curve(layout, room), tails(layout, largest, room))]


def test_specifications_are_vega_lite(tmp_path: Path) -> None:
    altair = pytest.importorskip("altair", reason="needs altair: pip install 'launchbench[test]'")

    for specification in specifications(large(tmp_path)):
        altair.ConcatChart.from_dict(specification)  # raises where its schema is not met
        with pytest.raises(jsonschema.ValidationError):
            altair.ConcatChart.from_dict(specification | {"columns": "three"})


def rows_of(specification: Any, mark: str) -> list[dict[str, Any]]:
    return [
        row
        for panel in specification["concat"]
        for layer in panel["layer"]
        if layer["mark"]["type"] == mark
        for row in layer["data"]["values"]
    ]


def test_a_line_breaks_where_nothing_worked_and_is_never_drawn_at_zero(tmp_path: Path) -> None:
    footprints = [1 << 20, 1 << 24, 1 << 28]
    cells = [cell("fork_exec", footprint_bytes=footprint) for footprint in footprints]
    launches = [[ok(1000)] * 9, [failed("spawn_error", 12)] * 9, [ok(9000)] * 9]
    lines = [worker(one, tried) for one, tried in zip(cells, launches, strict=True)]

    (specification, *_) = specifications(write(tmp_path / "r.jsonl", header(cells), *lines))

    points = rows_of(specification, "line")
    assert [(row["x"], row["y"]) for row in points] == [(footprints[0], 1000), (footprints[2], 9000)]
    assert points[0]["run"] != points[1]["run"]
    crosses = [row for row in rows_of(specification, "point") if "lane" in row]
    assert [row["x"] for row in crosses] == [footprints[1]]
    assert crosses[0]["lane"] > 9000
    assert "9 of 9 failed: spawn:ENOMEM" in crosses[0]["tip"]
