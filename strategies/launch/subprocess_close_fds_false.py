"""subprocess.run(close_fds=False): may become posix_spawn() inside CPython."""

import subprocess

NAME = "subprocess_close_fds_false"
SUMMARY = "Python: subprocess.run(close_fds=False), which may be posix_spawn()"
OWN_REAPER = True
MEMORY = "shared"


def launch(launch):
    """Runs to the end; posix_spawn() is only taken when the program's name has a directory."""
    launch.run(subprocess.run, executable=launch.command.file, close_fds=False)
