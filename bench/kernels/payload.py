"""The kernel itself out of a bzImage, unpacked by this machine's processor, and whether it can be booted so.

An emulated processor takes longer to unpack a kernel than to boot it. Since Linux 5.0 what is packed in the image, an
ELF file, can be entered at once where the build has CONFIG_PVH, which a note in it tells. The kernel is the same one,
with the same parameters and the same initramfs.
Not for: where images come from (sources.py), or what is said in their headers (image.py).
"""

from __future__ import annotations

import bz2
import ctypes
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Literal

# Documentation/arch/x86/boot.rst of the kernel: offsets into the image.
_SETUP_SECTORS, _PROTOCOL, _PAYLOAD = 0x1F1, 0x206, 0x248
_PROTOCOL_WITH_PAYLOAD = 0x208
_SECTOR = 0x200
_MOST_BYTES = 1 << 29

# As in elf(5).
_ELF64 = b"\x7fELF\x02"
_PT_NOTE = 4
# include/xen/interface/elfnote.h: where a guest without a BIOS is entered.
_PVH_NOTE = (b"Xen\0", 18)
_PVH_SINCE = (5, 0)  # the note of earlier kernels is for Xen alone

_LZ4_BLOCK = 8 << 20  # of the legacy format, which is what the kernel has


def bootable(image: bytes, release: str) -> bytes:
    """What to boot of a bzImage: the kernel that is packed in it, or the image itself where that is not possible."""
    if _version(release) < _PVH_SINCE:
        return image
    kernel = unpacked(image)
    return kernel if kernel and is_pvh(kernel) else image


def entry(kernel: bytes) -> Literal["pvh", "image"]:
    """How what bootable() returned is entered: as an ELF file that has that entry, or as the image around it."""
    return "pvh" if kernel.startswith(_ELF64) else "image"


def unpacked(image: bytes) -> bytes | None:
    """The kernel that is packed in a bzImage; None when its packing is not known here, or damaged."""
    if len(image) < _PAYLOAD + 8 or struct.unpack_from("<H", image, _PROTOCOL)[0] < _PROTOCOL_WITH_PAYLOAD:
        return None
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    start = ((image[_SETUP_SECTORS] or 4) + 1) * _SECTOR + offset
    packed = image[start : start + length]
    size = int.from_bytes(packed[-4:], "little")  # scripts/Makefile.lib of the kernel, size_append
    unpack = next((unpack for magic, unpack in _PACKINGS.items() if packed.startswith(magic)), None)
    if unpack is None or size > _MOST_BYTES:
        return None
    try:
        kernel = unpack(packed, size)
    except (OSError, EOFError, struct.error, zlib.error, lzma.LZMAError):  # OSError: no such library, too
        return None
    return kernel if len(kernel) == size else None


def is_pvh(kernel: bytes) -> bool:
    """Whether an uncompressed kernel says where it is entered without a BIOS."""
    try:
        return kernel.startswith(_ELF64) and _PVH_NOTE in set(_notes(kernel))
    except struct.error:
        return False


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.partition("-")[0].split(".")[:2] if number.isdigit())


def _notes(elf: bytes) -> Iterator[tuple[bytes, int]]:
    """Owner and type of each note."""
    (table,) = struct.unpack_from("<Q", elf, 0x20)
    entry_size, entries = struct.unpack_from("<HH", elf, 0x36)
    for entry in range(table, table + entry_size * entries, entry_size or 1):
        kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", elf, entry)
        end = at + length
        while kind == _PT_NOTE and at < end:
            owner, content, note = struct.unpack_from("<III", elf, at)
            at += 12
            yield elf[at : at + owner], note
            at += -(-owner // 4) * 4 + -(-content // 4) * 4


def _gzip(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, size)


def _lzma(packed: bytes, size: int) -> bytes:
    return lzma.LZMADecompressor().decompress(packed, size)


def _bzip2(packed: bytes, size: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(packed, size)


def _zstd(packed: bytes, size: int) -> bytes:
    """By the library that QEMU and dpkg are linked with; Python has none of its own before 3.14."""
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    kernel = ctypes.create_string_buffer(size)
    written = library.ZSTD_decompress(kernel, ctypes.c_size_t(size), packed, ctypes.c_size_t(len(packed) - 4))
    return kernel.raw if written == size else b""


def _lz4(packed: bytes, size: int) -> bytes:
    """By the library that apt is linked with."""
    library = ctypes.CDLL("liblz4.so.1")
    block = ctypes.create_string_buffer(_LZ4_BLOCK)
    kernel = bytearray()
    at, end = 4, len(packed) - 4
    while at < end and len(kernel) <= size:
        (length,) = struct.unpack_from("<I", packed, at)
        part = packed[at + 4 : at + 4 + length]
        written = library.LZ4_decompress_safe(part, block, len(part), _LZ4_BLOCK)
        kernel += ctypes.string_at(block, max(0, written))
        at += 4 + length
    return bytes(kernel)


_PACKINGS: dict[bytes, Callable[[bytes, int], bytes]] = {
    b"\x1f\x8b": _gzip,
    b"\xfd7zXZ\0": _lzma,
    b"\x5d\0\0": _lzma,
    b"BZh": _bzip2,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"\x02\x21\x4c\x18": _lz4,
}
