"""Numbers as an engineer reads them, and foreign text that cannot steer a terminal."""

import pytest

from bench.report.typography import ASCII, UNICODE, can_show_unicode, clip, clip_list, duration, factor, plain, size


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (950, "950 ns"),
        (999, "999 ns"),
        (1000, "1.00 µs"),
        (9994, "9.99 µs"),
        (9996, "10.0 µs"),
        (33_149, "33.1 µs"),
        (99_960, "100 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (5_370_000, "5.37 ms"),
        (12_000_000_000, "12.0  s"),
        (3_600_000_000_000, "3600  s"),
    ],
)
def test_durations_have_three_significant_digits(ns: int, text: str) -> None:
    assert duration(ns, UNICODE) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (64 << 20, "64 MiB"),
        (1536 << 20, "1.5 GiB"),
        (1000 << 20, "1000 MiB"),
        (40 << 30, "40 GiB"),
        (3 << 50, "3072 TiB"),
    ],
)
def test_sizes_are_binary(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("ratio", "text"), [(0.98234, "0.982"), (1.0, "1"), (12.54, "12.5"), (1040.4, "1,040")])
def test_ratios_have_three_digits_and_no_exponent(ratio: float, text: str) -> None:
    assert factor(ratio) == text


def test_foreign_text_loses_what_a_terminal_would_obey() -> None:
    assert plain("fork\x1b[2J\x07\u202e_exec\r\nspoof\ud800  x") == "fork[2J_exec spoof x"


def test_clipping_says_so() -> None:
    assert clip("posix_spawn", 11, UNICODE) == "posix_spawn"
    assert clip("posix_spawn", 8, UNICODE) == "posix_s…"
    assert clip("posix_spawn", 8, ASCII) == "posix..."


def test_lists_are_clipped_after_whole_items() -> None:
    assert clip_list("10 zombies, 20 fds, 3 strays", 28, UNICODE) == "10 zombies, 20 fds, 3 strays"
    assert clip_list("10 zombies, 20 fds, 3 strays", 27, UNICODE) == "10 zombies, 20 fds…"
    assert clip_list("10 zombies, 20 fds, 3 strays", 8, UNICODE) == "10 zomb…"


@pytest.mark.parametrize(("encoding", "able"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False)])
def test_streams_that_cannot_take_the_signs_are_known(encoding: str | None, able: bool) -> None:
    assert can_show_unicode(encoding) is able
