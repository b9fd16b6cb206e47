"""What every form of report has in common: an `Analysis` and `Options` go in, a document comes out.

A form is one module of this package with a `FORMAT` of type `Format`; `registry` finds it. Rendering is pure: streams,
terminals and files are the command's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bench.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Options:
    """What the reader's side can show; forms that it means nothing to ignore it."""

    width: int = 100
    """In columns."""
    colour: bool = False
    unicode: bool = True
    """Whether more than ASCII can be shown."""


Render: TypeAlias = Callable[[Analysis, Options], str | bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """One form of report."""

    name: str
    """As `--format` takes it."""
    summary: str
    """One line, for lists."""
    binary: bool
    """`render` returns bytes, which do not belong on a terminal; else text that ends in a newline."""
    render: Render
    """It imports what it needs beyond the core when it is called."""
    for_eyes: bool = False
    """It adapts to `Options`; the others are the same bytes everywhere."""
