"""The command line: which commands there are, and how each end of one is told to the shell.

The exit codes:

    0   done
    1   the answer is no: a finding with --strict, a regression beyond the threshold
    2   usage, or invalid input
    3   inconclusive
    4   interrupted or incomplete; the file can be resumed
    70  a bug (EX_SOFTWARE, sysexits.h)
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from bench import __version__
from bench.commands import AnswerIsNo, Ending, Incomplete, Inconclusive, InvalidInput
from bench.commands.remarks import remark, stop_writing

EXIT_CODES: dict[type[Ending], int] = {AnswerIsNo: 1, InvalidInput: 2, Inconclusive: 3, Incomplete: 4}
BUG = 70

COMMANDS = {
    "run": "Measure a scenario.",
    "check": "Check scenarios: every error at once, each with file:line:column.",
    "list": "List what there is: strategies, reapers, scenarios, kernels ...",
    "kernels": "List and fetch the kernels that runs can be made on.",
    "distros": "List and fetch the distros that runs can be made in.",
    "report": "Show what result files say.",
    "compare": "Set files, kernels, strategies ... against each other.",
    "advise": "Say how to start commands from a large process here.",
    "doctor": "Show this machine's state, and what would make its numbers worse.",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: `--help` must not pay for what `run` needs."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which name is nearest."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"commands are {', '.join(COMMANDS)}"
            raise InvalidInput(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.commands.{name}")
        return next(value for value in vars(module).values() if isinstance(value, click.Command))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="launchbench")
def cli() -> None:
    """Measure every way a Linux program can start a command, from inside a process that really holds the memory."""


def _open_closed_streams() -> None:
    """Give a process that was started with a closed stream (`2>&-`) one that leads nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for the process's life


def main() -> None:
    """Run the command line and end the process with its code."""
    sys.exit(execute())


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code."""
    _open_closed_streams()
    try:
        # Not cli.main(): it turns a reader that went away into exit 1, which is an answer here.
        with cli.make_context("launchbench", list(sys.argv[1:] if arguments is None else arguments)) as context:
            result = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except Ending as ending:
        remark(str(ending))
        return EXIT_CODES[type(ending)]
    except (click.Abort, KeyboardInterrupt):
        return EXIT_CODES[Incomplete]
    except click.exceptions.NoArgsIsHelpError as help_text:
        remark(help_text.format_message())
        return EXIT_CODES[InvalidInput]
    except click.ClickException as error:
        remark(f"launchbench: {' '.join(error.format_message().split())}")
        return EXIT_CODES[InvalidInput]
    except BrokenPipeError:
        stop_writing(sys.stdout)  # the reader has seen enough
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a traceback is no message for a user
        remark(f"launchbench: this is a bug: {type(error).__name__}: {error} (LAUNCHBENCH_DEBUG=1 shows where)")
        if os.environ.get("LAUNCHBENCH_DEBUG"):
            traceback.print_exc()
        return BUG
    return result if isinstance(result, int) else 0
