"""subprocess.run(user=...): the child changes its user, for which CPython takes fork() instead of vfork()."""

import os
import subprocess

NAME = "subprocess_user"
SUMMARY = "Python: subprocess.run(user=...), here the user that it is already"
OWN_REAPER = True
MEMORY = "shared"  # as subprocess has it (vfork, CPython 3.10): that it is not so here is said in the report


def supported():
    """Changing to one's own user needs no right."""
    return None if "user" in subprocess.Popen.__init__.__code__.co_varnames else "this Python has no user= (3.9)"


def launch(launch):
    """Runs to the end."""
    launch.run(subprocess.run, user=os.getuid())
