"""What `kernels` and `distros` have in common: listing names, and fetching several with progress."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from bench.commands import Incomplete, InvalidInput
from bench.commands.remarks import remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from bench.kernels import Watch
    from bench.kernels.listing import Listed


def show(listed: Sequence[Listed], *, as_json: bool) -> None:
    """Print what there is, as `launchbench list` does."""
    from bench.commands import rows

    rows.show([rows.row(item.kind, item.name, item.summary, item.reason) for item in listed], as_json=as_json)


def known(names: Sequence[str], look_up: Callable[[str], object]) -> None:
    """Hold names against the catalogue before anything is fetched. Raises InvalidInput for one that is unknown."""
    from bench.kernels import UnknownNameError

    try:
        for name in names:
            look_up(name)
    except UnknownNameError as error:
        raise InvalidInput(str(error)) from None


def fetch(names: Sequence[str], one: Callable[[str, Watch], str], *, quiet: bool) -> None:
    """Fetch each name with `one`, which returns the line that says what was got, and print that.

    One that cannot be had does not keep the others from coming. Raises Incomplete when there are such.
    """
    from bench.kernels import SourceError

    failed: list[str] = []
    for done, name in enumerate(names):
        shown = progress(done, len(names), quiet=quiet)
        try:
            with shown as watch:
                got = one(name, watch)
        except SourceError as error:
            failed.append(str(error))
        else:
            click.echo(got)
    if failed:
        raise Incomplete("\n".join(failed))


def progress(done: int, total: int, *, quiet: bool) -> AbstractContextManager[Watch]:
    """Show how the fetching of one name gets on when `done` of `total` names are over: what to tell it."""
    if quiet:
        return nullcontext(lambda _what, _percent: None)
    return _bar(done, total) if sys.stderr.isatty() else _lines()


@contextmanager
def _bar(done: int, total: int) -> Iterator[Watch]:
    """Two bars on a terminal: of the names, and of what is fetched just now.

    They are painted when the name begins, and gone before the line of what was got is printed, which may go to the same
    terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bars.add_task(f"{done}/{total}", total=total, completed=done)
        current = bars.add_task("", total=100)
        yield lambda what, percent: bars.update(current, description=what, completed=percent or 0)


@contextmanager
def _lines() -> Iterator[Watch]:
    """One line on stderr for each thing that is fetched: for logs."""
    said = ""

    def watch(what: str, percent: float | None) -> None:  # noqa: ARG001 - the observer's signature
        nonlocal said
        if what != said:
            said = what
            remark(f"fetching {what}")

    yield watch
