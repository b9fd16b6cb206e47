"""`launchbench report`: reads result files, and writes what they say in one of the forms of `bench.report`."""

from __future__ import annotations

import glob
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands import AnswerIsNo, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.analysis import Analysis
    from bench.report import Document, Form, Options


MANY = 100
"""So many files are read one by one; more go through a database, which is not worth its start for fewer."""
_WARNINGS = 20
"""So many are said where a form has no place for them."""


def _form(context: click.Context, parameter: click.Parameter, name: str) -> Form:
    """Look the form up only now: loading the forms is not free, and `launchbench --help` does without."""
    from bench.report import formats

    del context, parameter
    if name not in formats():
        raise InvalidInput(f"--format {name}: unknown: choose one of {', '.join(formats())}")
    return formats()[name]


@click.command()
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    callback=_form,
    default="terminal",
    help="terminal (default), html, markdown, figures, json, csv, parquet or pyperf.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write to this file (figures, pyperf: folder) instead."
)
@click.option("--strict", is_flag=True, help="Exit 1 on a finding, or a hazard against its oracle.")
def report(results: tuple[str, ...], form: Form, output: Path | None, *, strict: bool) -> None:
    """Show what result files say. Files of one machine and scenario count as one.

    RESULT is a file or a pattern such as 'results/**/*.jsonl', where ** is any depth of folders.
    """
    analysis = _analysis(named(results), form)
    if output is None:
        show(analysis, form)
    else:
        write(analysis, form, output)
    for note in _not_shown(analysis, form) if form.cells_only else ():
        click.echo(note, err=True)
    if strict:
        judge(analysis)


def judge(analysis: Analysis) -> None:
    """Raise AnswerIsNo when a worker left something behind, or a hazard is not what its oracle says."""
    found = sum(count for cell in analysis.cells for count in cell.findings.values())
    against = sum(hazard.met is False or hazard.outcome == "failed" for hazard in analysis.hazards)
    strays = sum(hazard.strays for hazard in analysis.hazards)
    said = [f"{found} findings (--strict): see what was left behind in the report"] if found else []
    said += [f"{against} hazards against their oracle (--strict): see them in the report"] if against else []
    said += (
        [f"{strays} processes that trials of hazards left alive (--strict): see them in the report"] if strays else []
    )
    if said:
        raise AnswerIsNo("\n".join(said))


def _not_shown(analysis: Analysis, form: Form) -> Iterator[str]:
    """Say what a form that has cells only has no place for: a torn file must not go unnoticed."""
    yield from (f"warning: {warning}" for warning in analysis.warnings[:_WARNINGS])
    if len(analysis.warnings) > _WARNINGS:
        yield f"and {len(analysis.warnings) - _WARNINGS} more warnings: --format json has all of them"
    if analysis.hazards:
        yield f"{len(analysis.hazards)} hazard rows are left out: {form.name} has cells only, --format json has both"


def _analysis(paths: Sequence[Path], form: Form) -> Analysis:
    """Sum up result files: in memory, or in a database where they are many and no single launch is asked for."""
    from bench.analysis import analyse, analyse_many
    from bench.record import UnreadableResult, read

    try:
        if len(paths) > MANY and not form.needs_launches and importlib.util.find_spec("duckdb"):
            return analyse_many(paths)
        return analyse([read(path) for path in paths])
    except UnreadableResult as error:
        raise InvalidInput(str(error)) from None


def named(results: Sequence[str]) -> list[Path]:
    """Return the files that these arguments name; patterns, which a shell may have left alone, in sorted order."""
    return [path for result in results for path in _matching(result)]


def _matching(result: str) -> Iterator[Path]:
    if Path(result).exists() or not glob.has_magic(result):
        yield Path(result)
        return
    # Not Path.glob(): it takes no absolute pattern.
    names = sorted(glob.glob(result, recursive=True))  # noqa: PTH207
    found = [path for name in names if not (path := Path(name)).is_dir()]
    if not found:
        raise InvalidInput(f"{result}: no file matches this pattern")
    yield from found


def show(analysis: Analysis, form: Form) -> None:
    """Write a report to standard output."""
    from bench.report import FolderFormat

    if isinstance(form, FolderFormat):
        raise InvalidInput(f"--format {form.name} gives several files: name a folder for them with -o")
    if form.binary and sys.stdout.isatty():
        raise InvalidInput(f"--format {form.name} is not for a terminal: name a file with -o")
    with _with_extra(form):
        document = form.render(analysis, options_for(None))
    encoding = (sys.stdout.encoding or "utf-8") if form.for_eyes else "utf-8"
    click.echo(document if isinstance(document, bytes) else document.encode(encoding, "replace"), nl=False)


def write(analysis: Analysis, form: Form, output: Path) -> None:
    """Write a report to a file or folder. Raises InvalidInput when a package is missing or it cannot be written."""
    with _with_extra(form):
        rendered = form.render(analysis, options_for(output))
    try:
        if isinstance(rendered, Mapping):
            _write_folder(output, rendered)
        else:
            replace(output, _encoded(rendered))
    except OSError as error:
        raise InvalidInput(f"{output}: cannot be written: {error.strerror}") from None


def _write_folder(folder: Path, documents: Mapping[str, Document]) -> None:
    """Write documents into `folder`, which is made when it is not there; other files in it stay. Raises `OSError`."""
    folder.mkdir(exist_ok=True)
    for name, document in documents.items():
        replace(folder / name, _encoded(document))


@contextmanager
def _with_extra(form: Form) -> Iterator[None]:
    """Say what to install when a form needs a package of the extra that is not there."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "bench":
            raise
        raise InvalidInput(
            f"--format {form.name} needs {missing.name}: install it with pip install 'launchbench[report]'"
        ) from None


def _encoded(document: Document) -> bytes:
    return document if isinstance(document, bytes) else document.encode("utf-8")


def options_for(output: Path | None) -> Options:
    """Describe where the report goes: a file takes everything but colour."""
    from bench.report import Options, can_show_unicode

    width = shutil.get_terminal_size((100, 24)).columns
    if output is not None:
        return Options(width=width)
    return Options(
        width=width,
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        unicode=can_show_unicode(sys.stdout.encoding),
    )


def replace(path: Path, data: bytes) -> None:
    """Write `data` to `path` in one step: a reader sees the old file or the new one. Raises `OSError`.

    What is there and is not a regular file (a device, a pipe) is written to as it is.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            os.fchmod(descriptor, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _umask() -> int:
    """Return the umask, which can only be read by setting it; no thread runs here that could see that."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
