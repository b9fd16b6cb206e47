"""What results mean: from recordings to cells. It knows the result file and nothing of measuring."""

from bench.analysis.identity import Machine
from bench.analysis.latency import TAIL, Latency, latency, percentile
from bench.analysis.overview import Analysis, ResultFile, analyse
from bench.analysis.spread import BANDS_PER_DECADE, SLOTS, Bin, Spread, spreads
from bench.analysis.summary import AXES, CellSummary, CommandSummary, summarise
from bench.analysis.table import Launches, Leftovers, Table, WorkerRow, table

__all__ = [
    "AXES",
    "BANDS_PER_DECADE",
    "SLOTS",
    "TAIL",
    "Analysis",
    "Bin",
    "CellSummary",
    "CommandSummary",
    "Latency",
    "Launches",
    "Leftovers",
    "Machine",
    "ResultFile",
    "Spread",
    "Table",
    "WorkerRow",
    "analyse",
    "latency",
    "percentile",
    "spreads",
    "summarise",
    "table",
]
