"""os.posix_spawn(): the library call, without file actions or attributes."""

import os

NAME = "os_posix_spawn"
SUMMARY = "Python: os.posix_spawn()"
MEMORY = "shared"


def launch(launch):
    """Spawns; what the call raises may be the child's making or its exec."""
    try:
        launch.pid = os.posix_spawn(launch.command.file, launch.command.argv, launch.command.env)
    except OSError as failed:
        launch.library_failed(failed.errno)
