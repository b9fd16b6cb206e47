"""The cells as CSV, one row each, with the columns of the JSON report; the same bytes everywhere."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from bench.report.interface import Format, Options
from bench.report.record_columns import flat_names, flat_values

if TYPE_CHECKING:
    from bench.analysis import Analysis


def render(analysis: Analysis, options: Options) -> str:
    """Return a header row and one row a cell.

    A latency becomes columns such as `blocked_ns_p50`, a map or list compact JSON, null an empty field.
    """
    del options
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(flat_names())
    writer.writerows(map(_text, flat_values(cell)) for cell in analysis.cells)
    return stream.getvalue()


def _text(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return value


FORMAT = Format(name="csv", cells_only=True, summary="one row a cell", binary=False, render=render)
