"""Sizes, shares, multiples and times as a scenario spells them: text -> exact value -> canonical text.

Every `parse_*` raises ValueError whose text is a message for the writer of the scenario, and returns what was parsed
before as it is. Arithmetic is exact
(fractions); only the step to whole bytes or nanoseconds rounds, and it rounds down.
"""

# ruff: noqa: TRY004 - a wrong type is one more wrong value: its message goes to the writer of the scenario

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bench.scenario.wording import nearest, show

SIZE_UNITS = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
TIME_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
SHARE_UNIT = "%RAM"

# What people write for a unit that is spelled otherwise here.
_SHORTHAND = {
    meant: unit
    for unit, spellings in {
        "B": ("byte", "bytes"),
        "KiB": ("k",),
        "MiB": ("m",),
        "GiB": ("g",),
        "TiB": ("t",),
        SHARE_UNIT: ("%", "%mem", "%memory"),
        "us": ("usec",),
        "ms": ("msec",),
        "s": ("sec", "secs", "second", "seconds"),
        "min": ("mins", "minute", "minutes"),
        "h": ("hr", "hour", "hours"),
    }.items()
    for meant in spellings
}
_LARGEST_ADDRESS_SPACE = 2**57  # bytes; x86-64 with five levels of page tables
_MOST_PERCENT = 1000
_MOST_TIMES = 1000
_LONGEST_TIME = 24 * TIME_UNITS["h"]

# Fifteen digits keep every value exact in a Decimal when it is written back.
_NUMBER = re.compile(r"\+?([0-9]{1,15}(?:\.[0-9]{1,9})?)")


@dataclass(frozen=True, order=True)
class Size:
    """A fixed number of bytes."""

    bytes: int

    def resolve(self, *, ram_bytes: int, footprint_bytes: int) -> int:  # noqa: ARG002 - one signature
        """Return the bytes; a size depends on nothing."""
        return self.bytes

    def __str__(self) -> str:
        """Return the canonical spelling, such as `64MiB`."""
        return format_bytes(self.bytes)


@dataclass(frozen=True, order=True)
class Share:
    """A share of the machine's RAM, in percent."""

    percent: Fraction

    def resolve(self, *, ram_bytes: int, footprint_bytes: int) -> int:  # noqa: ARG002 - one signature
        """Return that share of `ram_bytes`, rounded down."""
        return int(self.percent * ram_bytes / 100)

    def __str__(self) -> str:
        """Return the canonical spelling, such as `40%RAM`."""
        return f"{_decimal(self.percent)}{SHARE_UNIT}"


@dataclass(frozen=True, order=True)
class Multiple:
    """A multiple of the footprint."""

    factor: Fraction

    def resolve(self, *, ram_bytes: int, footprint_bytes: int) -> int:  # noqa: ARG002 - one signature
        """Return that multiple of `footprint_bytes`, rounded down."""
        return int(self.factor * footprint_bytes)

    def __str__(self) -> str:
        """Return the canonical spelling, such as `1.5x`."""
        return f"{_decimal(self.factor)}x"


Amount = Size | Share
Limit = Size | Share | Multiple


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time."""

    ns: int

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self.ns / TIME_UNITS["s"]

    def __str__(self) -> str:
        """Return the canonical spelling: the largest unit that leaves a whole number, such as `500ms`."""
        return _largest_exact(self.ns, TIME_UNITS)


def parse_amount(value: Any, *, least: int = 1) -> Amount:
    """Read a size (`64MiB`) or a share of RAM (`40%RAM`).

    Raises ValueError for anything else, for zero, and for a size below `least` bytes.
    """
    if isinstance(value, (Size, Share)):
        return value
    number, unit = _split(value, (*SIZE_UNITS, SHARE_UNIT), "a size such as 64MiB or 40%RAM", usual="MiB")
    if unit == SHARE_UNIT:
        return Share(_within(number, _MOST_PERCENT, unit))
    return _size(number, unit, least)


def parse_limit(value: Any) -> Limit:
    """Read the limit of overcommit mode 2: a size, a share of RAM, or a multiple of the footprint (`1.5x`).

    Raises ValueError for anything else, and for zero.
    """
    if isinstance(value, (Size, Share, Multiple)):
        return value
    expected = "a limit such as 1.5x, 2GiB or 50%RAM"
    number, unit = _split(value, ("x", *SIZE_UNITS, SHARE_UNIT), expected, usual="x")
    if unit == "x":
        return Multiple(_within(number, _MOST_TIMES, unit))
    if unit == SHARE_UNIT:
        return Share(_within(number, _MOST_PERCENT, unit))
    return _size(number, unit, 1)


def parse_duration(value: Any) -> Duration:
    """Read a time (`5s`, `500ms`, `2min`) between 1 ms and 24 h. Raises ValueError for anything else."""
    if isinstance(value, Duration):
        return value
    number, unit = _split(value, tuple(TIME_UNITS), "a time such as 5s, 500ms or 2min", usual="s")
    ns = int(number * TIME_UNITS[unit])
    if not TIME_UNITS["ms"] <= ns <= _LONGEST_TIME:
        raise ValueError(f"must be between 1ms and 24h, not {show(value)}")
    return Duration(ns)


def format_bytes(number: int) -> str:
    """Write bytes exactly, in the largest unit that leaves a whole number: `1GiB`, `64MB`, `1536MiB`, `4097B`."""
    return _largest_exact(number, SIZE_UNITS)


def _split(value: Any, units: tuple[str, ...], expected: str, *, usual: str) -> tuple[Fraction, str]:
    """Separate number and unit; every way to get a unit wrong is answered here, with the right spelling."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        hint = f", did you mean {value}{usual}?" if 0 < value < _LARGEST_ADDRESS_SPACE else ""
        raise ValueError(f"must be {expected}; {value} has no unit{hint}")
    if not isinstance(value, str):
        raise ValueError(f"must be {expected}, not {show(value)}")
    text = value.strip()
    if text.startswith("-"):
        raise ValueError(f"must be {expected}; {show(value)} is negative")
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"must be {expected}, not {show(value)}")
    digits, unit = match[1], text[match.end() :]
    if unit not in units or text != value:
        meant = _unit_meant(unit.strip(), units, usual)
        hint = f", did you mean {digits}{meant}?" if meant else f": units are {', '.join(units)}"
        fault = "has no unit" if not unit else "is not spelled so" if meant == unit.strip() else "has an unknown unit"
        raise ValueError(f"{show(value)} {fault}{hint}")
    return Fraction(digits), unit


def _unit_meant(unit: str, units: tuple[str, ...], usual: str) -> str | None:
    if not unit:
        return usual
    for known in units:
        if known.casefold() == unit.casefold().replace(" ", ""):
            return known
    shorthand = "min" if unit == "m" and "min" in units else _SHORTHAND.get(unit.casefold())
    return shorthand if shorthand in units else nearest(unit, units)


def _size(number: Fraction, unit: str, least: int) -> Size:
    size = int(number * SIZE_UNITS[unit])
    if size < least:
        raise ValueError(f"must be at least {format_bytes(least)}, not {_decimal(number)}{unit}")
    if size > _LARGEST_ADDRESS_SPACE:
        raise ValueError(f"{_decimal(number)}{unit} is more than any address space holds (128PiB)")
    return Size(size)


def _within(number: Fraction, most: int, unit: str) -> Fraction:
    if not 0 < number <= most:
        raise ValueError(f"must be more than 0{unit} and at most {most}{unit}, not {_decimal(number)}{unit}")
    return number


def _largest_exact(number: int, units: dict[str, int]) -> str:
    if number == 0:
        return f"0{min(units, key=lambda unit: units[unit])}"
    unit = max((unit for unit, factor in units.items() if number % factor == 0), key=lambda unit: units[unit])
    return f"{number // units[unit]}{unit}"


def _decimal(number: Fraction) -> str:
    """Write a fraction that came from decimal text back as decimal text."""
    text = format(Decimal(number.numerator) / Decimal(number.denominator), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
