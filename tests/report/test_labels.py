"""Words in figures: they fit, and what tells series apart is never what is cut."""

import pytest

from bench.report.html.chart import LONGEST, NARROW, WIDE, grid, name_of, title
from bench.report.html.layout import Series

LONG = "Overcommit mode 1 (always), clock counts instructions"


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("vfork_exec", "vfork_exec"),
        ("vfork_exec, kernel 6.1", "vfork_exec, kernel 6.1"),
        ("prefork_seqpacket, kernel 6.1", "prefork_seqpa…, kernel 6.1"),
        ("prefork_seqpacket, kernel 5.10", "prefork_seqp…, kernel 5.10"),
        ("a_strategy_with_a_very_long_name", "a_strategy_with_a_very_lo…"),
        ("fork_exec, open files 1000000, in flight 1000", "fork_exec, open files 100…"),
    ],
)
def test_a_long_name_is_cut_where_series_do_not_differ(label: str, name: str) -> None:
    assert name_of(Series(0, label)) == name
    assert len(name) <= LONGEST


def test_a_title_takes_a_second_line_where_its_panel_is_narrow() -> None:
    names = ["x" * LONGEST]

    assert title(LONG, grid(WIDE, 1, names)) == {"text": LONG}
    assert title(LONG, grid(NARROW, 1, names)) == {"text": ["Overcommit mode 1 (always), clock counts", "instructions"]}
    assert title(f"{LONG} {LONG}", grid(NARROW, 1, names))["text"][1].endswith("…")
    assert title("", grid(NARROW, 1, names)) == {"text": ""}
