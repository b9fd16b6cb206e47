"""WHAT to measure: the YAML of a scenario, checked, and multiplied out to cells.

    scenario = read("scenarios/big-parent.yaml", vocabulary=vocabulary)
    cells = expand(scenario, ram_bytes=ram_bytes, vocabulary=vocabulary)

Nothing here measures, starts a process or looks at the machine.
"""

from bench.scenario.environment import HERE, WORKERS, Environment, environments
from bench.scenario.loading import load, read, text_of
from bench.scenario.matrix import OWN_REAPER, Cell, expand
from bench.scenario.model import Command, Exclusion, Expect, Limits, Overcommit, Scenario
from bench.scenario.problem import Mark, Problem, ScenarioError
from bench.scenario.schema import schema
from bench.scenario.selection import FilterError, parse_filter, select
from bench.scenario.source import Document, parse
from bench.scenario.twins import with_twins
from bench.scenario.units import (
    Duration,
    Multiple,
    Share,
    Size,
    format_bytes,
    parse_amount,
    parse_duration,
    parse_limit,
)
from bench.scenario.vocabulary import Vocabulary

__all__ = [
    "HERE",
    "OWN_REAPER",
    "WORKERS",
    "Cell",
    "Command",
    "Document",
    "Duration",
    "Environment",
    "Exclusion",
    "Expect",
    "FilterError",
    "Limits",
    "Mark",
    "Multiple",
    "Overcommit",
    "Problem",
    "Scenario",
    "ScenarioError",
    "Share",
    "Size",
    "Vocabulary",
    "environments",
    "expand",
    "format_bytes",
    "load",
    "parse",
    "parse_amount",
    "parse_duration",
    "parse_filter",
    "parse_limit",
    "read",
    "schema",
    "select",
    "text_of",
    "with_twins",
]
