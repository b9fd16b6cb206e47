"""Advice in words: what to use and why, the code for it, how far it was measured, and what would change it.

Everything extrapolated says so in its own line. The code is files of their own (`snippets`), which the tests compile
and run: a file's name is the strategy's, its ending the language.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.analysis import byte_size
from bench.report.typography import ASCII, UNICODE, Glyphs, duration, plain, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.analysis import Advice, Course, Recommendation, Survival
    from bench.report.interface import Options

LANGUAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "C": ("posix_spawn", "prefork_seqpacket", "vfork_exec", "fork_exec"),
        "Python": ("subprocess_run", "os_posix_spawn"),
    }
)
"""The strategies that are tried for each language, the one with the fewest traps first: it wins a tie."""
_UNKNOWN = "Too few sizes could be measured to say anything of latency at"
_ENDINGS = {"C": ".c", "Python": ".py"}


@functools.cache
def snippet(language: str, strategy: str) -> str:
    """Return the code of a strategy. Raises `FileNotFoundError` for one that has none."""
    folder = resources.files("bench.report") / "snippets"
    return (folder / f"{strategy}{_ENDINGS[language]}").read_text(encoding="utf-8")


def render_advice(
    advice: Advice, options: Options, remarks: Iterable[str], file: str, *, notes: Iterable[str] = ()
) -> str:
    """Return the whole answer; `remarks` are what else would change it, `file` holds what was measured.

    `notes` are what was not as usual when it was measured.
    """
    glyphs = UNICODE if options.unicode else ASCII
    lines = [
        *_heading(advice, options.width),
        *_notes(notes, options.width),
        *_recommendations(advice, options.width),
        *_survivals(advice.survivals, advice.footprint, options.width),
        *_courses(advice, options.width, glyphs),
        *_snippets(advice, glyphs),
        *_changes(advice, remarks, options.width),
        f"result file: {file}",
    ]
    text = "\n".join(lines) + "\n"
    return text if options.unicode else text.encode("ascii", "replace").decode()


def _heading(advice: Advice, width: int) -> Iterator[str]:
    asked, measured = byte_size(advice.footprint), byte_size(advice.measured)
    if not advice.measured:
        text = f"How a program that holds {asked} should start a command here: no footprint was measured."
    elif advice.extrapolated:
        text = (
            f"How a program that holds {asked} should start a command here. Latency was measured at up to {measured}; "
            f"whether launches work, at {asked} mapped and not touched. "
            + (f"What is said of latency at {asked} is extrapolated." if advice.courses else f"{_UNKNOWN} {asked}.")
        )
    else:
        text = f"How a program that holds {asked} should start a command here: measured at that size."
    yield from wrap(text, width)
    yield ""


def _notes(notes: Iterable[str], width: int) -> Iterator[str]:
    for note in notes:
        yield from wrap(plain(note), width)
        yield ""


def _recommendations(advice: Advice, width: int) -> Iterator[str]:
    for one in advice.recommendations:
        first = f"{one.language:<8}"
        yield from wrap(_answer(one), width, first=first, rest=" " * len(first))
        for warning in one.verdict.warnings if one.verdict else ():
            yield from wrap(f"warning: {warning}", width, first=" " * len(first), rest=" " * len(first))
    yield ""


def _answer(one: Recommendation) -> str:
    failing = f" Left out, for no launch works at the full size: {', '.join(one.fails_when_whole)}."
    untried = f" Not tried at the full size: {', '.join(one.untried_when_whole)}."
    sentence = one.verdict.sentence if one.verdict else "nothing is left to choose from."
    return plain(sentence + (failing if one.fails_when_whole else "") + (untried if one.untried_when_whole else ""))


def _survivals(survivals: Iterable[Survival], footprint: int, width: int) -> Iterator[str]:
    found = list(survivals)
    if not found:
        return
    yield f"At {byte_size(footprint)}, mapped and not touched (measured):"
    for one in found:
        if one.launches:
            said = f"{one.ok} of {one.launches} launches work" + (f" ({plain(one.error)})" if one.error else "")
        else:
            said = f"not measured ({plain(one.refusal or 'no launch was reached')})"
        yield from wrap(f"{plain(one.strategy)}: {said}", width, first="  ", rest="    ")
    yield ""


def _courses(advice: Advice, width: int, glyphs: Glyphs) -> Iterator[str]:
    if not advice.courses:
        return
    yield f"At {byte_size(advice.footprint)}, extrapolated from smaller footprints and not measured:"
    for course in sorted(advice.courses, key=lambda one: one.ns if one.grows else 0):
        fails = any(course.strategy in one.fails_when_whole for one in advice.recommendations)
        said = _course(course, glyphs) + ("; as if it worked there" if fails else "")
        yield from wrap(said, width, first="  ", rest="    ")
    yield ""


def _course(course: Course, glyphs: Glyphs) -> str:
    points = ", ".join(f"{duration(ns, glyphs)} at {byte_size(size)}" for size, ns in course.points)
    if not course.grows:
        return f"{plain(course.strategy)}: as measured, for it does not follow the footprint ({points})"
    return (
        f"{plain(course.strategy)}: about {duration(course.ns, glyphs)} "
        f"[{duration(course.low, glyphs)} to {duration(course.high, glyphs)} by round], "
        f"a straight line through {points}"
    )


def _snippets(advice: Advice, glyphs: Glyphs) -> Iterator[str]:
    for one in advice.recommendations:
        if one.choice is None:
            continue
        yield f"{glyphs.rule * 2} {one.language}: {plain(one.choice.strategy)}"
        yield ""
        yield from snippet(one.language, one.choice.strategy).splitlines()
        yield ""


def _changes(advice: Advice, remarks: Iterable[str], width: int) -> Iterator[str]:
    """Say what the answer hangs on: what the data say first, then what no short run can."""
    changes = [
        f"the size: {plain(course.strategy)} is as fast as the fastest up to about {byte_size(course.as_fast_below)}, "
        "by the same lines"
        for course in advice.courses
        if course.as_fast_below
    ]
    changes += [
        *map(plain, remarks),
        "huge pages (madvise, or thp in a scenario): a fork copies fewer page table entries",
        "what must be set between launch and exec: without an attribute for it, posix_spawn is no choice",
        "threads: a fork in a program with threads may hang its child (launchbench run hazards)",
    ]
    yield "What would change the answer:"
    for change in changes:
        yield from wrap(change, width, first="  - ", rest="    ")
    yield ""
