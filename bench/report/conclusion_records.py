"""Verdicts, comparisons and noise floors as flat records: the names that every machine-readable form shares.

As in `record_columns`, the names are a contract: adding one is fine, renaming or dropping one is a new major version.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.analysis import CellKey, CompareResult, Comparison, NoiseFloor, Verdict


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Return the record of a verdict: where it holds, what it says, and why."""
    machine = verdict.scope.machine
    return {
        "machine": machine.id,
        "kernel": machine.kernel,
        "distro": machine.distro,
        "scenario": verdict.scope.scenario,
        **verdict.scope.circumstances,
        "sentence": verdict.sentence,
        "chosen": [asdict(choice) for choice in verdict.chosen],
        "refusal": verdict.refusal,
        "reasons": [
            {
                "criterion": reason.criterion,
                **asdict(reason.choice),
                "chosen": reason.chosen,
                "text": reason.text,
                "values": dict(reason.values),
            }
            for reason in verdict.reasons
        ],
        "ranking": [comparison_record(row) for row in verdict.ranking],
        "noise_floor": verdict.noise.floor if verdict.noise else None,
        "warnings": list(verdict.warnings),
    }


def comparison_record(row: Comparison) -> dict[str, Any]:
    """Return the record of a row: ratios are new / base, times in ns."""
    return {
        "base": _key(row.base),
        "new": _key(row.new),
        "side": row.side,
        "verdict": row.answer,
        "reason": row.reason,
        "worse": row.worse,
        "base_ns": row.base_ns,
        "new_ns": row.new_ns,
        "ratio": row.ratio,
        "low": row.low,
        "high": row.high,
        "p": row.p,
        "p_adjusted": row.p_adjusted,
        "floor": row.floor,
        "pairs": row.pairs,
        "unit": row.unit,
        "success_p": row.success_p,
        "paced": row.slope is not None,
        "pace_slope": row.slope,
    }


def comparison_document(result: CompareResult) -> dict[str, Any]:
    """Return what `compare --format json` prints, without the tool."""
    return {
        "by": result.key,
        "base": result.base,
        "new": list(result.new),
        "geometric_mean": result.geometric_mean,
        "common": result.common,
        "warnings": list(result.warnings),
        "rows": [comparison_record(row) for row in result.rows],
    }


def noise_record(noise: NoiseFloor) -> dict[str, Any]:
    """Return the record of an A/A comparison of one run."""
    return {
        "run": noise.run,
        **dict(noise.cell),
        "pairs": noise.pairs,
        "ratio": noise.ratio,
        "low": noise.low,
        "high": noise.high,
        "floor": noise.floor,
        "paced": noise.slope is not None,
        "pace_slope": noise.slope,
    }


def _key(key: CellKey | None) -> dict[str, Any] | None:
    return None if key is None else dict(key)
