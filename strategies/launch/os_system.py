"""os.system(): a shell for each command."""

import os

NAME = "os_system"
SUMMARY = "Python: os.system()"
OWN_REAPER = True
STATUS_FORM = "shell"


def launch(launch):
    """Waits inside the call."""
    status = os.system(launch.command.line)
    if status == -1:
        launch.spawn_failed(0)
    else:
        launch.status = status
