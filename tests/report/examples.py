"""One small run that has something of everything: what reports are tried on."""

from pathlib import Path
from typing import Any

from result_lines import GIB, Launch, cell, census, failed, header, ok, refused, worker, write

from bench.analysis import Analysis, analyse
from bench.record import read

NULL, VFORK = cell("null"), cell("vfork_exec")
LIMITED = {"overcommit": 2, "limit_bytes": 3 * GIB // 2}
FORK_LIMITED, VFORK_LIMITED = cell("fork_exec", **LIMITED), cell("vfork_exec", **LIMITED)
PREFORK, HUGE = cell("prefork_pipe", **LIMITED), cell("vfork_exec", footprint_bytes=40 * GIB)
UNABLE = cell("spawn_server")
CELLS = [NULL, VFORK, FORK_LIMITED, VFORK_LIMITED, PREFORK, HUGE, UNABLE]


def everything(directory: Path) -> Path:
    left = {"ready": census(), "done": census(zombies=1, descriptors=6), "strays": []}
    launches = [Launch(warmup=1), *(ok(33_000 + at, blocked=20_000, reach=26_000) for at in range(40))]
    return write(
        directory / "r.jsonl",
        header(CELLS),
        worker(NULL, [ok(900, blocked=500)]),
        worker(VFORK, launches, mechanism="clone(CLONE_VM|CLONE_VFORK) execve"),
        worker(FORK_LIMITED, [failed("spawn_error", 12)] * 40, outcome={"kind": "crashed", "signal": 11}),
        worker(VFORK_LIMITED, launches, mechanism="clone(CLONE_VM|CLONE_VFORK) execve"),
        worker(PREFORK, [*[ok(61_000, blocked=50_000, reach=55_000)] * 38, *[failed("lost_status")] * 2], census=left),
        refused(HUGE, "skipped", reason="needs 41 GiB, and 12 GiB are available"),
        refused(UNABLE, "unsupported", reason="no pidfd_open on this kernel"),
    )


def nothing(directory: Path) -> Path:
    return write(directory / "r.jsonl", header([VFORK]))


def analysed(*paths: Path) -> Analysis:
    return analyse([read(path) for path in paths])


def record_of(document: dict[str, Any], strategy: str, overcommit: int) -> dict[str, Any]:
    (found,) = (
        record
        for record in document["cells"]
        if (record["strategy"], record["overcommit"]) == (strategy, overcommit) and record["footprint_bytes"] == GIB
    )
    return found
