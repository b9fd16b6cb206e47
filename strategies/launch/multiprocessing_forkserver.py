"""multiprocessing, forkserver: a server started beforehand forks the child, which then becomes the command."""

import multiprocessing
from multiprocessing import forkserver, resource_tracker

from __main__ import exec_as_a_shell_would

NAME = "multiprocessing_forkserver"
SUMMARY = "Python: multiprocessing, forkserver: a server started beforehand forks the child"
OWN_REAPER = True
STATUS_FORM = "shell"

_context = multiprocessing.get_context("forkserver")


def prepare(commands):
    """A first child that does nothing: when it has ended, what multiprocessing keeps running is there and ready."""
    first = _context.Process(target=int)
    first.start()
    first.join()
    first.close()


def launch(launch):
    """Starts the child."""
    command = launch.command
    launch.process = _context.Process(target=exec_as_a_shell_would, args=(command.file, command.argv, command.env))
    try:
        launch.process.start()
    except OSError as failed:
        launch.spawn_failed(failed.errno)


def reap(launch):
    """Waits for it, and gives back its descriptors."""
    launch.process.join()
    launch.ended(launch.process.exitcode)
    launch.process.close()


def finish():
    """What multiprocessing started for itself ends with the worker, not some time after it."""
    forkserver._forkserver._stop()
    resource_tracker._resource_tracker._stop()
