"""subprocess.run() with its defaults: what most Python programs do."""

import subprocess

NAME = "subprocess_run"
SUMMARY = "Python: subprocess.run() with its defaults"
OWN_REAPER = True
MEMORY = "shared"


def launch(launch):
    """Runs to the end: the call returns when the command has ended."""
    launch.run(subprocess.run)
