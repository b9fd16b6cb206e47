"""Which control groups hold a process, on trees built to look like real machines."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.machine import cgroup, ram_bound
from bench.machine.cgroup import Group, Membership, Mount, Room

V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MEMORY_MOUNT = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
UNLIMITED = "9223372036854771712"


def plant(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def v2_machine(root: Path, files: dict[str, str], own: str = "/a/b") -> Path:
    tree = {"proc/self/cgroup": f"0::{own}\n", "proc/self/mountinfo": V2_MOUNT}
    tree["sys/fs/cgroup/cgroup.controllers"] = "cpuset cpu io memory hugetlb pids\n"
    return plant(root, tree | {f"sys/fs/cgroup/{name}": content for name, content in files.items()})


def v1_machine(root: Path, files: dict[str, str], own: str = "/a/b") -> Path:
    tree = {"proc/self/cgroup": f"4:memory:{own}\n0::/\n", "proc/self/mountinfo": V1_MEMORY_MOUNT}
    return plant(root, tree | {f"sys/fs/cgroup/memory/{name}": content for name, content in files.items()})


def memory_room(root: Path) -> Room:
    group = cgroup.locate("memory", root)
    assert group is not None
    return cgroup.memory(group)


def test_a_membership_path_may_hold_colons_and_the_group_may_be_gone() -> None:
    text = "5:cpu,cpuacct:/odd:name\n1:name=systemd:/user.slice\n0::/gone (deleted)\ngarbage\n7:pids\n"

    assert cgroup.memberships(text) == (
        Membership(("cpu", "cpuacct"), "/odd:name"),
        Membership(("name=systemd",), "/user.slice"),
        Membership((), "/gone"),
    )


def test_mount_points_are_unescaped_and_other_mounts_left_out() -> None:
    text = (
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        r"36 31 0:33 /top\134x /mnt/two\040words\011tab rw shared:1 master:2 - cgroup2 cgroup2 rw" + "\n"
        "37 31 0:34 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    )

    assert cgroup.mounts(text) == (
        Mount(2, "/mnt/two words\ttab", "/top\\x", ()),
        Mount(1, "/sys/fs/cgroup/cpu", "/", ("rw", "cpu", "cpuacct")),
    )


@pytest.mark.parametrize(
    "text", ["", "\n\n", "36 31 0:33 / /sys", "36 31 0:33 / /x rw - cgroup2", "\0\ufffd - - - - - - - -"]
)
def test_a_torn_mountinfo_has_no_control_groups(text: str) -> None:
    assert cgroup.mounts(text) == ()
    assert cgroup.mode(text) is None


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (V2_MOUNT, "v2"),
        (V1_MEMORY_MOUNT, "v1"),
        (V1_MEMORY_MOUNT + V2_MOUNT, "hybrid"),
        ("40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n" + V2_MOUNT, "v2"),
    ],
)
def test_the_layout_is_named(mounts: str, expected: str) -> None:
    assert cgroup.mode(mounts) == expected


def test_in_v2_the_tightest_ancestor_binds(tmp_path: Path) -> None:
    # GIVEN a group without a limit inside one with 1000 bytes left inside one with 5000
    root = v2_machine(
        tmp_path,
        {
            "memory.stat": "",
            "a/memory.max": "4000\n",
            "a/memory.current": "3000\n",
            "a/b/memory.max": "max\n",
            "a/b/memory.current": "100\n",
        },
    )
    # THEN the outer limit is the one that counts
    assert memory_room(root) == Room(limit=4000, free=1000)


def test_the_least_rest_need_not_be_below_the_least_limit(tmp_path: Path) -> None:
    root = v2_machine(
        tmp_path,
        {
            "a/memory.max": "9000",
            "a/memory.current": "8900",
            "a/b/memory.max": "4000",
            "a/b/memory.current": "1000",
        },
    )

    assert memory_room(root) == Room(limit=4000, free=100)


def test_idle_page_cache_counts_as_free(tmp_path: Path) -> None:
    root = v2_machine(
        tmp_path,
        {
            "a/b/memory.max": "4000",
            "a/b/memory.current": "3900",
            "a/b/memory.stat": "anon 900\ninactive_file 3000\nactive_file 0\n",
        },
    )

    assert memory_room(root) == Room(limit=4000, free=3100)


def test_beyond_memory_high_a_process_crawls_so_it_is_a_limit_too(tmp_path: Path) -> None:
    root = v2_machine(tmp_path, {"a/b/memory.max": "4000", "a/b/memory.high": "2000", "a/b/memory.current": "500"})

    assert memory_room(root) == Room(limit=2000, free=1500)


def test_no_process_can_have_more_ram_than_the_least_limit_or_all_there_is(tmp_path: Path) -> None:
    root = v2_machine(tmp_path, {"a/memory.max": "500000", "a/b/memory.max": "max", "a/b/memory.current": "300000"})
    plant(root, {"proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 900 kB\n"})
    assert ram_bound(root) == 500_000

    plant(root, {"sys/fs/cgroup/a/memory.max": "5000000"})
    assert ram_bound(root) == 1000 << 10


def test_a_group_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    root = v2_machine(tmp_path, {"a/b/memory.max": "1000", "a/b/memory.current": "1200"})

    assert memory_room(root) == Room(limit=1000, free=0)


def test_v1_prints_no_limit_as_a_number(tmp_path: Path) -> None:
    root = v1_machine(
        tmp_path,
        {"a/b/memory.limit_in_bytes": UNLIMITED, "a/b/memory.usage_in_bytes": "5", "memory.limit_in_bytes": UNLIMITED},
    )

    assert memory_room(root) == Room(None, None)


def test_v1_tells_the_limit_of_ancestors_that_are_out_of_sight(tmp_path: Path) -> None:
    # GIVEN a container whose mount starts at its own group, limited from outside
    root = plant(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n",
            "proc/self/mountinfo": "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED,
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "700",
            "sys/fs/cgroup/memory/memory.stat": "hierarchical_memory_limit 2000\ntotal_inactive_file 200\n",
        },
    )

    assert memory_room(root) == Room(limit=2000, free=1500)


@pytest.mark.parametrize("own", ["/elsewhere/not/mounted", "/../../outside", "/"])
def test_a_path_from_another_namespace_falls_back_to_what_is_mounted(tmp_path: Path, own: str) -> None:
    root = v2_machine(tmp_path, {"memory.max": "4000", "memory.current": "1000"}, own=own)

    assert memory_room(root) == Room(limit=4000, free=3000)


def test_on_a_hybrid_machine_each_controller_is_found_where_it_is(tmp_path: Path) -> None:
    # GIVEN memory in v1, pids in v2
    root = plant(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/jobs\n0::/units\n",
            "proc/self/mountinfo": V1_MEMORY_MOUNT + V2_MOUNT.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified "),
            "sys/fs/cgroup/memory/jobs/memory.limit_in_bytes": "4000",
            "sys/fs/cgroup/memory/jobs/memory.usage_in_bytes": "1000",
            "sys/fs/cgroup/unified/cgroup.controllers": "pids",
            "sys/fs/cgroup/unified/units/pids.max": "50",
            "sys/fs/cgroup/unified/units/pids.current": "20",
        },
    )

    facts = cgroup.cgroup_facts(root)

    assert facts["cgroup_mode"] == "hybrid"
    assert facts["cgroup_path"] == "/jobs"
    assert facts["cgroup_memory_version"] == 1
    assert facts["cgroup_memory_limit_bytes"] == 4000
    assert facts["cgroup_memory_usage_bytes"] == 1000
    assert facts["cgroup_pids_limit"] == 50
    assert facts["cgroup_pids_free"] == 30
    assert "cgroup_cpu_quota" not in facts


def test_an_empty_v2_hierarchy_does_not_hide_that_nobody_has_the_controller(tmp_path: Path) -> None:
    root = v2_machine(tmp_path, {"cgroup.controllers": "hugetlb"})

    assert cgroup.locate("memory", root) is None


@pytest.mark.parametrize(
    ("version", "files", "expected"),
    [
        (2, {"cpu.max": "150000 100000\n"}, 1.5),
        (2, {"cpu.max": "max 100000\n"}, None),
        (2, {"cpu.max": ""}, None),
        (1, {"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, None),
        (1, {"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "100000"}, 0.5),
        (1, {"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "0"}, None),
    ],
)
def test_a_cpu_quota_is_a_number_of_cpus(
    tmp_path: Path, version: int, files: dict[str, str], expected: float | None
) -> None:
    plant(tmp_path, files)

    assert cgroup.cpu_quota(Group(version, "cpu", "/", tmp_path, tmp_path)) == expected


def test_v2_gives_the_controller_to_children_only_when_it_is_passed_on(tmp_path: Path) -> None:
    plant(tmp_path, {"closed/cgroup.subtree_control": "", "open/cgroup.subtree_control": "cpu memory pids"})

    assert Group(2, "memory", "/open", tmp_path / "open", tmp_path).creatable()
    assert not Group(2, "memory", "/closed", tmp_path / "closed", tmp_path).creatable()


def test_children_cannot_be_made_where_nobody_may_write(tmp_path: Path) -> None:
    assert not Group(1, "memory", "/gone", tmp_path / "gone", tmp_path).creatable()
    assert Group(1, "memory", "/", tmp_path, tmp_path).creatable()


def test_a_machine_without_control_groups_has_no_facts_of_them(tmp_path: Path) -> None:
    assert cgroup.cgroup_facts(tmp_path) == {}


def test_binary_and_torn_files_are_no_limits(tmp_path: Path) -> None:
    root = v2_machine(tmp_path, {"a/b/memory.current": "12"})
    plant(
        root, {"sys/fs/cgroup/a/b/memory.max": b"\xff\xfe\x00 9", "sys/fs/cgroup/a/b/memory.stat": b"inactive_file\n\0"}
    )

    assert memory_room(root) == Room(None, None)


def test_this_machine_can_be_read() -> None:
    facts = cgroup.cgroup_facts()

    assert facts.get("cgroup_mode") in {None, "v1", "v2", "hybrid"}
