from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.scenario import Scenario, Vocabulary, load

if TYPE_CHECKING:
    from collections.abc import Callable

# The scenario that the design of the format is discussed with.
BIG_PARENT = """\
name: big-parent
question: Which ways of launching a command survive a parent that holds most of what may be committed?
strategies: [fork_exec, vfork_exec, posix_spawn, system, prefork_pipe]   # or: all
reapers: [waitpid]                # default; a strategy that reaps by itself says so
hygiene: [none]                   # default
backings: [anon]                  # default
footprints: [64MiB, 1GiB, 40%RAM] # sizes (KiB MiB GiB, KB MB GB), or a share of RAM
overcommit: [current, 0, 1, {mode: 2, limit: 1.5x}]   # limit: a size, a share of RAM, or Nx the footprint
commands:                         # the mix: picked by weight, from the recorded seed
  - {argv: [probe], weight: 8}    # `probe`: the static program that ships
  - {shell: "find . -name '*.py' | wc -l"}
  - {argv: [/no/such/command], expect: {exec_error: ENOENT}}
  - {argv: [sh, -c, "exit 3"], expect: {exit: 3}}
  - {argv: [sh, -c, "kill -9 $$"], expect: {signal: SIGKILL}}
launches: 200                     # timed launches a worker
warmup: 10
rounds: 10                        # workers a cell
time_limit: 5s                    # a worker's launches; what was not reached is counted, not invented
in_flight: 1                      # launches alive at once
bystanders: 0                     # threads of the worker that map and touch memory meanwhile
cpu: same                         # same: worker and children on one CPU (default); free; or a list
open_files: 0                     # descriptors open in the worker
vmas: 1                           # pieces that the footprint is mapped in
limits: {memory: 4GiB, pids: 200, nofile: 1024, nproc: 500}   # cgroup (v1 or v2) and rlimits
exclude: [{strategy: fork_exec, overcommit: 2}]
"""

NAMES = Vocabulary(
    strategies={"fork_exec": False, "posix_spawn": False, "prefork_pipe": True, "system": True, "vfork_exec": False},
    reapers=("waitpid", "pidfd", "sig_ign"),
    hygiene=("none", "close_range"),
    backings=("anon", "thp", "shared"),
    hazards=("etxtbsy", "syslog_in_child"),
)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return NAMES


@pytest.fixture
def big_parent() -> str:
    return BIG_PARENT


@pytest.fixture
def scenario() -> Callable[..., Scenario]:
    """Load a scenario of one strategy, with some keys of the test's own."""

    def make(keys: str = "", strategies: str = "[vfork_exec]", **overrides: str) -> Scenario:
        text = f"name: small\nquestion: Does it work?\nstrategies: {strategies}\n{keys}"
        return load(text, file="small.yaml", vocabulary=NAMES, overrides=list(overrides.items()))

    return make
