"""Frames between the runner and the agent of a guest: encoded, and decoded as they come. Pure.

strategies/guest/guest.h has the format and the conversation; strategies/guest/wire.c is the other end.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

VERSION = 1
_MAGIC = b"LBF1"
_HEAD = struct.Struct("<4s4sII")
_LONGEST = 64 << 20


class BrokenLinkError(Exception):
    """What came is no frame, or came damaged; the text says which."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the conversation: its kind, four letters, and what it carries."""

    kind: str
    payload: bytes = b""

    def encode(self) -> bytes:
        """The frame as bytes."""
        return _HEAD.pack(_MAGIC, self.kind.encode(), len(self.payload), zlib.crc32(self.payload)) + self.payload

    def message(self) -> dict[str, Any]:
        """The payload as the JSON object that it is. Raises BrokenLinkError."""
        try:
            value = json.loads(self.payload)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise BrokenLinkError(f"a frame {self.kind} holds no JSON object")
        return value

    def file(self) -> tuple[str, bytes]:
        """The payload as the path and the contents of a file. Raises BrokenLinkError."""
        name, end, contents = self.payload.partition(b"\0")
        if not end:
            raise BrokenLinkError(f"a frame {self.kind} holds no file")
        return name.decode(errors="surrogateescape"), contents


def words(values: Iterable[str]) -> bytes:
    """Words as a payload: each ended by NUL."""
    return b"".join(value.encode(errors="surrogateescape") + b"\0" for value in values)


class Decoder:
    """Puts frames together from a stream that comes in pieces."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._rest = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._rest += data

    def next(self) -> Frame | None:
        """The next whole frame; None until it has come. Raises BrokenLinkError."""
        if len(self._rest) < _HEAD.size:
            # A wrong start is told at once, not when as much has come as a head takes.
            if not _MAGIC.startswith(bytes(self._rest[: len(_MAGIC)])):
                raise BrokenLinkError(f"what came is no frame: {bytes(self._rest)!r}")
            return None
        magic, kind, length, checksum = _HEAD.unpack_from(self._rest)
        if magic != _MAGIC or length > _LONGEST or not kind.isalpha():
            raise BrokenLinkError(f"what came is no frame: {bytes(self._rest[: _HEAD.size])!r}")
        if len(self._rest) < _HEAD.size + length:
            return None
        payload = bytes(self._rest[_HEAD.size : _HEAD.size + length])
        del self._rest[: _HEAD.size + length]
        if zlib.crc32(payload) != checksum:
            raise BrokenLinkError(f"a frame {kind.decode()} came damaged")
        return Frame(kind.decode(), payload)
