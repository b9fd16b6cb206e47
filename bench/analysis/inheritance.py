"""What a command inherited, in words: only what few expect. The record is the result file's `inherited`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.record import Inherited

_FIRST_BEYOND = 3
_MOST_NAMED = 8


def beyond_ordinary(record: Inherited) -> str:
    """Return such as `1000 descriptors (3-1002); ignored SIGCHLD`; empty when there is nothing to say."""
    spans = list(_beyond_standard(record["descriptors"]))
    count = sum(last - first + 1 for first, last in spans)
    named = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans[:_MOST_NAMED])
    more = ",..." if len(spans) > _MOST_NAMED else ""
    said = [f"{count} descriptor{'s' * (count != 1)} ({named}{more})"] if count else []
    for what, signals in (("blocked", record["blocked"]), ("ignored", record["ignored"])):
        if signals:
            rest = f" and {len(signals) - _MOST_NAMED} more" if len(signals) > _MOST_NAMED else ""
            said.append(f"{what} {' '.join(signals[:_MOST_NAMED])}{rest}")
    return "; ".join(said)


def _beyond_standard(ranges: str) -> Iterator[tuple[int, int]]:
    for part in ranges.split(",") if ranges else ():
        first, _, last = part.partition("-")
        if int(last or first) >= _FIRST_BEYOND:
            yield max(int(first), _FIRST_BEYOND), int(last or first)
