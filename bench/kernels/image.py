"""What a kernel image says of itself, and how it comes out of a Debian package. Nothing is fetched or kept here."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

from bench.kernels.manifest import SourceError, UnavailableError

# Documentation/arch/x86/boot.rst of the kernel: offsets into the image.
_SETUP_SECTORS, _PARAGRAPHS, _BOOT_FLAG, _MAGIC, _VERSION_POINTER = 0x1F1, 0x1F4, 0x1FE, 0x202, 0x20E
_SECTOR, _PARAGRAPH = 0x200, 16
_USUAL_SETUP_SECTORS = 4  # what 0 means
_LONGEST_VERSION = 512

# /boot until 6.19 or so; since then some suites keep the image with its modules.
_IMAGE_IN_PACKAGE = re.compile(r"\./(boot/vmlinuz-[^/]+|(usr/)?lib/modules/[^/]+/vmlinuz)")


def release(path: Path) -> str:
    """The release (`uname -r`) of an x86 bzImage, from its boot header.

    Raises SourceError when the file cannot be read or is no such image, or not the whole of one.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise SourceError(f"{path}: not a file")
        with path.open("rb") as file:
            header = file.read(_VERSION_POINTER + 2)
            if header[_BOOT_FLAG : _BOOT_FLAG + 2] != b"\x55\xaa" or header[_MAGIC : _MAGIC + 4] != b"HdrS":
                raise SourceError(f"{path}: not an x86 bzImage: give the vmlinuz that /boot has")
            (pointer,) = struct.unpack_from("<H", header, _VERSION_POINTER)
            file.seek(pointer + _SECTOR)
            text = file.read(_LONGEST_VERSION).partition(b"\0")[0].decode("ascii", "replace")
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    if not pointer or not text.strip():
        raise SourceError(f"{path}: a bzImage without a release in its header (kernel_version is 0)")
    whole = ((header[_SETUP_SECTORS] or _USUAL_SETUP_SECTORS) + 1) * _SECTOR
    whole += _PARAGRAPH * int(struct.unpack_from("<I", header, _PARAGRAPHS)[0])
    if size < whole:
        raise SourceError(f"{path}: cut short: {size} of at least {whole} bytes")
    return text.split()[0]


def unpack(package: Path, target: Path) -> None:
    """Write the kernel image that a .deb holds to `target`.

    Raises UnavailableError without dpkg-deb, SourceError when the package has no image or cannot be read.
    """
    extract(package, _IMAGE_IN_PACKAGE, target)


def extract(package: Path, member: re.Pattern[str], target: Path) -> None:
    """Write the first regular file of a .deb whose name (`./usr/...`) matches to `target`. Raises as unpack()."""
    program = shutil.which("dpkg-deb")
    if program is None:
        raise UnavailableError("dpkg-deb is not installed (package dpkg)")
    with subprocess.Popen(
        [program, "--fsys-tarfile", str(package)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as unpacking:
        assert unpacking.stdout is not None  # noqa: S101 - subprocess's contract with PIPE
        assert unpacking.stderr is not None  # noqa: S101 - as above
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
                found = _copy(archive, member, target)
        except tarfile.TarError:
            found = False
        unpacking.stdout.close()  # what follows the file is not wanted: dpkg-deb ends with EPIPE
        complaint = unpacking.stderr.read().decode(errors="replace").strip()
    if not found:
        raise SourceError(f"{package.name}: {complaint or 'holds no kernel image'}")


def _copy(archive: tarfile.TarFile, member: re.Pattern[str], target: Path) -> bool:
    for entry in archive:
        content = archive.extractfile(entry) if entry.isreg() and member.fullmatch(entry.name) else None
        if content is not None:
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
            return True
    return False
