"""subprocess.run() with its defaults: what most Python programs do."""

import errno
import subprocess

NAME = "subprocess_run"
SUMMARY = "Python: subprocess.run() with its defaults"
OWN_REAPER = True


def launch(launch):
    """Runs to the end: the call returns when the command has ended."""
    try:
        code = subprocess.run(launch.command.argv, env=launch.command.env, check=False).returncode
    except OSError as failed:
        # An exec error comes back from the child with the program's name; a fork error has none.
        if failed.filename is None and failed.errno in (errno.ENOMEM, errno.EAGAIN, errno.EPERM, errno.ENOSYS):
            launch.spawn_failed(failed.errno)
        else:
            launch.exec_in_child_failed(failed.errno)
        return
    launch.status = -code if code < 0 else code << 8
