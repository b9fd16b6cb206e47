"""Text and overrides -> a checked `Scenario`, or every problem at once.

The steps each add their problems and none stops the others: YAML, `--set`, the model, then the matrix with
whatever keys were sound.
"""

from __future__ import annotations

import os
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bench.scenario import matrix
from bench.scenario.kinds import ABSENT_FAULT, KEY_FAULT, VALUE_FAULT, Fault, faults_of
from bench.scenario.model import ALL, Scenario
from bench.scenario.problem import Mark, Problem, ScenarioError
from bench.scenario.source import Document, Path, dotted, parse, read_text
from bench.scenario.wording import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.scenario.vocabulary import Vocabulary

OVERRIDE_FILE = "--set"
"""The file name in the problems of overrides; the column counts from the start of KEY=VALUE."""


def read(
    path: str | os.PathLike[str], *, vocabulary: Vocabulary, overrides: Sequence[tuple[str, str]] = ()
) -> Scenario:
    """Load a scenario from a file; see `load`. A file that cannot be read is a ScenarioError, too."""
    return load(text_of(path), file=_printable(os.fspath(path)), vocabulary=vocabulary, overrides=overrides)


def text_of(path: str | os.PathLike[str]) -> str:
    """Return the text of a scenario's file. Raises ScenarioError when it cannot be read."""
    text = read_text(FilePath(path), file=_printable(os.fspath(path)))
    if isinstance(text, Problem):
        raise ScenarioError([text])
    return text


def load(text: str, *, file: str, vocabulary: Vocabulary, overrides: Sequence[tuple[str, str]] = ()) -> Scenario:
    """Load a scenario from text.

    `file` is its name in problems. `overrides` are (KEY, VALUE) pairs as `--set` takes them: KEY is a key of the
    scenario, dotted for what is inside a mapping (`limits.memory`), VALUE is YAML; the last of one key counts.

    Raises ScenarioError with every problem of the text and the overrides.
    """
    document = parse(text, file=file)
    for key, value in overrides:
        _override(document, key, value)
    problems = list(document.problems)
    if document.data is None:
        raise ScenarioError(problems)
    scenario, faults = _validate(document.data, vocabulary)
    problems += [_problem(document, fault) for fault in faults if not _told(document, fault)]
    problems += [
        _problem(document, (KEY_FAULT if len(path) == 1 else VALUE_FAULT, path, message))
        for path, message in _matrix_faults(document, scenario, faults, vocabulary)
    ]
    if problems or scenario is None:
        raise ScenarioError(problems)
    return scenario


def _validate(data: Any, vocabulary: Vocabulary) -> tuple[Scenario | None, list[Fault]]:
    try:
        return Scenario.model_validate(data, context=vocabulary), []
    except ValidationError as error:
        return None, faults_of(error)


def _told(document: Document, fault: Fault) -> bool:
    """Say whether something is missing only because the YAML around it is a problem already."""
    type_, path, _ = fault
    path = document.located(path)
    return type_ == ABSENT_FAULT and any(path in (faulty, faulty[:-1]) for faulty in document.faulty if path)


def _matrix_faults(
    document: Document, scenario: Scenario | None, faults: list[Fault], vocabulary: Vocabulary
) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with the matrix, as far as it can be seen when some keys are broken."""
    if scenario is not None:
        yield from matrix.faults(scenario, vocabulary, frozenset())
        return
    if not isinstance(document.data, dict):
        return
    bad = [path for _, path, _ in faults if path] + [path for path in document.faulty if path]
    broken = {str(path[0]) for path in bad}
    sound = {key: value for key, value in document.data.items() if key in Scenario.model_fields}
    entries: list[int] = []
    if isinstance(sound.get("exclude"), list) and ("exclude",) not in [path[:2] for path in bad]:
        entries = [n for n in range(len(sound["exclude"])) if ("exclude", n) not in [path[:2] for path in bad]]
    usable = {key: value for key, value in sound.items() if key not in broken}
    usable["exclude"] = [sound["exclude"][n] for n in entries]
    repaired, _ = _validate({"name": "unnamed", "question": "unasked", "strategies": [ALL], **usable}, vocabulary)
    if repaired is None:
        return
    for path, message in matrix.faults(repaired, vocabulary, frozenset(broken)):
        # Entries that are broken themselves were taken out: count as the text does.
        yield (
            (("exclude", entries[int(path[1])], *path[2:]) if path[0] == "exclude" and len(path) > 1 else path),
            message,
        )


def _problem(document: Document, fault: Fault) -> Problem:
    type_, path, message = fault
    path = document.located(path)
    mark = document.mark(path, key=type_ == KEY_FAULT)
    return Problem.at(mark, f"{dotted(path)}: {message}" if path else message)


def _override(document: Document, key: str, value: str) -> None:
    """Put one `--set` into the document, in place of what the text has there."""
    path: Path = tuple(key.split("."))
    start = Mark(OVERRIDE_FILE, 1, 1)
    if not all(path) or not key.isprintable():
        document.problems.append(Problem.at(start, f"{show(key)} is not a key: --set takes KEY=VALUE"))
        return
    given = parse(value, file=OVERRIDE_FILE)
    shift = len(key) + 1
    if given.data is None or given.problems:
        problems = given.problems if value.strip() else [Problem.at(start, "has no value: --set takes KEY=VALUE")]
        document.problems += [
            Problem.at(_shifted(Mark(one.file, one.line, one.column), shift), f"{key}: {one.message}")
            for one in problems
        ]
        return
    if not isinstance(document.data, dict):
        return
    around = document.data
    for depth, part in enumerate(path[:-1], start=1):
        inner = around.setdefault(str(part), {})
        if not isinstance(inner, dict):
            message = f"{dotted(path[:depth])} is {show(inner)} here, and has no keys: set it whole"
            document.problems.append(Problem.at(start, message))
            return
        document.values.setdefault(path[:depth], start)
        document.keys.setdefault(path[:depth], start)
        around = inner
    for marks in (document.keys, document.values):
        for old in [old for old in marks if old[: len(path)] == path]:
            del marks[old]
    around[str(path[-1])] = given.data
    document.keys[path] = start
    document.keys.update({(*path, *inner): _shifted(mark, shift) for inner, mark in given.keys.items()})
    document.values.update({(*path, *inner): _shifted(mark, shift) for inner, mark in given.values.items()})


def _shifted(mark: Mark, columns: int) -> Mark:
    """Move a place on the first line behind `KEY=`."""
    return mark._replace(column=mark.column + columns) if mark.line == 1 else mark


def _printable(path: str | bytes) -> str:
    text = os.fsdecode(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)
