"""Lines of very many files in few: what DuckDB reads at once, where each small file would cost it more than its lines.

Every line begins with the number of its file (`FILE`). The first line, the header, is left out: it has been read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "spooled_from"
"""The field that is put before all others of a line."""
_PART = 1 << 24
"""Bytes from which the next part begins: parts are read side by side."""
_MARK = 64
"""More bytes than the field takes."""


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
    name = f"spooled-{min(files, default=0)}"
    lines: dict[int, int] = {}
    parts: list[Path] = []
    longest, waiting, size = 0, [], 0
    for number, path in files.items():
        marked, lines[number] = _marked(number, path)
        longest = max(longest, len(marked))
        waiting.append(marked)
        size += len(marked)
        if size >= _PART:
            parts.append(_write(folder / f"{name}-{len(parts)}.jsonl", waiting))
            waiting, size = [], 0
    if waiting:
        parts.append(_write(folder / f"{name}-{len(parts)}.jsonl", waiting))
    return Spooled(tuple(parts), lines, longest + _MARK)


def _marked(number: int, path: Path) -> tuple[bytes, int]:
    try:
        content = path.read_bytes()
    except OSError:
        return b"", 1
    after = content[content.find(b"\n") :] if b"\n" in content else b""
    after = after.rstrip(b"\n")
    objects = after.split(b"\n{")  # and joined again: half as long as replacing it
    return (b'\n{"%s":%d,' % (FILE.encode(), number)).join(objects), after.count(b"\n")


def _write(path: Path, lines: list[bytes]) -> Path:
    with path.open("wb") as stream:
        stream.writelines(lines)
        stream.write(b"\n")
    return path
