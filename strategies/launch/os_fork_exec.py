"""os.fork() and os.execve(): the textbook way, in Python; the child runs the interpreter until the exec."""

import os

NAME = "os_fork_exec"
SUMMARY = "Python: os.fork() and os.execve()"
MEMORY = "copied"


def launch(launch):
    """Forks and execs; the child ends in os._exit(), never in Python's own exit."""
    try:
        pid = os.fork()
    except OSError as failed:
        launch.spawn_failed(failed.errno)
        return
    if pid == 0:
        try:
            os.execve(launch.command.file, launch.command.argv, launch.command.env)
        except OSError as failed:
            launch.exec_failed(failed.errno)
        finally:
            os._exit(127)
    launch.pid = pid
