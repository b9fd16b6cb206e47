"""Whether a worker fits, and which limit makes mode 2 what a scenario asks for."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.machine.facts import ToldTree
from bench.machine.memory import (
    MARGIN_BYTES,
    Budget,
    LimitUnreachableError,
    MemoryFacts,
    MemoryUnknownError,
    commit_facts,
    commit_kbytes,
    commit_left,
    facts_told,
    fit_reason,
    meminfo,
    memory_facts,
    room_reason,
    size_text,
)

MIB = 1 << 20
GIB = 1 << 30

# A machine with 16 GiB, half of it committable.
MACHINE = MemoryFacts(
    total_bytes=16 * GIB, available_bytes=12 * GIB, commit_limit_bytes=8 * GIB, committed_bytes=1 * GIB, mode=0
)


def test_what_fits_has_no_reason_not_to() -> None:
    assert fit_reason(Budget(10 * GIB), MACHINE) is None


def test_what_does_not_fit_says_what_it_needs_and_what_there_is() -> None:
    facts = replace(MACHINE, available_bytes=int(7.1 * GIB))

    assert fit_reason(Budget(int(9.5 * GIB)), facts) == "needs 9.8GiB, 7.1GiB available"


def test_what_can_never_fit_says_so_and_the_same_whatever_is_available() -> None:
    reasons = {
        fit_reason(Budget(16 * GIB), replace(MACHINE, available_bytes=available)) for available in (GIB, 12 * GIB)
    }

    assert reasons == {"needs 16.3GiB, and there is 16GiB of RAM"}


def test_a_worker_needs_its_pages_two_page_tables_and_the_margin() -> None:
    # GIVEN 1 GiB in 4 KiB pages: 2 MiB of page table entries, in the worker and again in its forked child
    exactly = GIB + 2 * 2 * MIB + MARGIN_BYTES

    assert fit_reason(Budget(GIB), replace(MACHINE, available_bytes=exactly)) is None
    assert fit_reason(Budget(GIB), replace(MACHINE, available_bytes=exactly - 1)) is not None


def test_every_child_alive_at_once_may_have_page_tables() -> None:
    assert Budget(GIB, children=8).ram_bytes(4096) == GIB + 9 * 2 * MIB


def test_larger_pages_make_smaller_tables() -> None:
    assert Budget(GIB).ram_bytes(65536) == GIB + 2 * (GIB // 65536) * 8


def test_a_reserved_footprint_needs_no_ram() -> None:
    assert fit_reason(Budget(100 * GIB, touched=False, accounted=False), MACHINE) is None


def test_a_reserved_footprint_is_still_committed_in_mode_2() -> None:
    reason = fit_reason(Budget(100 * GIB, touched=False), replace(MACHINE, mode=2))

    assert reason == "needs 100GiB, 7GiB left to commit (CommitLimit, overcommit mode 2)"


@pytest.mark.parametrize("mode", [0, 1])
def test_the_commit_limit_only_binds_in_mode_2(mode: int) -> None:
    facts = replace(MACHINE, mode=mode, commit_limit_bytes=2 * GIB)

    assert fit_reason(Budget(4 * GIB), facts) is None
    assert fit_reason(Budget(4 * GIB), replace(facts, mode=2)) is not None


def test_the_cgroup_binds_below_what_the_machine_has() -> None:
    facts = replace(MACHINE, cgroup_free_bytes=2 * GIB)

    assert fit_reason(Budget(GIB), facts) is None
    assert fit_reason(Budget(2 * GIB), facts) == "needs 2.3GiB, 2GiB left below the cgroup's memory limit"


def test_swap_is_no_room() -> None:
    assert fit_reason(Budget(13 * GIB), replace(MACHINE, swap_bytes=64 * GIB)) is not None


def test_the_kernel_keeps_reserves_from_a_process() -> None:
    facts = replace(MACHINE, mode=2, admin_reserve_bytes=8 * MIB, user_reserve_bytes=128 * MIB)

    assert commit_left(facts, Budget(GIB)) == 7 * GIB - 8 * MIB - 32 * MIB
    assert commit_left(facts, Budget(6 * GIB)) == 7 * GIB - 8 * MIB - 128 * MIB


def test_a_kernel_that_does_not_account_does_not_refuse() -> None:
    facts = replace(MACHINE, mode=2, commit_limit_bytes=None, committed_bytes=None)

    assert commit_left(facts, Budget(GIB)) is None
    assert fit_reason(Budget(GIB), facts) is None
    assert room_reason(Budget(GIB), facts, None) is None


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (4 * GIB + 256 * MIB, None),
        (
            4 * GIB + 100 * MIB,
            "the commit limit leaves 100MiB beyond the footprint, the rest of the machine needs 256MiB",
        ),
        (4 * GIB, "the commit limit leaves nothing beyond the footprint, the rest of the machine needs 256MiB"),
        (3 * GIB, "the commit limit is 1GiB short beyond the footprint, the rest of the machine needs 256MiB"),
    ],
)
def test_the_rest_of_the_machine_needs_room_beyond_the_footprint(limit: int, reason: str | None) -> None:
    assert room_reason(Budget(4 * GIB), MACHINE, limit) == reason
    assert room_reason(Budget(4 * GIB), MACHINE, limit, crowd=True) is None


def test_without_a_limit_the_machines_own_ratio_decides() -> None:
    assert room_reason(Budget(6 * GIB), MACHINE, None) is None
    assert room_reason(Budget(7 * GIB), MACHINE, None) is not None


def test_a_footprint_that_is_not_accounted_takes_no_room() -> None:
    assert room_reason(Budget(100 * GIB, touched=False, accounted=False), MACHINE, GIB) is None


def test_a_limit_is_counted_from_what_is_committed_already() -> None:
    assert MACHINE.under(3 * GIB) == replace(MACHINE, mode=2, commit_limit_bytes=4 * GIB)
    assert MACHINE.under(None) == replace(MACHINE, mode=2)


def commit_limit(kbytes: int, facts: MemoryFacts, ratio: int = 50) -> int:
    """mm/util.c, vm_commit_limit(), with nothing in hugetlb pages."""
    page_kbytes = facts.page_bytes // 1024
    pages = kbytes // page_kbytes if kbytes else facts.total_bytes // facts.page_bytes * ratio // 100
    return pages * facts.page_bytes + facts.swap_bytes


@pytest.mark.parametrize("page_bytes", [4096, 16384, 65536])
@pytest.mark.parametrize("swap", [0, 2 * GIB])
@pytest.mark.parametrize("limit", [0, 1, 3 * GIB, 3 * GIB + 5000])
def test_the_kernel_makes_the_limit_that_was_asked_for(limit: int, swap: int, page_bytes: int) -> None:
    facts = replace(MACHINE, swap_bytes=swap, page_bytes=page_bytes)

    reached = commit_limit(commit_kbytes(5 * GIB, limit, facts), facts)

    assert 0 <= reached - (5 * GIB + limit) < page_bytes


def test_swap_is_added_by_the_kernel_so_a_limit_below_it_is_out_of_reach() -> None:
    facts = replace(MACHINE, swap_bytes=4 * GIB)

    with pytest.raises(LimitUnreachableError, match=r"a commit limit of 3GiB is out of reach: swap alone is 4GiB"):
        commit_kbytes(GIB, 2 * GIB, facts)


def test_zero_kbytes_would_hand_over_to_the_ratio() -> None:
    with pytest.raises(LimitUnreachableError):
        commit_kbytes(GIB, GIB, replace(MACHINE, swap_bytes=2 * GIB))


def test_meminfo_is_in_bytes_and_counts_stay_counts() -> None:
    text = "MemTotal:       24684096 kB\nHugePages_Total:       3\nbroken\nTorn:\nOdd: many kB\nMemFree: 1"

    assert meminfo(text) == {"MemTotal": 24684096 * 1024, "HugePages_Total": 3, "MemFree": 1}


def plant(root: Path, meminfo_text: str) -> Path:
    (root / "proc/sys/vm").mkdir(parents=True)
    (root / "proc/meminfo").write_text(meminfo_text)
    return root


def test_facts_are_read_below_a_root(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        "MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\n"
        "CommitLimit: 550 kB\nCommitted_AS: 70 kB\n",
    )
    (root / "proc/sys/vm/overcommit_memory").write_text("2\n")
    (root / "proc/sys/vm/admin_reserve_kbytes").write_text("8\n")

    facts = memory_facts(root)

    assert facts.total_bytes == 1000 << 10
    assert facts.available_bytes == 600 << 10
    assert facts.swap_bytes == 50 << 10
    assert facts.commit_limit_bytes == 550 << 10
    assert facts.committed_bytes == 70 << 10
    assert facts.mode == 2
    assert facts.admin_reserve_bytes == 8 << 10
    assert facts.cgroup_free_bytes is None
    assert commit_facts(root) == {"commit_limit_bytes": 550 << 10, "committed_bytes": 70 << 10}


def test_facts_of_another_machine_come_from_what_was_told_of_its_files() -> None:
    told = ToldTree(
        Path("/"),
        {
            "/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 600 kB\nCommitLimit: 500 kB\nCommitted_AS: 20 kB\n",
            "/proc/sys/vm/overcommit_memory": "2\n",
            "/proc/sys/vm/admin_reserve_kbytes": "8\n",
        },
    )

    facts = facts_told(told.text)

    assert (facts.total_bytes, facts.available_bytes, facts.mode) == (1000 << 10, 600 << 10, 2)
    assert (facts.commit_limit_bytes, facts.committed_bytes) == (500 << 10, 20 << 10)
    assert (facts.admin_reserve_bytes, facts.user_reserve_bytes) == (8 << 10, 0)
    assert facts.cgroup_free_bytes is None


def test_a_machine_that_told_nothing_has_no_facts() -> None:
    with pytest.raises(MemoryUnknownError):
        facts_told(ToldTree(Path("/"), {}).text)


def test_told_files_are_found_as_those_of_a_root_are() -> None:
    told = ToldTree(Path("/sys"), {"/sys/a/one": " 1\n", "/sys/a/two": "", "/proc/a/one": "2"})

    assert (told.text("a/one"), told.text("a/two"), told.text("a/three")) == ("1", None, None)
    assert told.integer("a/one") == 1
    assert told.glob("a/*") == [Path("/sys/a/one"), Path("/sys/a/two")]
    assert (told.exists("a/two"), told.exists("a/three")) == (True, False)


def test_before_linux_3_14_free_memory_stands_in(tmp_path: Path) -> None:
    assert memory_facts(plant(tmp_path, "MemTotal: 1000 kB\nMemFree: 400 kB\n")).available_bytes == 400 << 10


@pytest.mark.parametrize("text", ["", "MemTotal: 1000 kB\n", "MemFree: 400 kB\n", "\0\0"])
def test_without_totals_nothing_can_be_budgeted(tmp_path: Path, text: str) -> None:
    with pytest.raises(MemoryUnknownError, match="meminfo"):
        memory_facts(plant(tmp_path, text))


def settings() -> list[int]:
    return [int(Path(f"/proc/sys/vm/{name}").read_text()) for name in ("overcommit_kbytes", "overcommit_ratio")]


def test_this_machines_commit_limit_is_what_the_kernel_computes() -> None:
    # GIVEN settings that nobody else is changing meanwhile
    for _ in range(100):
        before, facts, after = settings(), memory_facts(), settings()
        if before == after:
            break
    kbytes, ratio = after
    hugetlb = meminfo(Path("/proc/meminfo").read_text()).get("Hugetlb", 0)

    computed = commit_limit(kbytes, replace(facts, total_bytes=facts.total_bytes - hugetlb), ratio)

    assert facts.commit_limit_bytes == computed


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1023, "1023B"), (1024, "1KiB"), (256 * MIB, "256MiB"), (int(9.8 * GIB), "9.8GiB"), (-GIB, "-1GiB")],
)
def test_sizes_are_written_with_binary_units(size: int, text: str) -> None:
    assert size_text(size) == text
