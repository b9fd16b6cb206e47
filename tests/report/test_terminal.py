"""What the terminal shows, to the column."""

import re
from pathlib import Path
from typing import Any

import pytest
from examples import VFORK, analysed, everything, nothing
from result_lines import GIB, cell, census, failed, header, ok, refused, worker, write

from bench.report import Options, formats

AT_80 = """\
big-parent
Which ways of launching a command survive a big parent?

machine      box, AMD EPYC 7B13, 16 CPUs, 64 GiB
system       Debian GNU/Linux 12 (bookworm), Linux 6.1.0-18-amd64, glibc 2.36
overcommit   mode 0 (heuristic) on this machine, ratio 50%
run          1 round of 7 cells, 7/7 workers, seed 42, 2026-01-03T10:22:00Z
build        launchbench 0.1.0, worker 9c1b7a2f00aa
file         r.jsonl

verdict      1 GiB, overcommit mode 0: use vfork_exec.
             40 GiB, overcommit mode 0: no verdict: nothing was measured:
             skipped: needs 41 GiB, and 12 GiB are available.
             1 GiB, overcommit mode 2 (1.5 GiB to commit): no verdict: needs
             more runs: 1 of 6 workers; vfork_exec and prefork_pipe work;
             fork_exec fails.

never works  fork_exec: none of 40 launches worked: spawn:ENOMEM; overcommit
             mode 2 (1.5 GiB to commit)

every cell   reaper waitpid, hygiene none, backing anon

── overcommit mode 0 (heuristic) · footprint 1 GiB ─────────────────────────────
strategy         ok  failed             blocked    total      max  left behind
vfork_exec    40/40                     20.0 µs  33.0 µs  33.0 µs
floor: 900 ns total, the cost of measuring (null)

── overcommit mode 2 (never), limit 1.5 GiB · footprint 1 GiB ──────────────────
strategy         ok  failed             blocked    total      max  left behind
vfork_exec    40/40                     20.0 µs  33.0 µs  33.0 µs
prefork_pipe  38/40  lost_status ×2     50.0 µs  61.0 µs  61.0 µs  1 zombie…
fork_exec      0/40  spawn:ENOMEM ×40…        –        –        –

── mechanism, observed in an untimed launch ────────────────────────────────────
vfork_exec  clone(CLONE_VM|CLONE_VFORK) execve

── not measured ────────────────────────────────────────────────────────────────
skipped      needs 41 GiB, and 12 GiB are available
             1 cell: vfork_exec; footprint 40 GiB
unsupported  no pidfd_open on this kernel
             1 cell: spawn_server; footprint 1 GiB

Times are of ok launches, from the call until the caller may go on (blocked),
the program runs (reach), its status is there (total): medians of worker
medians; p99 or max is of total.
"""  # noqa: RUF001 - the signs are meant

WIDE = """\
strategy         ok  failed                               blocked    reach    total      max  left behind      workers
vfork_exec    40/40                                       20.0 µs  26.0 µs  33.0 µs  33.0 µs                         1
prefork_pipe  38/40  lost_status ×2                       50.0 µs  55.0 µs  61.0 µs  61.0 µs  1 zombie, 2 fds        1
fork_exec      0/40  spawn:ENOMEM ×40, 1 crashed SIGSEGV        –        –        –        –                       0/1
"""  # noqa: RUF001 - a table 160 columns wide, with the signs of one


def rendered(*paths: Path, **options: Any) -> str:
    return str(formats()["terminal"].render(analysed(*paths), Options(**options)))


def test_at_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything(tmp_path)
    monkeypatch.chdir(tmp_path)

    assert rendered(Path("r.jsonl"), width=80) == AT_80


def test_at_160_columns_there_is_room_for_everything(tmp_path: Path) -> None:
    assert WIDE in rendered(everything(tmp_path), width=160)


@pytest.mark.parametrize("width", [10, 60, 72, 80, 100, 132, 200])
def test_lines_fit(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    everything(tmp_path)
    monkeypatch.chdir(tmp_path)

    lines = rendered(Path("r.jsonl"), width=width).splitlines()

    assert max(map(len, lines)) <= max(width, 60)
    assert not any(line.endswith(" ") for line in lines)


def test_a_long_error_is_cut_before_a_table_of_many_axes_is_too_wide(tmp_path: Path) -> None:
    cells = [
        cell("prefork_seqpacket", backing=backing, in_flight=alive, open_files=files, id=f"{backing} {alive} {files}")
        for backing in ("anon", "wipeonfork")
        for alive in (1, 1000)
        for files in (0, 1_000_000)
    ]
    lines = [
        worker(one, [ok(70_000)] * 70 + [failed("spawn_error", 11)] * 30, outcome={"kind": "crashed", "signal": 11})
        for one in cells
    ]

    text = rendered(write(tmp_path / "r.jsonl", header(cells), *lines), width=80)

    rows = [line for line in text.splitlines() if line.startswith("prefork_seq")]
    assert len(rows) == len(cells)
    assert max(map(len, rows)) <= 80
    assert all("spawn:EAGAIN" in row for row in rows)


def test_axes_that_have_no_room_stand_under_their_row(tmp_path: Path) -> None:
    cells = [
        cell("prefork_seqpacket", pids_limit=pids, memory_limit_bytes=memory, id=f"{pids} {memory}")
        for pids in (None, 4)
        for memory in (None, GIB)
    ]
    cells.append(cell("fork_exec", reaper="pidfd", id="fork"))
    lines = [worker(one, [ok(70_000)] * 70 + [failed("spawn_error", 11)] * 30) for one in cells]
    path = write(tmp_path / "r.jsonl", header(cells), *lines)

    wide, narrow = (rendered(path, width=width).splitlines() for width in (120, 60))

    assert max(map(len, narrow)) <= 60
    assert any("memory limit" in line and "pids limit" in line and "total" in line for line in wide)
    (first,) = (at for at, line in enumerate(narrow) if line.startswith("strategy"))
    rows = narrow[first + 1 :][: narrow[first:].index("") - 1]
    told = [line for line in rows if not line.startswith(" ")]
    assert all("spawn:EAGAIN" in line and line.split()[0] in {"prefork_seqpacket", "fork_exec"} for line in told)
    assert sorted(line for line in rows if line.startswith(" ")) == [
        "  memory limit 1 GiB",
        "  memory limit 1 GiB, pids limit 4",
        "  pids limit 4",
    ]


def test_without_unicode_it_is_ascii(tmp_path: Path) -> None:
    text = rendered(everything(tmp_path), unicode=False)

    assert text.isascii()
    assert "33.0 us" in text
    assert "spawn:ENOMEM x40" in text


def test_colour_adds_colour_and_nothing_else(tmp_path: Path) -> None:
    path = everything(tmp_path)

    coloured = rendered(path, width=100, colour=True)

    assert "\x1b[32m40/40\x1b[0m" in coloured
    assert "\x1b[31m0/40\x1b[0m" in coloured
    stripped = re.sub(r"\x1b\[\d+m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == rendered(path, width=100).splitlines()


def test_rows_are_sorted_by_success_then_by_total(tmp_path: Path) -> None:
    slow, fast, bad = cell("a_slow"), cell("b_fast"), cell("c_bad")
    path = write(
        tmp_path / "r.jsonl",
        header([slow, fast, bad]),
        worker(slow, [ok(9000)]),
        worker(bad, [ok(10), failed("timeout")]),
        worker(fast, [ok(1000)]),
    )

    assert re.findall(r"^(?:a_slow|b_fast|c_bad)", rendered(path), re.MULTILINE) == ["b_fast", "a_slow", "c_bad"]


def test_axes_that_differ_are_columns_and_the_others_are_said_once(tmp_path: Path) -> None:
    cells = [cell("vfork_exec", backing=backing, in_flight=4) | {"id": backing} for backing in ("anon", "thp")]
    path = write(tmp_path / "r.jsonl", header(cells), *(worker(one, [ok(1000)]) for one in cells))

    text = rendered(path)

    assert "every cell   reaper waitpid, hygiene none, in flight 4\n" in text
    assert re.search(r"^strategy +backing +ok", text, re.MULTILINE)
    assert re.search(r"^vfork_exec +thp +1/1", text, re.MULTILINE)


def test_blocks_are_in_order_of_mode_limit_and_footprint(tmp_path: Path) -> None:
    axes = [
        {"overcommit": 2, "limit_bytes": 3 * GIB},
        {"overcommit": 2, "limit_bytes": 2 * GIB},
        {"overcommit": 0, "footprint_bytes": 2 * GIB},
        {"overcommit": 0},
        {"overcommit": "current"},
    ]
    cells = [cell("vfork_exec", **one) | {"id": str(at)} for at, one in enumerate(axes)]
    path = write(tmp_path / "r.jsonl", header(cells), *(worker(one, [ok(1000)]) for one in cells))

    assert re.findall(r"^── (.+?) ─", rendered(path), re.MULTILINE) == [
        "current overcommit, mode 0 (heuristic) · footprint 1 GiB",
        "overcommit mode 0 (heuristic) · footprint 1 GiB",
        "overcommit mode 0 (heuristic) · footprint 2 GiB",
        "overcommit mode 2 (never), limit 2 GiB · footprint 1 GiB",
        "overcommit mode 2 (never), limit 3 GiB · footprint 1 GiB",
    ]


def test_a_maximum_among_percentiles_is_called_one(tmp_path: Path) -> None:
    many, few = cell("many"), cell("few")
    path = write(
        tmp_path / "r.jsonl",
        header([many, few]),
        worker(many, [ok(1000 + at) for at in range(1000)]),
        worker(few, [ok(2000)]),
    )

    text = rendered(path)

    assert re.search(r"total +p99", text)
    assert re.search(r"^many .* 1\.50 µs +1\.99 µs", text, re.MULTILINE)
    assert re.search(r"^few .* 2\.00 µs +max 2\.00 µs", text, re.MULTILINE)


def test_what_nobody_counted_is_not_nothing(tmp_path: Path) -> None:
    one, other = cell("killed"), cell("counted")
    left = {"ready": census(), "done": census(descriptors=9), "strays": []}
    path = write(
        tmp_path / "r.jsonl",
        header([one, other]),
        worker(one, [ok(1)], outcome={"kind": "oom_killed"}, census=None, planned=3),
        worker(other, [ok(1)], census=left),
    )

    text = rendered(path, width=120)

    assert re.search(r"^killed +1/1 +1 oom_killed +2 .* \? +0/1$", text, re.MULTILINE)
    assert re.search(r"^counted .* 5 fds +1$", text, re.MULTILINE)


def test_a_mix_of_commands_is_shown_by_command(tmp_path: Path) -> None:
    one = cell()
    commands = [{"argv": ["probe"]}, {"shell": "exit 3", "expect": {"exit": 3}}]
    head = header([one])
    head["scenario"]["settings"] = {"commands": commands}
    path = write(tmp_path / "r.jsonl", head, worker(one, [ok(1), ok(2, command=1), failed("wrong_status", command=1)]))

    lines = rendered(path).splitlines()

    assert next(line.split() for line in lines if line.startswith("by command")) == ["by", "command", "#0", "#1"]
    assert any(line.split()[1:] == ["1", "ns", "1", "of", "2", "failed"] for line in lines)
    assert "#1  exit 3  must: exit 3" in lines


def test_each_machine_and_scenario_has_its_section(tmp_path: Path) -> None:
    one = cell()
    other = header([one])["scenario"] | {"name": "small-parent", "question": "And a small one?"}
    paths = [
        write(tmp_path / "a.jsonl", header([one], run="a"), worker(one, [ok(1)])),
        write(tmp_path / "b.jsonl", header([one], run="b", scenario=other), worker(one, [ok(1)])),
        write(tmp_path / "c.jsonl", header([one], run="c"), worker(one, [ok(1)])),
    ]

    text = rendered(*paths, width=200)

    assert re.findall(r"^\S+-parent$", text, re.MULTILINE) == ["big-parent", "small-parent"]
    assert [Path(path).name for path in re.findall(r"^file +(.+)$", text, re.MULTILINE)] == [
        "a.jsonl",
        "c.jsonl",
        "b.jsonl",
    ]


def test_a_run_that_measured_nothing_says_so(tmp_path: Path) -> None:
    text = rendered(nothing(tmp_path), width=200)

    assert "\nNothing was measured.\n" in text
    assert "incomplete, 0 of 1 workers: complete it with launchbench run --resume" in text


def test_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    evil = cell("evil\x1b]0;title\x07\nname")
    scenario = header([])["scenario"] | {"name": "a\x1b[2Jb", "question": "\x9b31mred?"}
    path = write(
        tmp_path / "r.jsonl",
        header([evil], scenario=scenario),
        worker(evil, [ok(1)], mechanism="cl\x1bone"),
        b'{"type": "\\u001b[31m"}\n',
        worker(evil, [ok(1)], round_=1),
    )

    text = rendered(path, width=200)

    assert not {char for char in text if ord(char) < 32 or 0x7F <= ord(char) < 0xA0} - {"\n"}
    assert "evil]0;title name" in text


def test_a_mechanism_that_denies_the_name_is_said_in_words(tmp_path: Path) -> None:
    one = cell("vfork_exec")
    said = "it is taken to share the caller's memory, but the observed call copies it: fork -> execve"
    path = write(
        tmp_path / "r.jsonl", header([one]), worker(one, [ok(1)], mechanism="fork -> execve", contradiction=said)
    )

    text = rendered(path, width=160)

    assert "vfork_exec  fork -> execve" in text
    assert f"vfork_exec: {said}" in text


def test_kernels_of_a_mechanism_stand_in_their_order(tmp_path: Path) -> None:
    seen = {"5.10": "clone3 execve", "5.4": "clone3 execve", "6.1": "clone3 execve", "4.4": "clone execve"}
    cells = {kernel: cell("posix_spawn", kernel=kernel, id=kernel) for kernel in seen}
    lines = [
        worker(cells[kernel], [ok(1000)] * 30, mechanism=calls, place={"kernel": f"{kernel}.0"})
        for kernel, calls in seen.items()
    ]

    text = rendered(write(tmp_path / "r.jsonl", header(list(cells.values())), *lines), width=120)

    assert "clone3 execve [5.4, 5.10, 6.1] | clone execve [4.4]" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("posix_spawn") and "30/30" in line]
    assert [row[1] for row in rows] == ["4.4", "5.4", "5.10", "6.1"]


def test_where_nothing_ran_no_cell_was_measured(tmp_path: Path) -> None:
    ran, skipped = (cell("posix_spawn", kernel=kernel, id=kernel) for kernel in ("4.4", "5.4"))
    path = write(
        tmp_path / "r.jsonl",
        header([ran, skipped]),
        worker(ran, [ok(1000)] * 30, place={"kernel": "4.4.0", "distro": "none"}),
        refused(skipped, "skipped", reason="qemu-system-x86_64 is not installed"),
    )

    text = rendered(path, width=120)

    assert "also in      4.4 (4.4.0): " in text
    assert "5.4 (5.4)" not in text
    assert "qemu-system-x86_64 is not installed" in text


def test_many_files_are_described_together(tmp_path: Path) -> None:
    paths = [
        write(
            tmp_path / f"{number:03}.jsonl",
            header([VFORK], run=f"{number}", started=f"2026-01-{number % 28 + 1:02}T00:00:00Z"),
            worker(VFORK, [ok(30_000)]),
        )
        for number in range(30)
    ]

    text = str(formats()["terminal"].render(analysed(*paths), Options(width=120)))

    assert "run          30 files, 30/30 workers, from 2026-01-01T00:00:00Z to 2026-01-28T00:00:00Z\n" in text
    assert text.count("build ") == 1
    assert " ".join(text.split()).count("000.jsonl and 29 others") == 1


def test_warnings_without_number_are_counted(tmp_path: Path) -> None:
    junk = [b"junk\n"] * 50
    path = write(tmp_path / "r.jsonl", header([VFORK]), *junk, worker(VFORK, [ok(30_000)]))

    text = str(formats()["terminal"].render(analysed(path), Options(width=100)))

    assert " ".join(text.split()).count("not JSON: passed over") == 40
    assert "and 10 warnings more, all in --format json\n" in text


@pytest.mark.parametrize(("width", "shown"), [(110, True), (62, False)])
def test_the_interval_of_a_p50_is_shown_where_there_is_room(tmp_path: Path, width: int, shown: bool) -> None:
    pytest.importorskip("scipy", reason="intervals need scipy: pip install 'launchbench[report]'")
    one = cell("vfork_exec")
    lines = [worker(one, [ok(70_000 + 1000 * at)] * 30, round_=at) for at in range(8)]

    text = rendered(write(tmp_path / "r.jsonl", header([one], rounds=8), *lines), width=width)

    assert ("95% interval" in text) is shown
    assert bool(re.search(r"7\d\.\d µs to 7\d\.\d µs", text)) is shown
    assert max(map(len, text.splitlines())) <= width
