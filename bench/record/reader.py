"""The tolerant read side of a result file: what can be read is, and what cannot is named.

It checks the shape of lines. It does not judge or sum up what they say: that is analysis.
"""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn, TypeAlias, cast

from bench import __version__
from bench.record.format import FORMAT, Footer, HazardLine, Header, Line, Session, WorkerLine
from bench.record.place import BootCost
from bench.record.shape import check_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.record.format import HazardPlan

_REMEMBERED = 16
"""Matrices that later headers may share: a fleet has few scenarios, and a search among many would cost more."""
_STAND_INS: Mapping[str, Any] = MappingProxyType({"cells": [], "codes": {"outcome": [], "stage": [], "errno": {}}})
"""The parts of a header that others may share, and what is read where such a part stood."""
_SHAPES = {"header": Header, "session": Session, "worker": WorkerLine, "hazard": HazardLine, "footer": Footer}


class UnreadableResult(Exception):  # noqa: N818 - the name says what the file is
    """Nothing of the file can be used. One line that names the file, what it is instead, and the remedy."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A line that was passed over."""

    line: int
    """Counted from 1."""
    offset: int
    """Byte where the line starts."""
    message: str
    torn: bool = False
    """It is the last line, and its writing was interrupted."""


Entry: TypeAlias = Line | Flaw


class HazardKey(NamedTuple):
    """What tells two hazard lines of one file apart."""

    hazard: str
    strategy: str
    mitigation: str | None

    @property
    def text(self) -> str:
        """As people read it: `slow_exec with vfork_exec`."""
        return f"{self.hazard} with {self.strategy}{f', mitigated by {self.mitigation}' if self.mitigation else ''}"


def hazard_key(line: HazardLine | HazardPlan) -> HazardKey:
    """Return the key of a hazard line, or of a hazard that the header plans."""
    return HazardKey(line["hazard"], line["strategy"], line["mitigation"])


@dataclass(frozen=True, slots=True)
class Recording:
    """A result file as read."""

    path: Path
    header: Header
    sessions: tuple[Session, ...]
    workers: tuple[WorkerLine, ...]
    """At most one for each cell and round, in file order."""
    hazards: tuple[HazardLine, ...]
    """At most one for each hazard, strategy and mitigation, in file order."""
    footers: tuple[Footer, ...]
    """One for each session that came to an end."""
    warnings: tuple[str, ...]
    torn_at: int | None
    """The byte where a torn last line begins."""

    @property
    def footer(self) -> Footer | None:
        """The last one; null after SIGKILL, and stale when a later session was killed."""
        return self.footers[-1] if self.footers else None

    @property
    def torn(self) -> bool:
        """The last line was torn: the run was killed while it wrote."""
        return self.torn_at is not None

    @property
    def planned(self) -> int:
        """Workers that the header plans."""
        return len(self.header["cells"]) * self.header["rounds"]

    @property
    def planned_hazards(self) -> int:
        """Hazards that the header plans, each with one strategy and at most one mitigation."""
        return len(self.header.get("hazards", ()))

    @property
    def done(self) -> frozenset[tuple[str, int]]:
        """The (cell id, round) pairs that have their line."""
        return frozenset(map(_key, self.workers))


@dataclass(frozen=True, slots=True)
class Head:
    """What can be said of a result file without reading it through."""

    header: Header
    size: int
    """In bytes."""
    torn: bool
    """Its last line has no end."""


class KnownParts:
    """Parts of headers that were read, by their text: runs of one scenario have the same, most of a header."""

    def __init__(self) -> None:
        """Know none."""
        self._found: dict[str, deque[tuple[bytes, Any]]] = {name: deque(maxlen=_REMEMBERED) for name in _STAND_INS}
        self._shortened = {name: _written(name, value) for name, value in _STAND_INS.items()}

    def without(self, line: bytes) -> tuple[bytes, dict[str, Any]]:
        """Return a header line without the parts that it shares with an earlier one, and these by name."""
        shared = {}
        for name, found in self._found.items():
            at = line.find(_key_of(name))
            for text, part in found if at >= 0 else ():
                if line.startswith(text, at):
                    line = line[:at] + self._shortened[name] + line[at + len(text) :]
                    shared[name] = part
                    break
        return line, shared

    def took(self, header: object, shared: Mapping[str, Any]) -> bool:
        """Say whether what was left out is what its name says: a name may stand elsewhere in a line too."""
        return isinstance(header, dict) and all(header.get(name) == _STAND_INS[name] for name in shared)

    def add(self, line: bytes, header: Header) -> None:
        """Know the parts of a line, where they stand in it as the journal writes them."""
        parts: Mapping[str, Any] = {"cells": header["cells"], "codes": header["codes"]}
        for name, found in self._found.items():
            text = _written(name, parts[name])
            if line.startswith(text, line.find(_key_of(name))) and all(text != known for known, _ in found):
                found.appendleft((text, parts[name]))


def _key_of(name: str) -> bytes:
    return b'"%s":' % name.encode()


def _written(name: str, value: object) -> bytes:
    return _key_of(name) + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def head(path: str | os.PathLike[str], known: KnownParts | None = None) -> Head:
    """Read the header of a result file and look at its last byte. Raises as `read` does.

    Parts that are `known` are the same object in each header, and are not looked at again.
    """
    path = Path(path)
    with _open(path) as stream:
        header = _header(_first_line(stream, path), path, known)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(-1, os.SEEK_END)
        return Head(header, size, torn=stream.read(1) != b"\n")


def read(path: str | os.PathLike[str]) -> Recording:
    """Read a whole result file.

    Raises `UnreadableResult` when it is missing, empty, not a result file, or of another major version.
    """
    path = Path(path)
    with _open(path) as stream:
        return read_stream(stream, path)


def iterate(path: str | os.PathLike[str]) -> Iterator[Entry]:
    """Read a result file line by line in constant memory: the header first, then lines and flaws in file order.

    Raises as `read` does. Duplicate workers are not looked for.
    """
    path = Path(path)
    with _open(path) as stream:
        yield from _entries(stream, path)


def read_stream(stream: BinaryIO, path: Path) -> Recording:
    """As `read`, from an open binary stream at its start; `path` is for the messages."""
    header: Header | None = None
    sessions: list[Session] = []
    workers: dict[tuple[str, int], WorkerLine] = {}
    hazards: dict[HazardKey, HazardLine] = {}
    footers: list[Footer] = []
    warnings: list[str] = []
    torn_at: int | None = None
    for entry in _entries(stream, path):
        if isinstance(entry, Flaw):
            warnings.append(f"{path}:{entry.line}: {entry.message}")
            torn_at = entry.offset if entry.torn else torn_at
        elif entry["type"] == "worker":
            key = _key(entry)
            if key in workers:
                warnings.append(f"{path}: cell {key[0]}, round {key[1]} is there twice: the first is kept")
            workers.setdefault(key, entry)
        elif entry["type"] == "hazard":
            tried = hazard_key(entry)
            if tried in hazards:
                warnings.append(f"{path}: hazard {tried.text} is there twice: the first is kept")
            hazards.setdefault(tried, entry)
        elif entry["type"] == "header":
            header = entry
        elif entry["type"] == "session":
            sessions.append(entry)
        else:
            footers.append(entry)
    assert header is not None, "_entries yields a header or raises"  # noqa: S101 - for mypy
    return Recording(
        path=path,
        header=header,
        sessions=tuple(sessions),
        workers=tuple(workers.values()),
        hazards=tuple(hazards.values()),
        footers=tuple(footers),
        warnings=tuple(warnings),
        torn_at=torn_at,
    )


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError:
        raise UnreadableResult(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UnreadableResult(f"{path}: is a directory: name the result files in it") from None
    except OSError as error:
        raise UnreadableResult(f"{path}: cannot be read: {error.strerror}") from None


def _first_line(stream: BinaryIO, path: Path) -> bytes:
    first = stream.readline(1)
    if not first:
        raise UnreadableResult(f"{path}: is empty: not a result file, remove it and run again")
    if first != b"{":  # before a whole "line" of some binary file is read
        _refuse(path, "does not start with a JSON object")
    return first + stream.readline()


def _entries(stream: BinaryIO, path: Path) -> Iterator[Entry]:
    line = _first_line(stream, path)
    header = _header(line, path)
    yield header
    offset = len(line)
    line, number = stream.readline(), 2
    while line:
        following = stream.readline()
        if not line.isspace():
            yield _entry(line, _Place(path, number, offset, last=not following))
        offset += len(line)
        line, number = following, number + 1


def _header(line: bytes, path: Path, known: KnownParts | None = None) -> Header:
    """Judge the first line: a version comes before the fields, since another version may have others."""
    if not line.endswith(b"\n"):
        raise UnreadableResult(f"{path}: ends inside its header: nothing was measured, remove it and run again")
    short, shared = known.without(line) if known else (line, {})
    try:
        header = _parse(short)
        if known and not known.took(header, shared):
            header, shared = _parse(line), {}
    except ValueError:
        _refuse(path, "its first line is not JSON")
    name = header.get("format") if isinstance(header, dict) else None
    if not isinstance(header, dict) or header.get("type") != "header" or not isinstance(name, str):
        _refuse(path, "its first line is not a header")
    version = re.fullmatch(r"launchbench/(\d+)(?:\..*)?", name)
    if version is None:
        _refuse(path, f"its format is {name!r:.60}")
    if version[1] != FORMAT.rpartition("/")[2]:
        raise UnreadableResult(
            f"{path}: is {name}, and launchbench {__version__} reads {FORMAT}: use the launchbench that wrote it"
        )
    if problem := check_of(Header)(header):
        raise UnreadableResult(f"{path}: is damaged: header{problem}")
    header = cast("Header", {**header, **shared})
    if known and shared.keys() != _STAND_INS.keys():
        known.add(line, header)
    return header


def _key(worker: WorkerLine) -> tuple[str, int]:
    return str(worker["cell"]["id"]), worker["round"]


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    line: int
    offset: int
    last: bool

    def flaw(self, message: str) -> Flaw:
        return Flaw(self.line, self.offset, f"{message}: passed over")

    def torn(self) -> Flaw:
        return Flaw(self.line, self.offset, "the last line is torn: passed over", torn=True)


def _entry(line: bytes, place: _Place) -> Entry:
    try:
        value = _parse(line)
    except ValueError:
        return place.torn() if place.last else place.flaw("not JSON")
    if not line.endswith(b"\n"):
        return place.torn()
    if isinstance(value, dict) and value.get("type") == "header":
        raise UnreadableResult(f"{place.path}:{place.line}: a second header: give the two runs as two files")
    problem = problem_of(value)
    return cast("Line", value) if problem is None else place.flaw(problem)


def problem_of(value: Any) -> str | None:
    """Say why a JSON value is no line of a result file, starting with which and where, or None when it is one."""
    kind = value.get("type") if isinstance(value, dict) else None
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return f"a line of unknown type {kind!r:.40}"
    problem = check_of(shape)(value)
    if problem is None and kind == "worker":
        problem = _worker_problem(value)
    if problem is None and kind == "hazard":
        problem = _hazard_problem(value)
    return None if problem is None else f"{kind}{problem}"


def boots_problem(value: Any) -> str | None:
    """Say why a JSON value is not what a footer has of boots, or None when it is."""
    problem = check_of(Sequence[BootCost])(value)
    return None if problem is None else f"footer.boots{problem}"


def _worker_problem(worker: Any) -> str | None:
    """Say what a type cannot: the columns of samples have one length."""
    samples = worker["samples"]
    if samples is not None and len({len(column) for column in samples.values() if isinstance(column, list)}) > 1:
        return ".samples: columns of different lengths"
    return None


def _hazard_problem(line: Any) -> str | None:
    """Say what a type cannot: hangs are hits, and hits are trials."""
    return None if 0 <= line["hangs"] <= line["hits"] <= line["trials"] else ".hits: more than there were trials"


def _parse(line: bytes) -> Any:
    """Raise `ValueError` for what is not JSON; NaN and infinity are not, whatever Python's parser says."""
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(path: Path, reason: str) -> NoReturn:
    raise UnreadableResult(f"{path}: is not a launchbench result file: {reason}")
