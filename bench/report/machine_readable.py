"""The report as one JSON object, for programs; the same bytes everywhere. People read `terminal`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench import __version__
from bench.report.conclusion_records import noise_record, verdict_record
from bench.report.interface import Format, Options
from bench.report.record_columns import cell_record

if TYPE_CHECKING:
    from bench.analysis import Analysis, HazardSummary, ResultFile


def render(analysis: Analysis, options: Options) -> str:
    """Return the object, indented, in ASCII, without NaN or infinity."""
    del options
    document = {
        "tool": {"name": "launchbench", "version": __version__},
        "files": [_file(file) for file in analysis.files],
        "machines": [
            {"id": machine.id, "kernel": machine.kernel, "distro": machine.distro, "fingerprint": fingerprint}
            for machine, fingerprint in analysis.fingerprints.items()
        ],
        "warnings": list(analysis.warnings),
        "verdicts": [verdict_record(verdict) for verdict in analysis.verdicts],
        "noise": [noise_record(noise) for noise in analysis.noise],
        "cells": [cell_record(cell) for cell in analysis.cells],
        "hazards": [_hazard(hazard) for hazard in analysis.hazards],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _file(file: ResultFile) -> dict[str, Any]:
    header = file.header
    return {
        "path": file.path,
        "format": header["format"],
        "run": header["run"],
        "started": header["started"],
        "tool": header["tool"],
        "scenario": header["scenario"]["name"],
        "question": header["scenario"]["question"],
        "settings": header["scenario"]["settings"],
        "seed": header["seed"],
        "rounds": header["rounds"],
        "machine": file.machine.id,
        "kernel": file.machine.kernel,
        "distro": file.machine.distro,
        "sessions": file.sessions,
        "planned": file.planned,
        "workers": file.workers,
        "planned_hazards": file.planned_hazards,
        "hazards": file.hazards,
        "complete": file.complete,
        "interrupted": file.interrupted,
        "torn": file.torn,
        "boots": list(file.boots),
    }


def _hazard(hazard: HazardSummary) -> dict[str, Any]:
    return {
        "machine": hazard.machine.id,
        "kernel": hazard.machine.kernel,
        "distro": hazard.machine.distro,
        "scenario": hazard.scenario,
        "hazard": hazard.hazard,
        "strategy": hazard.strategy,
        "mitigation": hazard.mitigation,
        "trials": hazard.trials,
        "hits": hazard.hits,
        "hangs": hazard.hangs,
        "not_made": hazard.not_made,
        "strays": hazard.strays,
        "low": hazard.low,
        "high": hazard.high,
        "oracle": hazard.oracle,
        "met": hazard.met,
        "outcome": hazard.outcome,
        "reason": hazard.reason,
        "detail": hazard.detail,
    }


FORMAT = Format(
    name="json", summary="one object: files, machines, verdicts, cells, hazards", binary=False, render=render
)
