"""The cells as CSV, one row each, with the columns of the JSON report; the same bytes everywhere."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from bench.report.interface import Format, Options
from bench.report.record_columns import COLUMNS, LATENCIES, LATENCY_FIELDS, cell_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.analysis import Analysis


def render(analysis: Analysis, options: Options) -> str:
    """Return a header row and one row a cell.

    A latency becomes columns such as `blocked_ns_p50`, a map or list compact JSON, null an empty field.
    """
    del options
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_names())
    writer.writerows(_values(cell_record(cell)) for cell in analysis.cells)
    return stream.getvalue()


def _names() -> Iterator[str]:
    for column in COLUMNS:
        if column in LATENCIES:
            yield from (f"{column}_{field}" for field in LATENCY_FIELDS)
        else:
            yield column


def _values(record: dict[str, Any]) -> Iterator[Any]:
    for column, value in record.items():
        if column in LATENCIES:
            yield from ((value or {}).get(field) for field in LATENCY_FIELDS)
        elif isinstance(value, dict | list):
            yield json.dumps(value, separators=(",", ":"), allow_nan=False)
        else:
            yield value


FORMAT = Format(name="csv", summary="one row a cell", binary=False, render=render)
