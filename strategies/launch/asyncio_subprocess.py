"""asyncio.create_subprocess_exec(): a child watcher and an event loop around subprocess.Popen."""

import asyncio

NAME = "asyncio_subprocess"
SUMMARY = "Python: asyncio.create_subprocess_exec() and wait()"
OWN_REAPER = True

_loop = None


def prepare(commands):
    """The loop lives as long as the worker."""
    global _loop
    _loop = asyncio.new_event_loop()
    asyncio.set_event_loop(_loop)


def launch(launch):
    """Starts the program."""
    launch.process = launch.attempt(_loop.run_until_complete, _start(launch.command))


async def _start(command):
    return await asyncio.create_subprocess_exec(*command.argv, env=command.env)


def reap(launch):
    """Waits on the loop."""
    launch.ended(_loop.run_until_complete(launch.process.wait()))


def finish():
    """Close the loop, and with it the watcher's descriptors."""
    _loop.close()
