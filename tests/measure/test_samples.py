"""What a worker and its probes left in files, read back."""

from __future__ import annotations

import pytest
from launch_files import NOT_BEGUN, SPAWN, UNDER_WAY, arrival, sample

from bench.measure.samples import Arrival, Sample, decode, decode_arrivals, join


def joined(samples: list[bytes], arrivals: list[bytes]) -> list[int | None]:
    return join(decode(b"".join(samples)), decode_arrivals(b"".join(arrivals)))


def test_a_sample_has_every_field_of_the_record() -> None:
    data = sample(
        1000, returned=1040, reaped=1100, command=2, warmup=1, stage=3, error=10, status=256, pid=7, written=9, pace=8
    )

    assert decode(data) == [
        Sample(
            state=2,
            command=2,
            warmup=1,
            stage=3,
            error=10,
            has_status=1,
            status=256,
            pid=7,
            call=1000,
            returned=1040,
            reaped=1100,
            minor_faults=3,
            written=9,
            pace=8,
        )
    ]


def test_a_negative_errno_and_status_stay_negative() -> None:
    (found,) = decode(sample(1, error=-5, status=-1))

    assert (found.error, found.status) == (-5, -1)


@pytest.mark.parametrize("cut", [1, 79])
def test_a_torn_record_is_left_out(cut: int) -> None:
    assert len(decode(sample(1) + sample(2)[:cut])) == 1


def test_launches_that_were_not_begun_are_not_samples() -> None:
    data = sample(1) + sample(2, state=UNDER_WAY) + sample(0, state=NOT_BEGUN) * 5

    assert [found.state for found in decode(data)] == [2, 1]


def test_a_file_that_no_worker_has_sized_has_no_samples() -> None:
    assert decode(b"") == []


def test_arrivals_are_read_in_order_of_time() -> None:
    data = arrival(30, pid=3) + arrival(10, pid=1, parent=9) + arrival(20, pid=2)

    assert [found.pid for found in decode_arrivals(data)] == [1, 2, 3]
    assert decode_arrivals(data)[0] == Arrival(reached=10, pid=1, parent=9)


def test_the_record_of_a_probe_that_died_writing_is_left_out() -> None:
    assert len(decode_arrivals(arrival(10) + arrival(20)[:9])) == 1


def test_an_arrival_belongs_to_the_launch_that_was_alive() -> None:
    assert joined([sample(1000), sample(2000), sample(3000)], [arrival(1050), arrival(2060), arrival(3070)]) == [
        1050,
        2060,
        3070,
    ]


def test_who_forked_the_probe_does_not_matter() -> None:
    assert joined([sample(1000, pid=0)], [arrival(1050, pid=4711, parent=1)]) == [1050]


def test_a_launch_that_reached_nothing_takes_no_others_arrival() -> None:
    failed = sample(2000, stage=SPAWN, error=12, status=None)

    assert joined([sample(1000), failed, sample(3000)], [arrival(1050), arrival(3050)]) == [1050, None, 3050]


@pytest.mark.parametrize("moment", [999, 1101, 1999, 2101])
def test_an_arrival_outside_of_every_launch_is_nobodys(moment: int) -> None:
    assert joined([sample(1000), sample(2000)], [arrival(moment)]) == [None, None]


@pytest.mark.parametrize("moment", [1000, 1100])
def test_a_launch_lasts_from_its_call_to_its_reaping(moment: int) -> None:
    assert joined([sample(1000)], [arrival(moment)]) == [moment]


def test_the_first_of_two_arrivals_counts_and_the_next_launch_keeps_its_own() -> None:
    arrivals = [arrival(1050), arrival(1060), arrival(2050)]

    assert joined([sample(1000), sample(2000)], arrivals) == [1050, 2050]


def test_a_launch_under_way_has_no_end_yet() -> None:
    assert joined([sample(1000), sample(2000, state=UNDER_WAY)], [arrival(1050), arrival(99_999)]) == [1050, 99_999]
    assert joined([sample(2000, state=UNDER_WAY)], []) == [None]
