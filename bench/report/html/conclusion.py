"""Verdicts as the page says them: for what one holds, its sentence, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.blocks import axis_name, axis_text, mode_name
from bench.report.typography import plain, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis import Scope, Verdict


@dataclass(frozen=True, slots=True)
class Clause:
    """Why a candidate was chosen or fell out."""

    name: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A verdict in words."""

    scope: str
    sentence: str
    refusal: str | None
    reasons: Sequence[Clause]
    warnings: Sequence[str]


def conclusion(verdict: Verdict) -> Conclusion:
    """Put a verdict into words."""
    return Conclusion(
        scope=_scope(verdict.scope),
        sentence=plain(verdict.sentence),
        refusal=verdict.refusal,
        reasons=[
            Clause(plain(reason.choice.strategy), plain(reason.text), reason.chosen) for reason in verdict.reasons
        ],
        warnings=[plain(warning) for warning in verdict.warnings],
    )


def _scope(scope: Scope) -> str:
    """Say for what a verdict holds: what is as usual is left out."""
    named = dict(scope.circumstances)
    footprint, mode, limit = (named.pop(name, None) for name in ("footprint_bytes", "overcommit", "limit_bytes"))
    parts = [f"footprint {size(footprint)}"] if isinstance(footprint, int) else []
    parts += [f"overcommit {mode_name(mode)}"] if mode is not None else []
    parts += [f"limit {size(limit)}"] if isinstance(limit, int) else []
    usual = (None, 0, 1, "glibc", "anon")
    parts += [f"{axis_name(name)} {axis_text(name, value)}" for name, value in named.items() if value not in usual]
    return ", ".join(parts)
