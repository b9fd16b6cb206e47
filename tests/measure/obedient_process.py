"""A process that does what it is told, word by word, and says when it is done: what a census is taken of."""

import os
import subprocess
import sys
import threading

kept = []


def child() -> None:
    """Start a child that lives until this process is gone."""
    kept.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))


def zombie() -> None:
    """Let a child die, and do not collect it."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def file() -> None:
    """Open a file and keep it."""
    kept.append(os.open(os.devnull, os.O_RDONLY))


def thread() -> None:
    """Start a thread that lives as long as this process."""
    started = threading.Event()

    def live() -> None:
        started.set()
        threading.Event().wait()

    threading.Thread(target=live, daemon=True).start()
    started.wait()


def orphan() -> None:
    """Leave a process behind whose parent is gone; its input ends with this process."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        subprocess.Popen(["cat"], stdin=reading, stdout=subprocess.DEVNULL)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(reading)
    kept.append(writing)


def child_with_child() -> None:
    """Start a child that has a child of its own; both live until this process is gone."""
    kept.append(subprocess.Popen(["sh", "-c", "cat; true"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))


print("ready", flush=True)
for line in sys.stdin:
    globals()[line.strip()]()
    print("done", flush=True)
os._exit(0)
