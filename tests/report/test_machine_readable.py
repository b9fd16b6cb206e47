"""The contract of `report --format json`."""

import json
from pathlib import Path

import pytest
from examples import analysed, everything, nothing, record_of
from result_lines import hazard, header, write

from bench.report import Options, formats

CONTRACT = [
    "machine",
    "kernel",
    "distro",
    "strategy",
    "reaper",
    "hygiene",
    "backing",
    "footprint_bytes",
    "overcommit",
    "limit_bytes",
    "workers",
    "workers_by_outcome",
    "launches",
    "ok",
    "success_low",
    "success_high",
    "errors",
    "blocked_ns",
    "reach_ns",
    "total_ns",
    "zombies",
    "leaked_fds",
    "leaked_threads",
    "strays",
    "zombies_peak",
    "bystander_max_ns",
    "mechanism",
    "findings",
]
AXES = [
    "in_flight",
    "bystanders",
    "open_files",
    "vmas",
    "memory_limit_bytes",
    "pids_limit",
    "nofile_limit",
    "nproc_limit",
]


def rendered(path: Path) -> str:
    text = formats()["json"].render(analysed(path), Options())
    assert isinstance(text, str)
    return text


def test_the_object_and_its_cells_have_the_agreed_fields(tmp_path: Path) -> None:
    document = json.loads(rendered(everything(tmp_path)))

    assert {"tool", "files", "machines", "verdicts", "cells", "hazards"} <= document.keys()
    assert len(document["cells"]) == 7
    for record in document["cells"]:
        assert list(record)[: len(CONTRACT)] == CONTRACT
        assert {*AXES, "scenario", "planned_launches", "not_reached", "by_command"} <= record.keys()


def test_a_cell_in_numbers(tmp_path: Path) -> None:
    document = json.loads(rendered(everything(tmp_path)))

    failed = record_of(document, "fork_exec", 2)
    assert (failed["launches"], failed["ok"], failed["errors"]) == (40, 0, {"spawn:ENOMEM": 40})
    assert failed["total_ns"] is None
    assert failed["workers_by_outcome"] == {"crashed": 1}
    worked = record_of(document, "vfork_exec", 0)
    assert worked["total_ns"] == {
        "p50": 33_020,
        "p50_low": None,
        "p50_high": None,
        "p90": None,
        "p99": None,
        "max": 33_039,
        "n": 40,
    }
    assert record_of(document, "prefork_pipe", 2)["leaked_fds"] == 2


def test_files_and_machines_are_described(tmp_path: Path) -> None:
    document = json.loads(rendered(everything(tmp_path)))

    assert document["files"][0]["seed"] == 42
    assert document["files"][0]["complete"] is True
    assert document["machines"][0]["id"] == document["cells"][0]["machine"] == "3fa29c11d04b"
    assert document["machines"][0]["fingerprint"]["cpu_count"] == 16


def test_a_hazard_has_the_agreed_fields(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", header([]), hazard("slow_exec", "vfork_exec", oracle="never", hits=3))

    (row,) = json.loads(rendered(path))["hazards"]

    contract = {"hazard", "strategy", "trials", "hits", "low", "high", "oracle", "met", "reason"}
    assert contract | {"machine", "kernel", "distro", "mitigation", "outcome", "detail", "hangs"} <= row.keys()
    assert (row["hazard"], row["trials"], row["hits"], row["met"]) == ("slow_exec", 20, 3, False)


def test_it_is_json_for_every_reader(tmp_path: Path) -> None:
    text = rendered(everything(tmp_path))

    assert text.isascii()
    assert text.endswith("}\n")


def test_a_run_without_workers_has_no_cells(tmp_path: Path) -> None:
    document = json.loads(rendered(nothing(tmp_path)))

    assert document["cells"] == []
    assert document["files"][0]["complete"] is False


@pytest.mark.parametrize("name", ["csv", "json", "terminal"])
def test_forms_are_found_by_name(name: str) -> None:
    assert formats()[name].name == name
    assert formats()[name].summary
    assert list(formats()) == sorted(formats())
