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


STRATEGIES = {
    "fork_exec": 0,
    "vfork_exec": 73_000,
    "prefork_seqpacket": 76_000,
    "posix_spawn": 79_000,
    "prefork_pipe": 84_000,
    "system": 690_000,
}
"""What a launch costs, in ns; fork's follows the footprint. The four in the middle are within 20% of each other."""


def large(directory: Path, name: str = "r.jsonl", **changes: Any) -> Path:
    """Two modes, three footprints, six rounds; fork fails under mode 2 where the parent is large."""
    footprints, modes = (1 << 20, GIB, 8 * GIB), (0, 2)
    cells = [
        cell(strategy, footprint_bytes=footprint, overcommit=mode)
        for strategy in STRATEGIES
        for footprint in footprints
        for mode in modes
    ]
    lines = [worker(one, _launches(one, round_), round_=round_) for round_ in range(6) for one in cells]
    return write(directory / name, header(cells, rounds=6, **changes), *lines)


def _launches(one: dict[str, Any], round_: int) -> list[Launch]:
    if (one["strategy"], one["overcommit"], one["footprint_bytes"]) == ("fork_exec", 2, 8 * GIB):
        return [failed("spawn_error", 12)] * 120
    cost = STRATEGIES[one["strategy"]] or 90_000 + one["footprint_bytes"] // 80
    return [ok(cost + 7 * at + 3 * round_, blocked=cost // 2, reach=cost - 900) for at in range(120)]


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
