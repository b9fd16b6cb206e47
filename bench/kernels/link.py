"""The runner's end of a guest's line: frames with deadlines, and what it means when they do not come."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from bench.kernels.qemu import CONSOLE_BYTES, Emulator
from bench.kernels.wire import VERSION, BrokenLinkError, Decoder, Frame, words
from bench.machine import size_text
from bench.measure import PlaceLostError

_PANIC = re.compile(r"Kernel panic - not syncing: (.*)")
_POWER_OFF_S = 15.0
_NUDGE_S = 10.0
"""A guest that has said nothing for so long may have missed the interrupt for what it was sent."""
_NUDGE = b"\0"  # between frames it means nothing (strategies/guest/guest.h)
_UNDISTURBED = frozenset({"booting", "launching"})


class Link:
    """A conversation with the agent of one guest. Everything that goes wrong with it is a PlaceLostError."""

    def __init__(self, emulator: Emulator) -> None:
        """`emulator` has just been started."""
        self._emulator = emulator
        self._decoder = Decoder()
        self._is_lost = False

    def greet(self, patience_s: float) -> None:
        """Wait until the agent is there. Raises PlaceLostError."""
        frame = self.hear(patience_s, "booting")
        if frame.kind != "helo" or self._message(frame).get("version") != VERSION:
            raise self._lost("crashed", f"the guest's agent speaks another version: {frame.payload[:80]!r}")

    def say(self, frame: Frame) -> None:
        """Send a frame. Raises PlaceLostError."""
        try:
            self._emulator.line.sendall(frame.encode())
        except OSError:
            raise self._gone("while it was spoken to") from None

    def hear(self, patience_s: float, doing: str) -> Frame:
        """The next frame. Raises PlaceLostError, which says what the guest was `doing`."""
        until = time.monotonic() + patience_s
        try:
            while (frame := self._decoder.next()) is None:
                part = self._receive(until, nudging=doing not in _UNDISTURBED)
                if not part:
                    raise self._gone(f"while {doing}")
                self._decoder.feed(part)
        except TimeoutError:
            raise self._lost("hung", f"the guest said nothing for {patience_s:.0f} s while {doing}") from None
        except BrokenLinkError as error:
            raise self._lost("crashed", f"the line to the guest is broken: {error}") from None
        except OSError:
            raise self._gone(f"while {doing}") from None
        return frame

    def _receive(self, until: float, *, nudging: bool) -> bytes:
        """What comes next; nothing at the end. Raises TimeoutError at `until`, OSError."""
        line = self._emulator.line
        while True:
            left = until - time.monotonic()
            line.settimeout(max(0.001, min(left, _NUDGE_S)))
            try:
                return line.recv(65536)
            except TimeoutError:
                if self._emulator.has_flooded:
                    self._emulator.kill()  # and the line ends
                elif time.monotonic() >= until:
                    raise
                elif nudging:
                    line.sendall(_NUDGE)

    def answer(self, patience_s: float, doing: str) -> Iterator[Frame]:
        """The frames up to and with `over`. Raises PlaceLostError."""
        while True:
            frame = self.hear(patience_s, doing)
            yield frame
            if frame.kind == "over":
                return

    def read(self, paths: Iterable[str], patience_s: float) -> dict[str, str]:
        """The contents of those of the guest's files that can be read, by path. Raises PlaceLostError."""
        self.say(Frame("read", words(paths)))
        frames = [frame for frame in self.answer(patience_s, "reading its files") if frame.kind == "file"]
        return {name: contents.decode(errors="replace") for name, contents in map(self._file, frames)}

    def power_off(self) -> None:
        """Ask the guest to end, and wait for it; one that is lost already is not asked. Raises PlaceLostError."""
        if self._is_lost:
            return
        self.say(Frame("stop"))
        if not self._emulator.ended(_POWER_OFF_S):
            raise self._lost("hung", "the guest did not power off")

    def _message(self, frame: Frame) -> dict[str, Any]:
        try:
            return frame.message()
        except BrokenLinkError as error:
            raise self._lost("crashed", str(error)) from None

    def _file(self, frame: Frame) -> tuple[str, bytes]:
        try:
            return frame.file()
        except BrokenLinkError as error:
            raise self._lost("crashed", str(error)) from None

    def _gone(self, when: str) -> PlaceLostError:
        """The line was closed: the guest has ended, and its console says why if anything does."""
        self._emulator.ended(_POWER_OFF_S)
        panic = _PANIC.search(self._emulator.console())
        if self._emulator.has_flooded:
            reason = f"the guest's console came to more than {size_text(CONSOLE_BYTES)} {when}"
        elif panic:
            reason = f"the guest's kernel panicked {when}: {panic[1].strip()}"
        else:
            reason = f"the guest ended {when}"
        return self._lost("crashed", reason)

    def _lost(self, kind: Literal["crashed", "hung"], reason: str) -> PlaceLostError:
        self._is_lost = True
        return PlaceLostError(kind, reason, self._emulator.console())
