"""subprocess.run(preexec_fn=...): Python code in the child, for which CPython silently takes fork()."""

import subprocess

NAME = "subprocess_preexec_fn"
SUMMARY = "Python: subprocess.run(preexec_fn=...), which is plain fork()"
OWN_REAPER = True
MEMORY = "shared"  # as subprocess has it (vfork, CPython 3.10): that it is not so here is said in the report


def _nothing():
    """What runs in the child before the exec."""


def launch(launch):
    """Runs to the end."""
    launch.run(subprocess.run, preexec_fn=_nothing)
