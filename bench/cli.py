"""The command line: which commands there are, and how each end of one is told to the shell.

code  meaning
0     done
1     the answer is no: a finding with --strict, a regression beyond the threshold
2     usage, or invalid input
3     inconclusive
4     interrupted or incomplete; the file can be resumed
70    a bug (EX_SOFTWARE, sysexits.h)
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from bench import __version__
from bench.commands import AnswerIsNo, Ending, Incomplete, InvalidInput

EXIT_CODES: dict[type[Ending], int] = {AnswerIsNo: 1, InvalidInput: 2, Incomplete: 4}
BUG = 70

COMMANDS = {
    "run": "Measure a scenario.",
    "check": "Check scenarios: every error at once, each with file:line:column.",
    "list": "List what there is: strategies, reapers, scenarios ...",
    "report": "Show what result files say.",
    "doctor": "Show this machine's state, and what would make its numbers worse.",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: `--help` must not pay for what `run` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.commands.{name}")
        return next(value for value in vars(module).values() if isinstance(value, click.Command))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="launchbench")
def cli() -> None:
    """Measure every way a Linux program can start a command, from inside a process that really holds the memory."""


def main() -> None:
    """Run the command line and end the process with its code."""
    sys.exit(execute())


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code."""
    try:
        result = cli.main(arguments, prog_name="launchbench", standalone_mode=False)
        sys.stdout.flush()
    except Ending as ending:
        click.echo(str(ending), err=True)
        return EXIT_CODES[type(ending)]
    except click.Abort:
        return EXIT_CODES[Incomplete]
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a traceback is no message for a user
        click.echo(
            f"launchbench: this is a bug: {type(error).__name__}: {error} (LAUNCHBENCH_DEBUG=1 shows where)", err=True
        )
        if os.environ.get("LAUNCHBENCH_DEBUG"):
            traceback.print_exc()
        return BUG
    return result if isinstance(result, int) else 0
