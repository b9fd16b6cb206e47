"""Frames come out as they went in, however the line cuts them, and damage is told."""

from __future__ import annotations

import pytest

from bench.kernels.wire import BrokenLinkError, Decoder, Frame, words

FRAMES = [Frame("read", words(["/proc/version", "/etc"])), Frame("stop"), Frame("said", bytes(range(256)) * 20)]
STREAM = b"".join(frame.encode() for frame in FRAMES)


@pytest.mark.parametrize("piece", [1, 7, 16, 100, len(STREAM)])
def test_frames_come_out_as_they_went_in(piece: int) -> None:
    decoder, found = Decoder(), []
    for start in range(0, len(STREAM), piece):
        decoder.feed(STREAM[start : start + piece])
        while frame := decoder.next():
            found.append(frame)

    assert found == FRAMES


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (b"Linux version 6.1", "no frame"),
        (b"LBX", "no frame"),
        (b"LBF1rea" + b"\xff" * 9, "no frame"),
        (Frame("read", b"/proc").encode()[:-1] + b"?", "damaged"),
    ],
)
def test_damage_is_told(stream: bytes, told: str) -> None:
    decoder = Decoder()
    decoder.feed(stream)

    with pytest.raises(BrokenLinkError, match=told):
        decoder.next()


def test_a_head_that_has_not_come_whole_is_waited_for() -> None:
    decoder = Decoder()
    decoder.feed(FRAMES[0].encode()[:10])

    assert decoder.next() is None


def test_a_payload_is_read_as_what_it_is() -> None:
    assert Frame("over", b'{"hung": null}').message() == {"hung": None}
    assert Frame("file", b"/proc/version\0Linux\0").file() == ("/proc/version", b"Linux\0")


@pytest.mark.parametrize("payload", [b"", b"[1]", b"\xff", b'{"half":', b"[" * 200_000])
def test_a_payload_that_is_something_else_is_told(payload: bytes) -> None:
    with pytest.raises(BrokenLinkError, match="no JSON object"):
        Frame("over", payload).message()
    with pytest.raises(BrokenLinkError, match="no file"):
        Frame("file", payload).file()
