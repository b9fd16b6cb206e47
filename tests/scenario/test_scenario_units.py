from __future__ import annotations

import pytest

from bench.scenario import (
    Duration,
    Multiple,
    Share,
    Size,
    format_bytes,
    parse_amount,
    parse_duration,
    parse_limit,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096B", 4096),
        ("64KiB", 65536),
        ("64KB", 64000),
        ("1.5GiB", 1536 * 2**20),
        ("0.1KB", 100),
        ("2TiB", 2**41),
        ("3TB", 3 * 10**12),
    ],
)
def test_a_size_is_exact_bytes(text: str, size: int) -> None:
    assert parse_amount(text) == Size(size)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1, "1B"),
        (4097, "4097B"),
        (2**30, "1GiB"),
        (1536 * 2**20, "1536MiB"),
        (64 * 10**6, "64MB"),
        (1000 * 1024, "1000KiB"),
    ],
)
def test_bytes_are_written_in_the_largest_unit_that_is_exact(size: int, text: str) -> None:
    assert format_bytes(size) == text


def test_written_bytes_are_read_back_exactly() -> None:
    for size in (1, 999, 4095, 2**20 + 1, 10**9 + 512, 3435973836, 2**57):
        assert parse_amount(format_bytes(size)) == Size(size)


def test_shares_and_multiples_resolve_without_rounding_errors() -> None:
    assert Share(parse_amount("33.3%RAM").percent).resolve(ram_bytes=1000, footprint_bytes=0) == 333  # type: ignore[union-attr]
    assert parse_limit("1.1x").resolve(ram_bytes=0, footprint_bytes=10) == 11
    assert parse_limit("50%RAM").resolve(ram_bytes=2**33, footprint_bytes=10) == 2**32
    assert parse_limit("2GiB").resolve(ram_bytes=0, footprint_bytes=0) == 2**31


@pytest.mark.parametrize("text", ["40%RAM", "12.5%RAM", "1.5x", "0.9x", "100x", "64MiB"])
def test_canonical_text_is_kept(text: str) -> None:
    assert str(parse_limit(text)) == text


def test_equal_values_have_one_spelling() -> None:
    assert str(parse_amount("040.0%RAM")) == "40%RAM"
    assert parse_limit("1.50x") == parse_limit("1.5x") != Multiple(parse_limit("2x").factor)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "ns", "written"),
    [
        ("5s", 5 * 10**9, "5s"),
        ("0.5s", 5 * 10**8, "500ms"),
        ("120s", 12 * 10**10, "2min"),
        ("1500us", 1500000, "1500us"),
    ],
)
def test_a_time_is_nanoseconds(text: str, ns: int, written: str) -> None:
    assert parse_duration(text) == Duration(ns)
    assert str(Duration(ns)) == written
    assert Duration(ns).seconds == ns / 1e9
