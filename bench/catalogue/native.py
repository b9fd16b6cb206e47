"""Asks the workers what they can do: the native one and the bare Python one, each with `list`.

Not for: compiling (build.py), or for the order and kinds of what is shown (commands).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_PATIENCE_S = 30.0


class CatalogueError(Exception):
    """A worker cannot say what it can do; the text names which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One strategy, reaper, hygiene, backing or hazard, as it exists on this machine."""

    kind: str
    name: str
    summary: str
    reason: str | None
    """Why it is not available here; None when it is."""
    runtime: Literal["native", "python"] = "native"
    own_reaper: bool = False
    """Of a strategy: it collects its children by itself."""
    launches_nothing: bool = False
    status_form: Literal["wait", "shell"] = "wait"
    """Of a strategy: how an outcome comes back: the wait status, or as `$?` in a shell."""
    takes_memory: bool = True
    """Of a backing: its bytes come out of the memory that is available."""
    loses_statuses: bool = False
    """Of a reaper: of some children, or of all."""
    promises: tuple[str, ...] = ()
    """Of a hygiene: what the command does not inherit (`descriptors`, `blocked`, `ignored`)."""
    source: str = ""
    """Of a hazard: where its claim comes from."""
    mitigations: tuple[str, ...] = ()
    """Of a hazard: what is recommended against it, and tried as well."""
    needs_group: bool = False
    """Of a hazard: its trials need a control group that limits processes."""
    memory: Literal["copied", "shared"] | None = None
    """Of a strategy: what its name claims about the memory between the launch and the exec."""

    @property
    def available(self) -> bool:
        """Whether it can be measured here."""
        return self.reason is None


def base_interpreter() -> str:
    """The interpreter itself, without the virtual environment around it: what runs `-I -S`."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def python_worker(strategies: Path) -> list[str]:
    """The command line of the bare Python worker, without its last word."""
    return [base_interpreter(), "-I", "-S", "-B", str(strategies / "host" / "worker.py")]


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def ask(command: Sequence[str], runtime: Literal["native", "python"]) -> list[Entry]:
    """What one worker lists. Raises CatalogueError."""
    try:
        result = subprocess.run(
            [*command, "list"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CatalogueError(f"{command[0]} does not run: {error}") from None
    if result.returncode != 0:
        last = result.stderr.strip().splitlines()[-1:] or [f"exit status {result.returncode}"]
        raise CatalogueError(f"{' '.join(command)} list: {last[0]}")
    try:
        return [Entry(runtime=runtime, **json.loads(line, object_hook=_frozen)) for line in result.stdout.splitlines()]
    except (ValueError, TypeError) as error:
        raise CatalogueError(f"{' '.join(command)} list: says what is no list entry: {error}") from None
