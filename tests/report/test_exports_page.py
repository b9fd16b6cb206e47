"""What docs/exports.md says is so."""

import re
from pathlib import Path

import duckdb
from examples import analysed, everything

from bench.report import Options, formats

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text()


def test_its_formats_are_there() -> None:
    (named,) = set(re.findall(r"--format (\w+(?:\|\w+)+)", PAGE))

    assert set(named.split("|")) <= formats().keys()


def test_its_query_answers(tmp_path: Path) -> None:
    document = formats()["parquet"].render(analysed(everything(tmp_path)), Options())
    (tmp_path / "cells.parquet").write_bytes(document)
    (query,) = re.findall(r'duckdb -c "(.*)"', PAGE)

    rows = duckdb.sql(query.replace("cells.parquet", str(tmp_path / "cells.parquet"))).fetchall()

    assert ("fork_exec", 1 << 30, None, 40) in rows


def test_its_column_names_are_those_of_csv(tmp_path: Path) -> None:
    header = str(formats()["csv"].render(analysed(everything(tmp_path)), Options())).partition("\n")[0].split(",")

    named = set(re.findall(r"`((?:total_ns|blocked_ns|reach_ns)_\w+|other_axes|overcommit|errors)`", PAGE))
    assert len(named) >= 5
    assert named <= set(header)
