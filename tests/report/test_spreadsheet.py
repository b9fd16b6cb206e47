"""CSV has the columns of the JSON report, latencies spread out and maps as text."""

import csv
import io
import json
from pathlib import Path

from examples import analysed, everything, nothing

from bench.report import Options, formats


def rows(path: Path) -> list[dict[str, str]]:
    text = formats()["csv"].render(analysed(path), Options())
    assert isinstance(text, str)
    return list(csv.DictReader(io.StringIO(text)))


def test_columns_are_those_of_json(tmp_path: Path) -> None:
    path = everything(tmp_path)
    columns = list(rows(path)[0])
    record = json.loads(str(formats()["json"].render(analysed(path), Options())))["cells"][0]

    assert [
        column for column in columns if not column.startswith(("blocked_ns", "reach_ns", "total_ns", "written_ns"))
    ] == [column for column in record if column not in {"blocked_ns", "reach_ns", "total_ns", "written_ns"}]
    assert columns[columns.index("errors") + 1 :][:3] == ["blocked_ns_p50", "blocked_ns_p50_low", "blocked_ns_p50_high"]


def test_values(tmp_path: Path) -> None:
    found = {(row["strategy"], row["overcommit"], row["footprint_bytes"]): row for row in rows(everything(tmp_path))}

    failed = found["fork_exec", "2", "1073741824"]
    assert json.loads(failed["errors"]) == {"spawn:ENOMEM": 40}
    assert failed["total_ns_p50"] == ""
    assert found["vfork_exec", "0", "1073741824"]["total_ns_p50"] == "33020"
    assert found["vfork_exec", "0", "1073741824"]["limit_bytes"] == ""


def test_without_cells_there_are_still_columns(tmp_path: Path) -> None:
    text = str(formats()["csv"].render(analysed(nothing(tmp_path)), Options()))

    assert text.startswith("machine,kernel,distro,strategy,")
    assert text.count("\n") == 1
