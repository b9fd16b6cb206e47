"""A run in several places, none of which is real: what runs where, in which boot, beside whom, and what if one dies."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from imagined_runs import CATALOGUE, ImaginedPlace, ImaginedSite, cell, finished, plan

from bench.catalogue import MissingToolError
from bench.machine import MemoryFacts
from bench.measure import Interruption, NoPlaceError, PlaceLostError, Plan, header, run
from bench.measure.lanes import abreast, lanes
from bench.measure.schedule import boot, order
from bench.record import Journal, PlaceFields, Recording, read
from bench.scenario import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.catalogue import Build
    from bench.measure import Order, Planned, Sites
    from bench.measure.evidence import Evidence
    from bench.record import Footer, WorkerLine

PATIENCE_S = 30.0


def under(strategy: str = "vfork_exec", **environment: str) -> Cell:
    """A cell under another build, kernel or distro; its id says so."""
    plain = cell(strategy).as_record() | environment
    plain["id"] = "/".join([strategy, "1MiB", *(f"{key}={value}" for key, value in environment.items())])
    return Cell(**plain)


@dataclass
class Guest(ImaginedPlace):
    """A place that says what it is, and dies when a test says so."""

    description: PlaceFields = field(default_factory=lambda: PlaceFields(kernel="5.10.0", machine="QEMU"))

    def describe(self) -> PlaceFields:
        return self.description


@dataclass
class Guests(ImaginedSite):
    """A site of guests: 3 boots, emulated."""

    place: ImaginedPlace = field(default_factory=Guest)
    clock: Any = "emulated"
    boots: int = 3
    ram_bytes: int = 1 << 20


class Silence:
    def begins(self, planned: Planned, cell: Cell) -> None:
        pass

    def ended(self, written: WorkerLine) -> None:
        pass


@dataclass
class Ran:
    """What a run came to."""

    footer: Footer
    recording: Recording

    def lines(self, **environment: Any) -> list[WorkerLine]:
        """The worker lines of the cells that have these values, by round."""
        found = [line for line in self.recording.workers if environment.items() <= line["cell"].items()]
        return sorted(found, key=lambda line: line["round"])

    def boots_of(self, **environment: Any) -> list[str]:
        return [line["place"]["boot"] for line in self.lines(**environment)]


@pytest.fixture
def carry_out(tmp_path: Path) -> Callable[..., Ran]:
    def all_of_it(planned: Plan, sites: Sites, interruption: Interruption | None = None) -> Ran:
        path = tmp_path / "r.jsonl"
        with Journal.create(path, header(planned, CATALOGUE, {"kernel": "6.1"}, path="x.yaml", text="")) as journal:
            footer = run(
                planned,
                catalogue=CATALOGUE,
                sites=sites,
                journal=journal,
                observer=Silence(),
                interruption=interruption or Interruption(),
            )
        return Ran(footer, read(path))

    return all_of_it


# ---- builds


def test_a_build_of_the_worker_is_told_by_its_line(carry_out: Callable[..., Ran]) -> None:
    site = ImaginedSite()
    ran = carry_out(plan(under(), under(worker="musl")), {(None, None): site})

    for line in ran.lines(worker="musl"):
        assert line["place"] == {"libc": "musl 1.2.3"}
        assert line["worker_build"] == "ba9876543210"
    for line in ran.lines(worker="glibc"):
        assert "place" not in line, "it is the machine of the header"
        assert "worker_build" not in line
    programs = {order.worker[0] for order in site.place.carried_out}
    assert programs == {"/nowhere/launchbench-worker", "/nowhere/musl/launchbench-worker"}


def test_builds_and_kernels_of_the_hardware_are_interleaved_as_the_schedule_says(carry_out: Callable[..., Ran]) -> None:
    cells = [under(), under(worker="musl"), under(kernel="5.10"), under("system", kernel="5.10")]
    planned = plan(*cells, rounds=5)
    sites = {(None, None): ImaginedSite(), ("5.10", None): Guests(clock="hardware")}

    ran = carry_out(planned, sites)

    written = [(str(line["cell"]["id"]), line["round"], line["position"]) for line in ran.recording.workers]
    expected = order([one.id for one in cells], 5, planned.seed)
    assert written == [(one.cell, one.round, one.position) for one in expected]


def test_what_cannot_be_compiled_is_skipped_with_the_package_and_the_rest_is_measured(
    carry_out: Callable[..., Ran],
) -> None:
    class WithoutMusl(ImaginedSite):
        def build(self, worker: str) -> Build:
            if worker == "musl":
                raise MissingToolError("no musl to link with: install musl-gcc (package musl-tools)")
            return super().build(worker)

    ran = carry_out(plan(under(), under(worker="musl")), {(None, None): WithoutMusl()})

    assert ran.footer["workers"]["outcomes"] == {"finished": 2, "skipped": 2}
    (reason,) = {line["outcome"]["reason"] for line in ran.lines(worker="musl")}
    assert "musl-tools" in reason


def test_a_python_strategy_has_one_build_and_no_guest(carry_out: Callable[..., Ran]) -> None:
    cells = [under("subprocess_run", worker="musl"), under("subprocess_run", kernel="5.10"), under("subprocess_run")]
    ran = carry_out(plan(*cells), {(None, None): ImaginedSite(), ("5.10", None): Guests()})

    assert ran.footer["workers"]["outcomes"] == {"finished": 2, "unsupported": 4}
    assert {line["outcome"]["kind"] for line in ran.lines(worker="glibc", kernel=None)} == {"finished"}


def test_what_is_unsupported_here_is_asked_of_the_worker_elsewhere(carry_out: Callable[..., Ran]) -> None:
    """No clone3 on this kernel says nothing of another one."""
    cells = [under("clone3_pidfd"), under("clone3_pidfd", kernel="6.12")]
    ran = carry_out(plan(*cells), {(None, None): ImaginedSite(), ("6.12", None): Guests()})

    assert {line["outcome"]["kind"] for line in ran.lines(kernel=None)} == {"unsupported"}
    assert {line["outcome"]["kind"] for line in ran.lines(kernel="6.12")} == {"finished"}


# ---- boots


@pytest.mark.parametrize(
    ("rounds", "boots", "expected"),
    [
        (6, 3, [0, 0, 1, 1, 2, 2]),
        (7, 3, [0, 0, 0, 1, 1, 2, 2]),
        (2, 3, [0, 1]),
        (1, 3, [0]),
        (4, 1, [0, 0, 0, 0]),
    ],
)
def test_rounds_are_spread_over_boots(rounds: int, boots: int, expected: list[int]) -> None:
    assert [boot(number, rounds, boots) for number in range(rounds)] == expected


@pytest.mark.parametrize("clock", ["hardware", "emulated", "instructions"])
def test_boots_are_strata_of_whole_rounds(clock: str, carry_out: Callable[..., Ran]) -> None:
    guests = Guests(clock=clock)
    cells = [under(kernel="5.10"), under("system", kernel="5.10")]

    ran = carry_out(plan(*cells, rounds=6), {("5.10", None): guests})

    for one in cells:
        by_round = ran.boots_of(id=one.id)
        assert by_round[::2] == by_round[1::2], "two rounds a boot"
        assert len(set(by_round)) == 3
    assert sorted(guests.opened) == [0, 1, 2]
    assert guests.closed == 3
    assert {line["place"]["kernel"] for line in ran.lines()} == {"5.10.0"}
    assert {line["place"].get("clock") for line in ran.lines()} == {None if clock == "hardware" else clock}


def test_the_footer_says_what_each_boot_cost(carry_out: Callable[..., Ran]) -> None:
    ran = carry_out(
        plan(under(kernel="5.10"), under(), rounds=3), {("5.10", None): Guests(), (None, None): ImaginedSite()}
    )

    assert sorted(cost["place"]["boot"] for cost in ran.footer["boots"]) == ["0.0.1", "0.1.1", "0.2.1"]
    for cost in ran.footer["boots"]:
        assert cost["place"]["kernel"] == "5.10.0"
        assert cost["spent_ns"].keys() == {"open", "workers", "close"}


def test_what_is_not_booted_costs_no_boot(carry_out: Callable[..., Ran]) -> None:
    assert "boots" not in carry_out(plan(under()), {(None, None): ImaginedSite()}).footer


# ---- side by side


AMPLE = MemoryFacts(total_bytes=64 << 30, available_bytes=64 << 30)


def test_only_what_says_nothing_of_the_hardware_runs_beside_others() -> None:
    cells = [under(), under(worker="musl"), under(kernel="5.10"), under(kernel="6.1"), under(kernel="4.4")]
    sites: Sites = {
        (None, None): ImaginedSite(),
        ("5.10", None): Guests(),
        ("6.1", None): Guests(clock="hardware"),
        ("4.4", None): "no such kernel",
    }
    planned = order([one.id for one in cells], 6, seed=1)

    (alone,), beside = lanes(planned, {one.id: one for one in cells}, sites, 6, AMPLE)

    emulated = under(kernel="5.10").id
    assert [one for one in planned if one.cell != emulated] == alone
    assert [[(one.cell, one.round) for one in lane] for lane in beside] == [
        [(emulated, 0), (emulated, 1)],
        [(emulated, 2), (emulated, 3)],
        [(emulated, 4), (emulated, 5)],
    ]


def test_boots_of_one_kernel_come_one_after_the_other() -> None:
    """They share what was observed there: apart, the first boot of each kernel would have all of it to do."""
    cells = [under(kernel=kernel) for kernel in ("5.10", "6.1", "4.4")]
    sites: Sites = {(kernel, None): Guests() for kernel in ("5.10", "6.1", "4.4")}

    planned = order([one.id for one in cells], 3, seed=1)

    in_turn, beside = lanes(planned, {one.id: one for one in cells}, sites, 3, AMPLE)

    assert in_turn == [[]]
    assert [len(lane) for lane in beside] == [1] * 9
    came = [lane[0].cell for lane in beside]
    assert came == [one for one in dict.fromkeys(came) for _ in range(3)]


@pytest.mark.parametrize(
    ("ram_gib", "available_gib", "expected"),
    [(1, 20, 4), (6, 20, 3), (10, 20, 1), (10, 21, 2), (30, 20, 1)],
    ids=["one a CPU", "three fit", "the margin counts", "two fit", "who has no room for one is refused there"],
)
def test_no_more_of_them_run_side_by_side_than_there_is_memory_for(
    ram_gib: int, available_gib: int, expected: int
) -> None:
    sites: Sites = {
        ("4.4", None): Guests(clock="instructions", ram_bytes=ram_gib << 30),
        ("5.10", None): Guests(clock="instructions", ram_bytes=1 << 30),
        ("6.1", None): "no such kernel",
    }
    facts = MemoryFacts(total_bytes=64 << 30, available_bytes=available_gib << 30)

    assert abreast(sites, 4, facts) == expected


@pytest.mark.parametrize(("available_gib", "lanes_in_turn"), [(42, 1), (40, 9)])
def test_guests_of_the_hardware_alternate_by_boots_where_not_all_can_be_open(
    available_gib: int, lanes_in_turn: int
) -> None:
    # GIVEN two kernels of 20 GiB each, a worker of 1 MiB here, and a margin
    cells = [under(), under("system", kernel="5.10"), under(kernel="5.10"), under(kernel="6.1"), under(kernel="4.4")]
    hardware = {"clock": "hardware", "ram_bytes": 20 << 30}
    sites: Sites = {
        (None, None): ImaginedSite(),
        ("5.10", None): Guests(**hardware),
        ("6.1", None): Guests(**hardware),
        ("4.4", None): Guests(ram_bytes=60 << 30),
    }
    by_id = {one.id: one for one in cells}
    planned = order(list(by_id), 6, seed=1)

    # WHEN there is RAM for both, or for one at a time
    in_turn, beside = lanes(planned, by_id, sites, 6, MemoryFacts(64 << 30, available_gib << 30))

    # THEN a boot's two rounds of one kernel are a lane, and nothing is lost or done twice
    kernels = [{by_id[one.cell].kernel for one in lane} for lane in in_turn]
    if lanes_in_turn == 1:
        assert kernels == [{None, "5.10", "6.1"}]
    else:
        assert [{one.round // 2 for one in lane} for lane in in_turn] == [
            {number} for number in (0, 1, 2) for _ in "abc"
        ]
        for boot_number in range(3):
            assert sorted(map(list, kernels[boot_number * 3 :][:3]), key=str) == [["5.10"], ["6.1"], [None]]
    everything = [one for lane in (*in_turn, *beside) for one in lane]
    assert len(everything) == len(planned) == len(set(everything))
    assert all(lane == sorted(lane, key=lambda one: (one.round, one.position)) for lane in in_turn)


def test_a_guest_that_has_no_room_beside_a_worker_of_this_machine_alternates_with_it() -> None:
    small, large = under(), under(kernel="5.10")
    sites: Sites = {(None, None): ImaginedSite(), ("5.10", None): Guests(clock="hardware", ram_bytes=20 << 30)}
    large_here = Cell(**(small.as_record() | {"footprint_bytes": 15 << 30}))

    for own, expected in ((small, 1), (large_here, 6)):
        by_id = {own.id: own, large.id: large}
        in_turn, _ = lanes(order(list(by_id), 6, seed=1), by_id, sites, 6, MemoryFacts(64 << 30, 30 << 30))
        assert len(in_turn) == expected


def test_a_guest_of_the_hardware_is_closed_before_another_is_opened_that_has_no_room_beside_it(
    carry_out: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.measure.runner.memory_facts", lambda: MemoryFacts(64 << 30, 30 << 30))
    opened: list[str] = []

    class Large(Guests):
        """Of which only one may be open."""

        @contextmanager
        def open(self, boot: int) -> Iterator[ImaginedPlace]:
            opened.append("open")
            with super().open(boot) as place:
                yield place
            opened.append("closed")

    sites = {(name, None): Large(clock="hardware", ram_bytes=20 << 30) for name in ("5.10", "6.1")}
    ran = carry_out(plan(under(kernel="5.10"), under(kernel="6.1"), rounds=6), sites)

    assert ran.footer["workers"]["outcomes"] == {"finished": 12}
    assert opened == ["open", "closed"] * 6
    for name in ("5.10", "6.1"):
        assert sorted(set(ran.boots_of(kernel=name))) == ["0.0.1", "0.1.1", "0.2.1"]


@pytest.mark.parametrize(("cpus", "by_the_wall", "by_instructions"), [(1, 1, 1), (2, 1, 2), (3, 2, 3), (8, 7, 8)])
def test_what_follows_the_walls_clock_leaves_a_cpu_to_the_runner(
    cpus: int, by_the_wall: int, by_instructions: int
) -> None:
    assert abreast({("4.4", None): Guests()}, cpus, AMPLE) == by_the_wall
    assert abreast({("4.4", None): Guests(clock="instructions")}, cpus, AMPLE) == by_instructions


def test_boots_of_emulated_machines_run_side_by_side(
    carry_out: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN workers of three boots that each wait for the others WHEN there are CPUs for three THEN they all meet."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    meeting = threading.Barrier(3, timeout=PATIENCE_S)

    def becomes(order: Order) -> Evidence:
        meeting.wait()
        return finished(order)

    ran = carry_out(plan(under(kernel="5.10"), rounds=3), {("5.10", None): Guests(Guest(becomes))})

    assert ran.footer["complete"] is True
    assert len(set(ran.boots_of())) == 3


def test_an_error_in_one_of_them_ends_all_and_leaves_the_lines_before_it(
    carry_out: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    under_way, abandoned = threading.Event(), threading.Event()

    class Waiting(Guests):
        """Its worker answers only when the site is abandoned, as one whose guest was killed."""

        def abandon(self) -> None:
            abandoned.set()

    def waits(order: Order) -> Evidence:
        del order
        under_way.set()
        assert abandoned.wait(PATIENCE_S)
        raise PlaceLostError("crashed", "killed")

    def fails(order: Order) -> Evidence:
        del order
        assert under_way.wait(PATIENCE_S)
        raise OSError(28, "No space left on device")

    waiting = Waiting(Guest(waits), boots=1)
    sites = {(None, None): ImaginedSite(), ("5.10", None): waiting, ("6.1", None): Guests(Guest(fails), boots=1)}
    planned = plan(under(), under(kernel="5.10"), under(kernel="6.1"), rounds=1)

    with pytest.raises(OSError, match="No space left"):
        carry_out(planned, sites)

    recording = read(tmp_path / "r.jsonl")
    assert [line["cell"]["kernel"] for line in recording.workers] == [None]
    assert recording.footer is None
    assert waiting.opened == [0], "what the runner ended itself is not opened anew"


def test_an_interruption_ends_every_thread_after_its_worker(carry_out: Callable[..., Ran]) -> None:
    interruption = Interruption()

    def becomes(order: Order) -> Evidence:
        interruption.by = "SIGINT"
        return finished(order)

    ran = carry_out(plan(under(kernel="5.10"), rounds=30), {("5.10", None): Guests(Guest(becomes))}, interruption)

    assert ran.footer["complete"] is False
    assert 1 <= len(ran.recording.workers) <= 3, "the workers in hand, one a boot"


# ---- places that die, and places that there are not


@dataclass
class Mortal(Guests):
    """Dies under the workers, or at the boots, of these numbers, counted over the whole run."""

    deadly_workers: tuple[int, ...] = ()
    deadly_boots: tuple[int, ...] = ()
    boots: int = 1
    workers: int = 0

    @contextmanager
    def open(self, boot: int) -> Iterator[ImaginedPlace]:
        self.opened.append(boot)
        if len(self.opened) in self.deadly_boots:
            raise PlaceLostError("hung", "the guest did not boot in 90 s", "VFS: Unable to mount root fs\n")
        yield Guest(self._work)

    def _work(self, order: Order) -> Evidence:
        self.workers += 1
        if self.workers in self.deadly_workers:
            raise PlaceLostError("crashed", "the guest ended under a worker", "Kernel panic - not syncing\n")
        return finished(order)


def test_a_place_that_dies_is_opened_anew_for_the_same_worker(carry_out: Callable[..., Ran]) -> None:
    site = Mortal(deadly_workers=(2,))
    ran = carry_out(plan(under(kernel="5.10"), rounds=3), {("5.10", None): site})

    assert ran.footer["workers"]["outcomes"] == {"finished": 3}
    assert len(site.opened) == 2
    (first, *others) = ran.footer["boots"]
    assert first["lost"] == {
        "kind": "crashed",
        "reason": "the guest ended under a worker",
        "console": "Kernel panic - not syncing\n",
    }
    assert first["place"]["kernel"] == "5.10.0"
    assert not any("lost" in other for other in others)


def test_a_worker_under_which_it_dies_twice_keeps_the_console_and_the_next_goes_on(
    carry_out: Callable[..., Ran],
) -> None:
    ran = carry_out(plan(under(kernel="5.10"), rounds=3), {("5.10", None): Mortal(deadly_workers=(2, 3))})

    assert [line["outcome"]["kind"] for line in ran.lines()] == ["finished", "crashed", "finished"]
    dead = ran.lines()[1]
    assert dead["outcome"] == {"kind": "crashed", "reason": "the guest ended under a worker"}
    assert dead["stderr"] == "Kernel panic - not syncing\n"
    assert dead["planned"] == 4, "its launches were planned and not reached"
    assert dead["place"]["kernel"] == "5.10.0", "as it was known before"
    assert dead["place"]["clock"] == "emulated"


def test_a_kernel_that_does_not_boot_is_tried_twice_and_not_by_every_worker(carry_out: Callable[..., Ran]) -> None:
    site = Mortal(deadly_boots=tuple(range(1, 100)), description=PlaceFields(kernel="5.10.0-32", source="./bzImage"))
    ran = carry_out(plan(under(kernel="5.10"), under("system", kernel="5.10"), rounds=5), {("5.10", None): site})

    assert ran.footer["workers"]["outcomes"] == {"hung": 10}
    assert len(site.opened) == 2
    assert {line["stderr"] for line in ran.lines()} == {"VFS: Unable to mount root fs\n"}
    known = [told["place"] for told in (*ran.lines(), *ran.footer["boots"])]
    assert {(place["kernel"], place["source"], place["clock"]) for place in known} == {
        ("5.10.0-32", "./bzImage", "emulated")
    }


@pytest.mark.parametrize("clock", ["hardware", "emulated"])
def test_a_kernel_of_which_no_boot_succeeds_is_not_tried_in_all_of_them(
    clock: str, carry_out: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try of a kernel that says nothing takes minutes."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    site = Mortal(clock=clock, deadly_boots=tuple(range(1, 100)), boots=3)

    ran = carry_out(plan(under(kernel="5.10"), rounds=6), {("5.10", None): site})

    assert site.opened == [0, 0]
    assert ran.footer["workers"]["outcomes"] == {"hung": 6}
    assert [line["outcome"]["reason"] for line in ran.lines()] == [
        *["the guest did not boot in 90 s"] * 2,
        *["not booted again, for no boot of it came up: the guest did not boot in 90 s"] * 4,
    ]
    assert {line["stderr"] for line in ran.lines()} == {"VFS: Unable to mount root fs\n"}


def test_a_kernel_that_has_booted_is_tried_in_each_boot(carry_out: Callable[..., Ran]) -> None:
    site = Mortal(deadly_boots=(2, 3), boots=3)

    ran = carry_out(plan(under(kernel="5.10"), rounds=6), {("5.10", None): site})

    assert ran.footer["workers"]["outcomes"] == {"finished": 4, "hung": 2}
    assert sorted(site.opened) in ([0, 1, 1, 2], [0, 0, 1, 2], [0, 1, 2, 2])


def test_one_boot_that_fails_is_one_more_try(carry_out: Callable[..., Ran]) -> None:
    site = Mortal(deadly_boots=(1,), boots=2)
    ran = carry_out(plan(under(kernel="5.10"), rounds=2), {("5.10", None): site})

    assert ran.footer["workers"]["outcomes"] == {"finished": 2}
    told = {cost["place"]["boot"]: cost for cost in ran.footer["boots"]}
    assert told.keys() == {"0.0.1", "0.0.2", "0.1.1"}
    assert told["0.0.1"]["lost"]["reason"] == "the guest did not boot in 90 s"
    assert told["0.0.1"]["lost"]["console"] == "VFS: Unable to mount root fs\n"
    assert told["0.0.1"]["spent_ns"]["workers"] == 0
    assert not any("lost" in told[boot] for boot in ("0.0.2", "0.1.1"))


def test_a_place_that_there_is_not_is_skipped_with_its_reason(carry_out: Callable[..., Ran]) -> None:
    class Nowhere(Guests):
        def open(self, boot: int) -> Any:
            self.opened.append(boot)
            raise NoPlaceError("the root of another distro needs root")

    nowhere = Nowhere(boots=1, clock="hardware")
    sites = {
        (None, None): ImaginedSite(),
        ("4.4", None): "kernel 4.4 is not fetched",
        (None, "bullseye"): nowhere,
    }
    ran = carry_out(plan(under(), under(kernel="4.4"), under(distro="bullseye"), rounds=3), sites)

    assert ran.footer["complete"] is True
    assert ran.footer["workers"]["outcomes"] == {"finished": 3, "skipped": 6}
    assert {line["outcome"]["reason"] for line in ran.lines(kernel="4.4")} == {"kernel 4.4 is not fetched"}
    assert {line["outcome"]["reason"] for line in ran.lines(distro="bullseye")} == {
        "the root of another distro needs root"
    }
    assert nowhere.opened == [0], "asked once, not by every worker"


def test_a_resumed_run_boots_only_for_what_is_missing(tmp_path: Path, carry_out: Callable[..., Ran]) -> None:
    planned = plan(under(kernel="5.10"), rounds=6)
    ran = carry_out(planned, {("5.10", None): Guests()})
    lines = [line.copy() for line in ran.lines()]
    kept = [line for line in lines if line["round"] not in (2, 5)]
    path = tmp_path / "resumed.jsonl"
    guests = Guests()
    with Journal.create(path, header(planned, CATALOGUE, {"kernel": "6.1"}, path="x.yaml", text="")) as journal:
        footer = run(
            planned,
            catalogue=CATALOGUE,
            sites={("5.10", None): guests},
            journal=journal,
            observer=Silence(),
            interruption=Interruption(),
            session=1,
            before=kept,
        )

    assert footer["complete"] is True
    assert sorted(guests.opened) == [1, 2]
    again = sorted(read(path).workers, key=lambda line: line["round"])
    assert [line["round"] for line in again] == [2, 5]
    assert [line["place"]["boot"] for line in again] == ["1.1.1", "1.2.1"], "no boot of the first session"
