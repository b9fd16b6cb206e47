"""What is wrong with a scenario, and where: the one way this package refuses its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Mark(NamedTuple):
    """A place in a scenario; `line` and `column` count characters from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong; its text is `file:line:column: message`, one line."""

    file: str
    line: int
    column: int
    message: str

    @classmethod
    def at(cls, mark: Mark, message: str) -> Problem:
        """Place a message."""
        return cls(mark.file, mark.line, mark.column, message)

    def __str__(self) -> str:
        """Return the line that editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ScenarioError(Exception):
    """A scenario that cannot be used. `problems` holds everything that is wrong with it, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Sort the problems by place and drop repetitions (an alias can repeat one place)."""
        self.problems = tuple(sorted(set(problems)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return one line a problem."""
        return "\n".join(map(str, self.problems))
