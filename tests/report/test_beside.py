"""What a run shows beside its verdicts: growth, stalls, writes."""

from pathlib import Path
from typing import Any

from examples import analysed, large
from result_lines import GIB, Launch, cell, header, ok, worker, write

from bench.report.beside import beside_the_verdicts
from bench.report.blocks import sections
from bench.report.typography import ASCII

MIB = 1 << 20


def said(path: Path) -> list[tuple[str, str]]:
    (section,) = sections(analysed(path))
    return list(beside_the_verdicts(section, ASCII))


def run(path: Path, *lines: dict[str, Any], settings: dict[str, Any] | None = None) -> Path:
    cells = [line["cell"] for line in lines]
    plain = header(cells)
    return write(path, header(cells, scenario=plain["scenario"] | {"settings": settings or {}}), *lines)


def grown(strategy: str, footprint: int, blocked: int) -> dict[str, Any]:
    launches: list[Launch] = [ok(2 * blocked, blocked=blocked)] * 3
    return worker(cell(strategy, footprint_bytes=footprint), launches)


def test_growth_is_that_of_blocked_over_the_footprints_at_which_it_worked(tmp_path: Path) -> None:
    path = run(
        tmp_path / "r.jsonl",
        *(grown("fork_exec", footprint, footprint // 1024) for footprint in (MIB, GIB)),
        *(grown("vfork_exec", footprint, 30_000) for footprint in (MIB, GIB, 8 * GIB)),
        grown("shim", MIB, 50_000),
    )

    assert said(path) == [
        ("growth", "blocked, from 1 MiB to 8 GiB: vfork_exec x1, fork_exec x1,024 (1 MiB to 1 GiB)."),
    ]


def test_where_the_whole_grows_otherwise_that_is_said_as_well(tmp_path: Path) -> None:
    small, large = (cell("prefork_pipe", footprint_bytes=footprint) for footprint in (MIB, GIB))
    path = run(
        tmp_path / "r.jsonl", worker(small, [ok(99_000, blocked=600)]), worker(large, [ok(99_000, blocked=90_000)])
    )

    assert said(path) == [("growth", "blocked, from 1 MiB to 1 GiB: prefork_pipe x150 (total x1).")]


def test_one_footprint_has_no_growth(tmp_path: Path) -> None:
    assert said(run(tmp_path / "r.jsonl", grown("fork_exec", MIB, 1000))) == []


def test_growth_under_several_modes_is_left_to_the_tables(tmp_path: Path) -> None:
    assert said(large(tmp_path)) == []


def test_a_stall_stands_beside_what_the_machine_does_anyway(tmp_path: Path) -> None:
    stalls = {"fork_exec": (29_000_000, 900_000), "vfork_exec": (15_000, 12_000)}
    path = run(
        tmp_path / "r.jsonl",
        *(
            worker(
                cell(name, bystanders=1), [ok(1000)], bystander_max_ns=most, bystander_control_max_ns=control, round_=0
            )
            for name, (most, control) in stalls.items()
        ),
    )

    assert said(path) == [
        ("stalls", "1 GiB: at most vfork_exec 15.0 us, fork_exec 29.0 ms; without launches 900 us."),
    ]


def test_a_write_is_told_by_the_page_and_by_the_backing(tmp_path: Path) -> None:
    lines = []
    for backing, took in (("anon", 1_000_000), ("shared", 4_000)):
        line = worker(cell("fork_exec", backing=backing), [ok(1000)] * 2, pages_written=100)
        line["samples"]["written"] = [took, took]
        line["cell"]["id"] += backing
        lines.append(line)

    held = said(run(tmp_path / "held.jsonl", *lines, settings={"writes_while": "child"}))
    free = said(run(tmp_path / "free.jsonl", *lines))

    assert held == [
        ("writes", "1 GiB, backing anon: a page, while the child lives: fork_exec 10.0 us."),
        ("writes", "1 GiB, backing shared: a page, while the child lives: fork_exec 40 ns."),
    ]
    assert [sentence.replace("command", "child") for _, sentence in free] == [sentence for _, sentence in held]
