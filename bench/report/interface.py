"""What every form of report has in common: an `Analysis` and `Options` go in, a document or a folder of them comes out.

A form is one module of this package with a `FORMAT` of type `Format` or `FolderFormat`; `registry` finds it. Rendering
is pure: streams, terminals and files are the command's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


Document: TypeAlias = str | bytes
Render: TypeAlias = Callable[[Analysis, Options], Document]
RenderFolder: TypeAlias = Callable[[Analysis, Options], Mapping[str, Document]]


@dataclass(frozen=True, slots=True)
class Format:
    """A form of report that is one document."""

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
    needs_launches: bool = False
    """It shows `Analysis.rows`, which are left out where files come by the hundred."""
    cells_only: bool = False
    """It has no place for hazards: who asks for it must be told what is left out."""


@dataclass(frozen=True, slots=True)
class FolderFormat:
    """A form of report that is several documents, which `-o` names a folder for."""

    name: str
    """As `--format` takes it."""
    summary: str
    """One line, for lists."""
    render: RenderFolder
    """Returns the documents by file name: one path component each, unique also where case does not count."""
    needs_launches: bool = False
    cells_only: bool = False
    """As in `Format`."""


Form: TypeAlias = Format | FolderFormat
