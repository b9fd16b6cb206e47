"""Another distro's C library as the target of a dynamic build: its headers, its start files and its own libraries.

A worker that is linked with this machine's glibc asks for symbols that an older one does not have, so it is compiled
against the oldest that it is to run with: that of the root itself. The machine's compiler does it, given the files of
the root's development package (libc6-dev).
Not for: where those files come from (bench.kernels).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.catalogue.build import MissingToolError, Target

_START_FILE = "Scrt1.o"
_MOST_LINKS = 40  # as the kernel follows (path_resolution(7))
_LIBRARY = ("libc.so.6", "libc_nonshared.a", "libpthread.so.0", "libpthread_nonshared.a")
"""What libc.so stands for; threads are a library of their own before glibc 2.34."""
_LINKED = ("crt*.o", "[MSg]crt1.o", "ld-linux*.so.*", *_LIBRARY)


@contextmanager
def of_root(name: str, root: Path) -> Iterator[Target]:
    """The target of a root that has libc6-dev, while the context lasts. Raises MissingToolError without one.

    Links of the root are absolute and mean the root, and the linker would follow them to this machine's files: the
    target therefore has a folder of links of its own.
    """
    library = next(root.glob(f"usr/lib/*/{_START_FILE}"), None)
    if library is None:
        raise MissingToolError(f"{name} has no files to link with (package libc6-dev)")
    folders = [library.parent, root / "lib" / library.parent.name]
    with tempfile.TemporaryDirectory(prefix="launchbench-target-") as scratch:
        links = Path(scratch)
        for path in (path for folder in folders for pattern in _LINKED for path in folder.glob(pattern)):
            real = _inside(root, path)
            if real.is_file() and not (links / path.name).exists():
                (links / path.name).symlink_to(real)
        shared, loader = links / "libc.so.6", next(links.glob("ld-linux*.so.*"), None)
        if loader is None or not shared.exists():
            raise MissingToolError(f"{name} has no C library to link with")
        # What libc6-dev has of that name is a script of the linker as well, with the root's own paths.
        parts = [links / part for part in _LIBRARY if (links / part).exists()]
        script = f"GROUP ( {' '.join(map(str, parts))} AS_NEEDED ( {loader} ) )\n"
        (links / "libc.so").write_text(script, encoding="utf-8")
        yield Target(
            name=name,
            flags=(f"--sysroot={root}", f"-B{links}{os.sep}", f"-L{links}", f"-Wl,-rpath-link,{links}"),
            identity=hashlib.sha256(shared.read_bytes()).hexdigest(),
        )


def _inside(root: Path, path: Path) -> Path:
    """Where a path leads when links mean what they mean in the root."""
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            return path
        target = path.readlink()
        path = root / str(target).lstrip("/") if target.is_absolute() else path.parent / target
    return path
