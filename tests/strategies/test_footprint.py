"""The memory that a worker says it holds is there, as it was asked for; what cannot be had is refused with an errno."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from worker_driver import MIB, PROBE, Conversation, children, request

from bench.catalogue import Catalogue, Entry
from bench.machine import read_settings
from bench.measure.samples import Sample
from bench.record import STAGES

Talk = Callable[..., Conversation]

EVERY_CPU = tuple(sorted(os.sched_getaffinity(0)))
SPAWN = STAGES.index("spawn")


def mappings(pid: int) -> list[dict[str, Any]]:
    """/proc/PID/smaps: `size`, Rss and AnonHugePages in bytes, and VmFlags, of each mapping."""
    found: list[dict[str, Any]] = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        key, *values = line.split()
        if not key.endswith(":"):
            start, end = (int(address, 16) for address in key.split("-"))
            found.append({"size": end - start})
        elif key == "VmFlags:":
            found[-1]["VmFlags"] = values
        elif values[-1] == "kB":
            found[-1][key[:-1]] = int(values[0]) << 10
    return found


# A size that is not a whole number of pages, one below and one above the step in which it is touched (32 MiB).
@pytest.mark.parametrize("size", [1, 5 * MIB + 1, 64 * MIB], ids=["a-byte", "odd", "64MiB"])
def test_a_footprint_is_resident_in_one_mapping_of_base_pages(worker_of: Entry, talk: Talk, size: int) -> None:
    worker = talk(worker_of)

    ready = worker.ask(request(worker_of, PROBE, footprint_bytes=size), fill_cpus=EVERY_CPU)

    page = os.sysconf("SC_PAGESIZE")
    whole = -(-size // page) * page
    assert (ready["state"], ready["vmas"], ready["anon_huge"]) == ("ready", 1, 0)
    assert (ready["mapped"], ready["rss"]) == (whole, whole)
    assert ready["page_tables"] >= whole // page * 8
    assert 0 < ready["fill_ns"] <= ready["footprint_ns"]
    held = [m for m in mappings(worker.pid) if m["size"] == m["Rss"] == whole and m["AnonHugePages"] == 0]
    # Also where the machine gives huge pages to everybody: `nh` is MADV_NOHUGEPAGE.
    assert any("nh" in m["VmFlags"] for m in held) or not Path("/sys/kernel/mm/transparent_hugepage").exists()


# proc_pid_smaps(5), VmFlags: how the kernel itself says what a mapping is.
MARKS = {
    "anon": "nh",
    "thp": "hg",
    "hugetlb": "ht",
    "shared": "sh",
    "noreserve": "nr",
    "reserved": "nh",
    "dontfork": "dc",
    "wipeonfork": "wf",
}
SIZE = 8 * MIB


@pytest.fixture
def reserve() -> Iterator[Callable[[], None]]:
    """Have as many huge pages free as a footprint of SIZE takes; the pool is put back at the end."""
    pool = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
    reserved = pool / "nr_hugepages"
    before = reserved.read_text() if os.access(reserved, os.W_OK) else None

    def some() -> None:
        if before is None:
            pytest.skip("huge pages cannot be reserved here")
        reserved.write_text(str(int(before) + SIZE // (2 * MIB)))
        if int((pool / "free_hugepages").read_text()) < SIZE // (2 * MIB):
            pytest.skip("the kernel found no huge pages")

    yield some
    if before is not None:
        reserved.write_text(before)


@pytest.mark.parametrize("backing", MARKS)
def test_a_backing_is_what_the_kernel_says_it_is(
    catalogue: Catalogue, talk: Talk, reserve: Callable[[], object], backing: str
) -> None:
    if backing == "hugetlb":
        reserve()
    entry = catalogue.strategy("vfork_exec")
    worker = talk(entry)

    ready = worker.ask(request(entry, PROBE, backing=backing, footprint_bytes=SIZE))

    assert ready["state"] == "ready", ready
    (held,) = [m for m in mappings(worker.pid) if m["size"] == SIZE and MARKS[backing] in m["VmFlags"]]
    there = held["Private_Hugetlb"] if backing == "hugetlb" else held["Rss"]
    assert there == (0 if backing == "reserved" else SIZE)
    # What the kernel finds no huge page for is a base page, up to a tenth.
    assert held["AnonHugePages"] >= SIZE // 10 * 9 if backing == "thp" else held["AnonHugePages"] == 0


def test_a_backing_that_cannot_be_had_says_why(catalogue: Catalogue, talk: Talk) -> None:
    (listed,) = [entry for entry in catalogue.of("backing") if entry.name == "hugetlb"]
    if listed.available:
        pytest.skip("there are huge pages here")
    entry = catalogue.strategy("vfork_exec")

    answer = talk(entry).ask(request(entry, PROBE, backing="hugetlb"))

    assert (answer["state"], answer["reason"]) == ("unsupported", listed.reason)


def test_filling_leaves_no_thread_and_no_child(worker_of: Entry, talk: Talk) -> None:
    worker = talk(worker_of)

    worker.ask(request(worker_of, PROBE, footprint_bytes=64 * MIB), fill_cpus=EVERY_CPU)

    assert psutil.Process(worker.pid).num_threads() == 1
    assert children(worker.pid) == []


@pytest.mark.parametrize("fill_cpus", [(), (4096,)], ids=["none", "no-such"])
def test_cpus_that_cannot_help_are_not_needed(worker_of: Entry, talk: Talk, fill_cpus: tuple[int, ...]) -> None:
    ready = talk(worker_of).ask(request(worker_of, PROBE, footprint_bytes=64 * MIB), fill_cpus=fill_cpus)

    assert (ready["state"], ready["rss"]) == ("ready", 64 * MIB)


def test_what_the_address_space_has_no_room_for_is_not_allocatable(worker_of: Entry, talk: Talk) -> None:
    worker = talk(worker_of)
    room = 1 << 30
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (room, room))

    refusal = worker.ask(request(worker_of, PROBE, footprint_bytes=room))

    assert (refusal["state"], refusal["errno"]) == ("not_allocatable", errno.ENOMEM)
    assert worker.process.wait() == 0


def test_a_reservation_that_the_address_space_has_no_room_for_is_not_allocatable(
    catalogue: Catalogue, talk: Talk
) -> None:
    entry = catalogue.strategy("null")
    worker = talk(entry)
    room = 1 << 30
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (room, room))

    refusal = worker.ask(request(entry, PROBE, backing="reserved", footprint_bytes=room))

    assert (refusal["state"], refusal["errno"]) == ("not_allocatable", errno.ENOMEM)


def test_no_footprint_is_not_allocatable(worker_of: Entry, talk: Talk) -> None:
    refusal = talk(worker_of).ask(request(worker_of, PROBE, footprint_bytes=0))

    assert (refusal["state"], refusal["errno"]) == ("not_allocatable", errno.EINVAL)


# ---- more address space than there is memory


@pytest.fixture
def launch_beside_reservation(catalogue: Catalogue, talk: Talk) -> Callable[[str], Sample]:
    """Launch once beside one untouched mapping of 120% of memory and swap, under the heuristic of overcommit mode 0.

    None of it is ever touched. The kernel refuses a single request that is larger than all there is, but not growing so
    large in steps; fork() asks for the whole of it at once (mm/util.c, __vm_enough_memory; since Linux 5.2).
    """

    def run(name: str) -> Sample:
        entry = catalogue.strategy(name)
        size = (psutil.virtual_memory().total + psutil.swap_memory().total) * 6 // 5
        worker = talk(entry)
        before = read_settings().memory
        ready = worker.ask(request(entry, PROBE, backing="reserved", footprint_bytes=size))
        worker.send(b"go\n")
        if ready["state"] == "ready":
            worker.hear()
        if (before, read_settings().memory) != (0, 0):
            pytest.skip("vm.overcommit_memory is not 0, or was changed meanwhile")
        assert (ready["state"], ready["vmas"], ready["rss"], ready["anon_huge"]) == ("ready", 1, 0, 0)
        assert ready["mapped"] >= size
        (sample,) = worker.samples()
        return sample

    return run


def test_fork_fails_beside_a_mapping_larger_than_memory(launch_beside_reservation: Callable[[str], Sample]) -> None:
    sample = launch_beside_reservation("fork_exec")

    assert (sample.stage, sample.error, sample.has_status) == (SPAWN, errno.ENOMEM, 0)


@pytest.mark.parametrize("name", ["vfork_exec", "posix_spawn", "system", "popen", "prefork_pipe", "prefork_seqpacket"])
def test_what_copies_nothing_launches_beside_a_mapping_larger_than_memory(
    launch_beside_reservation: Callable[[str], Sample], name: str
) -> None:
    sample = launch_beside_reservation(name)

    assert (sample.stage, sample.error, sample.has_status, sample.status) == (0, 0, 1, 0)
