"""The page: what the templates set, put together into one file that asks for nothing.

The style, the script and the data are inside. The policy in its head allows this style and this script by their hashes
and nothing else: no request, no form, no frame, whatever a result file says. Everything a result file says is escaped
by the templates; only pictures that this package drew pass as markup.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bench import __version__
from bench.analysis import spreads
from bench.report import machine_readable, spreadsheet
from bench.report.blocks import sections
from bench.report.html.cells import full_table
from bench.report.html.chart import DARK
from bench.report.html.conclusion import standings
from bench.report.html.subject import Subject, subject
from bench.report.html.tables import Entry, Head, Records, Row, Table
from bench.report.html.versus import comparisons
from bench.report.interface import Options
from bench.report.record_columns import cell_record
from bench.report.typography import plain, size
from bench.report.verdict_groups import held_against_pace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analysis import Analysis, Machine

_TEMPLATES = "templates"
_PACE = (
    "a small probe was launched just before each launch, and what its times say of how fast the machine was then is "
    "taken out of the ratios of one run and of their intervals, round by round; p50 and its interval are as measured"
)
"""Said where any ratio was held against the machine's pace."""


@dataclass(frozen=True, slots=True)
class Download:
    """A document that the page carries."""

    name: str
    href: str
    size: str


def render(analysis: Analysis) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader(__package__ or "", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markup"] = Markup  # of what this package drew; see drawing
    environment.filters["breakable"] = _breakable
    style, script = _source("page.css") + _dark_figures(), _source("page.js")
    return environment.get_template("page.html").render(
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        version=__version__,
        **_content(analysis),
    )


def _content(analysis: Analysis) -> dict[str, Any]:
    indices = {id(cell): index for index, cell in enumerate(analysis.cells)}
    records = Records([cell_record(cell) for cell in analysis.cells])
    spread = {index: one for index, one in enumerate(spreads(analysis.rows)) if one is not None}
    standing = standings(analysis)
    parts = sections(analysis)
    versus = comparisons(parts, analysis)
    subjects = [
        subject(number, section, analysis, records, indices, spread, standing) for number, section in enumerate(parts)
    ]
    return {
        "title": _title(subjects),
        "subjects": subjects,
        "warnings": [plain(warning) for warning in analysis.warnings],
        "comparisons": versus,
        "pace_said": _PACE if held_against_pace(analysis.verdicts) or any(one.paced for one in versus) else "",
        "machines": [
            {"title": plain(str(facts.get("hostname") or machine.id)), "table": _fingerprint(machine, facts)}
            for machine, facts in analysis.fingerprints.items()
        ],
        "scenarios": [
            {"name": plain(file.header["scenario"]["name"]), "text": file.header["scenario"]["text"]}
            for file in {file.header["scenario"]["text"]: file for file in analysis.files}.values()
        ],
        "full": full_table(analysis.cells, records),
        "downloads": _downloads(analysis),
        "data_said": "Times in the data are in ns, sizes in bytes. Launch by launch, the data are in the result files.",
        "files": [plain(file.path) for file in analysis.files],
    }


def _title(subjects: list[Subject]) -> str:
    names = ", ".join(dict.fromkeys(one.name for one in subjects))
    return f"{names}: launchbench report"


def _breakable(text: str) -> Markup:
    """Let a name be broken where it is made of parts: `clone3_vfork` in front of `vfork`, `a:b` in front of `b`."""
    parts = re.split(r"(?<=[:_])(?=\w)", text)
    return Markup("<wbr>").join(map(escape, parts))


def _source(name: str) -> str:
    return resources.files(__package__ or "").joinpath(_TEMPLATES, name).read_text("utf-8")


def _dark_figures() -> str:
    """Return the rules that give the colours of figures their counterparts on a dark screen; paper is never dark."""
    rules = (
        f'svg [{name}="{light}"] {{ {name}: {dark}; }}' for light, dark in DARK.items() for name in ("fill", "stroke")
    )
    return "\n@media screen and (prefers-color-scheme: dark) {\n  " + "\n  ".join(rules) + "\n}\n"


def _policy(style: str, script: str) -> str:
    """Return a Content Security Policy that allows this style and this script, and nothing else."""
    allowed = {"style-src": style, "script-src": script}
    return "; ".join(
        [
            "default-src 'none'",
            *(f"{kind} 'sha256-{_hash(text)}'" for kind, text in allowed.items()),
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _downloads(analysis: Analysis) -> list[Download]:
    """Return the machine-readable forms as links that need neither script nor network."""
    stem = "-".join(dict.fromkeys(_file_name(file.header["scenario"]["name"]) for file in analysis.files))[:60]
    documents = {
        "json": ("application/json", machine_readable.render(analysis, Options())),
        "csv": ("text/csv", spreadsheet.render(analysis, Options())),
    }
    return [
        Download(
            f"{stem}.{ending}",
            f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}",
            size(len(text)),
        )
        for ending, (kind, text) in documents.items()
    ]


def _file_name(text: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in text) or "report"


def _fingerprint(machine: Machine, facts: Mapping[str, object]) -> Table:
    return Table(
        caption=f"Machine {plain(machine.id)}",
        heads=(Head("fact", number=False), Head("value", number=False)),
        rows=tuple(
            Row(Entry(plain(name), "name"), (Entry(plain(str(value)), "text"),)) for name, value in facts.items()
        ),
        sortable=False,
    )
