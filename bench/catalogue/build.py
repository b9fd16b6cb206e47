"""Compiles the native worker and the programs it launches.

Standard library only: the wheel's build hook loads this file by path, before any dependency exists.
Not for finding out what the worker can do (native.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

# Explicit, never the interpreter's: what is measured must not depend on how some Python was compiled.
WARNINGS = (
    "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla", "-Wwrite-strings",
)  # fmt: skip
COMMON = ("-std=gnu11", "-O2", "-g", "-D_GNU_SOURCE", *WARNINGS)
# Bound at load: the first call of a function must not resolve symbols inside a timed window, or in a vfork child.
VARIANTS: dict[str, tuple[str, ...]] = {
    "glibc": (*COMMON, "-fPIE", "-pie", "-Wl,-z,now"),
    "glibc-static": (*COMMON, "-static"),
    # -u: nothing but musl's own loader refers to its version, and a worker says what it was linked with.
    "musl": (*COMMON, "-static", "-Wl,-u,__libc_version"),
    "musl-dynamic": (*COMMON, "-fPIE", "-pie", "-Wl,-z,now"),  # for a distro's root, which brings the library
}
STATIC = frozenset({"glibc-static", "musl"})
"""The variants that bring their C library along."""
# Two program headers and no libc: a launch is timed, not a program's start.
COMMAND_FLAGS = (
    "-std=gnu11", "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-pie",
    *WARNINGS, "-Wno-missing-prototypes", "-static", "-no-pie", "-nostdlib", "-nostartfiles", "-Wl,--build-id=none",
    "-Wl,-z,norelro", "-Wl,-z,noseparate-code", "-s",
)  # fmt: skip
WORKER_FOLDERS = ("host", "guest", "launch", "reap", "hygiene", "hazard")
WORKER = "launchbench-worker"
RECORD = "build.json"


class BuildError(Exception):
    """The worker cannot be built; its text names the reason and the remedy."""


class MissingToolError(BuildError):
    """A compiler or a C library to link with is not installed; the text is one line that names the package."""


@dataclass(frozen=True, slots=True)
class Target:
    """Another C library than this machine's own, to compile and link a dynamic worker against."""

    name: str
    """Says which, in the name of the build's folder."""
    flags: tuple[str, ...]
    identity: str
    """Differs when the library does."""


@dataclass(frozen=True, slots=True)
class Build:
    """One finished build: its folder holds the worker, the launched programs and build.json."""

    folder: Path
    digest: str
    """SHA-256, 12 hex digits, of sources, flags and compiler."""
    variant: str
    libc: str | None = None
    """Of a static build: the C library inside, such as `musl 1.2.3`. A dynamic one runs with what it finds."""

    @property
    def worker(self) -> Path:
        """The native worker."""
        return self.folder / WORKER


def compiler(variant: str = "glibc") -> str:
    """The C compiler: $CC, else the first of cc, gcc, clang; for musl its own wrapper. Raises MissingToolError."""
    if variant.startswith("musl"):
        wrapper = shutil.which("musl-gcc")
        if wrapper is None:
            raise MissingToolError("no musl to link with: install musl-gcc (package musl-tools)")
        return wrapper
    wanted = os.environ.get("CC")
    for name in (wanted,) if wanted else ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return found
    if wanted:
        raise MissingToolError(f"CC={wanted}: no such program; name a compiler alone, without options")
    raise MissingToolError("no C compiler: install gcc, or name one in CC")


def _version(program: str) -> str:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return output.splitlines()[0] if output else program


def sources(strategies: Path) -> list[Path]:
    """Every file that decides what is measured, Python strategies included, in a stable order."""
    return sorted(path for path in strategies.rglob("*") if path.suffix in {".c", ".h", ".py"})


def digest(strategies: Path, variant: str, version: str, target: Target | None = None) -> str:
    """Identifies a build: SHA-256, 12 hex digits, over sources, flags, the compiler's version and the target."""
    sha = hashlib.sha256()
    for path in sources(strategies):
        sha.update(f"{path.relative_to(strategies)}\0".encode() + path.read_bytes() + b"\0")
    sha.update("\0".join((variant, *VARIANTS[variant], *COMMAND_FLAGS, version)).encode())
    if target:
        sha.update(f"\0{target.identity}".encode())
    return sha.hexdigest()[:12]


def read(folder: Path) -> Build | None:
    """The build that a folder holds, or None."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Build(folder, record["digest"], record["variant"], record["libc"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _compile(cc: str, flags: Sequence[str], output: Path, files: Sequence[Path]) -> None:
    command = [cc, *flags, "-o", str(output), *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        if "-static" in flags and "cannot find -lc" in result.stderr:
            raise MissingToolError(
                "no static C library to link with: install libc.a (package libc6-dev, or glibc-static)"
            )
        raise BuildError(f"{output.name} does not compile:\n{result.stderr.strip()}")


def compile_into(folder: Path, strategies: Path, variant: str = "glibc", target: Target | None = None) -> Build:
    """Compiles one variant into a folder, which it makes. Raises BuildError."""
    cc = compiler(variant)
    version = _version(cc)
    name = digest(strategies, variant, version, target)
    folder.mkdir(parents=True, exist_ok=True)
    worker = [path for part in WORKER_FOLDERS for path in sorted((strategies / part).glob("*.c"))]
    with _kernel_headers(variant) as headers:
        flags = (*VARIANTS[variant], *headers, *(target.flags if target else ()))
        _compile(cc, flags, folder / WORKER, worker)
    for source in sorted((strategies / "command").glob("*.c")):
        _compile(compiler(), COMMAND_FLAGS, folder / source.stem, [source])
    libc = _libc(folder / WORKER) if variant in STATIC else None
    record = {
        "digest": name,
        "variant": variant,
        "libc": libc,
        "compiler": version,
        "flags": list(VARIANTS[variant]),
        "command_flags": list(COMMAND_FLAGS),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return Build(folder, name, variant, libc)


@contextmanager
def _kernel_headers(variant: str) -> Iterator[tuple[str, ...]]:
    """Flags that find linux/ and asm/ for a C library that has none: the kernel's alone, and nothing of glibc."""
    if not variant.startswith("musl"):
        yield ()
        return
    told = subprocess.run([compiler(), "-print-multiarch"], capture_output=True, text=True, check=False).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="launchbench-headers-") as links:
        for name in ("linux", "asm", "asm-generic"):
            places = (Path("/usr/include") / told / name, Path("/usr/include") / name)
            found = next((place for place in places if place.is_dir()), None)
            if found:
                (Path(links) / name).symlink_to(found)
        yield ("-idirafter", links)


def _libc(worker: Path) -> str:
    result = subprocess.run([worker, "libc"], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"{worker.name} does not run: {result.stderr.strip() or f'status {result.returncode}'}")
    return result.stdout.strip()


def ensure(strategies: Path, folders: Sequence[Path], variant: str = "glibc", target: Target | None = None) -> Build:
    """The build of these very sources: found in one of the folders, else compiled into the first that can be written.

    Raises BuildError, also when no folder can be written.
    """
    name = digest(strategies, variant, _version(compiler(variant)), target)
    kind = f"{variant}-{target.name}" if target else variant
    for folder in folders:
        found = read(folder / f"{name}-{kind}")
        if found:
            return found
    for folder in folders:
        final = folder / f"{name}-{kind}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
        except OSError:
            continue  # such as a checkout of somebody else's: the next folder is the user's own
        try:
            scratch.chmod(0o755)  # mkdtemp's 0700 would shut out an ordinary user after root's build
            made = compile_into(scratch, strategies, variant, target)
            # Whole or not at all, and two builds at once do no harm: the loser finds the winner's in place.
            try:
                scratch.rename(final)
            except OSError:
                if not read(final):
                    raise
            return read(final) or replace(made, folder=final)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    raise BuildError(f"nowhere to build: none of {', '.join(map(str, folders))} can be written")
