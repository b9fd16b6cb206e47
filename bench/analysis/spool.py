"""Lines of very many files in few: what DuckDB reads at once, where each small file would cost it more than its lines.

Every line begins with the number of its file (`FILE`). The first line, the header, is left out: it has been read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "spooled_from"
"""The field that is put before all others of a line."""
_PART = 1 << 24
"""Bytes from which the next part begins: parts are read side by side."""
_MARK = 64
"""More bytes than the field takes."""
_OBJECT = ord("{")


class Spooled(NamedTuple):
    """What stands in the parts."""

    parts: tuple[Path, ...]
    lines: Mapping[int, int]
    """Of each file after its header; fewer are found in the parts where one of them is no object."""
    longest: int
    """No line is longer, in bytes."""

    def remove(self) -> None:
        """Give the space back."""
        for part in self.parts:
            part.unlink(missing_ok=True)


def spool(files: Mapping[int, Path], folder: Path) -> Spooled:
    """Write the lines of files, given by number, to parts in `folder`. One that is gone is short of a line."""
    lines: dict[int, int] = {}
    parts: list[Path] = []
    longest, waiting = 0, list(files.items())[::-1]
    while waiting:
        parts.append(folder / f"spooled-{min(files)}-{len(parts)}.jsonl")
        with parts[-1].open("wb") as stream:
            while waiting and stream.tell() < _PART:
                number, path = waiting.pop()
                marked, lines[number], length = _marked(number, path)
                stream.write(marked)
                longest = max(longest, length)
    return Spooled(tuple(parts), lines, longest + _MARK)


def _marked(number: int, path: Path) -> tuple[bytes, int, int]:
    """Return the lines that may be objects, how many lines there are, and the length of the longest."""
    try:
        with path.open("rb", buffering=0) as stream:
            content = stream.readall().rstrip(b"\n") + b"\n"
    except OSError:
        return b"", 1, 0
    view, mark = memoryview(content), b'{"%s":%d,' % (FILE.encode(), number)
    pieces: list[memoryview | bytes] = []
    lines = longest = 0
    start = content.find(b"\n") + 1
    while start < len(content):
        end = content.find(b"\n", start) + 1
        if content[start] == _OBJECT:
            pieces += (mark, view[start + 1 : end])
        lines, longest, start = lines + 1, max(longest, end - start), end
    return b"".join(pieces), lines, longest
