"""What a command says beside its answer. Nobody need hear it: a reader that has gone ends no run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import click


def remark(text: str) -> None:
    """Say a line on standard error, if anyone listens."""
    with suppress(OSError):
        click.echo(text, err=True)


def stop_writing() -> None:
    """Lead standard output nowhere when its reader has gone: Python would complain once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
