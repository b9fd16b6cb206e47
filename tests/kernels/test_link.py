"""The runner's end of a guest's line, with something else than a guest at the other end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.kernels import link as links
from bench.kernels.link import Link
from bench.kernels.wire import Frame
from bench.measure import PlaceLostError

PATIENCE_S = 30.0


class Emulator:
    """A machine that is only a line."""

    has_flooded = False

    def __init__(self, line: socket.socket) -> None:
        self.line = line

    def kill(self) -> None:
        self.line.shutdown(socket.SHUT_RDWR)

    def ended(self, patience_s: float) -> bool:  # noqa: ARG002 - as a real one has it
        return True

    def console(self) -> str:
        return "the end of the console"


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Link, socket.socket]]:
    monkeypatch.setattr(links, "_NUDGE_S", 0.05)
    here, there = socket.socketpair()
    there.settimeout(PATIENCE_S)
    machine: Any = Emulator(here)
    with here, there:
        yield Link(machine), there


def beside(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


@pytest.mark.parametrize("doing", ["mapping", "ending", "reading its files"])
def test_a_guest_that_missed_an_interrupt_is_woken_by_the_next_byte(
    ends: tuple[Link, socket.socket], doing: str
) -> None:
    link, there = ends

    def guest() -> None:
        assert there.recv(100).strip(b"\0") == b""
        there.sendall(Frame("over", b"{}").encode())

    answering = beside(guest)
    assert link.hear(PATIENCE_S, doing).kind == "over"
    answering.join()


@pytest.mark.parametrize("doing", ["booting", "launching"])
def test_while_it_launches_nothing_passes_the_line(ends: tuple[Link, socket.socket], doing: str) -> None:
    link, there = ends

    with pytest.raises(PlaceLostError, match=f"said nothing for 0 s while {doing}"):
        link.hear(0.3, doing)

    there.setblocking(False)
    with pytest.raises(BlockingIOError):
        there.recv(100)


def test_one_that_is_nudged_in_vain_is_hung(ends: tuple[Link, socket.socket]) -> None:
    link, there = ends

    with pytest.raises(PlaceLostError, match="said nothing for 2 s while mapping") as lost:
        link.hear(1.5, "mapping")

    assert (lost.value.kind, lost.value.console) == ("hung", "the end of the console")
    assert 1 <= len(there.recv(100)) <= 30


@pytest.mark.parametrize("doing", ["booting", "launching", "mapping"])
def test_one_that_prints_without_end_is_ended_and_not_waited_for(
    doing: str, ends: tuple[Link, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    link, there = ends
    monkeypatch.setattr(Emulator, "has_flooded", True)

    with pytest.raises(PlaceLostError, match=f"console came to more than 64MiB while {doing}") as lost:
        link.hear(PATIENCE_S, doing)

    assert lost.value.kind == "crashed"
    assert there.recv(100) == b"", "it is not nudged"


def test_one_that_has_gone_is_not_waited_for(ends: tuple[Link, socket.socket]) -> None:
    link, there = ends
    there.close()

    with pytest.raises(PlaceLostError, match="the guest ended while mapping"):
        link.hear(PATIENCE_S, "mapping")
