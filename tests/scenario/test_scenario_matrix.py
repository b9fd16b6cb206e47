"""From a scenario to the cells of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.scenario import (
    Cell,
    Environment,
    FilterError,
    ScenarioError,
    environments,
    expand,
    load,
    parse_filter,
    select,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.scenario import Scenario, Vocabulary

GIB = 2**30
RAM = 8 * GIB


@pytest.fixture
def cells(scenario: Callable[..., Scenario], vocabulary: Vocabulary) -> Callable[..., list[Cell]]:
    def make(keys: str = "", strategies: str = "[vfork_exec]", page_size: int = 4096) -> list[Cell]:
        return expand(scenario(keys, strategies), ram_bytes=RAM, vocabulary=vocabulary, page_size=page_size)

    return make


def test_the_example_of_the_design_has_its_cells(big_parent: str, vocabulary: Vocabulary) -> None:
    scenario = load(big_parent, file="big-parent.yaml", vocabulary=vocabulary)
    found = expand(scenario, ram_bytes=RAM, vocabulary=vocabulary, page_size=4096)

    assert len(found) == 5 * 3 * 4 - 3  # fork_exec is excluded in mode 2, whatever the limit
    assert len({cell.id for cell in found}) == len(found)
    assert not [cell for cell in found if cell.strategy == "fork_exec" and cell.overcommit == 2]
    assert found[-1] == Cell(
        id="prefork_pipe/40%RAM/mode2+1.5x/memory=4GiB/pids=200/nofile=1024/nproc=500",
        strategy="prefork_pipe",
        reaper="own",
        hygiene="none",
        backing="anon",
        footprint_bytes=3435970560,  # 40% of RAM, rounded down to pages
        overcommit=2,
        limit_bytes=5153955840,  # 1.5 times that
        in_flight=1,
        bystanders=0,
        open_files=0,
        vmas=1,
        memory_limit_bytes=4 * GIB,
        pids_limit=200,
        nofile_limit=1024,
        nproc_limit=500,
    )


def test_the_last_axis_is_the_fastest(cells: Callable[..., list[Cell]]) -> None:
    found = cells("footprints: [1MiB, 1GiB]\nin_flight: [1, 8]", strategies="[vfork_exec, fork_exec]")
    assert [cell.id for cell in found] == [
        "vfork_exec/1MiB",
        "vfork_exec/1MiB/in_flight=8",
        "vfork_exec/1GiB",
        "vfork_exec/1GiB/in_flight=8",
        "fork_exec/1MiB",
        "fork_exec/1MiB/in_flight=8",
        "fork_exec/1GiB",
        "fork_exec/1GiB/in_flight=8",
    ]


def test_all_is_every_strategy_sorted(cells: Callable[..., list[Cell]]) -> None:
    names = ["fork_exec", "posix_spawn", "prefork_pipe", "system", "vfork_exec"]
    assert [cell.strategy for cell in cells(strategies="all")] == names


def test_a_strategy_that_reaps_by_itself_has_one_cell(cells: Callable[..., list[Cell]]) -> None:
    found = cells("reapers: [waitpid, pidfd]", strategies="[system, vfork_exec]")
    assert [(cell.strategy, cell.reaper) for cell in found] == [
        ("system", "own"),
        ("vfork_exec", "waitpid"),
        ("vfork_exec", "pidfd"),
    ]


def test_an_id_is_a_function_of_the_cell_alone(cells: Callable[..., list[Cell]]) -> None:
    """An id found in one report means the same when the scenario has grown."""
    alone = cells("footprints: 1GiB\nbackings: thp")
    among = cells("footprints: [64MiB, 1GiB]\nbackings: [anon, thp]\nvmas: [1, 4]", strategies="all")
    assert alone[0] in among


def test_points_that_are_one_cell_on_this_machine_are_measured_once(cells: Callable[..., list[Cell]]) -> None:
    assert [cell.id for cell in cells("footprints: [50%RAM, 4GiB]")] == ["vfork_exec/50%RAM"]


def test_footprints_are_whole_pages_of_this_machine(cells: Callable[..., list[Cell]]) -> None:
    assert [cell.footprint_bytes for cell in cells("footprints: [4KiB, 100KB]")] == [4096, 98304]
    assert [cell.footprint_bytes for cell in cells("footprints: [4KiB, 100KB]", page_size=65536)] == [65536]


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        ("{strategy: fork_exec}", ["system/1MiB", "system/1MiB/mode2", "system/1MiB/mode2+2x"]),
        (
            "{overcommit: 2}",
            ["system/1MiB", "fork_exec/1MiB", "fork_exec/1MiB/reaper=pidfd"],
        ),
        (
            "{overcommit: {mode: 2, limit: 2x}, reaper: [waitpid, own]}",
            [
                "system/1MiB",
                "system/1MiB/mode2",
                "fork_exec/1MiB",
                "fork_exec/1MiB/mode2",
                "fork_exec/1MiB/reaper=pidfd",
                "fork_exec/1MiB/mode2/reaper=pidfd",
                "fork_exec/1MiB/mode2+2x/reaper=pidfd",
            ],
        ),
    ],
)
def test_exclusions_leave_the_rest(entry: str, left: list[str], cells: Callable[..., list[Cell]]) -> None:
    axes = "reapers: [waitpid, pidfd]\nfootprints: 1MiB\novercommit: [current, 2, {mode: 2, limit: 2x}]\n"
    assert {cell.id for cell in cells(f"{axes}exclude: [{entry}]", strategies="[system, fork_exec]")} == set(left)


def test_an_exclusion_of_values_that_never_meet_is_an_error(cells: Callable[..., list[Cell]]) -> None:
    with pytest.raises(ScenarioError) as caught:
        cells("reapers: [pidfd]\nexclude: [{strategy: system, reaper: pidfd}]", strategies="[system, fork_exec]")
    assert str(caught.value) == "small.yaml:5:11: exclude[0]: matches no cell"


def test_a_matrix_beyond_all_patience_is_an_error(scenario: Callable[..., Scenario]) -> None:
    many = f"[{', '.join(str(number) for number in range(1, 200))}]"
    with pytest.raises(ScenarioError) as caught:
        scenario(f"in_flight: {many}\nvmas: {many}\nopen_files: {many}\nbystanders: {many}")
    assert str(caught.value) == "small.yaml:3:1: strategies: the axes span 1568239201 cells, more than 10000"


def test_a_cell_survives_its_record(cells: Callable[..., list[Cell]]) -> None:
    for cell in cells("overcommit: [current, 0, {mode: 2, limit: 2x}]\nlimits: [{}, {pids: 9}]"):
        assert Cell.from_record({**cell.as_record(), "of_a_later_version": 1}) == cell
    with pytest.raises(ValueError, match="a cell lacks id, strategy"):
        Cell.from_record({})


def test_a_cell_of_a_file_without_the_environment_ran_here(cells: Callable[..., list[Cell]]) -> None:
    (cell,) = cells()
    older = {key: value for key, value in cell.as_record().items() if key not in ("worker", "kernel", "distro")}
    assert Cell.from_record(older) == cell
    assert cell.environment == Environment("glibc", None, None)


class TestEnvironments:
    @pytest.mark.parametrize(
        ("workers", "kernels", "distros", "expected"),
        [
            ([], [], [], [("glibc", None, None)]),
            (["musl", "glibc", "musl"], [], [], [("musl", None, None), ("glibc", None, None)]),
            ([], [], ["bullseye", "here"], [("glibc", None, "bullseye"), ("glibc", None, None)]),
            # A guest without a root has no libc, and kernels must not differ in the build as well.
            ([], ["here", "5.10"], [], [("glibc-static", None, None), ("glibc-static", "5.10", None)]),
            ([], ["5.10"], ["sid"], [("glibc", "5.10", "sid")]),
            (["glibc"], ["5.10"], [], [("glibc", "5.10", None)]),
        ],
    )
    def test_they_are_the_product_of_what_was_asked_for(
        self, workers: list[str], kernels: list[str], distros: list[str], expected: list[tuple[str | None, ...]]
    ) -> None:
        found = environments(workers, kernels, distros)
        assert [(one.worker, one.kernel, one.distro) for one in found] == expected

    def test_a_distro_has_the_worker_of_its_own_libc_unless_builds_were_asked_for(self) -> None:
        def found(workers: list[str], kernels: list[str]) -> list[tuple[str, str | None]]:
            usual = {"sid": "glibc", "alpine": "musl"}.__getitem__
            return [
                (one.worker, one.distro) for one in environments(workers, kernels, ["here", "sid", "alpine"], usual)
            ]

        assert found([], []) == [("glibc", None), ("glibc", "sid"), ("musl", "alpine")]
        assert {worker for worker, _ in found(["glibc"], [])} == {"glibc"}
        assert {worker for worker, _ in found([], ["5.10"])} == {"glibc-static"}

    def test_a_cell_has_its_environment_in_its_fields_and_its_id(
        self, scenario: Callable[..., Scenario], vocabulary: Vocabulary
    ) -> None:
        (cell,) = expand(
            scenario("in_flight: 8"),
            ram_bytes=RAM,
            vocabulary=vocabulary,
            environment=Environment("musl", "5.10", "bookworm"),
        )
        assert cell.id == "vfork_exec/64MiB/in_flight=8/worker=musl/kernel=5.10/distro=bookworm"
        assert (cell.worker, cell.kernel, cell.distro) == ("musl", "5.10", "bookworm")
        assert Cell.from_record(cell.as_record()) == cell

    def test_they_can_be_chosen_like_any_axis(self, scenario: Callable[..., Scenario], vocabulary: Vocabulary) -> None:
        several = [
            cell
            for environment in environments(["glibc", "musl"], ["here", "5.10"], [])
            for cell in expand(scenario(""), ram_bytes=RAM, vocabulary=vocabulary, environment=environment)
        ]
        assert [cell.id for cell in select(several, parse_filter("kernel=here,worker=musl"))] == [
            "vfork_exec/64MiB/worker=musl"
        ]
        assert len(select(several, parse_filter("kernel=5.10"))) == 2
        with pytest.raises(FilterError, match=r"^no cell has kernel=4\.4: there is here, 5\.10$"):
            select(several, parse_filter("kernel=4.4"))
        with pytest.raises(FilterError, match=r"^worker: there is no 'muls', did you mean 'musl'\?$"):
            parse_filter("worker=muls")


class TestOnly:
    @pytest.fixture
    def several(self, cells: Callable[..., list[Cell]]) -> list[Cell]:
        keys = (
            "footprints: [64MiB, 1.5GiB, 25%RAM]\novercommit: [0, 2, {mode: 2, limit: 1.5x}]\nlimits: [{}, {pids: 9}]"
        )
        return cells(keys, strategies="[vfork_exec, fork_exec]")

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("strategy=fork_exec", 18),
            ("strategy=fork_exec,footprint=1536MiB", 6),
            ("footprint=1.5GiB", 12),
            ("footprint=25%RAM", 12),
            ("footprint=2GiB", 12),  # what 25% of this machine's RAM is
            ("overcommit=2", 24),
            ("limit=1.5x", 12),
            ("limit=96MiB", 4),
            ("limit=none", 24),
            ("pids=9, overcommit = 0", 6),
        ],
    )
    def test_values_are_spelled_as_in_a_scenario(self, text: str, count: int, several: list[Cell]) -> None:
        assert len(select(several, parse_filter(text))) == count

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "'' is not KEY=VALUE"),
            ("fork_exec", "'fork_exec' is not KEY=VALUE"),
            ("strategies=fork_exec", "unknown key 'strategies', did you mean 'strategy'?"),
            ("strategy=fork_exek", "no cell has strategy=fork_exek, did you mean 'fork_exec'?"),
            ("footprint=64", "footprint: '64' has no unit, did you mean 64MiB?"),
            ("footprint=3GiB", "no cell has footprint=3GiB: there is 64MiB, 1536MiB, 25%RAM"),
            ("overcommit=1", "no cell has overcommit=1: there is 0, 2"),
            ("vmas=many", "vmas: must be a whole number, not 'many'"),
            ("vmas=1,vmas=2", "vmas stands here twice: a cell has one"),
            ("overcommit=0,limit=1.5x", "no cell has overcommit=0 and limit=1.5x together"),
        ],
    )
    def test_a_filter_that_cannot_be_meant(self, text: str, message: str, several: list[Cell]) -> None:
        with pytest.raises(FilterError) as caught:
            select(several, parse_filter(text))
        assert str(caught.value) == message
