"""Many sets of conditions in few words, and verdicts and failures that are said once for all of them."""

from pathlib import Path

import pytest
from examples import analysed, everything
from result_lines import GIB, cell, failed, header, ok, worker, write

from bench.analysis import Machine
from bench.report.blocks import sections, verdicts_of
from bench.report.conditions import Conditions, point
from bench.report.outright import outright_failures
from bench.report.verdict_groups import verdict_groups

KERNELS = ("5.10.0-32-amd64", "4.4.0-210-generic", "4.15.0-213-generic", "6.1.0-50-amd64")
POINTS = {
    (kernel, mode, mebibytes): point(
        Machine(id="m", kernel=kernel, distro="d", libc="l"),
        {"overcommit": mode, "footprint_bytes": mebibytes << 20, "worker": "musl", "in_flight": 1},
    )
    for kernel in KERNELS
    for mode in (0, 2)
    for mebibytes in (1, 512, 64, 2048)
}


def phrases(*wanted: tuple[str, int, int]) -> list[str]:
    return Conditions(POINTS.values()).phrases(POINTS[one] for one in wanted)


def test_one_set_is_said_by_what_tells_it_from_others() -> None:
    assert phrases((KERNELS[0], 2, 512)) == ["Linux 5.10, 512 MiB, overcommit mode 2"]


def test_sets_that_differ_in_one_thing_are_said_together() -> None:
    assert phrases(*((kernel, 0, 512) for kernel in KERNELS[:3])) == ["Linux 4.4 to 5.10, 512 MiB, overcommit mode 0"]
    assert phrases((KERNELS[1], 0, 1), (KERNELS[3], 0, 1)) == ["Linux 4.4 or 6.1, 1 MiB, overcommit mode 0"]
    assert phrases(*((KERNELS[3], 2, size) for size in (2048, 64, 512))) == [
        "Linux 6.1, 64 MiB to 2 GiB, overcommit mode 2"
    ]


def test_what_holds_everywhere_is_said_as_such() -> None:
    assert phrases(*((kernel, 2, size) for kernel in KERNELS for size in (1, 64, 512, 2048))) == [
        "all 4 kernels, all 4 footprints, overcommit mode 2"
    ]


def test_sets_that_have_nothing_in_common_stay_apart() -> None:
    assert phrases((KERNELS[0], 0, 1), (KERNELS[1], 2, 64)) == [
        "Linux 5.10, 1 MiB, overcommit mode 0",
        "Linux 4.4, 64 MiB, overcommit mode 2",
    ]


def test_what_all_have_in_common_is_said_once() -> None:
    assert Conditions(POINTS.values()).common == "worker musl"


def test_nothing_is_said_where_there_is_one_set_only() -> None:
    (one, *_) = POINTS.values()

    assert Conditions([one]).phrases([one]) == []


def test_verdicts_with_the_same_choice_are_one_answer(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="verdicts need scipy: pip install 'launchbench[report]'")
    cells = [cell(name, footprint_bytes=size) for size in (1 << 20, GIB, 8 * GIB) for name in ("vfork_exec", "system")]
    costs = {1 << 20: 700, GIB: 700, 8 * GIB: 9000}
    lines = [
        worker(
            one,
            [ok((70 if one["strategy"] == "vfork_exec" else costs[one["footprint_bytes"]]) * 1000 + at)] * 40,
            round_=at,
        )
        for at in range(6)
        for one in cells
    ]
    analysis = analysed(write(tmp_path / "r.jsonl", header(cells, rounds=6), *lines))
    (section,) = sections(analysis)

    (group,) = verdict_groups(verdicts_of(section, analysis))

    assert len(group.verdicts) == 3
    assert group.sentence == ("8 GiB: use vfork_exec; system takes 129 times as long. The same choice: 1 MiB or 1 GiB.")


def test_what_failed_outright_is_named_with_its_error(tmp_path: Path) -> None:
    analysis = analysed(everything(tmp_path))
    (section,) = sections(analysis)

    (one,) = outright_failures(section.shown)

    assert one.names == ("fork_exec",)
    assert one.text == "none of 40 launches worked: spawn:ENOMEM; overcommit mode 2 (1.5 GiB to commit)"


def test_who_failed_in_the_same_way_is_named_together_and_lack_of_memory_first(tmp_path: Path) -> None:
    cells = [cell(name, footprint_bytes=size) for name in ("a", "b", "c") for size in (1 << 20, GIB)]
    lines = [
        worker(one, [failed("spawn_error", 12 if one["strategy"] == "c" and one["footprint_bytes"] == GIB else 11)] * 5)
        for one in cells
    ]
    (section,) = sections(analysed(write(tmp_path / "r.jsonl", header(cells), *lines)))

    found = [(one.names, one.text) for one in outright_failures(section.shown)]

    assert found == [
        (("c",), "none of 5 launches worked: spawn:ENOMEM; 1 GiB"),
        (("a", "b"), "none of 20 launches worked: spawn:EAGAIN; both footprints"),
        (("c",), "none of 5 launches worked: spawn:EAGAIN; 1 MiB"),
    ]
