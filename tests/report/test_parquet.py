"""Parquet is the table of CSV, with types."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from examples import analysed, everything, nothing
from result_lines import cell, header, ok, worker, write

from bench.report import Options, formats


@pytest.fixture
def table(tmp_path: Path) -> Callable[[Path], duckdb.DuckDBPyRelation]:
    def read(path: Path) -> duckdb.DuckDBPyRelation:
        document = formats()["parquet"].render(analysed(path), Options())
        assert isinstance(document, bytes)
        (tmp_path / "cells.parquet").write_bytes(document)
        return duckdb.read_parquet(str(tmp_path / "cells.parquet"))

    return read


def as_csv(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(str(formats()["csv"].render(analysed(path), Options())))))


def plain(value: Any) -> Any:
    """A value as CSV's text, read: maps and lists from JSON, numbers as text."""
    return "" if value is None else value if isinstance(value, dict | list | str) else str(value)


def test_columns_are_those_of_csv_in_its_order(tmp_path: Path, table: Callable[..., Any]) -> None:
    path = everything(tmp_path)

    assert table(path).columns == as_csv(path)[0]


def test_values_are_those_of_csv(tmp_path: Path, table: Callable[..., Any]) -> None:
    path = everything(tmp_path)
    relation = table(path)

    rows = relation.fetchall()
    assert len(rows) == 7
    for row, texts in zip(rows, as_csv(path)[1:], strict=True):
        for type_, value, text in zip(relation.types, row, texts, strict=True):
            nested = isinstance(value, dict | list)
            assert plain(value) == (json.loads(text) if nested else text), type_


def test_columns_have_types(tmp_path: Path, table: Callable[..., Any]) -> None:
    relation = table(everything(tmp_path))

    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    assert types["total_ns_p50"] == types["footprint_bytes"] == types["launches"] == "BIGINT"
    assert types["overcommit"] == types["strategy"] == "VARCHAR"
    assert types["errors"] == "MAP(VARCHAR, BIGINT)"
    failed = relation.filter("strategy = 'fork_exec'").select("errors['spawn:ENOMEM'], total_ns_p50").fetchall()
    assert failed == [(40, None)]


def test_without_cells_there_are_still_columns(tmp_path: Path, table: Callable[..., Any]) -> None:
    relation = table(nothing(tmp_path))

    assert relation.columns[:4] == ["machine", "kernel", "distro", "strategy"]
    assert relation.fetchall() == []


def test_an_axis_of_another_version_and_foreign_text_are_kept(tmp_path: Path, table: Callable[..., Any]) -> None:
    foreign = cell('it\'s "quoted"\n<b>', colour={"red": 1}, overcommit="current")
    path = write(tmp_path / "r", header([foreign]), worker(foreign, [ok(30_000)]))

    ((strategy, overcommit, other),) = table(path).select("strategy, overcommit, other_axes").fetchall()

    assert (strategy, overcommit) == ('it\'s "quoted"\n<b>', "current")
    assert json.loads(other) == {"colour": {"red": 1}}
