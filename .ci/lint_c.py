"""Every warning about the C as an error: gcc with its analyzer, clang, cppcheck. What is not installed says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.catalogue import build

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "strategies"


def main() -> int:
    """Run every checker there is; the exit status is 1 when one complains, or when there is none but the compiler."""
    worker = [str(path) for part in build.WORKER_FOLDERS for path in sorted((SOURCES / part).glob("*.c"))]
    commands = [str(path) for path in sorted((SOURCES / "command").glob("*.c"))]
    compile_only = [flag for flag in build.COMMON if flag != "-g"]
    freestanding = [flag for flag in build.COMMAND_FLAGS if not flag.startswith(("-Wl,", "-s", "-no"))]
    jobs = [
        ("gcc", [*compile_only, "-Werror", "-fanalyzer", "-fsyntax-only", *worker]),
        ("gcc", [*freestanding, "-std=gnu11", "-Werror", "-fsyntax-only", *commands]),
        ("clang", [*compile_only, "-Werror", "-fsyntax-only", *worker]),
        ("cppcheck", ["--quiet", "--std=c11", "--enable=warning,performance,portability", "--inline-suppr",
                      "--error-exitcode=1", "-D__x86_64__", "-D_GNU_SOURCE",
                      # The linker defines both ends of one array; cppcheck sees two.
                      "--suppress=comparePointers:*/host/registry.c", *worker, *commands]),
    ]  # fmt: skip
    failed = False
    for program, arguments in jobs:
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed (package {program})")
            continue
        result = subprocess.run([program, *arguments], cwd=ROOT, check=False)
        print(f"{program}: {'ok' if result.returncode == 0 else 'FAILED'}")
        failed |= result.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
