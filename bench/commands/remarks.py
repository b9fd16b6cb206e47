"""What a command says beside its answer. Nobody need hear it: a reader that has gone ends no run."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click


def remark(text: str) -> None:
    """Say a line on standard error, if anyone listens."""
    try:
        click.echo(text, err=True)
    except OSError:
        stop_writing(sys.stderr)


def stop_writing(stream: TextIO) -> None:
    """Lead standard output or error nowhere when its reader has gone.

    At exit Python tries once more to write what is left of it, and exits with 120 when that fails: always of standard
    output, up to 3.11.2 at least of standard error.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
