"""Which files of very many can be used, and which of their lines: what is handed to the database, and its mending.

A file is looked at where it begins and where it ends; the rest is DuckDB's to read. Lines that it cannot make out are
judged by the tolerant reader, and the file is read anew from a stand-in with the lines that count.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.analysis.identity import machine_of
from bench.analysis.spool import spool
from bench.record import Flaw, KnownParts, UnreadableResult, head, iterate, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from bench.analysis.database import Database
    from bench.analysis.spool import Spooled
    from bench.record import Header, WorkerLine

_REMEMBERED = 16
"""Headers whose parts later ones may share: a fleet has few scenarios, and a search among many would cost more."""
_AT_A_TIME = 1000
"""Files that are given to the database at once."""
_PATTERN = frozenset("*?[]{}\\")
"""Characters that DuckDB takes for a pattern: a file with one in its name is read under another."""


@dataclass(slots=True)
class Source:
    """One file, and what has been found out about it."""

    path: Path
    read_from: Path
    """The file itself, or a stand-in with the lines of it that count."""
    header: Header
    size: int
    torn: bool
    context: int = 0
    """Files with one context say the same with the same worker line: one machine, scenario and table of codes."""
    flaws: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Collection:
    """All files that can be used, by their number in the order given."""

    scratch: Path
    sources: dict[int, Source] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    contexts: list[Source] = field(default_factory=list)
    """The first file of each context."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Of names: of runs, and of cells in their files. The database compares numbers."""

    def number(self, name: str) -> int:
        """Return the number of a name, a new one for a new name."""
        return self.numbers.setdefault(name, len(self.numbers))

    def named(self, number: int) -> str:
        """Return the name of a number."""
        return next(name for name, other in self.numbers.items() if other == number)

    def rewrite(self, number: int) -> None:
        """Let a stand-in hold the lines that the tolerant reader takes; drop the file when it takes none."""
        source = self.sources[number]
        source.read_from = self.scratch / f"{number}.jsonl"
        source.flaws.clear()
        try:
            with source.read_from.open("w", encoding="utf-8") as stream:
                for entry in iterate(source.path):
                    if isinstance(entry, Flaw):
                        source.flaws.append(f"{source.path}:{entry.line}: {entry.message}")
                        source.torn = source.torn or entry.torn
                    else:
                        stream.write(json.dumps(entry) + "\n")
        except UnreadableResult as error:
            self.refused.append(str(error))
            del self.sources[number]


def gather(paths: Sequence[Path], collection: Collection, database: Database) -> None:
    """Look at the beginning and the end of each file, and have them read meanwhile, some at a time."""
    given = Counter(map(str, paths))
    collection.refused += [
        f"{path}: is given {count} times: it counts once" for path, count in given.items() if count > 1
    ]
    known: deque[Header] = deque(maxlen=_REMEMBERED)
    cells = KnownParts()
    contexts: dict[tuple[Any, ...], int] = {}
    numbered = list(enumerate(map(Path, given)))
    with ThreadPoolExecutor(1) as spooling, ThreadPoolExecutor(1) as reading:
        read = []
        for first in range(0, len(numbered), _AT_A_TIME):
            before = len(collection.sources)
            for number, path in numbered[first : first + _AT_A_TIME]:
                _look(number, path, collection, known, cells, contexts)
            spooled, load = _reading(collection, database, list(collection.sources)[before:])
            read.append(reading.submit(load, spooling.submit(spooled)))
        for one in read:
            one.result()


def _look(
    number: int,
    path: Path,
    collection: Collection,
    known: deque[Header],
    cells: KnownParts,
    contexts: dict[tuple[Any, ...], int],
) -> None:
    """Take a file into the collection, or its refusal."""
    try:
        found = head(path, cells)
    except UnreadableResult as error:
        collection.refused.append(str(error))
        return
    header = _sharing(found.header, known)
    key = (machine_of(header["machine"]), header["scenario"]["name"], id(header["codes"]))
    source = Source(path, path, header, found.size, found.torn, contexts.setdefault(key, len(contexts)))
    if source.context == len(collection.contexts):
        collection.contexts.append(source)
    collection.sources[number] = source
    if source.torn:
        collection.rewrite(number)
    elif _PATTERN & set(str(path)):
        source.read_from = collection.scratch / f"{number}.jsonl"
        source.read_from.symlink_to(path.absolute())


def _sharing(header: Header, known: deque[Header]) -> Header:
    """Let equal parts of headers be one object: runs of one scenario repeat its text and its cells."""
    whole: dict[str, Any] = {**header}
    new = False
    for part in ("scenario", "cells", "codes", "tool", "hazards"):
        value = whole.get(part)
        same = next((theirs for other in known if (theirs := other.get(part)) is value or theirs == value), None)
        new = new or (same is None and value is not None)
        whole |= {} if same is None else {part: same}
    if new:
        known.appendleft(cast("Header", whole))
    return cast("Header", whole)


def mend(collection: Collection, database: Database) -> None:
    """Read files with a line that is not plainly one of the format again, as the tolerant reader has it."""
    bad = [number for number, kind in database.kinds().items() if problem_of(worker_line(kind)) is not None]
    odd = {*database.odd_files(), *(database.files_with(bad) if bad else ())}
    if not odd:
        return
    database.forget(odd)
    for number in odd:
        collection.rewrite(number)
    spooled, load = _reading(collection, database, [number for number in odd if number in collection.sources])
    with ThreadPoolExecutor(1) as spooling:
        load(spooling.submit(spooled))
    for number, lines in database.forget_odd_lines().items():
        source = collection.sources[number]
        source.flaws.append(f"{source.path}: {lines} lines have numbers of more than 64 bits: passed over")


def _reading(
    collection: Collection, database: Database, numbers: Sequence[int]
) -> tuple[Callable[[], Spooled], Callable[[Future[Spooled]], None]]:
    """Return what spools these files and what reads that: both touch nothing of the collection, and run beside it."""
    sources = {number: collection.sources[number] for number in numbers}
    files = {number: source.read_from for number, source in sources.items()}
    contexts = {
        number: (source.context, collection.number(source.header["run"]), _ok_code(source.header))
        for number, source in sources.items()
    }

    def load(spooled: Future[Spooled]) -> None:
        if files:
            database.load(spooled.result(), contexts)
        spooled.result().remove()

    return lambda: spool(files, collection.scratch), load


def _ok_code(header: Header) -> int:
    outcomes = list(header["codes"]["outcome"])
    return outcomes.index("ok") if "ok" in outcomes else -1


def worker_line(kind: Mapping[str, Any]) -> WorkerLine:
    """Return a worker line without samples from the fields that the database has of it."""

    def read(name: str) -> Any:
        return None if kind.get(name) is None else json.loads(kind[name])

    mode = kind["overcommit"]["mode"] if kind["overcommit"] else None
    line = {
        "type": "worker",
        "session": 0,
        "round": 0,
        "position": 0,
        "cell": read("cell"),
        "started": "",
        "outcome": {name: value for name, value in kind["outcome"].items() if value is not None},
        "footprint": None,
        "overcommit": None if mode is None else {"mode": mode, "commit_limit": None, "committed": None},
        "cpu": None,
        "planned": 0,
        "samples": None,
        "census": read("census"),
        "findings": read("findings"),
        "mechanism": kind["mechanism"],
        "spent_ns": {},
    }
    optional = {"contradiction": kind["contradiction"], "pages_written": kind["pages_written"]}
    optional |= {name: read(name) for name in ("place", "inherited", "broken_promises")}
    return cast("WorkerLine", line | {name: value for name, value in optional.items() if value is not None})
