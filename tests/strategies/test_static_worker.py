"""The static workers, with glibc and with musl inside, are the same worker: other distros and kernels run them."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from hazard_probes import trying
from worker_driver import PROBE, Conversation, Done, request

from bench import catalogue as catalogues
from bench.catalogue import Build, Catalogue, Entry, MissingToolError
from bench.measure import mechanism, plan_hazards


@pytest.fixture(scope="module", params=["glibc-static", "musl"])
def static(request: pytest.FixtureRequest) -> Catalogue:
    try:
        return catalogues.load(request.param)
    except MissingToolError as missing:
        pytest.skip(str(missing))


def native(catalogue: Catalogue, kind: str = "strategy") -> dict[str, Entry]:
    return {entry.name: entry for entry in catalogue.of(kind) if entry.runtime == "native"}


def launch(catalogue: Catalogue, entry: Entry, folder: Path, *tracer: str, launches: int = 1) -> Done:
    with Conversation(catalogue, entry, folder, tracer=tracer) as worker:
        return worker.carry_out(request(entry, PROBE, plan=(0,) * launches))


def test_it_needs_no_library(static: Catalogue) -> None:
    # A dynamic program names its loader in a program header; `strings` and readelf are not needed to see that.
    head = static.build.worker.read_bytes()[:4096]

    assert b"/ld-linux" not in head
    assert b"/ld-musl" not in head


def test_it_says_which_libc_is_inside(static: Catalogue) -> None:
    told = subprocess.run([static.build.worker, "libc"], capture_output=True, text=True, check=True).stdout.strip()
    family, version = told.split(" ")

    assert told == static.build.libc
    assert family == static.build.variant.removesuffix("-static")
    assert all(part.isdecimal() for part in version.split("."))


def test_a_dynamic_worker_runs_with_what_it_finds(catalogue: Catalogue) -> None:
    told = subprocess.run([catalogue.build.worker, "libc"], capture_output=True, text=True, check=True).stdout

    assert told.strip()
    assert catalogue.build.libc is None


@pytest.mark.parametrize("kind", ["strategy", "reaper", "hygiene", "backing", "hazard"])
def test_it_has_all_that_the_dynamic_one_has(static: Catalogue, catalogue: Catalogue, kind: str) -> None:
    ours, theirs = native(static, kind), native(catalogue, kind)

    assert ours.keys() == theirs.keys()
    for name, entry in ours.items():
        lacks = entry.reason is not None and "libc" in entry.reason
        assert lacks or entry == theirs[name], "only what a libc lacks may be missing, and says so"


def test_it_launches_in_every_way_that_it_says(static: Catalogue, tmp_path: Path) -> None:
    for name, entry in native(static).items():
        if not entry.available or entry.launches_nothing:
            continue
        done = launch(static, entry, tmp_path / name, launches=10)

        assert [(sample.stage, sample.status) for sample in done.samples] == [(0, 0)] * 10, name
        assert len(done.arrivals) == 10, name


def test_its_calls_are_observed_and_do_what_the_name_claims(static: Catalogue, tmp_path: Path) -> None:
    """Whatever a libc calls it: musl's fork() is fork(2), glibc's is clone(2), and both copy."""
    for name, entry in native(static).items():
        if not entry.available or entry.launches_nothing:
            continue
        record = tmp_path / f"{name}.calls"
        launch(static, entry, tmp_path / name, str(static.build.worker), "observe", str(record))

        seen = mechanism.describe(record.read_text())
        assert seen is not None, name
        assert seen.count("execve") >= 1, name
        assert entry.memory is None or mechanism.memory(seen) == entry.memory, name


def test_a_strategy_in_python_has_no_other_libc(static: Catalogue) -> None:
    python = [entry for entry in static.of("strategy") if entry.runtime == "python"]

    assert python
    assert {entry.reason for entry in python} == {catalogues.PYTHON_ALONE}


def test_its_worker_is_another_program_than_the_default_one(static: Catalogue, catalogue: Catalogue) -> None:
    assert static.build.digest != catalogue.build.digest
    assert static.strategies_folder == catalogue.strategies_folder
    swapped: Build = dataclasses.replace(static.build, folder=catalogue.build.folder)
    assert static.worker(static.strategy("vfork_exec"), swapped) == [str(catalogue.build.worker)]


def test_its_hazards_are_what_their_oracles_say(static: Catalogue) -> None:
    """Each C library has its own locks, and its own posix_spawn(): the oracles know which."""
    strategies = ["fork_exec", "vfork_exec", "posix_spawn", "system", "prefork_seqpacket"]
    keys = plan_hazards(static, [entry.name for entry in static.of("hazard")], strategies)
    with trying(static) as make:
        lines = [make(key, trials=4, session=0) for key in keys if key.mitigation is None]

    assert [line for line in lines if line["met"] is False or line["outcome"]["kind"] == "failed"] == []
    assert sum(line["hits"] for line in lines) > 0
