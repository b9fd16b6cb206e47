"""Files by the hundred say what the same files say one by one."""

import gc
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from result_lines import (
    MACHINE,
    Launch,
    cell,
    census,
    failed,
    footer,
    hazard,
    hazard_plan,
    header,
    ok,
    refused,
    session,
    worker,
    write,
)

from bench.analysis import Analysis, analyse, analyse_many, gathering
from bench.analysis import launches as launches_of_many
from bench.record import UnreadableResult, read

VFORK, FORK, SYSTEM = cell("vfork_exec"), cell("fork_exec"), cell("system", reaper="own")
UNKNOWN_AXIS = cell("vfork_exec", colour={"red": [1, None]}, id="red")
CELLS = [VFORK, FORK, SYSTEM, UNKNOWN_AXIS]


def one_by_one(*paths: Path) -> Analysis:
    return analyse([read(path) for path in paths])


def same(*paths: Path) -> Analysis:
    """The analysis of many, after it was found to say the same as that of each read whole."""
    many, few = analyse_many(paths), one_by_one(*paths)
    assert many.cells == few.cells
    assert many.hazards == few.hazards
    assert many.files == few.files
    assert many.fingerprints == few.fingerprints
    assert sorted(many.warnings) == sorted(few.warnings)
    for ours, theirs in zip(many.cells, few.cells, strict=True):
        assert list(ours.errors.values()) == list(theirs.errors.values()), "most frequent first"
        assert list(ours.workers_by_outcome) == list(theirs.workers_by_outcome)
    return many


def launches(rng: random.Random, count: int) -> list[Launch]:
    """Launches of all kinds: warm-up, failures at every stage, commands of a mix, and clocks that never came."""
    kinds: list[Callable[[], Launch]] = [
        lambda: ok(rng.randint(20_000, 90_000), rng.randint(5_000, 19_000), rng.choice([None, 17_000])),
        lambda: ok(rng.randint(200_000, 900_000), command=1),
        lambda: failed("spawn_error", rng.choice([11, 12])),
        lambda: failed("exec_error", 2, command=1),
        lambda: failed("wrong_status", status=rng.choice([0x7F00, 9, None])),
        lambda: failed("timeout"),
    ]
    chosen = rng.choices(kinds, weights=[60, 20, 5, 5, 5, 5], k=count)
    return [Launch(warmup=1, total=1), *(make() for make in chosen)]


@pytest.fixture
def fleet(tmp_path: Path) -> list[Path]:
    """Twelve files of three kernels, with everything that workers can come to."""
    rng = random.Random(7)
    paths = []
    for number in range(12):
        machine = MACHINE | {"kernel": f"6.{number % 3}.0", "load_avg_1min": rng.random()}
        struck = hazard(hits=number % 2)
        lines: list[Any] = [header(CELLS, rounds=2, run=f"{number:x}", machine=machine, hazards=hazard_plan(struck))]
        for round_ in range(2):
            for position, one in enumerate(rng.sample(CELLS, k=len(CELLS))):
                place: dict[str, Any] = {"position": position, "planned": 130}
                if rng.random() < 0.1:
                    lines.append(refused(one, "skipped", round_=round_, reason="no room") | {"position": position})
                    continue
                if rng.random() < 0.2:
                    place["outcome"] = {"kind": "crashed", "signal": rng.choice([6, 11])}
                if rng.random() < 0.3:
                    place["census"] = {"ready": census(), "done": census(zombies=rng.randint(0, 2)), "strays": []}
                    place["findings"] = [{"kind": "zombie", "count": 1, "detail": None}]
                if rng.random() < 0.3:
                    place["contradiction"] = "is fork"
                    place["bystander_max_ns"] = rng.randint(1, 1000)
                if number == 4:
                    place["place"] = {"kernel": "4.4.0", "clock": "instructions", "boot": "b"}
                count = rng.randint(0, 120) if one is not SYSTEM else 0
                mechanism = rng.choice(["vfork -> execve", "clone -> execve", None])
                lines.append(worker(one, launches(rng, count), round_=round_, mechanism=mechanism, **place))
        lines.append(struck)
        boot = {"place": {"kernel": "4.4.0", "boot": f"0.{number}.1"}, "spent_ns": {"open": number}}
        lost = {"lost": {"kind": "hung", "reason": "said nothing", "console": "größe\n"}}
        boots = {"boots": [boot, boot | lost]} if number % 3 == 1 else {}
        lines.append(footer(interrupted="SIGINT") | boots)
        if number == 4:  # resumed
            lines += [session(1), footer() | {"session": 1, "boots": [boot]}]
        paths.append(write(tmp_path / f"{number:02}.jsonl", *lines))
    return paths


def test_a_fleet_says_what_its_files_say(fleet: list[Path]) -> None:
    found = same(*fleet)

    assert len(found.cells) >= 4 * 4
    assert found.rows == ()
    assert {"spawn:ENOMEM", "exec:ENOENT", "status:exit:127", "timeout"} <= {
        error for one in found.cells for error in one.errors
    }
    assert any(len(one.by_command) > 1 for one in found.cells)
    assert any(one.total_ns and one.total_ns.p50_low for one in found.cells), "enough workers for an interval"


@pytest.mark.parametrize("at_once", [1, 50, 1000])
def test_what_does_not_fit_into_memory_at_once_is_the_same(
    fleet: list[Path], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(launches_of_many, "_AT_ONCE", at_once)
    monkeypatch.setattr(gathering, "_AT_A_TIME", 3)

    same(*fleet)


def test_the_order_is_that_of_the_files_as_given(fleet: list[Path]) -> None:
    backwards = same(*reversed(fleet))

    assert [file.path for file in backwards.files] == [str(path) for path in reversed(fleet)]


@pytest.mark.parametrize("n", [1, 2, 19, 20, 99, 100, 999, 1000, 1001])
def test_percentiles_are_the_same_observations(tmp_path: Path, n: int) -> None:
    rng = random.Random(n)
    path = write(
        tmp_path / "r.jsonl",
        header([VFORK]),
        worker(VFORK, [ok(rng.randint(1, 10**9), rng.randint(1, 10**6)) for _ in range(n)]),
    )

    same(path)


def test_a_worker_that_two_files_have_counts_once(fleet: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(fleet[0].read_bytes())

    same(*fleet, copy)


def test_a_worker_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl", header([VFORK]), worker(VFORK, [ok(1000)]), worker(VFORK, [ok(9000)] * 3, position=1)
    )

    same(path)


def test_a_file_given_twice_counts_once_and_says_so(fleet: list[Path]) -> None:
    found = analyse_many([*fleet, fleet[0]])

    assert found.cells == one_by_one(*fleet).cells
    assert f"{fleet[0]}: is given 2 times: it counts once" in found.warnings


def test_a_resumed_and_interrupted_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl",
        header([VFORK, FORK], rounds=2),
        worker(VFORK, [ok(1000)]),
        footer(complete=False, interrupted="SIGTERM"),
        session(),
        worker(FORK, [ok(2000)], session=1),
        footer(complete=False, interrupted="SIGINT") | {"session": 1},
    )

    (file,) = same(path).files
    assert (file.sessions, file.interrupted, file.workers, file.complete) == (2, "SIGINT", 2, False)


def test_codes_are_those_of_each_file(tmp_path: Path) -> None:
    other = {"outcome": ["timeout", "ok", "spawn_error"], "stage": ["none"], "errno": {"12": "ENOTBLK"}}
    usual = write(tmp_path / "a.jsonl", header([VFORK], run="a"), worker(VFORK, [ok(10), failed("spawn_error", 12)]))
    foreign = write(
        tmp_path / "b.jsonl", header([VFORK], run="b", codes=other), worker(VFORK, [ok(10), failed("exec_error", 12)])
    )

    (found,) = same(usual, foreign).cells
    assert found.errors == {"timeout": 1, "spawn:ENOMEM": 1, "spawn:ENOTBLK": 1}


def test_a_twin_is_no_cell(tmp_path: Path) -> None:
    twin = cell("vfork_exec", twin=True, id="twin")
    path = write(tmp_path / "r.jsonl", header([VFORK, twin]), worker(VFORK, [ok(10)]), worker(twin, [ok(20)]))

    assert len(same(path).cells) == 1


DAMAGED = [
    b"not json\n",
    b"[1, 2]\n",
    b'{"type":"remark"}\n',
    b'{"type":"worker"}\n',
    b"\n\n",
    json.dumps(worker(FORK, [ok(5)], findings={})).encode() + b"\n",
    json.dumps(worker(FORK, [ok(5)], census=3)).encode() + b"\n",
    json.dumps(worker(FORK, [ok(5)], samples={"warmup": [0], "call": []})).encode() + b"\n",
    json.dumps(worker(FORK, [ok(5)]) | {"cell": None}).encode() + b"\n",
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_line_is_passed_over_and_named(tmp_path: Path, damage: bytes) -> None:
    damaged = write(tmp_path / "r.jsonl", header([VFORK, FORK]), damage, worker(VFORK, [ok(1000)]))
    good = write(tmp_path / "good.jsonl", header([VFORK], run="good"), worker(VFORK, [ok(3000)]))

    found = same(damaged, good)

    assert not found.files[0].torn
    (launched,) = [one for one in found.cells if one.strategy == "vfork_exec"]
    assert launched.launches == 2


@pytest.mark.parametrize(
    ("boots", "problem"), [(3, "boots: "), ([{"place": {}, "spent_ns": {"open": "long"}}], "boots[0].spent_ns")]
)
def test_boots_that_make_no_sense_are_passed_over_and_named(tmp_path: Path, boots: object, problem: str) -> None:
    sane = {"place": {"kernel": "4.4"}, "spent_ns": {"open": 1}}
    path = write(
        tmp_path / "r.jsonl",
        header([VFORK]),
        worker(VFORK, [ok(1)]),
        footer() | {"boots": boots},
        session(1),
        footer() | {"session": 1, "boots": [sane]},
    )

    found = analyse_many([path])

    assert [warning for warning in found.warnings if problem in warning]
    assert found.files[0].boots == (sane,)


@pytest.mark.parametrize("tail", [b'{"type":"worker","round"', json.dumps(worker(FORK, [ok(5)])).encode(), b"x\n"])
def test_a_torn_last_line_is_passed_over_and_named(tmp_path: Path, tail: bytes) -> None:
    path = write(tmp_path / "r.jsonl", header([VFORK, FORK]), worker(VFORK, [ok(1000)]), tail)

    (file,) = same(path).files
    assert (file.torn, file.workers) == (True, 1)


USELESS = {
    "empty": b"",
    "foreign version": json.dumps(header([VFORK], format="launchbench/2")).encode() + b"\n",
    "no result file": b"my notes\n",
    "no header": json.dumps(worker(VFORK, [ok(1)])).encode() + b"\n",
    "header torn": b'{"type":"header"',
    "two headers": json.dumps(header([VFORK])).encode() + b"\n" + json.dumps(header([VFORK])).encode() + b"\n",
    "not UTF-8": b'{"type":"header"\xff\xfe}\n',
}


@pytest.mark.parametrize("name", USELESS)
def test_a_useless_file_is_named_and_ends_nothing(tmp_path: Path, name: str) -> None:
    useless = write(tmp_path / "u.jsonl", USELESS[name])
    good = write(tmp_path / "good.jsonl", header([VFORK], run="good"), worker(VFORK, [ok(3000)]))

    found = analyse_many([useless, good, tmp_path / "missing.jsonl"])

    assert found.cells == one_by_one(good).cells
    assert [file.path for file in found.files] == [str(good)]
    with pytest.raises(UnreadableResult) as refusal:
        read(useless)
    assert str(refusal.value) in found.warnings
    assert f"{tmp_path}/missing.jsonl: no such file" in found.warnings


def test_what_a_worker_felt_and_its_command_inherited_is_the_same(tmp_path: Path) -> None:
    def felt(number: int, written: list[int], **changes: Any) -> dict[str, Any]:
        line = worker(FORK, [ok(9000), ok(9100)], round_=number, **changes)
        line["samples"]["written"] = written
        return line

    inherited = {
        "descriptors": "0-2,7-9",
        "blocked": ["SIGCHLD"],
        "ignored": [],
        "umask": "022",
        "own_session": False,
        "own_group": False,
        "cgroup": "0::/",
    }
    heard = {"pages_written": 100, "bystander_max_ns": 900, "bystander_control_max_ns": 40, "inherited": inherited}
    path = write(
        tmp_path / "felt.jsonl",
        header([FORK, VFORK], rounds=2),
        felt(0, [5000, 5100], **heard, broken_promises=["it inherited 3 descriptors"]),
        felt(1, [5400, 5500], **heard | {"bystander_max_ns": 950}, broken_promises=[]),
        worker(VFORK, [ok(3000)]),
    )

    fork, vfork = same(path).cells

    assert fork.written_ns is not None
    assert (fork.written_ns.p50, fork.pages_written) == (5250, 100)
    assert (fork.bystander_max_ns, fork.bystander_control_max_ns) == (950, 40)
    assert fork.inherited == ("3 descriptors (7-9); blocked SIGCHLD",)
    assert fork.broken_promises == ("it inherited 3 descriptors",)
    assert (vfork.written_ns, vfork.pages_written, vfork.inherited, vfork.broken_promises) == (None, None, (), ())


def test_nothing_but_useless_files_is_an_error(tmp_path: Path) -> None:
    paths = [write(tmp_path / name.replace(" ", "-"), data) for name, data in USELESS.items()]

    with pytest.raises(UnreadableResult, match="is empty"):
        analyse_many(paths)


def test_the_collector_of_cycles_is_as_before_whatever_happens(fleet: list[Path], tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.jsonl"
    nothing.touch()
    for wanted in (False, True):
        (gc.enable if wanted else gc.disable)()
        try:
            analyse_many(fleet)
            assert gc.isenabled() == wanted
            with pytest.raises(UnreadableResult):
                analyse_many([nothing])
            assert gc.isenabled() == wanted
        finally:
            gc.enable()


@pytest.mark.parametrize("name", ["a*.jsonl", "run[1].jsonl", "it's.jsonl", "{x}.jsonl", "mit Abstand.jsonl", "z.gz"])
def test_any_name_is_a_file_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(tmp_path / "ab.jsonl", b"not to be matched\n")
    write(tmp_path / name, header([VFORK]), worker(VFORK, [ok(3000)]))
    monkeypatch.chdir(tmp_path)

    assert same(Path(name)).files[0].path == name


def test_nothing_is_left_in_the_temporary_folder(
    fleet: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    analyse_many(fleet)

    assert list(scratch.iterdir()) == []
