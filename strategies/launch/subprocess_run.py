"""subprocess.run() with its defaults: what most Python programs do."""

import subprocess

NAME = "subprocess_run"
SUMMARY = "Python: subprocess.run() with its defaults"
OWN_REAPER = True


def launch(launch):
    """Runs to the end: the call returns when the command has ended."""
    try:
        code = subprocess.run(launch.command.argv, env=launch.command.env, check=False).returncode
    except OSError as failed:
        # An error of fork or pipe has no file name; one of exec has, and so has any of posix_spawn(), which CPython
        # since 3.13 takes for a program that is named by its path.
        if failed.filename is None:
            launch.spawn_failed(failed.errno)
        else:
            launch.library_failed(failed.errno)
        return
    launch.status = -code if code < 0 else code << 8
