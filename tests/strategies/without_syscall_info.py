"""Runs a program on a kernel that has no PTRACE_GET_SYSCALL_INFO, as before Linux 5.3: a seccomp filter answers EIO.

python without_syscall_info.py PROGRAM [ARGUMENT ...]
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

GET_SYSCALL_INFO = 0x420E
PTRACE = {"x86_64": 101, "aarch64": 117}[os.uname().machine]

# linux/bpf_common.h, seccomp.h; offsets of struct seccomp_data: nr 0, args[0] 16 (its low half, little-endian).
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
PROGRAM = [
    (LOAD, 0, 0, 0),
    (EQUAL, 0, 3, PTRACE),
    (LOAD, 0, 0, 16),
    (EQUAL, 0, 1, GET_SYSCALL_INFO),
    (RETURN, 0, 0, ERRNO | errno.EIO),
    (RETURN, 0, 0, ALLOW),
]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2


class Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


if __name__ == "__main__":
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in PROGRAM)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        sys.exit("no_new_privs is refused")
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(Filter(len(PROGRAM), code))) != 0:
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[1], sys.argv[1:])
