"""Builds small result files for tests, line by line, so that a test reads as what a run found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.record import LAUNCH_OUTCOMES, STAGES, codes, oracle_met

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MACHINE = {
    "hostname": "box",
    "machine_id": "3fa29c11d04b",
    "kernel": "6.1.0-18-amd64",
    "distro": "Debian GNU/Linux 12 (bookworm)",
    "libc": "glibc 2.36",
    "cpu_model_name": "AMD EPYC 7B13",
    "cpu_count": 16,
    "memory_total_bytes": 64 << 30,
    "overcommit_memory": 0,
    "overcommit_ratio": 50,
}
GIB = 1 << 30
WARMUP = 1


@dataclass(frozen=True)
class Launch:
    """One row of samples; times in ns after `call`."""

    outcome: str = "ok"
    total: int | None = 30_000
    blocked: int | None = 10_000
    reach: int | None = None
    errno: int = 0
    status: int | None = 0
    command: int = 0
    warmup: int = 0
    pace: int | None = None


def ok(total: int, blocked: int = 10_000, reach: int | None = None, command: int = 0) -> Launch:
    return Launch(total=total, blocked=blocked, reach=reach, command=command)


def failed(outcome: str, errno: int = 0, status: int | None = None, command: int = 0) -> Launch:
    return Launch(outcome, None, 5_000, None, errno, status, command)


def samples(launches: Sequence[Launch]) -> dict[str, list[int | None]]:
    calls = [1_000_000 * at for at in range(len(launches))]

    def clock(name: str) -> list[int | None]:
        times = [getattr(launch, name) for launch in launches]
        return [None if time is None else call + time for call, time in zip(calls, times, strict=True)]

    stage = {"spawn_error": "spawn", "exec_error": "exec"}
    paces = [launch.pace or 0 for launch in launches]
    return ({"pace": [*paces]} if any(paces) else {}) | {
        "warmup": [launch.warmup for launch in launches],
        "command": [launch.command for launch in launches],
        "outcome": [LAUNCH_OUTCOMES.index(launch.outcome) for launch in launches],
        "stage": [STAGES.index(stage.get(launch.outcome, "none")) for launch in launches],
        "errno": [launch.errno for launch in launches],
        "status": [launch.status for launch in launches],
        "call": [*calls],
        "returned": clock("blocked"),
        "reached": clock("reach"),
        "reaped": clock("total"),
        "minor_faults": [3 for _ in launches],
    }


def cell(strategy: str = "posix_spawn", **axes: Any) -> dict[str, Any]:
    found = {
        "strategy": strategy,
        "reaper": "waitpid",
        "hygiene": "none",
        "backing": "anon",
        "footprint_bytes": GIB,
        "overcommit": 0,
        "limit_bytes": None,
        "in_flight": 1,
        "bystanders": 0,
        "open_files": 0,
        "vmas": 1,
        "memory_limit_bytes": None,
        "pids_limit": None,
        "nofile_limit": None,
        "nproc_limit": None,
    } | axes
    return {"id": "/".join(str(found[axis]) for axis in ("strategy", "overcommit", "footprint_bytes")), **found}


def header(cells: Iterable[dict[str, Any]], *, rounds: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "type": "header",
        "format": "launchbench/1",
        "run": "5e1f",
        "started": "2026-01-03T10:22:00Z",
        "tool": {"name": "launchbench", "version": "0.1.0", "worker_build": "9c1b7a2f00aa55cc"},
        "scenario": {
            "name": "big-parent",
            "question": "Which ways of launching a command survive a big parent?",
            "path": "scenarios/big-parent.yaml",
            "text": "name: big-parent\n",
            "settings": {"launches": 4, "warmup": 0},
        },
        "seed": 42,
        "rounds": rounds,
        "cells": list(cells),
        "machine": MACHINE,
        "codes": codes(),
    } | changes


def census(zombies: int = 0, descriptors: int = 4, threads: int = 1) -> dict[str, int]:
    return {"zombies": zombies, "children": 0, "descriptors": descriptors, "threads": threads}


def worker(
    cell: dict[str, Any], launches: Sequence[Launch] | None = (), *, round_: int = 0, **changes: Any
) -> dict[str, Any]:
    tried = list(launches or ())
    return {
        "type": "worker",
        "session": 0,
        "round": round_,
        "position": 0,
        "cell": cell,
        "started": "2026-01-03T10:22:01Z",
        "outcome": {"kind": "finished"},
        "footprint": None,
        "overcommit": {
            "mode": 0 if cell["overcommit"] == "current" else cell["overcommit"],
            "commit_limit": None,
            "committed": None,
        },
        "cpu": [3],
        "planned": len(tried),
        "samples": samples(tried) if tried else None,
        "census": {"ready": census(), "done": census(), "strays": []},
        "findings": [],
        "mechanism": None,
        "spent_ns": {},
    } | changes


def refused(cell: dict[str, Any], kind: str, *, round_: int = 0, **why: Any) -> dict[str, Any]:
    """A worker that never launched anything."""
    return worker(cell, round_=round_, outcome={"kind": kind, **why}, census=None, planned=4, overcommit=None)


def session(number: int = 1) -> dict[str, Any]:
    return {"type": "session", "session": number, "started": "2026-01-04T08:00:00Z", "machine": MACHINE}


def hazard(
    name: str = "lock_mutex", strategy: str = "fork_exec", *, oracle: str = "always", hits: int = 20, **changes: Any
) -> dict[str, Any]:
    """A hazard that was tried 20 times."""
    return {
        "type": "hazard",
        "session": 0,
        "hazard": name,
        "strategy": strategy,
        "mitigation": None,
        "started": "2026-01-03T10:30:00Z",
        "outcome": {"kind": "tried"},
        "oracle": oracle,
        "planned": 20,
        "trials": 20,
        "hits": hits,
        "hangs": 0,
        "met": oracle_met(oracle, trials=20, hits=hits),
        "detail": None,
        "spent_ns": {"trials": 5_000_000, "overhead": 1_000_000},
    } | changes


def hazard_refused(name: str, strategy: str, kind: str, reason: str) -> dict[str, Any]:
    """A hazard that was not tried."""
    nothing: dict[str, Any] = {"planned": 0, "trials": 0, "hits": 0, "met": None}
    return hazard(name, strategy, **nothing) | {"outcome": {"kind": kind, "reason": reason}, "oracle": None}


def hazard_plan(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    """What a header plans when these are its hazard lines."""
    return [{key: line[key] for key in ("hazard", "strategy", "mitigation")} for line in lines]


def footer(*, complete: bool = True, interrupted: str | None = None) -> dict[str, Any]:
    return {
        "type": "footer",
        "session": 0,
        "ended": "2026-01-03T10:40:00Z",
        "complete": complete,
        "interrupted": interrupted,
        "workers": {"planned": 1, "outcomes": {"finished": 1}},
        "launches": {"ok": 1},
        "spent_ns": {"wall": 1},
    }


def write(path: Path, *lines: dict[str, Any] | bytes) -> Path:
    """Write lines; bytes are written as they are, for what is torn or corrupt."""
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines))
    return path
