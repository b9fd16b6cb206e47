"""A run, without a process under it: every planned worker has one line, whatever happens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from imagined_runs import CATALOGUE, ImaginedPlace, ImaginedSite, cell, finished, plan
from launch_files import EXEC, sample

from bench.machine import Settings
from bench.measure import DisturbedError, Interruption, Plan, header, run
from bench.measure.evidence import Evidence, Mode, Order
from bench.measure.runner import cpus_for
from bench.record import Footer, HazardKey, Journal, Recording, hazard_key, read

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from bench.measure import Planned
    from bench.record import HazardLine, WorkerLine
    from bench.scenario import Cell

CELLS = (cell("vfork_exec"), cell("system", reaper="own"), cell("null", reaper="own"))
PLAN = plan(*CELLS)


@dataclass
class Watching:
    """Keeps what an observer is told, and sends the run Ctrl-C after so many workers."""

    interruption: Interruption = field(default_factory=Interruption)
    interrupt_after: int | None = None
    begun: list[tuple[str, int]] = field(default_factory=list)
    ended_: list[tuple[str, int]] = field(default_factory=list)
    tries_: list[HazardKey] = field(default_factory=list)
    tried_: list[HazardKey] = field(default_factory=list)

    def begins(self, planned: Planned, cell: Cell) -> None:
        assert planned.cell == cell.id
        self.begun.append((cell.id, planned.round))
        if len(self.begun) == self.interrupt_after:
            self.interruption.by = "SIGINT"

    def ended(self, written: WorkerLine) -> None:
        self.ended_.append((str(written["cell"]["id"]), written["round"]))

    def tries(self, key: HazardKey) -> None:
        self.tries_.append(key)
        if len(self.tries_) == self.interrupt_after:
            self.interruption.by = "SIGINT"

    def tried(self, written: HazardLine) -> None:
        self.tried_.append(hazard_key(written))


def start(path: Path, planned: Plan = PLAN) -> Journal:
    return Journal.create(path, header(planned, CATALOGUE, {"kernel": "6.1"}, path="small.yaml", text="..."))


def carry_out(  # the collaborators of a run, each with a default
    journal: Journal,
    place: ImaginedPlace,
    planned: Plan = PLAN,
    *,
    interrupt_after: int | None = None,
    session: int = 0,
    before: Collection[WorkerLine] = (),
) -> tuple[Footer, Watching]:
    watching = Watching(interrupt_after=interrupt_after)
    with journal:
        footer = run(
            planned,
            catalogue=CATALOGUE,
            sites={(None, None): ImaginedSite(place)},
            journal=journal,
            observer=watching,
            interruption=watching.interruption,
            session=session,
            before=before,
        )
    return footer, watching


def places(recording: Recording) -> list[tuple[str, int, int]]:
    return [(str(line["cell"]["id"]), line["round"], line["position"]) for line in recording.workers]


def test_every_planned_worker_has_exactly_one_line(tmp_path: Path) -> None:
    place = ImaginedPlace()

    _, watching = carry_out(start(tmp_path / "r.jsonl"), place)

    recording = read(tmp_path / "r.jsonl")
    assert recording.warnings == ()
    assert recording.done == {(one.id, number) for one in CELLS for number in range(2)}
    assert len(recording.workers) == 6 == len(place.carried_out)
    assert watching.begun == watching.ended_ == [(name, number) for name, number, _ in places(recording)]
    assert [position for _, _, position in places(recording)] == [0, 1, 2, 0, 1, 2]


def test_a_finished_worker_tells_what_it_was_and_found(tmp_path: Path) -> None:
    carry_out(start(tmp_path / "r.jsonl", plan(CELLS[0])), ImaginedPlace(), plan(CELLS[0]))

    line = read(tmp_path / "r.jsonl").workers[0]

    assert line["cell"] == CELLS[0].as_record()
    assert line["outcome"] == {"kind": "finished"}
    assert line["planned"] == 4
    assert line["cpu"] == [3]
    assert line["samples"] is not None
    assert line["samples"]["warmup"] == [1, 0, 0, 0]
    assert line["samples"]["outcome"] == [0, 0, 0, 0]
    assert line["samples"]["call"] == [1000, 2000, 3000, 4000]
    assert line["samples"]["reached"] == [1050, 2050, 3050, 4050]
    assert line["footprint"] == {
        "requested": 1 << 20,
        "mapped": 1 << 20,
        "rss": 1 << 20,
        "anon_huge": 0,
        "page_tables": 4096,
        "vmas": 1,
        "fill_ns": 5,
    }
    assert line["findings"] == []
    assert "stderr" not in line


def test_the_footer_counts_workers_and_timed_launches(tmp_path: Path) -> None:
    def becomes(order: Order) -> Evidence:
        evidence = finished(order)
        if order.request.strategy == "system":
            evidence.samples = sample(1, warmup=1) + sample(2, stage=EXEC, error=2, status=None) + sample(3, state=1)
            evidence.done, evidence.returncode = None, -9
        return evidence

    footer, _ = carry_out(start(tmp_path / "r.jsonl"), ImaginedPlace(becomes))

    assert read(tmp_path / "r.jsonl").footer == footer
    assert footer["complete"] is True
    assert footer["interrupted"] is None
    assert footer["workers"] == {"planned": 6, "outcomes": {"finished": 4, "crashed": 2}}
    # 2 x (3 probes of vfork_exec + 3 of null), and of `system` one failed exec and the launch it died in.
    assert footer["launches"] == {"ok": 12, "exec_error": 2, "lost_status": 2}
    assert {name: footer["spent_ns"][name] for name in ("start", "footprint", "launches", "release", "overhead")} == {
        "start": 6,
        "footprint": 12,
        "launches": 18,
        "release": 24,
        "overhead": 30,
    }
    assert footer["spent_ns"]["wall"] > 0


def test_what_the_machine_refuses_has_its_line_and_no_worker(tmp_path: Path) -> None:
    planned = plan(cell("clone3_pidfd"), cell("vfork_exec", overcommit=1))
    place = ImaginedPlace(right="needs root")

    footer, _ = carry_out(start(tmp_path / "r.jsonl", planned), place, planned)

    assert place.carried_out == []
    assert footer["workers"]["outcomes"] == {"unsupported": 2, "skipped": 2}
    assert footer["launches"] == {}
    for line in read(tmp_path / "r.jsonl").workers:
        assert (line["planned"], line["samples"], line["census"], line["findings"]) == (0, None, None, [])
        assert line["outcome"]["reason"] in {"strategy clone3_pidfd: no clone3 before Linux 5.3", "needs root"}


def test_an_interruption_ends_the_run_after_the_worker_in_hand(tmp_path: Path) -> None:
    footer, watching = carry_out(start(tmp_path / "r.jsonl"), ImaginedPlace(), interrupt_after=2)

    recording = read(tmp_path / "r.jsonl")
    assert len(recording.workers) == 2 == len(watching.ended_)
    assert (footer["complete"], footer["interrupted"]) == (False, "SIGINT")
    assert footer["workers"] == {"planned": 6, "outcomes": {"finished": 2}}


def test_an_interruption_during_the_last_worker_leaves_nothing_to_do(tmp_path: Path) -> None:
    footer, _ = carry_out(start(tmp_path / "r.jsonl"), ImaginedPlace(), interrupt_after=6)

    assert (footer["complete"], footer["interrupted"]) == (True, "SIGINT")


@pytest.mark.parametrize("interrupt_after", [1, 3, 4, 5])
def test_a_resumed_run_does_exactly_what_is_missing(tmp_path: Path, interrupt_after: int) -> None:
    carry_out(start(tmp_path / "whole.jsonl"), ImaginedPlace())
    carry_out(start(tmp_path / "r.jsonl"), ImaginedPlace(), interrupt_after=interrupt_after)
    journal, recording = Journal.reopen(tmp_path / "r.jsonl")
    place = ImaginedPlace()

    footer, _ = carry_out(journal, place, session=1, before=recording.workers)

    resumed = read(tmp_path / "r.jsonl")
    assert len(place.carried_out) == 6 - interrupt_after
    assert places(resumed) == places(read(tmp_path / "whole.jsonl"))
    assert resumed.warnings == ()
    assert [line["session"] for line in resumed.workers] == [0] * interrupt_after + [1] * (6 - interrupt_after)
    assert (footer["complete"], footer["session"]) == (True, 1)
    assert footer["workers"] == {"planned": 6, "outcomes": {"finished": 6}}, "the last footer counts the whole file"


def test_holes_in_the_middle_are_filled_in_their_places(tmp_path: Path) -> None:
    carry_out(start(tmp_path / "whole.jsonl"), ImaginedPlace())
    lines = read(tmp_path / "whole.jsonl").workers
    whole = places(read(tmp_path / "whole.jsonl"))

    carry_out(start(tmp_path / "r.jsonl"), ImaginedPlace(), before=(lines[0], lines[3], lines[5]))

    assert places(read(tmp_path / "r.jsonl")) == [whole[1], whole[2], whole[4]]


def test_an_exception_leaves_the_lines_before_it_and_no_footer(tmp_path: Path) -> None:
    place = ImaginedPlace()

    def becomes(order: Order) -> Evidence:
        if len(place.carried_out) == 4:
            raise OSError(28, "No space left on device")
        return finished(order)

    place.becomes = becomes
    with pytest.raises(OSError, match="No space left"):
        carry_out(start(tmp_path / "r.jsonl"), place)

    recording = read(tmp_path / "r.jsonl")
    assert len(recording.workers) == 3
    assert recording.footer is None
    assert (tmp_path / "r.jsonl").read_bytes().endswith(b"\n")

    journal, recording = Journal.reopen(tmp_path / "r.jsonl")
    footer, _ = carry_out(journal, ImaginedPlace(), session=1, before=recording.workers)

    assert footer["complete"] is True
    assert len(read(tmp_path / "r.jsonl").done) == 6


def test_all_cells_of_a_round_launch_the_same_commands_in_the_same_order(tmp_path: Path) -> None:
    mix = "[{argv: [probe]}, {argv: [sh, -c, 'exit 3'], expect: {exit: 3}}, {shell: 'true'}]"
    planned = plan(*CELLS, commands=mix, launches=30)
    place = ImaginedPlace()

    carry_out(start(tmp_path / "r.jsonl", planned), place, planned)

    first, second = place.carried_out[:3], place.carried_out[3:]
    assert len({order.request.plan for order in first}) == 1
    assert len({order.request.plan for order in second}) == 1
    assert first[0].request.plan != second[0].request.plan
    assert set(first[0].request.plan) == {0, 1, 2}
    assert [command.argv for command in first[0].request.commands] == [
        ("probe",),
        ("sh", "-c", "exit 3"),
        ("/bin/sh", "-c", "true"),
    ]


def test_an_order_says_all_that_the_place_must_know(tmp_path: Path) -> None:
    planned = plan(
        cell("vfork_exec", overcommit=1, open_files=5, backing="reserved"), time_limit="250ms", cpu="[0, 2]", rounds=1
    )
    place = ImaginedPlace()

    carry_out(start(tmp_path / "r.jsonl", planned), place, planned)

    (order,) = place.carried_out
    assert order.worker == ("/nowhere/launchbench-worker",)
    assert order.cpus == (0, 2)
    assert order.mode == Mode(1, None, while_mapping=False)
    request = order.request
    assert (request.strategy, request.reaper, request.hygiene, request.backing) == (
        "vfork_exec",
        "waitpid",
        "none",
        "reserved",
    )
    assert (request.footprint_bytes, request.open_files, request.time_limit_ns) == (1 << 20, 5, 250_000_000)
    assert (request.warmup, request.plan) == (1, (0, 0, 0, 0))


def test_a_mode_that_is_in_force_already_is_not_set(tmp_path: Path) -> None:
    planned = plan(cell("vfork_exec", overcommit=1), rounds=1)
    place = ImaginedPlace(settings_now=Settings(1, 50, 0), right="needs root")

    footer, _ = carry_out(start(tmp_path / "r.jsonl", planned), place, planned)

    assert place.carried_out[0].mode is None
    assert footer["workers"]["outcomes"] == {"finished": 1}


def test_what_a_command_wrote_to_stderr_is_kept(tmp_path: Path) -> None:
    planned = plan(CELLS[0], rounds=1)

    def becomes(order: Order) -> Evidence:
        return replace(finished(order), stderr="sh: not found\n")

    carry_out(start(tmp_path / "r.jsonl", planned), ImaginedPlace(becomes), planned)

    assert read(tmp_path / "r.jsonl").workers[0]["stderr"] == "sh: not found\n"


def test_a_worker_that_never_launched_has_no_samples(tmp_path: Path) -> None:
    planned = plan(CELLS[0], rounds=1)

    def becomes(order: Order) -> Evidence:
        del order
        return Evidence(refusal={"state": "not_allocatable", "errno": 12, "reason": "Cannot allocate memory"})

    carry_out(start(tmp_path / "r.jsonl", planned), ImaginedPlace(becomes), planned)

    line = read(tmp_path / "r.jsonl").workers[0]
    assert line["outcome"] == {"kind": "not_allocatable", "errno": 12, "reason": "Cannot allocate memory"}
    assert (line["samples"], line["footprint"], line["planned"]) == (None, None, 4)


@pytest.mark.parametrize(
    ("setting", "cpus"), [("same", (3,)), ("free", None), ((0,), (0,)), ((3, 0), (3, 0))]
)  # fmt: skip
def test_workers_are_held_to_cpus(setting: Any, cpus: tuple[int, ...] | None) -> None:
    assert cpus_for(setting, (0, 2, 3)) == cpus


def test_lines_are_json_objects_a_line_each(tmp_path: Path) -> None:
    carry_out(start(tmp_path / "r.jsonl"), ImaginedPlace())

    kinds = [json.loads(line)["type"] for line in (tmp_path / "r.jsonl").read_text().splitlines()]

    assert kinds == ["header", *["worker"] * 6, "footer"]


def test_what_was_measured_in_somebody_elses_mode_is_no_measurement(tmp_path: Path) -> None:
    # GIVEN a machine on which somebody changes vm.overcommit_memory while the second worker launches
    place = ImaginedPlace()
    carried_out = place.carry_out

    def disturbed(order: Order) -> Evidence:
        evidence = carried_out(order)
        assert evidence.in_force is not None
        if len(place.carried_out) == 2:
            evidence.in_force["mode"] = 1
        return evidence

    place.carry_out = disturbed  # type: ignore[method-assign]
    with pytest.raises(DisturbedError, match="changed by somebody else: 1 instead of 0"):
        carry_out(start(tmp_path / "r.jsonl"), place)

    assert len(read(tmp_path / "r.jsonl").workers) == 1, "the worker is still to be measured"
