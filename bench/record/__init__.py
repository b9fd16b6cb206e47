"""The result file: the one place where measuring and analysing meet. The contract is results/README.md."""

from bench.record.format import (
    FINDING_KINDS,
    FORMAT,
    LAUNCH_OUTCOMES,
    SAMPLE_COLUMNS,
    STAGES,
    WORKER_OUTCOMES,
    Cell,
    Census,
    Footer,
    Header,
    Line,
    PlaceFields,
    Samples,
    Session,
    WorkerLine,
    codes,
)
from bench.record.journal import Journal, JournalError
from bench.record.reader import Flaw, Recording, UnreadableResult, iterate, read

__all__ = [
    "FINDING_KINDS",
    "FORMAT",
    "LAUNCH_OUTCOMES",
    "SAMPLE_COLUMNS",
    "STAGES",
    "WORKER_OUTCOMES",
    "Cell",
    "Census",
    "Flaw",
    "Footer",
    "Header",
    "Journal",
    "JournalError",
    "Line",
    "PlaceFields",
    "Recording",
    "Samples",
    "Session",
    "UnreadableResult",
    "WorkerLine",
    "codes",
    "iterate",
    "read",
]
