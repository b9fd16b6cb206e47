"""How numbers and foreign text are set for people: units, signs, nothing that a terminal would obey.

It knows nothing of results.
"""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import astuple, dataclass

from bench.analysis import byte_size


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs beyond ASCII, or what stands for them."""

    micro: str
    ellipsis: str
    rule: str
    dot: str
    times: str
    none: str


UNICODE = Glyphs(micro="µ", ellipsis="…", rule="─", dot="·", times="×", none="–")  # noqa: RUF001 - they are meant
ASCII = Glyphs(micro="u", ellipsis="...", rule="-", dot="|", times="x", none="-")


def can_show_unicode(encoding: str | None) -> bool:
    """Tell whether a stream of this encoding takes every sign of `UNICODE`."""
    try:
        "".join(astuple(UNICODE)).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def duration(ns: float, glyphs: Glyphs) -> str:
    """Set a time with three significant digits and a two-column unit: `950 ns`, `33.1 µs`, `1.02 ms`, `12.0  s`."""
    for unit, scale in (("ns", 1), (f"{glyphs.micro}s", 1e3), ("ms", 1e6)):
        if abs(ns) / scale < 999.5:
            return f"{_three_digits(ns / scale) if scale > 1 else round(ns)} {unit}"
    return f"{_three_digits(ns / 1e9)}  s"


def _three_digits(value: float) -> str:
    size = abs(value)
    return f"{value:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f}"


size = byte_size


def factor(ratio: float) -> str:
    """Set a ratio with three significant digits: `0.982`, `1.33`, `12.5`, `1,040`."""
    return f"{ratio:,.0f}" if ratio >= 999.5 else f"{ratio:.3g}"


def plain(text: str) -> str:
    """Return foreign text on one line, without what a terminal would obey (control and format characters)."""
    kept = (" " if char in "\t\n\r" else char for char in text)
    return " ".join("".join(char for char in kept if unicodedata.category(char) not in {"Cc", "Cf", "Cs"}).split())


def clip(text: str, width: int, glyphs: Glyphs) -> str:
    """Cut `text` to `width` columns, saying so with an ellipsis."""
    return text if len(text) <= width else text[: max(0, width - len(glyphs.ellipsis))] + glyphs.ellipsis


def clip_list(text: str, width: int, glyphs: Glyphs) -> str:
    """Cut a list to `width` columns after a whole item where one fits: `10 zombies...`, never `10 zom...`."""
    items = text.split(", ")
    for kept in range(len(items), 0, -1):
        shorter = ", ".join(items[:kept]) + (glyphs.ellipsis if kept < len(items) else "")
        if len(shorter) <= width:
            return shorter
    return clip(text, width, glyphs)


def wrap(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Wrap foreign text to `width` columns, indents included."""
    return textwrap.wrap(plain(text), max(width, 20), initial_indent=first, subsequent_indent=rest)
