"""The cells as Parquet, one row each: the columns of CSV under the same names and in the same order, with types.

A latency is columns such as `total_ns_p50`; what CSV has as JSON text is a map, a list or a struct here, except
`other_axes`, whose axes this version does not know. DuckDB writes it, so that nothing more is needed than the extra
`report` has; the bytes differ from one DuckDB to the next, the table does not.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.interface import Format, Options
from bench.report.record_columns import TEXT, flat_types, flat_values

if TYPE_CHECKING:
    from bench.analysis import Analysis, CellSummary


def render(analysis: Analysis, options: Options) -> bytes:
    """Return the file. DuckDB takes tables from files and writes them to files, so two pass by on the way."""
    import duckdb

    del options
    types = dict(flat_types())
    with tempfile.TemporaryDirectory(prefix="launchbench-parquet-") as folder, duckdb.connect() as database:
        source, target = Path(folder) / "cells.jsonl", Path(folder) / "cells.parquet"
        with source.open("w", encoding="utf-8") as stream:
            stream.writelines(_line(cell, types) for cell in analysis.cells)
        table = database.read_json(str(source), columns=types, format="newline_delimited", maximum_object_size=1 << 28)
        table.write_parquet(str(target), compression="zstd")
        return target.read_bytes()


def _line(cell: CellSummary, types: dict[str, str]) -> str:
    """Return a cell as a line of JSON. Text columns get text, whatever the file had."""
    values = dict(zip(types, flat_values(cell), strict=True))
    for name, type_ in types.items():
        value = values[name]
        if type_ == TEXT and value is not None:
            values[name] = str(value)
    return json.dumps(values, allow_nan=False) + "\n"


FORMAT = Format(name="parquet", cells_only=True, summary="one row a cell, in typed columns", binary=True, render=render)
