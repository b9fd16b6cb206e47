"""The page about kernels and distros names what there is."""

from __future__ import annotations

import json
import re
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.kernels import pinned

FOLDER = Path(__file__).parents[2] / "docs"
PAGE = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text(encoding="utf-8")


def test_every_kernel_has_its_row_with_its_suites() -> None:
    rows = re.findall(r"^\| `([\d.]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)

    assert rows == [
        (kernel.name, ", ".join(origin.place for origin in kernel.origins)) for kernel in pinned.KERNELS.values()
    ]


def test_every_distro_has_its_row_with_its_suite() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \| (?:glibc|musl) [\d.]+ \|$", PAGE, re.MULTILINE)

    assert rows == [(distro.name, distro.place) for distro in pinned.DISTROS.values()]


def test_how_many_kernels_there_are_is_told() -> None:
    assert f"--all: {len(pinned.KERNELS)} kernels" in PAGE


# What the page says that the reference results show


def workers(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER.parent / "results" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["type"] == "worker"]


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table whose first line begins so, without that line and the rule below it."""
    lines = PAGE[PAGE.index(heading) :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_result_that_it_links_to_is_there() -> None:
    linked = re.findall(r"\]\((\.\./results/[^)]+)\)", PAGE)

    assert len(linked) == 3
    for link in linked:
        with (FOLDER / link).open(encoding="utf-8") as file:
            assert json.loads(file.readline())["scenario"]["path"].startswith("scenarios/")


def test_each_librarys_calls_are_those_that_were_observed() -> None:
    observed = {(line["place"]["libc"], line["cell"]["strategy"]): line["mechanism"] for line in workers("libcs.jsonl")}
    rows = rows_of("| | `posix_spawn` | with file actions")

    assert {libc for libc, *_ in rows} == {libc for libc, _ in observed}
    for libc, plain, extended, *shells in rows:
        said = {"posix_spawn": plain, "posix_spawn_actions": extended, "posix_spawn_attributes": extended}
        said |= dict(zip(("system", "popen"), shells, strict=True))
        for strategy, text in said.items():
            call = (plain if text == "the same" else text).strip("`").replace(", ", "|")
            assert observed[libc, strategy].startswith(f"{call} -> execve"), (libc, strategy)


def costs() -> dict[tuple[str, str, int], list[float]]:
    """The median `total` of each worker of `kernels-cost`, in ms, by kernel, strategy and MiB."""
    medians = defaultdict(list)
    for line in workers("kernels-cost.jsonl"):
        cell, samples = line["cell"], line["samples"]
        timed = zip(samples["call"], samples["reaped"], samples["warmup"], strict=True)
        total = statistics.median(reaped - call for call, reaped, warmup in timed if not warmup)
        medians[cell["kernel"], cell["strategy"], cell["footprint_bytes"] >> 20].append(total / 1e6)
    return medians


def test_the_cost_of_each_kernel_is_what_its_result_says() -> None:
    medians = costs()
    kernels = {kernel for kernel, _, _ in medians}
    header = [cell.strip() for cell in PAGE[PAGE.index("| | 4.4 | 5.4 |") :].partition("\n")[0].strip("|").split("|")]

    assert kernels <= set(header)
    for what, *figures in rows_of("| | 4.4 | 5.4 |"):
        strategy, size = re.fullmatch(r"`(\w+)`, (any|\d+).*", what).groups()  # type: ignore[union-attr]
        for kernel, figure in zip(header[1:], figures, strict=True):
            if kernel in kernels:
                measured = statistics.median(medians[kernel, strategy, 64 if size == "any" else int(size)])
                assert abs(measured / float(figure) - 1) < 0.01, (what, kernel)


def test_no_worker_of_a_cell_was_in_another_state_than_the_others() -> None:
    for cell, found in costs().items():
        assert max(found) < 1.02 * min(found), cell


def test_how_large_the_first_result_is_is_told() -> None:
    found = workers("kernels-quick.jsonl")

    assert f"twelve kernels, three boots of each, {len(found)} workers" in PAGE
    assert len({line["cell"]["kernel"] for line in found}) == 12


def test_each_boot_of_it_was_over_in_a_quarter_of_a_minute_and_all_of_them_in_ten() -> None:
    path = FOLDER.parent / "results" / "kernels-quick.jsonl"
    footer = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    seconds = [sum(boot["spent_ns"].values()) / 1e9 for boot in footer["boots"]]

    assert len(seconds) == 36
    assert not any("lost" in boot for boot in footer["boots"])
    assert max(seconds) < 15
    assert footer["spent_ns"]["wall"] < 600e9
    assert f"a boot was powered off after {min(seconds):.1f} to {max(seconds):.1f} seconds" in PAGE
