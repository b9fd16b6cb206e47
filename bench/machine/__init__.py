"""WHERE it is measured: the machine's facts, its memory budget, its noise, and vm.overcommit_*.

Nothing here starts a worker. Names that cost an import of psutil and pyperf are in `bench.machine.fingerprint` and
`bench.machine.noise`, which the commands that measure import themselves.
"""

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
    "FACT_FILES",
    "Budget",
    "Busy",
    "GuardError",
    "GuardProcess",
    "LimitUnreachableError",
    "MemoryFacts",
    "MemoryUnknownError",
    "Settings",
    "abandoned",
    "commit_kbytes",
    "facts_told",
    "fit_reason",
    "memory_facts",
    "missing_right",
    "read_settings",
    "read_state",
    "repair",
    "room_reason",
    "size_text",
]
