"""`launchbench list`: what there is on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = {
    "strategies": "strategy",
    "reapers": "reaper",
    "hygiene": "hygiene",
    "backings": "backing",
    "hazards": "hazard",
    "scenarios": "scenario",
    "kernels": "kernel",
    "distros": "distro",
}
BY_AGE = {"kernel", "distro"}


def listed(launchbench: Callable[..., Any], *arguments: str) -> list[dict[str, Any]]:
    result = launchbench("list", "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_json_is_an_array_of_what_programs_read(launchbench: Callable[..., Any]) -> None:
    rows = listed(launchbench)

    assert rows
    for row in rows:
        more = {"source", "mitigations"} if row["kind"] == "hazard" else set()
        assert set(row) == {"kind", "name", "summary", "available", "reason"} | more
        assert row["kind"] in KINDS.values()
        assert all(isinstance(row[key], str) and row[key] for key in ("name", "summary"))
        assert row["available"] is (row["reason"] is None)
        assert row["reason"] is None or isinstance(row["reason"], str)
    names = [(row["kind"], row["name"]) for row in rows]
    assert len(set(names)) == len(names)


def test_a_hazard_says_where_its_claim_comes_from_and_what_is_recommended(launchbench: Callable[..., Any]) -> None:
    (row,) = [row for row in listed(launchbench, "hazards") if row["name"] == "lock_mutex"]

    assert row["source"].startswith("POSIX.1-2017, fork()")
    assert row["mitigations"] == ["atfork", "call_before"]
    assert f"[{row['source']}]" in launchbench("list", "hazards").stdout


def test_all_kinds_are_listed_of_workers_that_are_asked_once(
    launchbench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    load = catalogue.load
    monkeypatch.setattr(catalogue, "load", lambda worker: asked.append(worker) or load(worker))

    assert {row["kind"] for row in listed(launchbench)} == set(KINDS.values())
    assert asked == ["glibc"]


@pytest.mark.parametrize(("asked", "kind"), KINDS.items())
def test_one_kind_alone_is_that_part_of_all(launchbench: Callable[..., Any], asked: str, kind: str) -> None:
    rows = listed(launchbench, asked)

    assert rows == [row for row in listed(launchbench) if row["kind"] == kind]
    if kind not in BY_AGE:
        assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("strategies", {"null", "fork_exec", "vfork_exec", "posix_spawn", "system", "prefork_pipe", "subprocess_run"}),
        ("reapers", {"waitpid"}),
        ("hygiene", {"none"}),
        ("backings", {"anon", "reserved"}),
        ("scenarios", {"quick"}),
    ],
)
def test_what_every_linux_has_is_there(launchbench: Callable[..., Any], kind: str, names: set[str]) -> None:
    assert names <= {row["name"] for row in listed(launchbench, kind) if row["available"]}


def test_people_get_a_table(launchbench: Callable[..., Any]) -> None:
    result = launchbench("list", "strategies")

    heading, _, *rows = result.stdout.splitlines()
    assert heading.split() == ["kind", "name", "what", "it", "is"]
    assert any(row.startswith("strategy  vfork_exec ") for row in rows)


def test_scenarios_are_listed_with_the_question_they_answer(launchbench: Callable[..., Any]) -> None:
    (quick,) = [row for row in listed(launchbench, "scenarios") if row["name"] == "quick"]

    assert quick["summary"].endswith("?")
