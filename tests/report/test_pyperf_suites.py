"""What launchbench exports for pyperf, as pyperf itself sees it."""

import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyperf
import pytest
from examples import analysed, everything, nothing
from result_lines import GIB, MACHINE, Launch, cell, failed, header, ok, refused, worker, write

from bench.report import Options, formats

FORK, VFORK, SYSTEM = cell("fork_exec"), cell("vfork_exec"), cell("system", reaper="own")


def exported(*paths: Path) -> dict[str, str]:
    return formats()["pyperf"].render(analysed(*paths), Options())


def suite(documents: dict[str, str], strategy: str) -> pyperf.BenchmarkSuite:
    return pyperf.BenchmarkSuite.loads(documents[f"{strategy}.json"])


@pytest.fixture
def folder(tmp_path: Path, launchbench: Callable[..., Any]) -> Path:
    """Three rounds of fork and vfork, written by the command."""
    lines = [
        worker(
            one,
            [Launch(total=slow * (30_000 + at), blocked=slow * 9000, reach=slow * 8000) for at in range(50)],
            round_=number,
        )
        for number in range(3)
        for one, slow in ((FORK, 3), (VFORK, 1))
    ]
    path = write(tmp_path / "r.jsonl", header([FORK, VFORK], rounds=3), *lines)
    assert launchbench("report", path, "--format", "pyperf", "-o", tmp_path / "out") == (0, "", "")
    return tmp_path / "out"


def perf(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "pyperf", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_pyperf_matches_the_cells_of_two_strategies(folder: Path) -> None:
    table = perf(folder, "compare_to", "--table", "fork_exec.json", "vfork_exec.json")

    rows = {row.split("|")[1].strip(): row for row in table.splitlines() if row.startswith("| ")}
    for clock in ("total", "blocked", "reach"):
        assert "3.00x faster" in rows[f"{clock}, 1 GiB, overcommit 0"]


@pytest.mark.parametrize("command", ["stats", "hist", "metadata", "show", "check", "dump"])
def test_every_command_of_pyperf_reads_it(folder: Path, command: str) -> None:
    assert "total, 1 GiB, overcommit 0" in perf(folder, command, "vfork_exec.json")


def test_a_worker_is_a_run_and_its_launches_are_seconds(tmp_path: Path) -> None:
    launches = [Launch(warmup=1, total=90_000), ok(30_000, 20_000), failed("spawn_error", 12), ok(32_000, 21_000)]
    path = write(
        tmp_path / "r", header([VFORK], rounds=2), worker(VFORK, launches), worker(VFORK, [ok(31_000)], round_=1)
    )

    bench = suite(exported(path), "vfork_exec").get_benchmark("total, 1 GiB, overcommit 0")

    first, second = bench.get_runs()
    assert (first.values, first.warmups, second.values) == ((3e-05, 3.2e-05), ((1, 9e-05),), (3.1e-05,))
    assert bench.get_unit() == "second"
    about = first.get_metadata()
    assert (about["round"], about["launches"], about["launches_ok"], about["errors"]) == (0, 3, 2, "spawn:ENOMEM x1")
    assert about["date"] == "2026-01-03 10:22:01"


def test_the_median_is_the_one_that_pyperf_computes(tmp_path: Path) -> None:
    values = [30_000 + 7 * at * at % 911 for at in range(41)]
    path = write(tmp_path / "r", header([VFORK]), worker(VFORK, [ok(value) for value in values]))

    bench = suite(exported(path), "vfork_exec").get_benchmark("total, 1 GiB, overcommit 0")

    (found,) = analysed(path).cells
    assert found.total_ns is not None
    assert round(bench.median() * 1e9) == found.total_ns.p50 == statistics.median(values)


def test_metadata_has_the_types_and_names_that_pyperf_has_for_them(tmp_path: Path) -> None:
    facts = {"load_avg_1min": 3.5, "tags": "no list", "uptime": 5.0, "smt": False, "note": "two\nlines", "empty": " "}
    path = write(tmp_path / "r", header([VFORK], machine=MACHINE | facts), worker(VFORK, [ok(30_000)]))

    about = suite(exported(path), "vfork_exec").get_metadata()

    assert about["cpu_model_name"] == "AMD EPYC 7B13"
    assert (about["footprint_bytes"], about["overcommit"], about["unit"]) == (GIB, 0, "second")
    assert (about["smt"], about["note"]) == ("false", "two lines")
    assert about.keys().isdisjoint({"load_avg_1min", "tags", "uptime", "empty", "limit_bytes"})


def test_what_pyperf_cannot_hold_is_named_in_the_suite_and_beside_it(tmp_path: Path) -> None:
    documents = exported(everything(tmp_path))

    assert sorted(documents) == ["README.txt", "null.json", "prefork_pipe.json", "vfork_exec.json"]
    about = suite(documents, "vfork_exec").get_metadata()
    unmeasured = "40 GiB, overcommit 0: not measured (skipped: needs 41 GiB, and 12 GiB are available)"
    assert about["all_failed"] == unmeasured
    assert (
        "\nfork_exec: 1 GiB, overcommit 2, limit 1536 MiB: 0 of 40 launches ok (spawn:ENOMEM x40)\n"
        in (documents["README.txt"])
    )
    assert f"\nvfork_exec: {unmeasured}\n" in documents["README.txt"]
    assert "all_failed" not in suite(documents, "prefork_pipe").get_metadata()


def test_nothing_measured_is_a_folder_that_says_so(tmp_path: Path) -> None:
    assert list(exported(nothing(tmp_path))) == ["README.txt"]
    path = write(tmp_path / "s", header([FORK]), worker(FORK, [failed("spawn_error", 12)]))
    assert list(exported(path)) == ["README.txt"]


def test_an_axis_is_in_the_names_when_it_varies_within_a_strategy(tmp_path: Path) -> None:
    huge = cell("vfork_exec", backing="thp", id="huge")
    path = write(
        tmp_path / "r",
        header([VFORK, huge, SYSTEM]),
        *(worker(one, [ok(30_000)]) for one in (VFORK, huge, SYSTEM)),
    )

    documents = exported(path)

    def totals(strategy: str) -> list[str]:
        return [name for name in suite(documents, strategy).get_benchmark_names() if name.startswith("total")]

    assert totals("vfork_exec") == [
        "total, 1 GiB, overcommit 0, backing anon",
        "total, 1 GiB, overcommit 0, backing thp",
    ]
    # The reaper tells strategies apart and no cells of one: it would only keep equal cells from being matched.
    assert totals("system") == ["total, 1 GiB, overcommit 0, backing anon"]


def test_machines_have_files_of_their_own_with_equal_names(tmp_path: Path) -> None:
    paths = [
        write(
            tmp_path / kernel,
            header([VFORK], run=kernel, machine=MACHINE | {"kernel": kernel}),
            worker(VFORK, [ok(30_000)]),
        )
        for kernel in ("6.1.0", "7.3.0")
    ]

    documents = exported(*paths)

    assert sorted(documents) == ["README.txt", "vfork_exec@6.1.0.json", "vfork_exec@7.3.0.json"]
    names = {tuple(suite(documents, f"vfork_exec@{kernel}").get_benchmark_names()) for kernel in ("6.1.0", "7.3.0")}
    assert len(names) == 1


def test_the_command_in_the_readme_compares_at_one_place_and_can_be_given_to_a_shell(tmp_path: Path) -> None:
    cells = [VFORK, cell("posix_spawn")]
    elsewhere = MACHINE | {"kernel": "6.1.0 (old)"}
    paths = [
        write(tmp_path / "a", header([VFORK], run="a", machine=elsewhere), worker(VFORK, [ok(30_000)])),
        write(
            tmp_path / "b",
            header(cells, run="b", machine=MACHINE | {"kernel": "7.3.0 (new)"}),
            *(worker(one, [ok(30_000)]) for one in cells),
        ),
    ]

    documents = exported(*paths)

    (command,) = [line for line in documents["README.txt"].splitlines() if "compare_to" in line]
    assert shlex.split(command)[-2:] == sorted(name for name in documents if "7.3.0" in name)


def test_the_commands_of_a_mix_are_benchmarks_of_their_own(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r", header([VFORK]), worker(VFORK, [ok(30_000), ok(900_000, command=1), ok(31_000, command=0)])
    )

    found = suite(exported(path), "vfork_exec")

    assert found.get_benchmark("total, 1 GiB, overcommit 0, command #0").get_values() == (3e-05, 3.1e-05)
    assert found.get_benchmark("total, 1 GiB, overcommit 0, command #1").get_values() == (9e-04,)


@pytest.mark.parametrize("name", ["../../etc/passwd", "<script>", "a/b", "..", "README.txt", "x" * 400])
def test_a_foreign_name_stays_one_file_in_the_folder(tmp_path: Path, name: str) -> None:
    twin = cell(name.upper())
    foreign = cell(name)
    path = write(tmp_path / "r", header([foreign, twin]), *(worker(one, [ok(30_000)]) for one in (foreign, twin)))

    documents = exported(path)

    assert all(Path(found).name == found and len(found) < 200 for found in documents)
    assert len({found.lower() for found in documents}) == len(documents)
    written = [json.loads(text) for found, text in documents.items() if found != "README.txt"]
    assert {document["metadata"]["strategy"][:100] for document in written} == {name[:100], name.upper()[:100]}


def test_a_time_that_is_none_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "r", header([VFORK]), worker(VFORK, [ok(0, blocked=0), ok(30_000, blocked=0)]))

    found = suite(exported(path), "vfork_exec")

    assert found.get_benchmark_names() == ["total, 1 GiB, overcommit 0"]
    assert found.get_benchmarks()[0].get_values() == (3e-05,)


def test_a_refused_cell_is_no_failure_of_another_strategy(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r", header([FORK, VFORK]), refused(FORK, "unsupported", reason="no fork"), worker(VFORK, [ok(9)])
    )

    documents = exported(path)

    assert "all_failed" not in suite(documents, "vfork_exec").get_metadata()
    assert "fork_exec: 1 GiB, overcommit 0: not measured (unsupported: no fork)" in documents["README.txt"]
