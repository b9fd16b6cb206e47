"""What a launched command inherited, as `probe` reports it, and whether that is what a hygiene promises. Pure.

The line is written by strategies/command/inherited.h.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

MARK = "pid="
"""How a probe's line begins."""
_LAST_STANDARD = 2
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a command had from its first instruction on."""

    descriptors: tuple[int, ...]
    blocked: tuple[int, ...]
    """Signal numbers."""
    ignored: tuple[int, ...]
    umask: int
    own_session: bool
    """It leads a session of its own."""
    own_group: bool
    """It leads a process group of its own."""
    cgroup: str
    """/proc/self/cgroup, its lines joined by `;`."""

    @property
    def beyond_standard(self) -> tuple[int, ...]:
        """The descriptors above standard error."""
        return tuple(number for number in self.descriptors if number > _LAST_STANDARD)

    def as_record(self) -> dict[str, Any]:
        """The object of the result file: descriptors as ranges, signals by name."""
        return {
            "descriptors": _as_ranges(self.descriptors),
            "blocked": [signal_name(number) for number in self.blocked],
            "ignored": [signal_name(number) for number in self.ignored],
            "umask": f"{self.umask:03o}",
            "own_session": self.own_session,
            "own_group": self.own_group,
            "cgroup": self.cgroup,
        }


def read(line: str) -> Inherited:
    """Read what one probe wrote. Raises ValueError when it is no such line."""
    fields = dict(word.split("=", 1) for word in line.partition(" cgroup=")[0].split())
    try:
        pid = int(fields["pid"])
        return Inherited(
            descriptors=tuple(_from_ranges(fields["descriptors"])),
            blocked=tuple(_signals(int(fields["blocked"], 16))),
            ignored=tuple(_signals(int(fields["ignored"], 16))),
            umask=int(fields["umask"], 8),
            own_session=int(fields["session"]) == pid,
            own_group=int(fields["group"]) == pid,
            cgroup=line.partition(" cgroup=")[2].rstrip("\n").rstrip(";"),
        )
    except KeyError as missing:
        raise ValueError(f"a probe's line without {missing}: {line[:80]!r}") from None


def broken(found: Inherited, promises: Collection[str]) -> tuple[str, ...]:
    """Sentences about what a command inherited although it was promised that it would not."""
    said = []
    beyond = found.beyond_standard
    if "descriptors" in promises and beyond:
        said.append(f"against the promise: {len(beyond)} descriptors: {_as_ranges(beyond)}")
    for promise, signals in (("blocked", found.blocked), ("ignored", found.ignored)):
        if promise in promises and signals:
            named = ", ".join(signal_name(number) for number in signals[:_MOST_NAMED])
            said.append(f"against the promise: {promise} signals: {named}")
    return tuple(said)


def signal_name(number: int) -> str:
    """`SIGCHLD`; a number that has no name here stays one."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _signals(bits: int) -> Iterator[int]:
    return (number for number in range(1, 65) if bits >> (number - 1) & 1)


def _from_ranges(text: str) -> Iterator[int]:
    for part in text.split(",") if text != "-" else ():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _as_ranges(numbers: Collection[int]) -> str:
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
