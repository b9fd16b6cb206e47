"""`launchbench report`: reads result files, and writes what they say in one of the forms of `bench.report`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands import InvalidInput

if TYPE_CHECKING:
    from bench.analysis import Analysis
    from bench.report import Format, Options


def _form(context: click.Context, parameter: click.Parameter, name: str) -> Format:
    """Look the form up only now: loading the forms is not free, and `launchbench --help` does without."""
    from bench.report import formats

    del context, parameter
    if name not in formats():
        raise InvalidInput(f"--format {name}: unknown: choose one of {', '.join(formats())}")
    return formats()[name]


@click.command()
@click.argument("results", metavar="RESULT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", callback=_form, default="terminal", help="terminal (default), json or csv.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
def report(results: tuple[Path, ...], form: Format, output: Path | None) -> None:
    """Show what result files say. Files of one machine and scenario count as one."""
    from bench.analysis import analyse
    from bench.record import UnreadableResult, read

    try:
        analysis = analyse([read(path) for path in results])
    except UnreadableResult as error:
        raise InvalidInput(str(error)) from None
    if output is None:
        show(analysis, form)
        return
    document = form.render(analysis, _options(output))
    try:
        replace(output, document if isinstance(document, bytes) else document.encode("utf-8"))
    except OSError as error:
        raise InvalidInput(f"{output}: cannot be written: {error.strerror}") from None


def show(analysis: Analysis, form: Format) -> None:
    """Write a report to standard output."""
    document = form.render(analysis, _options(None))
    encoding = (sys.stdout.encoding or "utf-8") if form.for_eyes else "utf-8"
    click.echo(document if isinstance(document, bytes) else document.encode(encoding, "replace"), nl=False)


def _options(output: Path | None) -> Options:
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
