"""The words of the messages: how a value of a scenario is shown, and which name was probably meant.

Not for deciding that something is wrong; only for saying it in one line.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_SHOWN = 40
_LONGEST_COMPARED = 64  # difflib is quadratic; no name is that long
_MOST_LISTED = 8


def show(value: Any) -> str:
    """Name a value read from YAML in a few printable words, on one line whatever it holds."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return str(value)


def quote(text: str) -> str:
    """Quote text for a message: escaped, and cut after 40 characters."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known spelling that a misspelt word comes closest to, or None when none is close."""
    if len(word) > _LONGEST_COMPARED:
        return None
    spellings = {_folded(name): name for name in known}
    close = difflib.get_close_matches(_folded(word), spellings, n=1)
    return spellings[close[0]] if close else None


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ", did you mean 'x'?", or the known names when they are few, or nothing."""
    names = list(known)
    found = nearest(word, names)
    if found is not None:
        return f", did you mean '{found}'?"
    if 0 < len(names) <= _MOST_LISTED:
        return f": known are {', '.join(names)}"
    return ""


def count(number: int, noun: str) -> str:
    """Return "1 cell", "30 cells"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")
