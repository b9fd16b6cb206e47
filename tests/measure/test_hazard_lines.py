"""Which hazards are planned, what a probe's answer becomes, and how a run tries them; without a process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from imagined_runs import CATALOGUE, ImaginedPlace, ImaginedSite, cell, plan
from test_runner import Watching

from bench.catalogue import Entry
from bench.measure import header, plan_hazards, resumed, run
from bench.measure.hazards import Tried, line, not_tried, refusal
from bench.record import HazardKey, Journal, hazard_key, read
from bench.record.schema import line_schema

if TYPE_CHECKING:
    from pathlib import Path

    from bench.record import Footer, HazardLine

KNOWN = replace(
    CATALOGUE,
    entries=(
        *CATALOGUE.entries,
        Entry("hazard", "slow_exec", "stands still", None, source="vfork(2)"),
        Entry("hazard", "lock", "hangs", None, source="fork(2)", mitigations=("atfork", "before")),
        Entry("hazard", "moonlit", "glows", "the moon is not full", source="folklore"),
        Entry("hazard", "gil", "waits", None, runtime="python", source="os.fork()"),
    ),
)
SLOW = HazardKey("slow_exec", "vfork_exec", None)
MADE = json.dumps({"outcome": "tried", "reason": None, "oracle": "always", "trials": 3, "hits": 3, "hangs": 1,
                   "detail": "slept"})  # fmt: skip


def written(tried: Tried, key: HazardKey = SLOW) -> HazardLine:
    return line(key, tried, planned=3, session=1, started="2026-01-03T10:22:01Z")


def test_each_strategy_comes_as_it_is_and_with_each_mitigation() -> None:
    assert plan_hazards(KNOWN, ["lock", "slow_exec"], ["vfork_exec", "system"]) == (
        *(HazardKey("lock", "vfork_exec", how) for how in (None, "atfork", "before")),
        *(HazardKey("lock", "system", how) for how in (None, "atfork", "before")),
        SLOW,
        HazardKey("slow_exec", "system", None),
    )


def test_the_floor_is_left_out_and_a_strategy_of_the_other_worker_comes_once() -> None:
    everything = [entry.name for entry in KNOWN.of("strategy")]
    planned = plan_hazards(KNOWN, ["lock"], everything)

    assert {key.strategy for key in planned} == {"vfork_exec", "system", "clone3_pidfd", "subprocess_run"}
    assert [key.mitigation for key in planned if key.strategy == "subprocess_run"] == [None]
    assert refusal(KNOWN, HazardKey("lock", "subprocess_run", None)) == (
        "the native worker makes its trials, and does not have this strategy"
    )
    assert refusal(KNOWN, HazardKey("gil", "subprocess_run", None)) is None
    assert refusal(KNOWN, HazardKey("gil", "system", None)) == (
        "the Python worker makes its trials, and does not have this strategy"
    )


def test_what_is_not_for_this_machine_is_known_beforehand() -> None:
    assert refusal(KNOWN, SLOW) is None
    assert refusal(KNOWN, HazardKey("moonlit", "vfork_exec", None)) == "the moon is not full"
    assert refusal(KNOWN, HazardKey("slow_exec", "clone3_pidfd", None)) == "no clone3 before Linux 5.3"
    assert refusal(KNOWN, HazardKey("gone", "vfork_exec", None)) == "this version's workers do not have the hazard gone"


def test_an_answer_becomes_a_line() -> None:
    found = written(Tried(MADE, 0, spent={"trials": 5, "overhead": 1}))

    jsonschema.validate(found, line_schema())
    assert (found["outcome"], found["oracle"], found["met"]) == ({"kind": "tried"}, "always", True)
    assert (found["planned"], found["trials"], found["hits"], found["hangs"]) == (3, 3, 3, 1)
    assert found["detail"] == "slept"
    assert "strays" not in found


def test_an_oracle_that_the_hits_contradict_is_not_met() -> None:
    assert written(Tried(MADE.replace('"hits": 3', '"hits": 2'), 0))["met"] is False


@pytest.mark.parametrize(
    ("tried", "reason"),
    [
        (Tried("", None), "the probe did not end in its time and was killed"),
        (Tried("", -11), "the probe ended with signal 11 and had said nothing"),
        (Tried("hello", 70), "the probe ended with status 70 and had said nothing"),
        (Tried('{"outcome": "averted"}', 0), "the probe ended with status 0 and had said nothing"),
    ],
)
def test_a_probe_that_broke_has_failed_and_meets_nothing(tried: Tried, reason: str) -> None:
    found = written(tried)

    jsonschema.validate(found, line_schema())
    assert (found["outcome"], found["met"]) == ({"kind": "failed", "reason": reason}, None)


def test_what_outlived_the_probe_is_in_the_line() -> None:
    stray = {"pid": 7, "name": "probe", "state": "sleeping"}

    found = written(Tried(MADE, 0, strays=[stray], stderr="sh: no"))

    jsonschema.validate(found, line_schema())
    assert (found.get("strays"), found.get("stderr")) == ([stray], "sh: no")


def test_what_trials_left_and_what_was_not_made_is_in_the_line() -> None:
    left = {"pid": 8, "name": "sh", "state": "S"}
    answer = json.loads(MADE) | {"strays": [left], "not_made": 2, "reason": "no lock"}

    found = written(Tried(json.dumps(answer), 0, strays=[{"pid": 9, "name": "sh", "state": "sleeping"}]))

    jsonschema.validate(found, line_schema())
    assert [stray["pid"] for stray in found.get("strays", ())] == [8, 9]
    assert (found.get("not_made"), found["outcome"]) == (2, {"kind": "tried", "reason": "no lock"})


class Attempts:
    """Tries nothing and answers; every `fork` is against its oracle."""

    def __init__(self) -> None:
        self.made: list[tuple[HazardKey, int]] = []

    def __call__(self, key: HazardKey, *, trials: int, session: int) -> HazardLine:
        self.made.append((key, trials))
        if key.strategy == "clone3_pidfd":
            return not_tried(key, "no clone3", session=session, started="2026-01-03T10:22:01Z")
        return line(key, Tried(MADE, 0), planned=trials, session=session, started="2026-01-03T10:22:01Z")


KEYS = plan_hazards(KNOWN, ["slow_exec", "lock"], ["vfork_exec", "clone3_pidfd"])
PLAN = replace(plan(cell(), trials=7), hazards=KEYS)


def carried_out(path: Path, attempts: Attempts, **more: Any) -> tuple[Footer, Watching]:
    watching = Watching(interrupt_after=more.pop("interrupt_after", None))
    journal = more.pop("journal", None) or Journal.create(
        path, header(PLAN, KNOWN, {"kernel": "6.1"}, path="small.yaml", text="...")
    )
    with journal:
        footer = run(
            PLAN,
            catalogue=KNOWN,
            sites={(None, None): ImaginedSite(ImaginedPlace())},
            journal=journal,
            observer=watching,
            interruption=watching.interruption,
            attempt=attempts,
            **more,
        )
    return footer, watching


def test_hazards_come_after_the_cells_once_each(tmp_path: Path) -> None:
    attempts = Attempts()
    footer, watching = carried_out(tmp_path / "r.jsonl", attempts)

    assert attempts.made == [(key, 7) for key in KEYS]
    assert watching.tried_ == list(KEYS)
    recording = read(tmp_path / "r.jsonl")
    assert [hazard_key(one) for one in recording.hazards] == list(KEYS)
    assert recording.planned_hazards == len(KEYS)
    assert footer["complete"]
    assert footer.get("hazards") == {"planned": 8, "outcomes": {"tried": 4, "not_tried": 4}, "not_met": 0}
    for one in recording.hazards:
        jsonschema.validate(one, line_schema())


def test_an_interrupted_run_is_resumed_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    first, _ = carried_out(path, Attempts(), interrupt_after=3)
    assert (first["complete"], first["interrupted"]) == (False, "SIGINT")

    journal, recording = Journal.reopen(path)
    attempts = Attempts()
    again = resumed(PLAN.scenario, recording, header(PLAN, KNOWN, {"kernel": "6.1"}, path="", text=""))
    assert again.hazards == KEYS
    last, _ = carried_out(path, attempts, journal=journal, session=1, before=recording.workers, tried=recording.hazards)

    assert len(recording.hazards) == 3
    assert [key for key, _ in attempts.made] == list(KEYS[3:])
    assert last["complete"]
    assert last.get("hazards") == {"planned": 8, "outcomes": {"tried": 4, "not_tried": 4}, "not_met": 0}
    assert len(read(path).hazards) == len(KEYS)
