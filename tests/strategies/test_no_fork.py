"""`no_fork`: a system without an MMU, as a program and all that it starts see it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from bench.machine import limit_rights

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.catalogue import Catalogue

pytestmark = pytest.mark.skipif(limit_rights().no_fork is not None, reason=f"{limit_rights().no_fork}")

# A call by itself, past libc: the name of its errno, or that a child was made, which has ended.
CALLS = """
import ctypes, errno, os, platform, struct
libc = ctypes.CDLL(None, use_errno=True)
own = {"x86_64": {"clone": 56, "fork": 57}, "aarch64": {"clone": 220}}[platform.machine()]
CLONE_VM, CLONE_VFORK, SIGCHLD = 0x100, 0x4000, 17

def call(number, *arguments):
    pid = libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, arguments))
    if pid == 0:
        os._exit(0)
    if pid < 0:
        return errno.errorcode[ctypes.get_errno()]
    os.waitpid(pid, 0)
    return "a child"

def clone3(flags):
    arguments = struct.pack("<11Q", flags, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0)
    buffer = ctypes.create_string_buffer(arguments)
    return call(435, ctypes.addressof(buffer), len(arguments))
"""


@pytest.fixture
def without_fork(catalogue: Catalogue) -> Callable[[str], str]:
    """What a Python script prints that is run by `no_fork`."""
    worker = str(catalogue.build.worker)

    def run(script: str) -> str:
        program = [sys.executable, "-I", "-S", "-c", CALLS + textwrap.dedent(script)]
        result = subprocess.run([worker, "no_fork", *program], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.strip()

    return run


def test_what_copies_a_process_is_not_there(without_fork: Callable[[str], str]) -> None:
    told = without_fork("""
        print(call(own["clone"], SIGCHLD, 0, 0, 0, 0))
        print(call(own["clone"], CLONE_VFORK | SIGCHLD, 0, 0, 0, 0))
        print(call(own.get("fork", own["clone"]), 0, 0, 0, 0, 0))
        try:
            os.fork()
        except OSError as refused:
            print(errno.errorcode[refused.errno])
    """)

    assert told.split() == ["ENOSYS"] * 4


def test_the_same_calls_copy_a_process_where_there_is_no_filter() -> None:
    # What the test above stands on: nothing else refuses them here.
    script = CALLS + 'print(call(own["clone"], SIGCHLD, 0, 0, 0, 0), clone3(0), sep=",")'
    told = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.splitlines()[-1] in {"a child,a child", "a child,ENOSYS"}  # no clone3 before Linux 5.3


def test_clone3_is_not_there_whatever_it_asks_for(without_fork: Callable[[str], str]) -> None:
    assert without_fork("print(clone3(0), clone3(CLONE_VM | CLONE_VFORK))") == "ENOSYS ENOSYS"


def test_what_borrows_the_memory_goes_on(without_fork: Callable[[str], str]) -> None:
    told = without_fork("""
        import os, subprocess, threading
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {})
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        print(subprocess.run(["/bin/sh", "-c", "exit 4"]).returncode)
        print(os.waitstatus_to_exitcode(os.system("exit 5")))
        thread = threading.Thread(target=print, args=(6,))
        thread.start()
        thread.join()
    """)

    assert told.split() == ["3", "4", "5", "6"]


def test_it_holds_for_all_that_is_started(without_fork: Callable[[str], str]) -> None:
    # A shell forks for what is in the background; dash and bash alike.
    told = without_fork("""
        import subprocess
        result = subprocess.run(["/bin/sh", "-c", "(exit 0) & wait; echo went on"], capture_output=True, text=True)
        print("went on" in result.stdout and not result.stderr)
    """)

    assert told == "False"


def test_it_needs_no_right_and_gives_none(catalogue: Catalogue) -> None:
    command = [str(catalogue.build.worker), "no_fork", "/bin/grep", "-E", "^(NoNewPrivs|Seccomp):", "/proc/self/status"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert told.split() == ["NoNewPrivs:", "1", "Seccomp:", "2"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_an_ordinary_user_can_be_denied_it_as_well(catalogue: Catalogue) -> None:
    worker = str(catalogue.build.worker)
    command = [worker, "isolate", "user=65534", "--", worker, "no_fork", "/bin/grep", "Seccomp:", "/proc/self/status"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert told.split() == ["Seccomp:", "2"]


def test_a_program_that_is_not_there_is_said(catalogue: Catalogue) -> None:
    command = [str(catalogue.build.worker), "no_fork", "/no/such/program"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (70, "no_fork: /no/such/program: No such file or directory\n")
