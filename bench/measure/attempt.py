"""Tries hazards on this machine: starts one isolated probe, waits for its answer, and leaves nothing of it behind.

    with attempts(catalogue, guard) as make:
        line = make(HazardKey("slow_exec", "vfork_exec", None), trials=20, session=0)

The probe supervises its own trials (strategies/host/hazard.c); what outlives the probe is counted and ended here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bench.catalogue import Catalogue, base_interpreter
from bench.machine import GuardProcess, Limits, NoGroupError
from bench.measure import census, hazards
from bench.measure.hazards import Tried
from bench.measure.limits import confined
from bench.measure.plan import now_text
from bench.measure.request import environment
from bench.record import HazardKey, HazardLine

_TRIAL_S = 11.0
"""What a trial may take: its own deadline (strategies/host/hazard.c), and what cleaning up after it may."""
_START_S = 30.0
_MOST_PROCESSES = 1000
"""In the group of a trial, until it sets the limit that it is about."""
_STDERR_TAIL = 2000


class Attempt(Protocol):
    """Tries one hazard with one strategy, and says what came of it."""

    def __call__(self, key: HazardKey, *, trials: int, session: int) -> HazardLine:
        """Make that many trials."""


@contextmanager
def attempts(catalogue: Catalogue, guard: GuardProcess, base: Path | None = None) -> Iterator[Attempt]:
    """Give a way to try hazards here; its scratch folder, in memory unless told where, goes with the guard."""
    scratch = guard.scratch(base)
    ours = census.own_children()

    def make(key: HazardKey, *, trials: int, session: int) -> HazardLine:
        started = now_text()
        reason = hazards.refusal(catalogue, key)
        if reason:
            return hazards.not_tried(key, reason, session=session, started=started)
        command = _command(catalogue, key, trials, scratch)
        try:
            with _group(catalogue, key, guard) as words:
                tried = _try([*command, *words], trials, scratch, guard, ours)
        except (NoGroupError, OSError) as no_group:
            return hazards.not_tried(key, str(no_group), session=session, started=started)
        return hazards.line(key, tried, planned=trials, session=session, started=started)

    yield make


@contextmanager
def _group(catalogue: Catalogue, key: HazardKey, guard: GuardProcess) -> Iterator[list[str]]:
    """Make a control group for a hazard that needs one, and give the words that name it. Raises NoGroupError, OSError.

    The probe's trials enter it by themselves, and set its limit.
    """
    if not any(entry.name == key.hazard and entry.needs_group for entry in catalogue.of("hazard")):
        yield []
        return
    with confined(Limits(pids=_MOST_PROCESSES), guard) as confinement:
        yield [f"group={directory}" for directory in (confinement.groups.directories if confinement.groups else ())]


def _command(catalogue: Catalogue, key: HazardKey, trials: int, scratch: Path) -> list[str]:
    """The probe's command line: the worker that has the strategy, and words that strategies/host/hazard.c reads."""
    words = [f"hazard={key.hazard}", f"strategy={key.strategy}", f"trials={trials}", f"folder={scratch / 'trial'}"]
    words += [f"mitigation={key.mitigation}"] if key.mitigation else []
    words += [f"python={base_interpreter()}"]
    # All CPUs: a race needs two.
    isolated = [str(catalogue.build.worker), "isolate", f"parent={os.getpid()}", "open_files=max", "--"]
    return [*isolated, *catalogue.worker(catalogue.strategy(key.strategy)), "hazard", *words]


def _try(command: list[str], trials: int, scratch: Path, guard: GuardProcess, ours: frozenset[int]) -> Tried:
    begun = time.monotonic_ns()
    folder, errors = scratch / "trial", scratch / "stderr"
    folder.mkdir(exist_ok=True)
    with errors.open("w+b") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(Path(command[0]).parent, scratch / "arrivals"),
            cwd="/",
            start_new_session=True,  # out of the terminal's reach from its first instruction
        )
        answer, returncode = b"", None
        try:
            guard.watch(process.pid)
            answer, _ = process.communicate(timeout=_START_S + trials * _TRIAL_S)
            returncode = process.returncode
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
            ended = time.monotonic_ns()
            strays = census.end_strays(ours)
            guard.unwatch()
        stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _STDERR_TAIL))
        said = stderr.read().decode(errors="replace")
    shutil.rmtree(folder, ignore_errors=True)
    spent = {"trials": ended - begun, "overhead": time.monotonic_ns() - ended}
    return Tried(answer.decode(errors="replace"), returncode, strays, said, spent)
