"""What an oracle's word demands of a hazard's trials: for who writes `met`, and for who adds trials up. Pure."""

from __future__ import annotations


def oracle_met(oracle: str | None, *, trials: int, hits: int) -> bool | None:
    """Say whether `hits` of `trials` is what the oracle demands; None when it demands nothing, or nothing was tried.

    `sometimes` is about a race: at least one hit, in as many trials as the hazard needs to show it.
    """
    if trials == 0:
        return None
    match oracle:
        case "always":
            return hits == trials
        case "sometimes":
            return hits > 0
        case "never":
            return hits == 0
    return None
