"""Runs a command and waits for it: an exit status, or minus the number of the signal that ended it.

argv[0] is a path. Raises OSError when nothing ran. Python's own descriptors are not inherited (PEP 446), and its
waitpid goes on after a signal (PEP 475).
"""

import os
import signal


def run_command(argv: list[str]) -> int:
    # Python ignores SIGPIPE; a command expects to die of a broken pipe, and no signal blocked.
    pid = os.posix_spawn(argv[0], argv, os.environ, setsigmask=(), setsigdef=(signal.SIGPIPE,))
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
