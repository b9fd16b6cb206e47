"""Readers of single values: what YAML gave -> the checked value, or ValueError with the message for the writer.

Sizes and times are in `units`; which key takes which value is in `model`.
"""

# ruff: noqa: TRY004 - a wrong type is one more wrong value: its message goes to the writer of the scenario

from __future__ import annotations

import errno
import math
import re
import signal
from dataclasses import dataclass
from typing import Any

from bench.scenario.wording import nearest, quote, show, suggest

_MOST_CPUS = 8192  # CONFIG_NR_CPUS of x86-64
_LONGEST_CPULIST = 1024
_LONGEST_NAME = 64
_HEAVIEST = 1_000_000
GUEST_CLOCKS = ("wall", "instructions")


@dataclass(frozen=True)
class Whole:
    """Reads whole numbers between two bounds, both included."""

    least: int
    most: int

    def __call__(self, value: Any) -> int:
        """Return the number; ValueError for anything else, each look-alike with its own answer."""
        wanted = f"must be a whole number of at least {self.least}"
        if isinstance(value, bool):
            raise ValueError(f"{wanted}, not {show(value)} (YAML reads yes, no, on and off as true and false)")
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            raise ValueError(f"{wanted}, not the text {quote(value)}: remove the quotes")
        if not isinstance(value, int) or value < self.least:
            raise ValueError(f"{wanted}, not {show(value)}")
        if value > self.most:
            raise ValueError(f"must be at most {self.most}, not {value}")
        return value


def read_flag(value: Any) -> bool:
    """Read a boolean. Raises ValueError for anything else."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {show(value)}")
    return value


def read_text(value: Any) -> str:
    """Read text that says something and can be shown. Raises ValueError for anything else."""
    if isinstance(value, (bool, int, float)):
        raise ValueError(f"must be text: quote it, '{show(value)}'")
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {show(value)}")
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def read_name(value: Any) -> str:
    """Read a name of the catalogue. Raises ValueError for anything but text."""
    if isinstance(value, bool):
        raise ValueError(f"must be a name; YAML reads this as {show(value)}")
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a name, not {show(value)}")
    return value


def read_scenario_name(value: Any) -> str:
    """Read the name of a scenario: result files are named after it."""
    text = read_text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) or len(text) > _LONGEST_NAME:
        raise ValueError(f"must be up to {_LONGEST_NAME} letters, digits and . _ -, not {quote(text)}")
    return text


def read_question(value: Any) -> str:
    """Read the question: one paragraph, line breaks are spaces."""
    return " ".join(read_text(value).split())


def read_argument(value: Any) -> str:
    """Read one argument of a command; empty text is one."""
    if isinstance(value, (bool, int, float)):
        raise ValueError(f"an argument must be text; YAML reads this as {show(value)}: quote it")
    if not isinstance(value, str):
        raise ValueError(f"an argument must be text, not {show(value)}")
    if "\0" in value:
        raise ValueError("an argument cannot hold a NUL byte")
    return value


def read_shell(value: Any) -> str:
    """Read a command line for the shell."""
    text = read_text(value)
    if "\0" in text:
        raise ValueError("a command line cannot hold a NUL byte")
    return text


def read_weight(value: Any) -> float:
    """Read the weight of a command."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"must be a number, not {show(value)}")
    if not 0 < value <= _HEAVIEST or math.isnan(value):
        raise ValueError(f"must be more than 0 and at most {_HEAVIEST}, not {show(value)}")
    return float(value)


def write_weight(value: float) -> float:
    """Write a whole weight without a fraction."""
    return int(value) if value.is_integer() else value


def read_signal(value: Any) -> str:
    """Read a signal: its name or its number, returned as the name; as decimal text when it has none."""
    names = list(signal.Signals.__members__)
    if isinstance(value, int) and not isinstance(value, bool):
        if value not in signal.valid_signals():
            raise ValueError(f"there is no signal {value}: 1 to {signal.NSIG - 1}, or a name such as SIGKILL")
        return signal.Signals(value).name if value in list(signal.Signals) else str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be a signal such as SIGKILL, not {show(value)}")
    if value.isascii() and value.isdecimal() and len(value) <= len(str(signal.NSIG)):
        return read_signal(int(value))
    if value not in names:
        near = suggest(value, names) or suggest(f"SIG{value}", names)
        raise ValueError(f"there is no signal {quote(value)}{near}")
    return signal.Signals[value].name


def read_errno(value: Any) -> str:
    """Read the name of an errno; of two names for one number, the one that `errno.errorcode` has."""
    if isinstance(value, int) and not isinstance(value, bool):
        name = errno.errorcode.get(value)
        hint = f", did you mean {name}?" if name else ""
        raise ValueError(f"must be the name of an errno, not a number{hint}")
    if not isinstance(value, str):
        raise ValueError(f"must be the name of an errno such as ENOENT, not {show(value)}")
    number = getattr(errno, value, None) if value.isidentifier() and value.startswith("E") else None
    if not isinstance(number, int):
        raise ValueError(f"there is no errno {quote(value)}{suggest(value, errno.errorcode.values())}")
    return errno.errorcode[number]


def read_mode(value: Any) -> str | int:
    """Read a mode of vm.overcommit_memory, or `current`."""
    if value == "current" or (value in (0, 1, 2) and isinstance(value, int) and not isinstance(value, bool)):
        return value if isinstance(value, str) else int(value)
    raise ValueError(f"must be current, 0, 1 or 2, not {show(value)}")


def read_guest_clock(value: Any) -> str:
    """Read what the clock of a guest shows."""
    if value in GUEST_CLOCKS:
        return str(value)
    near = nearest(value, GUEST_CLOCKS) if isinstance(value, str) else None
    raise ValueError(
        f"must be {' or '.join(GUEST_CLOCKS)}, not {show(value)}" + (f", did you mean '{near}'?" if near else "")
    )


def read_cpu(value: Any) -> str | tuple[int, ...]:
    """Read what the worker is held to; a list of CPUs comes back sorted."""
    expected = "same, free, or a list of CPUs such as 0,2-3"
    if isinstance(value, str):
        return value if value in ("same", "free") else read_cpulist(value, expected)
    cpus = [value] if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(cpus, (list, tuple)):
        raise ValueError(f"must be {expected}, not {show(value)}")
    if not cpus:
        raise ValueError(f"must be {expected}; this list is empty")
    for cpu in cpus:
        if isinstance(cpu, bool) or not isinstance(cpu, int) or not 0 <= cpu < _MOST_CPUS:
            raise ValueError(f"a CPU is a number from 0 to {_MOST_CPUS - 1}, not {show(cpu)}")
    return tuple(sorted(set(cpus)))


def read_cpulist(text: str, expected: str) -> tuple[int, ...]:
    """Read the kernel's cpulist format (Documentation/core-api/printk-formats, %*pbl) without its strides."""
    if len(text) > _LONGEST_CPULIST:
        raise ValueError(f"must be {expected}, of at most {_LONGEST_CPULIST} characters")
    cpus: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if match is None:
            raise ValueError(f"must be {expected}, not {quote(text)}{suggest(text, ('same', 'free')) if part else ''}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last >= _MOST_CPUS:
            raise ValueError(f"{quote(part)} is not a range of CPUs")
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


def format_cpus(cpus: str | tuple[int, ...]) -> str:
    """Write `cpu` as the kernel writes it: `same`, `free`, or a cpulist such as `0,2-3`."""
    if isinstance(cpus, str):
        return cpus
    ranges: list[list[int]] = []
    for cpu in cpus:
        if ranges and cpu == ranges[-1][1] + 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
