"""The kernel that is packed in a bzImage: unpacked where it can be entered without its image, and else left there."""

from __future__ import annotations

import bz2
import ctypes
import gzip
import lzma
import struct
from collections.abc import Callable

import pytest

from bench.kernels import payload

SINCE_5_0 = "5.10.0-32-amd64"
XEN_ENTRY = struct.pack("<III", 4, 8, 18) + b"Xen\0" + bytes(8)
XEN_FEATURES = struct.pack("<III", 4, 6, 10) + b"Xen\0" + b"paging\0\0"
BUILD_ID = struct.pack("<III", 4, 2, 3) + b"GNU\0" + b"id\0\0"


def elf(*notes: bytes) -> bytes:
    """A 64-bit ELF file with a segment of code, and one of notes."""
    content, table, entries = b"".join(notes), 64, 2
    start = table + 56 * entries
    head = bytearray(64)
    head[:5] = b"\x7fELF\x02"
    struct.pack_into("<Q", head, 0x20, table)
    struct.pack_into("<HH", head, 0x36, 56, entries)
    code = struct.pack("<IIQQQQQQ", 1, 5, start, 0, 0, 8, 8, 8)
    notes_segment = struct.pack("<IIQQQQQQ", 4, 4, start, 0, 0, len(content), len(content), 4)
    return bytes(head) + code + notes_segment + content + bytes(range(256)) * 400


KERNEL = elf(BUILD_ID, XEN_FEATURES, XEN_ENTRY)


def image(packed: bytes, protocol: int = 0x20F) -> bytes:
    """A bzImage of two setup sectors that holds `packed` after some code, and more code after that."""
    made = bytearray(3 * 512)
    made[0x1F1] = 2
    struct.pack_into("<H", made, 0x206, protocol)
    struct.pack_into("<II", made, 0x248, 100, len(packed))
    return bytes(made) + bytes(100) + packed + b"\xcc" * 64


def sized(packed: bytes, kernel: bytes = KERNEL) -> bytes:
    """As the kernel's build does for all but gzip, which has that at its end itself."""
    return packed + struct.pack("<I", len(kernel))


def by_library(name: str, compress: Callable[[ctypes.CDLL, ctypes.Array[ctypes.c_char]], int]) -> bytes:
    try:
        library = ctypes.CDLL(name)
    except OSError:
        pytest.skip(f"{name} is not installed")
    target = ctypes.create_string_buffer(2 * len(KERNEL))
    size = compress(library, target)
    return target.raw[:size]


def zstd() -> bytes:
    return by_library(
        "libzstd.so.1", lambda lib, out: int(lib.ZSTD_compress(out, len(out), KERNEL, len(KERNEL), 19)) & 0xFFFFFFFF
    )


def lz4() -> bytes:
    """Two blocks of the legacy format."""
    half = len(KERNEL) // 2
    made = b"\x02\x21\x4c\x18"
    for part in (KERNEL[:half], KERNEL[half:]):
        block = by_library(
            "liblz4.so.1", lambda lib, out, part=part: int(lib.LZ4_compress_default(part, out, len(part), len(out)))
        )
        made += struct.pack("<I", len(block)) + block
    return made


@pytest.mark.parametrize(
    "pack",
    [
        lambda: gzip.compress(KERNEL),
        lambda: sized(lzma.compress(KERNEL, check=lzma.CHECK_CRC32)),
        lambda: sized(lzma.compress(KERNEL, format=lzma.FORMAT_ALONE)),
        lambda: sized(bz2.compress(KERNEL)),
        lambda: sized(zstd()),
        lambda: sized(lz4()),
    ],
    ids=["gzip", "xz", "lzma", "bzip2", "zstd", "lz4"],
)
def test_what_is_packed_is_booted(pack: Callable[[], bytes]) -> None:
    assert payload.bootable(image(pack()), SINCE_5_0) == KERNEL


@pytest.mark.parametrize("release", ["4.4.0-210-generic", "4.18.0-25-generic", "4.20.17"])
def test_the_entry_of_an_earlier_kernel_is_for_xen_alone(release: str) -> None:
    packed = image(gzip.compress(KERNEL))

    assert payload.bootable(packed, release) == packed
    assert payload.bootable(packed, "5.0.0-65-generic") == KERNEL


@pytest.mark.parametrize("notes", [(), (BUILD_ID,), (BUILD_ID, XEN_FEATURES)])
def test_a_kernel_without_the_entry_is_booted_as_its_image(notes: tuple[bytes, ...]) -> None:
    packed = image(gzip.compress(elf(*notes)))

    assert payload.bootable(packed, SINCE_5_0) == packed


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"no kernel" * 1000,
        image(gzip.compress(KERNEL), protocol=0x207),
        image(b"\x89LZO" + KERNEL),
        image(gzip.compress(KERNEL)[:-1000]),
        image(sized(lzma.compress(KERNEL)[:-1000])),
        image(sized(lzma.compress(KERNEL), KERNEL + b"more")),
        image(sized(b"\x28\xb5\x2f\xfd" + bytes(1000))),
        image(sized(b"\x02\x21\x4c\x18" + b"\xff" * 1000)),
        image(gzip.compress(KERNEL[:100])),
        image(gzip.compress(KERNEL))[:1800],
    ],
    ids=["empty", "text", "old", "lzo", "gzip", "xz", "size", "zstd", "lz4", "elf", "truncated"],
)
def test_what_cannot_be_unpacked_is_left_to_the_image(damaged: bytes) -> None:
    assert payload.bootable(damaged, SINCE_5_0) == damaged


def test_without_the_library_of_its_packing_the_image_is_booted(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = image(sized(zstd()))

    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert payload.bootable(packed, SINCE_5_0) == packed
