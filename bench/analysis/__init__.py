"""What results mean: from recordings to cells. It knows the result file and nothing of measuring."""

from bench.analysis.advice import Advice, Course, Recommendation, Survival, advise
from bench.analysis.comparison import Answer, CellKey, CompareResult, Comparison, NoiseFloor
from bench.analysis.contrast import NoSuchKey, compare_by, compare_files, in_one_manner
from bench.analysis.gate import compared, regressions
from bench.analysis.growth import Growth, growth
from bench.analysis.hazards import HazardSummary, hazards
from bench.analysis.identity import HARDWARE, Machine, build_name
from bench.analysis.inference import MissingExtra, require
from bench.analysis.latency import TAIL, Latency, latency, percentile
from bench.analysis.many import analyse_many
from bench.analysis.noise import noise_floors
from bench.analysis.overview import Analysis, ResultFile, analyse
from bench.analysis.selection import verdicts
from bench.analysis.spread import BANDS_PER_DECADE, SLOTS, Bin, Spread, spreads
from bench.analysis.subject import EMULATED, cell_key
from bench.analysis.summary import AXES, CellSummary, CommandSummary, grouped, summarise
from bench.analysis.table import Launches, Leftovers, Table, WorkerRow, table
from bench.analysis.verdict import CHOICES, Choice, Criterion, Reason, Scope, Verdict
from bench.analysis.wording import byte_size, natural, percent, times

__all__ = [
    "AXES",
    "BANDS_PER_DECADE",
    "CHOICES",
    "EMULATED",
    "HARDWARE",
    "SLOTS",
    "TAIL",
    "Advice",
    "Analysis",
    "Answer",
    "Bin",
    "CellKey",
    "CellSummary",
    "Choice",
    "CommandSummary",
    "CompareResult",
    "Comparison",
    "Course",
    "Criterion",
    "Growth",
    "HazardSummary",
    "Latency",
    "Launches",
    "Leftovers",
    "Machine",
    "MissingExtra",
    "NoSuchKey",
    "NoiseFloor",
    "Reason",
    "Recommendation",
    "ResultFile",
    "Scope",
    "Spread",
    "Survival",
    "Table",
    "Verdict",
    "WorkerRow",
    "advise",
    "analyse",
    "analyse_many",
    "build_name",
    "byte_size",
    "cell_key",
    "compare_by",
    "compare_files",
    "compared",
    "grouped",
    "growth",
    "hazards",
    "in_one_manner",
    "latency",
    "natural",
    "noise_floors",
    "percent",
    "percentile",
    "regressions",
    "require",
    "spreads",
    "summarise",
    "table",
    "times",
    "verdicts",
]
