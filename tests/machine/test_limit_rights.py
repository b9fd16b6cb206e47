"""What a process may limit a worker to, on trees built to look like other machines."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from bench.machine import EVERY_RIGHT, LimitRights, Limits, limit_rights, no_filters, spare_user

ALL, NONE = "000001ffffffffff", "0000000000000000"
RESOURCE_ONLY, NO_SETUID = "0000000001000000", "000001ffffffff7f"


def machine(root: Path, capabilities: str, **files: str) -> Path:
    own = {"self/status": f"Name:\tcat\nCapEff:\t{capabilities}\nSeccomp:\t0\n"} | files
    for name, text in own.items():
        path = root / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_only_what_is_limited_needs_a_right() -> None:
    rights = LimitRights(memory="no memory", pids="no pids", nproc="no nproc", most_files=100)

    assert not Limits()
    assert rights.missing_right(Limits()) is None
    assert rights.missing_right(Limits(memory_bytes=1)) == "no memory"
    assert rights.missing_right(Limits(pids=1)) == "no pids"
    assert rights.missing_right(Limits(nproc=1)) == "no nproc"
    assert rights.missing_right(Limits(nofile=100)) is None
    assert rights.missing_right(Limits(nofile=101)) == "may not raise RLIMIT_NOFILE to 101, only to 100"
    assert EVERY_RIGHT.missing_right(Limits(1, 1, 1, 1)) is None


def test_more_files_than_the_hard_limit_need_a_capability(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    more = hard + 1000

    for capabilities, most in ((NONE, hard), (RESOURCE_ONLY, more)):
        root = machine(tmp_path / capabilities, capabilities, **{"sys/fs/nr_open": f"{more}\n"})
        assert limit_rights(root).most_files == most


def test_a_machine_without_control_groups_limits_neither_memory_nor_processes(tmp_path: Path) -> None:
    rights = limit_rights(machine(tmp_path, ALL))

    assert rights.memory == "no control group has the memory controller here"
    assert rights.pids == "no control group has the pids controller here"


@pytest.mark.parametrize(
    ("status", "reason"),
    [("Seccomp:\t0\n", None), ("a\nSeccomp:\t2\n", None), ("", "the kernel has no seccomp filters")],
)
def test_a_kernel_without_filters_is_told_by_its_status(status: str, reason: str | None) -> None:
    assert no_filters(status) == reason


@pytest.mark.skipif(os.getuid() == 0, reason="root is exempt by being root")
def test_the_limit_binds_an_ordinary_user_as_they_are(tmp_path: Path) -> None:
    root = machine(tmp_path, NONE)

    assert spare_user(root) is None
    assert limit_rights(root).nproc is None


def test_who_is_exempt_gets_a_user_that_nobody_is(tmp_path: Path) -> None:
    assert spare_user(machine(tmp_path, ALL)) == 61184


def test_a_user_with_processes_is_not_spare(tmp_path: Path) -> None:
    root = machine(tmp_path, ALL)
    process = root / "proc/1234"
    process.mkdir()
    if os.getuid() != 0:
        pytest.skip("needs root, to give a folder away")
    os.chown(process, 61184, 61184)

    assert spare_user(root) == 61185


def test_a_user_that_the_namespace_does_not_have_is_not_spare(tmp_path: Path) -> None:
    # As in a container that maps a few users only.
    some = machine(tmp_path / "some", ALL, **{"self/uid_map": "0 100000 1000\n 65000 165000 536\n"})
    few = machine(tmp_path / "few", ALL, **{"self/uid_map": "         0       1000          1\n"})

    assert spare_user(some) == 65000
    with pytest.raises(LookupError):
        spare_user(few)
    assert limit_rights(few).nproc == "RLIMIT_NPROC does not bind root, and no user is free for it"


def test_who_is_exempt_and_may_not_become_another_is_told_so(tmp_path: Path) -> None:
    rights = limit_rights(machine(tmp_path, NO_SETUID))

    assert rights.nproc == "RLIMIT_NPROC does not bind root, and this process may not become another user"
