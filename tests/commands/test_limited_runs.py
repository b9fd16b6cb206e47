"""Runs under limits, for those who may set them and for those who may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.machine import limit_rights
from bench.record import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ordinary_user import OrdinaryUser

    from bench.record import WorkerLine

RIGHTS = limit_rights()
LIMITS = "[{}, {pids: 1}, {memory: 500MiB}, {nproc: 1}, {nofile: 30}]"
NO_GROUP = "may not make a control group that limits "


def outcomes(workers: Iterable[WorkerLine]) -> dict[str, str]:
    """By the limit that a cell has: how its worker ended, or why there was none."""
    names = ("pids_limit", "memory_limit_bytes", "nproc_limit", "nofile_limit")
    return {
        next((name for name in names if line["cell"][name]), "none"): line["outcome"].get(
            "reason", line["outcome"]["kind"]
        )
        for line in workers
    }


def test_an_ordinary_user_measures_what_needs_no_right(ordinary_user: OrdinaryUser, tiny: Callable[..., Path]) -> None:
    scenario = ordinary_user.given(tiny(strategies="[vfork_exec]", limits=LIMITS, reference="none"))
    file = ordinary_user.folder / "r.jsonl"

    result = ordinary_user.run("run", scenario, "-o", file, "-q")

    assert (result.returncode, result.stderr) == (0, "")
    workers = read(file).workers
    found = outcomes(workers)
    assert found.pop("pids_limit").startswith(f"{NO_GROUP}pids")
    assert found.pop("memory_limit_bytes").startswith(f"{NO_GROUP}memory")
    assert found == dict.fromkeys(("none", "nproc_limit", "nofile_limit"), "finished")
    (alone,) = (line for line in workers if line["cell"]["nproc_limit"])
    # The runner and its guard are the same user's: nobody else may be made.
    assert alone["samples"] is not None
    assert {*alone["samples"]["stage"]} == {1}
    assert alone["limits"]["user"] is None


def test_an_ordinary_user_can_do_without_fork(ordinary_user: OrdinaryUser, tiny: Callable[..., Path]) -> None:
    scenario = ordinary_user.given(tiny(strategies="[fork_exec, vfork_exec]", no_fork="true", reference="none"))
    file = ordinary_user.folder / "r.jsonl"

    result = ordinary_user.run("run", scenario, "-o", file, "-q")

    assert (result.returncode, result.stderr) == (0, "")
    codes = {
        str(line["cell"]["strategy"]): {*line["samples"]["outcome"]} for line in read(file).workers if line["samples"]
    }
    assert codes == {"fork_exec": {1}, "vfork_exec": {0}}


@pytest.mark.root
@pytest.mark.skipif(bool(RIGHTS.memory or RIGHTS.pids or RIGHTS.nproc), reason=f"{RIGHTS}")
def test_who_may_measures_them_all(launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path) -> None:
    scenario = tiny(strategies="[vfork_exec]", limits=LIMITS, reference="none")

    result = launchbench("run", scenario, "-o", tmp_path / "r.jsonl", "-q")

    assert (result.exit_code, result.stderr) == (0, "")
    workers = read(tmp_path / "r.jsonl").workers
    assert set(outcomes(workers).values()) == {"finished"}
    assert {("limits" in line) for line in workers if outcomes([line]).keys() != {"none"}} == {True}


@pytest.mark.parametrize("limits", ["{pids: 1}", "{memory: 1MiB}", "{nproc: 1}", "{nofile: 1}"])
def test_a_plan_says_which_cells_are_limited_in_vain(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], limits: str
) -> None:
    scenario = tiny(strategies="[vfork_exec]", footprints="2MiB", limits=limits)

    result = launchbench("run", scenario, "--dry-run")

    assert result.exit_code == 0
    too_large = "skipped: the footprint of 2MiB is larger than the memory limit of 1MiB"
    assert (too_large in result.stdout) == ("memory" in limits)
