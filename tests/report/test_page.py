"""The page as text: what is in it, and that it is what the machine-readable report says."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from examples import analysed, everything, large, nothing
from page_reading import Element, read_page
from result_lines import (
    GIB,
    MACHINE,
    cell,
    failed,
    hazard,
    hazard_plan,
    hazard_refused,
    header,
    ok,
    refused,
    worker,
    write,
)

from bench.analysis import analyse_many
from bench.cli import cli
from bench.report import Options, formats
from bench.report.typography import UNICODE, duration, factor, size

pytest.importorskip("vl_convert", reason="the page needs vl-convert-python: pip install 'launchbench[report]'")

NONE = UNICODE.none
SECTIONS = ["verdict", "success", "latency", "ranking", "tails", "spread", "left"]


def page_of(*paths: Path) -> str:
    return str(formats()["html"].render(analysed(*paths), Options()))


def document_of(*paths: Path) -> dict[str, Any]:
    return json.loads(str(formats()["json"].render(analysed(*paths), Options())))


def at(record: dict[str, Any], column: str) -> Any:
    above, _, below = column.partition("/")
    if below:
        return at(record, above) / record[below]
    outer, _, inner = column.partition(".")
    return record[outer][inner] if inner else record[outer]


def single(directory: Path) -> Path:
    one = cell("vfork_exec")
    return write(directory / "r.jsonl", header([one]), worker(one, [ok(1000)]))


@pytest.mark.parametrize("make", [everything, nothing, large, single])
def test_every_section_is_there(tmp_path: Path, make: Any) -> None:
    page = read_page(page_of(make(tmp_path)))

    ids = [section.attributes["id"] for section in page.all("section")]
    assert ids == [*(f"s0-{name}" for name in SECTIONS), "method", "data"]
    for section in page.all("section"):
        assert section.all("h2")[0].attributes["id"] == section.attributes["aria-labelledby"]
        assert len(section.text) > len(section.all("h2")[0].text)


@pytest.mark.parametrize("make", [everything, large])
def test_every_number_in_a_table_is_the_machine_readable_reports(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path)
    cells = document_of(path)["cells"]

    fields = [field for field in read_page(page_of(path)).all("td") if "data-cell" in field.attributes]

    assert len(fields) > 50
    for field in fields:
        number, column = int(field.attributes["data-cell"] or ""), field.attributes["data-column"] or ""
        value = at(cells[number], column) if _has(cells[number], column) else None
        assert field.attributes.get("data-value") == (None if value is None else str(value))
        assert _shown(column, value, cells[number]) == field.texts[0]


def _has(record: dict[str, Any], column: str) -> bool:
    outer, _, inner = column.partition("/")[0].partition(".")
    return not inner or (record[outer] is not None and inner in record[outer])


def _shown(column: str, value: Any, record: dict[str, Any]) -> str:
    """Say how a value must be set."""
    if value is None:
        return NONE
    if column == "ok":
        named = [error.removeprefix("spawn:").removeprefix("status:") for error in record["errors"]]
        named = [error.replace("lost_status", "lost").replace(":", " ").replace("_", " ") for error in named]
        named += [outcome for outcome in record["workers_by_outcome"] if outcome != "finished"]
        return f"{value}/{record['launches']} {', '.join(named)}".strip()
    if column.endswith(".p50_low"):
        return f"{duration(value, UNICODE)} to {duration(at(record, column.replace('low', 'high')), UNICODE)}"
    if column.endswith("_bytes"):
        return size(value)
    is_time = column.split(".", maxsplit=1)[0].endswith("_ns") and not column.endswith(".n")
    return duration(value, UNICODE) if is_time else str(value)


def test_a_number_without_a_column_is_none_of_a_cell(tmp_path: Path) -> None:
    """What shows no column of the report may show no figure."""
    for table in read_page(page_of(large(tmp_path))).all("table"):
        for field in table.all("td"):
            if "data-column" not in field.attributes and "number" in (field.attributes.get("class") or ""):
                assert field.text in {NONE, "0", "1"}, field  # nothing, no status lost, the fastest beside itself


def test_ratios_are_the_verdicts(tmp_path: Path) -> None:
    path = large(tmp_path)
    verdicts = document_of(path)["verdicts"]

    fields = [
        field
        for field in read_page(page_of(path)).all("td")
        if (field.attributes.get("data-column") or "").startswith("verdicts.")
    ]

    assert len(fields) > 5
    for field in fields:
        _, verdict, _, row, column = (field.attributes["data-column"] or "").split(".")
        found = verdicts[int(verdict)]["ranking"][int(row)]
        assert column == "ratio"
        assert field.attributes["data-value"] == str(found["ratio"])
        shown = f"{factor(found['ratio'])} [{factor(found['low'])}, {factor(found['high'])}]"
        assert field.texts[0] == (f"~ {shown}" if found["verdict"] == "same" else shown)


def test_two_machines_are_set_against_each_other(tmp_path: Path) -> None:
    other = MACHINE | {"kernel": "5.10.0", "machine_id": "other"}
    paths = large(tmp_path), large(tmp_path, "s.jsonl", run="other", machine=other)

    page = read_page(page_of(*paths))

    (section,) = page.all("section", id="comparison")
    assert section.all("h3")[0].text == "6.1.0-18-amd64 against 5.10.0"
    assert sum(len(table.all("tr")) - 1 for table in section.all("table")) == 36
    rows = [row.text for row in section.all("tr")]
    assert sum("fails on both sides: spawn:ENOMEM" in row for row in rows) == 1


@pytest.mark.parametrize("by", [None, "kernel"])
def test_every_number_of_a_comparison_is_what_compare_prints(tmp_path: Path, by: str | None) -> None:
    if by:
        other = {"place": {"kernel": "4.4.0"}}
        paths = [several_kernels(tmp_path, other)]
        arguments = ["--by", by]
    else:
        other = MACHINE | {"kernel": "5.10.0", "machine_id": "other"}
        paths = [large(tmp_path), large(tmp_path, "s.jsonl", run="other", machine=other)]
        arguments = []
    told = CliRunner().invoke(cli, ["compare", *map(str, paths), *arguments, "--format", "json"])
    rows = json.loads(told.stdout)["rows"]

    fields = [
        field
        for field in read_page(page_of(*paths)).all("section", id="comparison")[0].all("td")
        if "data-column" in field.attributes
    ]

    assert len({(field.attributes["data-column"] or "").split(".")[3] for field in fields}) == len(rows) > 1
    for field in fields:
        _, number, _, at_, column = (field.attributes["data-column"] or "").split(".")
        value = rows[int(at_)][column]
        assert number == "0"
        assert field.attributes.get("data-value") == (None if value is None else str(value))
        if column == "ratio" and value is not None:
            shown = f"{factor(value)} [{factor(rows[int(at_)]['low'])}, {factor(rows[int(at_)]['high'])}]"
            assert field.texts[0].removeprefix("~ ") == shown
        elif column.endswith("_ns"):
            assert field.texts[0] == (NONE if value is None else duration(value, UNICODE))


def test_what_shows_no_difference_is_folded_away_and_counted(tmp_path: Path) -> None:
    other = MACHINE | {"kernel": "5.10.0", "machine_id": "other"}
    base, new = large(tmp_path), large(tmp_path, "s.jsonl", run="other", machine=other)
    told = CliRunner().invoke(cli, ["compare", str(base), str(new), "--format", "json"])
    quiet = sum(row["verdict"] in {"same", "inconclusive"} for row in json.loads(told.stdout)["rows"])

    (section,) = read_page(page_of(base, new)).all("section", id="comparison")

    (folded,) = section.all("details")
    assert quiet > 8
    assert "open" not in folded.attributes
    assert folded.all("summary")[0].text == f"{quiet} without a shown difference"
    assert len(folded.all("tbody")[0].all("tr")) == quiet


def test_what_changed_or_is_missing_is_never_folded_away(tmp_path: Path) -> None:
    works, fails, lacks = (cell(name) for name in ("vfork_exec", "fork_exec", "clone3_vfork"))
    there = [cell(one["strategy"], kernel="4.4", id=f"{one['strategy']} there") for one in (works, fails, lacks)]
    place = {"place": {"kernel": "4.4.0"}}
    lines = []
    for round_ in range(8):
        fine = [ok(70_000 + round_)] * 40
        lines += [worker(one, fine, round_=round_) for one in (works, fails, lacks)]
        lines += [worker(there[0], fine, round_=round_, **place)]
        lines += [worker(there[1], [failed("spawn_error", 12)] * 40, round_=round_, **place)]
        lines += [refused(there[2], "unsupported", round_=round_, reason="too old") | place]
    path = write(tmp_path / "k.jsonl", header([works, fails, lacks, *there], rounds=8), *lines)

    (section,) = read_page(page_of(path)).all("section", id="comparison")

    shown, quiet = section.all("table")
    assert [row.all("td")[0].text for row in shown.all("tbody")[0].all("tr")] == ["changed", "missing"]
    (folded,) = section.all("details")
    assert "open" in folded.attributes, "so little is not hidden"
    assert [row.all("th")[0].text for row in quiet.all("tbody")[0].all("tr")] == ["vfork_exec"]


def several_kernels(directory: Path, other: dict[str, Any]) -> Path:
    here, there = cell("vfork_exec"), cell("vfork_exec", kernel="4.4", id="vfork there")
    fork, fork_there = cell("fork_exec"), cell("fork_exec", kernel="4.4", id="fork there")
    lines = []
    for round_ in range(8):
        lines += [worker(here, [ok(70_000 + round_ + at_) for at_ in range(40)], round_=round_)]
        lines += [worker(there, [ok(90_000 + round_ + at_) for at_ in range(40)], round_=round_, **other)]
        lines += [worker(fork, [ok(170_000 + round_ + at_) for at_ in range(40)], round_=round_)]
        lines += [worker(fork_there, [failed("spawn_error", 12)] * 40, round_=round_, **other)]
    return write(directory / "k.jsonl", header([here, there, fork, fork_there], rounds=8), *lines)


def test_places_that_stand_beside_each_other_are_not_told_apart_by_their_builds_again(tmp_path: Path) -> None:
    builds = {"Alpine": "musl", "Debian": "glibc", "Ubuntu": "glibc"}
    cells = {name: cell("vfork_exec", distro=name, worker=build, id=name) for name, build in builds.items()}
    lines = [
        worker(one, [ok(70_000 + round_)] * 40, round_=round_, place={"distro": name})
        for round_ in range(6)
        for name, one in cells.items()
    ]
    path = write(tmp_path / "k.jsonl", header(list(cells.values()), rounds=6), *lines)

    (section,) = read_page(page_of(path)).all("section", id="comparison")

    assert [title.text for title in section.all("h3")] == ["Alpine against Debian, Ubuntu"]
    assert "no such cell" not in section.text


def test_a_distro_tells_its_build_and_library(tmp_path: Path) -> None:
    brought = {f"Debian {number}": ("glibc", f"glibc 2.{20 + number}") for number in range(1, 11)}
    brought["Alpine"] = ("musl", "musl 1.2.5")
    cells = {
        (strategy, name): cell(strategy, distro=name, worker=build, id=f"{strategy} {name}")
        for strategy in ("fork_exec", "vfork_exec")
        for name, (build, _) in brought.items()
    }
    lines = [
        worker(one, [ok(70_000)] * 40, place={"distro": name, "libc": brought[name][1]})
        for (_, name), one in cells.items()
    ]
    path = write(tmp_path / "d.jsonl", header(list(cells.values())), *lines)

    (section,) = read_page(page_of(path)).all("section", id="s0-success")

    (table,) = section.all("table")
    assert [head.text for head in table.all("thead")[0].all("th")][:3] == ["distro", "Alpine", "Debian 1"]
    rows = [[field.text for field in row.all("td")] for row in table.all("tbody")[0].all("tr")]
    assert rows == [["40/40"] * 11] * 2, "none of them empty"


def test_every_reason_of_many_verdicts_says_where_it_holds(tmp_path: Path) -> None:
    cells = [
        cell(name, kernel=kernel, id=f"{name} {kernel}")
        for kernel in ("5.10", "5.4")
        for name in ("fork_exec", "vfork_exec")
    ]
    lines = [
        worker(
            one,
            [ok(70_000 + 9_000 * (one["strategy"] == "fork_exec"))] * 40,
            round_=round_,
            place={"kernel": f"{one['kernel']}.0"},
        )
        for round_ in range(6)
        for one in cells
    ]
    path = write(tmp_path / "k.jsonl", header(cells, rounds=6), *lines)

    details = [one for one in read_page(page_of(path)).all("details") if "Every reason" in one.text]

    said = [text.text for one in details for text in one.all("p")]
    assert [text.partition(":")[0] for text in said] == ["Linux 5.4", "Linux 5.10"]


@pytest.mark.parametrize("paced", [True, False])
def test_the_method_says_so_where_ratios_are_held_against_the_machines_pace(tmp_path: Path, *, paced: bool) -> None:
    cells = [cell("vfork_exec"), cell("fork_exec"), cell("vfork_exec", twin=True, id="twin")]
    lines = []
    for round_ in range(8):
        for number, one in enumerate(cells):
            gear = 1 + 0.4 * ((round_ + number) % 3 == 0)
            launches = [ok(round(gear * (70_000 + 90_000 * (number == 1) + at_))) for at_ in range(40)]
            if paced:
                launches = [replace(launch, pace=round(gear * 30_000)) for launch in launches]
            lines.append(worker(one, launches, round_=round_))
    path = write(tmp_path / "r.jsonl", header(cells, rounds=8), *lines)

    page = read_page(page_of(path))

    method = [term.text for term in page.all("section", id="method")[0].all("dt")]
    assert ("pace" in method) is paced
    (link,) = (one for one in page.all("a") if (one.attributes.get("download") or "").endswith(".json"))
    carried = json.loads(base64.b64decode((link.attributes["href"] or "").partition("base64,")[2]))
    rows = [row for verdict in carried["verdicts"] for row in verdict["ranking"]] + carried["noise"]
    assert rows
    assert all(row["paced"] is paced and (row["pace_slope"] is not None) is paced for row in rows)


def test_two_files_with_nothing_in_common_say_so(tmp_path: Path) -> None:
    one, other = cell("fork_exec"), cell("vfork_exec", footprint_bytes=2 * GIB)
    scenario = header([])["scenario"] | {"name": "another"}
    paths = (
        write(tmp_path / "a.jsonl", header([one], run="a"), worker(one, [ok(1000)] * 9)),
        write(tmp_path / "b.jsonl", header([other], run="b", scenario=scenario), worker(other, [ok(1000)] * 9)),
    )

    page = read_page(page_of(*paths))

    assert "nothing in common" in page.all("section", id="comparison")[0].text
    assert [title.text for title in page.all("h1")] == ["big-parent", "another"]


@pytest.mark.parametrize(("fails", "marked"), [(True, ["verdict nothing"]), (False, ["verdict"])])
def test_an_answer_that_nothing_works_does_not_look_like_one_that_something_does(
    tmp_path: Path, marked: list[str], *, fails: bool
) -> None:
    one = cell("fork_exec")
    launches = [failed("spawn_error", 12) if fails else ok(1000)] * 30
    lines = [worker(one, launches, round_=round_) for round_ in range(6)]

    page = read_page(page_of(write(tmp_path / "r.jsonl", header([one], rounds=6), *lines)))

    (section,) = page.all("section", id="s0-verdict")
    boxes = [box.attributes["class"] or "" for box in section.all("div")]
    assert [name for name in boxes if name.startswith("verdict")] == marked


def test_a_run_in_which_everything_failed_has_no_time_anywhere(tmp_path: Path) -> None:
    one = cell("fork_exec")
    path = write(tmp_path / "r.jsonl", header([one]), worker(one, [failed("spawn_error", 12)] * 40))

    page = read_page(page_of(path))

    assert "0 of 1 cell always worked, 1 never" in page.all("section", id="s0-success")[0].text
    assert "0/40 ENOMEM" in page.all("section", id="s0-success")[0].text
    assert "Nothing" in page.all("section", id="s0-spread")[0].text or "No launch was ok" in page.text
    assert not re.search(r"\d (ns|µs|ms)\b", page.all("section", id="s0-ranking")[0].text)


def test_files_too_many_to_look_at_launch_by_launch_are_summed_up(tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="needs duckdb: pip install 'launchbench[report]'")
    one = cell("vfork_exec")
    paths = [
        write(tmp_path / f"{at}.jsonl", header([one], run=str(at)), worker(one, [ok(1000 + at)] * 30))
        for at in range(3)
    ]

    page = read_page(str(formats()["html"].render(analyse_many(paths), Options())))

    assert "90/90" in page.all("section", id="s0-success")[0].text
    assert "too many to look at launch by launch" in page.all("section", id="s0-spread")[0].text


def test_a_torn_file_is_read_as_far_as_it_goes_and_says_so(tmp_path: Path) -> None:
    path = large(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])

    page = read_page(page_of(path))

    assert "has a torn last line" in page.all("section", id="s0-verdict")[0].text
    assert re.search(r"incomplete, \d+ of 216 workers", page.all("aside")[0].text)
    assert "always worked" in page.all("section", id="s0-success")[0].text


def test_hazards_stand_beside_the_cells_and_alone(tmp_path: Path) -> None:
    lines = [
        hazard("self_pipe", "fork_exec", oracle="sometimes", hits=7),
        hazard("self_pipe", "posix_spawn", oracle="never", hits=1),
        hazard_refused("self_pipe", "prefork_pipe", "never_possible", f"{EVIL} runs no handler"),
        hazard("self_pipe", "fork_exec", oracle="never", hits=0, mitigation="signals_reset"),
    ]
    path = write(tmp_path / "r.jsonl", header([], hazards=hazard_plan(*lines)), *lines)

    section = read_page(page_of(path)).all("section", id="s0-left")[0]

    lines_of = section.all("tbody")[0].all("tr")
    rows = [[field.texts[0] for field in row.all("td")] for row in lines_of]
    assert rows == [["7/20", "1/20!", "n/a"], ["0/20", NONE, NONE]]
    assert [row.all("th")[0].text for row in section.all("tbody")[0].all("tr")] == [
        "self_pipe",
        "self_pipe, signals_reset",
    ]
    assert f"never possible: {EVIL} runs no handler" in section.text
    assert "must be never" in section.text


def test_five_hundred_cells(tmp_path: Path) -> None:
    cells = [
        cell(f"strategy_{number:02}", footprint_bytes=footprint << 20, overcommit=mode)
        for number in range(25)
        for footprint in (1, 16, 64, 256, 512, 1024, 2048, 4096, 8192, 16384)
        for mode in (0, 2)
    ]
    path = write(
        tmp_path / "r.jsonl", header(cells), *(worker(one, [ok(1000 + at)] * 12) for at, one in enumerate(cells))
    )

    text = page_of(path)

    rows = read_page(text).all("section", id="data")[0].all("tbody")[0].all("tr")
    assert len(rows) == 500
    assert len(text) < 5_000_000


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(tmp_path: Path) -> None:
    text = page_of(large(tmp_path))
    page = read_page(text)

    (policy,) = (
        meta.attributes["content"] or ""
        for meta in page.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )

    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    for tag in ("style", "script"):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert allowed[f"{tag}-src"] == f"'sha256-{_sha256(source)}'"
    # Neither would be allowed, and the browser would say so.
    assert not [element for element in page.all() if "style" in element.attributes]
    assert not [name for element in page.all() for name in element.attributes if name.startswith("on")]


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_nothing_refers_to_another_place(tmp_path: Path) -> None:
    page = read_page(page_of(large(tmp_path)))

    for element in page.all():
        for name in ("href", "src", "action", "data", "xlink:href"):
            target = element.attributes.get(name)
            assert target is None or target.startswith(("#", "data:")), target


def test_the_data_can_be_downloaded_without_a_script(tmp_path: Path) -> None:
    path = large(tmp_path)
    links = {
        link.attributes["download"]: link.attributes["href"] or ""
        for link in read_page(page_of(path)).all("a")
        if "download" in link.attributes
    }

    assert list(links) == ["big-parent.json", "big-parent.csv"]
    assert json.loads(base64.b64decode(links["big-parent.json"].partition(",")[2])) == document_of(path)
    assert base64.b64decode(links["big-parent.csv"].partition(",")[2]).startswith(b"machine,kernel,")


EVIL = "<script>alert(1)</script>"


def test_what_a_file_says_is_text(tmp_path: Path) -> None:
    one = cell(EVIL, reaper=EVIL)
    scenario = header([])["scenario"] | {"name": EVIL, "question": f"{EVIL}?", "text": EVIL}
    lines = [
        worker(one, [ok(1000 + at_) for at_ in range(50)], mechanism=EVIL, contradiction=EVIL),
        refused(cell(f"{EVIL}2"), "skipped", reason=EVIL),
    ]
    machine = MACHINE | {"hostname": EVIL, "distro": EVIL, "cpu_model_name": EVIL, EVIL: EVIL}
    head = header([one, cell(f"{EVIL}2")], scenario=scenario, machine=machine)
    path = write(tmp_path / "<img src=x onerror=alert(1)>.jsonl", head, *lines)

    text = page_of(path)
    page = read_page(text)

    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert page.all("h1")[0].text == EVIL
    assert page.text.count("alert(1)") > 10


def many_kernels(directory: Path, *strategies: str) -> Path:
    """Eleven kernels, on which every status of these strategies is lost: so many that they are the columns."""
    kernels = [f"5.{number}" for number in range(11)]
    cells = [cell(name, kernel=kernel, id=f"{name} {kernel}") for kernel in kernels for name in strategies]
    launches = [failed("lost_status", 10)] * 30
    lines = [worker(one, launches, place={"kernel": f"{one['kernel']}.0"}) for one in cells]
    return write(directory / "k.jsonl", header(cells), *lines)


def test_where_a_name_may_be_broken_it_is_still_text(tmp_path: Path) -> None:
    page = page_of(many_kernels(tmp_path, "<b>_lost:x", "vfork_exec"))

    (table,) = read_page(page).all("section", id="s0-success")[0].all("table")

    assert [head.text for head in table.all("tbody")[0].all("th")] == ["<b>_lost:x", "vfork_exec"]
    assert all(field.text.startswith("0/30 lost ECHILD") for field in table.all("td"))
    assert "&lt;b&gt;_<wbr>lost:<wbr>x<" in page


def test_every_colour_of_a_figure_is_one_that_themes_know(tmp_path: Path) -> None:
    from bench.report.html.chart import PALETTE

    drawn = [element for svg in read_page(page_of(large(tmp_path))).all("svg") for element in svg.all()]
    colours = {element.attributes.get(name) for element in drawn for name in ("fill", "stroke")}

    assert colours - {None, "none", "transparent"} <= PALETTE


def figures(page: Element) -> list[Element]:
    return [
        svg
        for figure in page.all("figure", _class="drawn")
        for svg in figure.all("svg")
        if svg.attributes.get("role") == "img"
    ]


def test_every_figure_has_title_description_and_table(tmp_path: Path) -> None:
    page = read_page(page_of(large(tmp_path)))

    assert len(figures(page)) == 4
    for figure in figures(page):
        title, description = figure.all("title")[0], figure.all("desc")[0]
        assert (figure.attributes["aria-labelledby"], figure.attributes["aria-describedby"]) == (
            title.attributes["id"],
            description.attributes["id"],
        )
        assert title.text
        assert description.text
    for section in page.all("section"):
        if section.all("figure"):
            assert section.all("table")


def test_ids_are_unique(tmp_path: Path) -> None:
    ids = [
        element.attributes["id"] for element in read_page(page_of(large(tmp_path))).all() if "id" in element.attributes
    ]

    assert len(ids) == len(set(ids))
