"""What a worker holds and leaves, counted from outside on real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from conditions import wait_until

from bench.measure.census import Count, adopting, count, end_strays, findings, own_children

if TYPE_CHECKING:
    from collections.abc import Iterator

OBEDIENT = Path(__file__).parent / "obedient_process.py"


class Obedient:
    """A process that does what it is told."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(OBEDIENT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._hear("ready")

    @property
    def pid(self) -> int:
        return self.process.pid

    def do(self, *words: str) -> None:
        for word in words:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{word}\n")
            self.process.stdin.flush()
            self._hear("done")

    def _hear(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{word}\n"

    def end(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def obedient() -> Iterator[Obedient]:
    process = Obedient()
    try:
        yield process
    finally:
        process.end()


@pytest.fixture
def ours() -> list[int]:
    """What this test process had as descendants before the test."""
    return [child.pid for child in psutil.Process().children(recursive=True)]


def kinds(found: list[dict[str, Any]]) -> dict[str, int]:
    return {finding["kind"]: finding["count"] for finding in found}


def test_a_process_alone(obedient: Obedient) -> None:
    found = count(obedient.pid)

    assert found is not None
    assert (found.zombies, found.children, found.threads, found.helpers) == (0, 0, 1, frozenset())
    assert found.descriptors == psutil.Process(obedient.pid).num_fds()


@pytest.mark.parametrize(
    ("word", "finding"),
    [("child", "live_child"), ("zombie", "zombie"), ("file", "leaked_descriptor"), ("thread", "leaked_thread")],
)
def test_what_is_held_longer_than_at_the_start_is_found(obedient: Obedient, word: str, finding: str) -> None:
    ready = count(obedient.pid)

    obedient.do(word, word)

    found = kinds(findings(ready, count(obedient.pid, ready), [], lost=0))
    # The pipe to a live child is a descriptor as well.
    assert found == {finding: 2} | ({"leaked_descriptor": 2} if word == "child" else {})


@pytest.mark.parametrize("word", ["child", "zombie", "file", "thread"])
def test_what_was_held_at_the_start_is_no_finding(obedient: Obedient, word: str) -> None:
    obedient.do(word)
    ready = count(obedient.pid)

    assert findings(ready, count(obedient.pid, ready), [], lost=0) == []


def test_a_helper_counts_with_its_descriptors_and_a_later_child_without(obedient: Obedient) -> None:
    alone = count(obedient.pid)
    obedient.do("child")
    ready = count(obedient.pid)
    assert alone is not None
    assert ready is not None
    (helper,) = ready.helpers
    assert ready.descriptors == alone.descriptors + 1 + psutil.Process(helper).num_fds()
    assert (ready.children, ready.threads) == (1, 2)

    obedient.do("child")

    done = count(obedient.pid, ready)
    assert done is not None
    assert done.helpers == ready.helpers
    assert (done.children, done.descriptors, done.threads) == (2, ready.descriptors + 1, 2)


def test_a_process_that_has_gone_is_not_counted(obedient: Obedient) -> None:
    obedient.end()

    assert count(obedient.pid) is None


def test_the_record_is_what_the_result_file_has() -> None:
    record = Count(zombies=1, children=2, descriptors=3, threads=4, helpers=frozenset({5})).as_record()

    assert record == {"zombies": 1, "children": 2, "descriptors": 3, "threads": 4}


def test_an_orphan_is_adopted_recorded_ended_and_buried(obedient: Obedient, ours: list[int]) -> None:
    with adopting():
        obedient.do("orphan")
        (orphan,) = [child for child in psutil.Process().children() if child.pid not in {*ours, obedient.pid}]

        strays = end_strays([*ours, obedient.pid])

    assert strays == [{"pid": orphan.pid, "name": "cat", "state": "sleeping"}]
    assert not psutil.pid_exists(orphan.pid)
    assert obedient.process.poll() is None


def test_an_orphan_that_ends_by_itself_is_buried_and_no_stray(ours: list[int]) -> None:
    with adopting():
        with subprocess.Popen(["sh", "-c", "true & echo $!"], stdout=subprocess.PIPE, text=True) as shell:
            assert shell.stdout is not None
            orphan = int(shell.stdout.read())
            shell.wait()

        assert end_strays(ours) == []

    assert not psutil.pid_exists(orphan)


def test_what_is_our_own_stays_with_all_below_it(obedient: Obedient, ours: list[int]) -> None:
    obedient.do("child_with_child")
    wait_until(lambda: len(psutil.Process(obedient.pid).children(recursive=True)) == 2)
    family = psutil.Process(obedient.pid).children(recursive=True)

    assert end_strays([*ours, obedient.pid]) == []

    assert all(member.is_running() for member in family)


def test_own_children_are_those_of_this_moment_and_not_theirs(obedient: Obedient) -> None:
    obedient.do("child")
    (grandchild,) = psutil.Process(obedient.pid).children()

    assert obedient.pid in own_children()
    assert grandchild.pid not in own_children()


def test_adoption_ends_with_its_block(obedient: Obedient, ours: list[int]) -> None:
    with adopting():
        pass

    obedient.do("orphan")

    adopted = [child for child in psutil.Process().children() if child.pid not in {*ours, obedient.pid}]
    assert adopted == []


def test_adoption_of_an_outer_block_goes_on(obedient: Obedient, ours: list[int]) -> None:
    with adopting():
        with adopting():
            pass
        obedient.do("orphan")

        assert len(end_strays([*ours, obedient.pid])) == 1


def test_counts_that_fell_are_no_findings() -> None:
    more, less = Count(2, 2, 9, 4), Count(1, 1, 8, 3)

    assert findings(more, less, [], lost=0) == []
    assert kinds(findings(less, more, [], lost=0)) == {
        "zombie": 1,
        "live_child": 1,
        "leaked_descriptor": 1,
        "leaked_thread": 1,
    }


@pytest.mark.parametrize(("ready", "done"), [(None, Count(9, 9, 9, 9)), (Count(0, 0, 4, 1), None), (None, None)])
def test_without_both_counts_strays_and_lost_statuses_remain(ready: Count | None, done: Count | None) -> None:
    strays = [{"pid": 7, "name": "sleep", "state": "sleeping"}, {"pid": 8, "name": "cat", "state": "sleeping"},
              {"pid": 9, "name": "sleep", "state": "sleeping"}]  # fmt: skip

    assert findings(ready, done, strays, lost=2) == [
        {"kind": "lost_status", "count": 2, "detail": None},
        {"kind": "stray", "count": 3, "detail": "cat, sleep"},
    ]


def test_nothing_left_is_no_finding() -> None:
    assert findings(Count(0, 0, 4, 1), Count(0, 0, 4, 1), [], lost=0) == []
