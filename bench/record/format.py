"""The vocabulary and the line types of a result file: what results/README.md says, as Python types.

This module is for naming things. It is not for reading or writing them: see `reader` and `journal`.

A line stays a plain JSON object, typed as a `TypedDict`: a writer builds it as a dict literal that mypy checks, and a
reader gets it from `json.loads` with no conversion, which is what reading thousands of files costs least with.
`schema.json` and the reader's own check are derived from these classes, so a field is described here (of places: in
`place`) and nowhere else.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, TypedDict

from bench.record.place import BootCost, PlaceFields

FORMAT = "launchbench/1"

LAUNCH_OUTCOMES = ("ok", "spawn_error", "exec_error", "wrong_status", "lost_status", "timeout")
"""What became of one launch; a sample's `outcome` is an index into it."""

WORKER_OUTCOMES = ("finished", "not_allocatable", "oom_killed", "crashed", "hung", "unsupported", "skipped")
"""What became of one planned worker: exactly one of these."""

STAGES = ("none", "spawn", "exec", "wait")
"""Where a launch failed; a sample's `stage` is an index into it."""

SAMPLE_COLUMNS = (
    "warmup",
    "command",
    "outcome",
    "stage",
    "errno",
    "status",
    "call",
    "returned",
    "reached",
    "reaped",
    "minor_faults",
)

HAZARD_OUTCOMES = ("tried", "never_possible", "not_tried", "failed")
"""What became of one hazard with one strategy: exactly one of these."""

ORACLES = ("always", "sometimes", "never")
"""How often a hazard must strike in its trials; `oracle` says what that comes to."""

FINDING_KINDS = ("zombie", "leaked_descriptor", "leaked_thread", "live_child", "stray", "lost_status")
"""What a worker can be found to have left or done."""


class _CellIdentity(TypedDict):
    id: str
    strategy: str
    reaper: str
    hygiene: str
    backing: str
    footprint_bytes: int
    overcommit: int | Literal["current"]


class CellFields(_CellIdentity, total=False):
    """The axes of a cell: `id` is unique in its file, and a limit of null is no limit."""

    limit_bytes: int | None
    in_flight: int
    bystanders: int
    open_files: int
    vmas: int
    memory_limit_bytes: int | None
    pids_limit: int | None
    nofile_limit: int | None
    nproc_limit: int | None
    worker: str
    kernel: str | None
    distro: str | None
    twin: bool


Cell: TypeAlias = Annotated[Mapping[str, object], CellFields]
"""One point of the matrix, flat; an axis that a reader does not know is kept."""


class Tool(TypedDict):
    """What wrote the file: `worker_build` is the hash of the native worker's sources, flags and compiler."""

    name: str
    version: str
    worker_build: str | None


class ScenarioRecord(TypedDict):
    """The scenario file as read, and the settings after `--set` and `--rounds`."""

    name: str
    question: str
    path: str | None
    text: str
    settings: Mapping[str, object]


class Codes(TypedDict):
    """What the integers in `samples` mean; the keys of `errno` are decimal."""

    outcome: Sequence[str]
    stage: Sequence[str]
    errno: Mapping[str, str]


class HazardPlan(TypedDict):
    """One hazard, one strategy, and the mitigation it is tried with: null is none."""

    hazard: str
    strategy: str
    mitigation: str | None


class _HeaderFields(TypedDict):
    type: Literal["header"]
    format: str
    run: str
    started: str
    tool: Tool
    scenario: ScenarioRecord
    seed: int
    rounds: int
    cells: Sequence[Cell]
    machine: Mapping[str, object]
    codes: Codes


class Header(_HeaderFields, total=False):
    """The first line: the plan, and the machine that carries it out."""

    hazards: Sequence[HazardPlan]


class Session(TypedDict):
    """A continuation with `--resume`; the header opens session 0."""

    type: Literal["session"]
    session: int
    started: str
    machine: Mapping[str, object]


class _OutcomeKind(TypedDict):
    kind: Literal["finished", "not_allocatable", "oom_killed", "crashed", "hung", "unsupported", "skipped"]


class WorkerOutcome(_OutcomeKind, total=False):
    """`not_allocatable` has `errno`, `crashed` a `signal` (its number) or a `reason`, the refusals a `reason`."""

    errno: int
    signal: int
    reason: str


class Footprint(TypedDict):
    """Bytes as the kernel reports them once the worker is ready; null where this kernel does not say."""

    requested: int
    mapped: int | None
    rss: int | None
    anon_huge: int | None
    page_tables: int | None
    vmas: int | None
    fill_ns: int | None


class OvercommitInForce(TypedDict):
    """The policy during the launches; limits in bytes."""

    mode: int | None
    commit_limit: int | None
    committed: int | None


class LimitsInForce(TypedDict):
    """What a worker was held to, as the kernel took it, and how often it was; null: not limited, or not counted.

    `memory` and `memory_peak` in bytes; `cgroup` is the version of the worker's own control groups; `user` is whom it
    ran as so that RLIMIT_NPROC binds, null for the runner's own. `memory_events` and `pids_events` count refusals at
    the limit, `oom_kills` the processes that the OOM killer ended for it.
    """

    memory: int | None
    pids: int | None
    nofile: int | None
    nproc: int | None
    cgroup: int | None
    user: int | None
    memory_peak: int | None
    memory_events: int | None
    oom_kills: int | None
    pids_events: int | None


class _SampleColumns(TypedDict):
    """Columns of one length, one row a launch, in order of launch; clocks in ns since the worker was told to go."""

    warmup: Sequence[int]
    command: Sequence[int]
    outcome: Sequence[int]
    stage: Sequence[int]
    errno: Sequence[int]
    status: Sequence[int | None]
    call: Sequence[int]
    returned: Sequence[int | None]
    reached: Sequence[int | None]
    reaped: Sequence[int | None]
    minor_faults: Sequence[int | None]


class Samples(_SampleColumns, total=False):
    """`written`: ns that the worker's writes to its footprint took after a launch; absent when there were none.

    `pace`: ns that a launch took the pacer just before; 0: it was not asked; absent when it never was.
    """

    written: Sequence[int]
    pace: Sequence[int]


class Inherited(TypedDict):
    """What a command had from its first instruction on: descriptors as ranges, signals by name."""

    descriptors: str
    blocked: Sequence[str]
    ignored: Sequence[str]
    umask: str
    own_session: bool
    own_group: bool
    cgroup: str


class Count(TypedDict):
    """A worker seen from outside, at one moment."""

    zombies: int
    children: int
    descriptors: int
    threads: int


class Stray(TypedDict):
    """A process that outlived its worker."""

    pid: int
    name: str
    state: str


class _CensusFields(TypedDict):
    ready: Count | None
    done: Count | None
    strays: Sequence[Stray]


class Census(_CensusFields, total=False):
    """What the worker held when it was ready, what it held when its launches were over, and what outlived it."""

    zombies_peak: int | None


class Finding(TypedDict):
    """Something that a worker left or did."""

    kind: Literal["zombie", "leaked_descriptor", "leaked_thread", "live_child", "stray", "lost_status"]
    count: int
    detail: str | None


class _WorkerFields(TypedDict):
    type: Literal["worker"]
    session: int
    round: int
    position: int
    cell: Cell
    started: str
    outcome: WorkerOutcome
    footprint: Footprint | None
    overcommit: OvercommitInForce | None
    cpu: Sequence[int] | None
    planned: int
    samples: Samples | None
    census: Census | None
    findings: Sequence[Finding]
    mechanism: str | None
    spent_ns: Mapping[str, int]


class WorkerLine(_WorkerFields, total=False):
    """One planned worker, however it ended."""

    contradiction: str
    limits: LimitsInForce
    stderr: str
    bystander_max_ns: int | None
    bystander_control_max_ns: int | None
    pages_written: int
    inherited: Inherited
    broken_promises: Sequence[str]
    place: PlaceFields
    worker_build: str


class _HazardOutcomeKind(TypedDict):
    kind: Literal["tried", "never_possible", "not_tried", "failed"]


class HazardOutcome(_HazardOutcomeKind, total=False):
    """All but `tried` have a `reason`."""

    reason: str


class _HazardFields(TypedDict):
    type: Literal["hazard"]
    session: int
    hazard: str
    strategy: str
    mitigation: str | None
    started: str
    outcome: HazardOutcome
    oracle: Literal["always", "sometimes", "never"] | None
    planned: int
    trials: int
    hits: int
    hangs: int
    met: bool | None
    detail: str | None
    spent_ns: Mapping[str, int]


class HazardLine(_HazardFields, total=False):
    """One hazard tried with one strategy, however that ended."""

    strays: Sequence[Stray]
    """What was alive when a trial, or the probe, had ended."""
    not_made: int
    """Trials whose circumstances did not come about, which are not among `trials`; `outcome` has the reason."""
    stderr: str


class WorkerCounts(TypedDict):
    """`outcomes` maps a worker outcome to how many workers had it."""

    planned: int
    outcomes: Mapping[str, int]


class HazardCounts(TypedDict):
    """`outcomes` maps a hazard outcome to how many lines had it; of those tried, `not_met` broke their oracle."""

    planned: int
    outcomes: Mapping[str, int]
    not_met: int


class _FooterFields(TypedDict):
    type: Literal["footer"]
    session: int
    ended: str
    complete: bool
    interrupted: str | None
    workers: WorkerCounts
    launches: Mapping[str, int]
    spent_ns: Mapping[str, int]


class Footer(_FooterFields, total=False):
    """The end of a session. `launches` maps a launch outcome to a count, warm-up excluded."""

    hazards: HazardCounts
    boots: Sequence[BootCost]


Line: TypeAlias = Header | Session | WorkerLine | HazardLine | Footer


def codes() -> Codes:
    """Say for the header what the integers in samples taken here mean: errno numbers vary by architecture."""
    return {
        "outcome": list(LAUNCH_OUTCOMES),
        "stage": list(STAGES),
        "errno": {str(number): name for number, name in sorted(errno.errorcode.items())},
    }
