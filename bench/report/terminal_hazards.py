"""Hazards on a terminal: how often each struck, with which strategies, and what was against its oracle.

What was not tried is summed up by its reason: it says nothing about the hazard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bench.analysis import HazardSummary
from bench.report.hazard_groups import HazardGroup, hazard_groups
from bench.report.interface import Options
from bench.report.typography import plain, wrap


def set_hazards(hazards: Sequence[HazardSummary], options: Options) -> list[str]:
    """Return the lines under the title; what is against an oracle comes first."""
    groups = hazard_groups(hazards)
    lines = [line for group in groups if group.against for line in _against(group, options)]
    lines += [""] if lines else []
    for hazard in dict.fromkeys(group.hazard for group in groups if group.tried):
        lines += _styled([plain(hazard)], options, bold=True)
        lines += _one([group for group in groups if group.hazard == hazard and group.tried], options)
    return [*lines, *_untried(groups, options)]


def _one(groups: Sequence[HazardGroup], options: Options) -> list[str]:
    """Set one hazard: a row a result, and in one row what averts it with every strategy."""
    shown = [group for group in groups if group.mitigation is None or group.struck]
    results = [group.result if group.mitigation is None else f"{group.result}, {group.mitigation}" for group in shown]
    indent = min(max(map(len, results), default=0) + 4, options.width // 2)
    lines = []
    for group, result in zip(shown, results, strict=True):
        style = {"fg": "red"} if group.against else {"fg": "yellow"} if group.struck else {}
        head = f"  {plain(result)}"
        row = wrap(", ".join(group.strategies), options.width, first=f"{head:<{indent}}", rest=" " * indent)
        lines += _styled(row, options, **style)
    averting = [
        f"{plain(group.mitigation)} ({group.result} with {len(group.strategies)})"
        for group in groups
        if group.mitigation is not None and not group.struck
    ]
    if averting:
        lines += _styled(
            wrap(f"averted by {', '.join(averting)}", options.width, first="  ", rest="    "), options, dim=True
        )
    return lines


def _styled(lines: Sequence[str], options: Options, **style: Any) -> list[str]:
    return [click.style(line, **style) if options.colour else line for line in lines]


def _against(group: HazardGroup, options: Options) -> list[str]:
    text = f"against its oracle ({group.against}): {group.title} with {', '.join(group.strategies)}: {group.result}"
    return _styled(wrap(text, options.width, rest="    "), options, fg="red", bold=True)


def _untried(groups: Sequence[HazardGroup], options: Options) -> list[str]:
    """Sum up what was not tried: a line a reason, with how many pairs of a hazard and a strategy it is about."""
    reasons: dict[str, int] = {}
    for group in groups:
        if not group.tried:
            reasons[group.result] = reasons.get(group.result, 0) + len(group.strategies)
    lines = [
        line
        for reason, number in reasons.items()
        for line in wrap(f"{reason} ({number} pairs)", options.width, rest="    ")
    ]
    return ["", *_styled(lines, options, dim=True)] if lines else []
