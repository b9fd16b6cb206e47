"""WHERE it is measured: the machine's facts, its memory budget, its noise, and vm.overcommit_*.

Nothing here starts a worker. Names that cost an import of psutil and pyperf are in `bench.machine.fingerprint` and
`bench.machine.noise`, which the commands that measure import themselves.
"""

from bench.machine.cgroup import Group
from bench.machine.facts import ToldTree
from bench.machine.groups import NOTHING_COUNTED, Counted, NoGroupError, WorkerGroups
from bench.machine.limits import EVERY_RIGHT, NO_LIMITS, LimitRights, Limits, limit_rights, no_filters, spare_user
from bench.machine.memory import (
    FACT_FILES,
    Budget,
    LimitUnreachableError,
    MemoryFacts,
    MemoryUnknownError,
    commit_kbytes,
    facts_told,
    fit_reason,
    memory_facts,
    ram_bound,
    room_reason,
    size_text,
)
from bench.machine.overcommit import (
    Busy,
    GuardError,
    GuardProcess,
    Settings,
    abandoned,
    missing_right,
    read_settings,
    read_state,
    repair,
)

__all__ = [
    "EVERY_RIGHT",
    "FACT_FILES",
    "NOTHING_COUNTED",
    "NO_LIMITS",
    "Budget",
    "Busy",
    "Counted",
    "Group",
    "GuardError",
    "GuardProcess",
    "LimitRights",
    "LimitUnreachableError",
    "Limits",
    "MemoryFacts",
    "MemoryUnknownError",
    "NoGroupError",
    "Settings",
    "ToldTree",
    "WorkerGroups",
    "abandoned",
    "commit_kbytes",
    "facts_told",
    "fit_reason",
    "limit_rights",
    "memory_facts",
    "missing_right",
    "no_filters",
    "ram_bound",
    "read_settings",
    "read_state",
    "repair",
    "room_reason",
    "size_text",
    "spare_user",
]
