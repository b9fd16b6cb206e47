"""The published schema says what the types say, and what results/README.md says."""

import json
from pathlib import Path

import jsonschema
import pytest
from result_lines import (
    cell,
    failed,
    footer,
    hazard,
    hazard_plan,
    hazard_refused,
    header,
    ok,
    refused,
    session,
    worker,
)

import bench.record
from bench.record import (
    FINDING_KINDS,
    HAZARD_OUTCOMES,
    LAUNCH_OUTCOMES,
    ORACLES,
    SAMPLE_COLUMNS,
    STAGES,
    WORKER_OUTCOMES,
    Samples,
    codes,
)
from bench.record.format import (
    CellFields,
    Finding,
    Footer,
    HazardCounts,
    HazardLine,
    HazardPlan,
    Header,
    Session,
    WorkerLine,
    WorkerOutcome,
)
from bench.record.schema import line_schema, text

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "bench/record/schema.json"
PIPE = cell("vfork_exec", overcommit=2, limit_bytes=1 << 30)
GOLDEN = [
    header([PIPE], rounds=2),
    session(),
    worker(PIPE, [ok(1000, reach=500), failed("spawn_error", 12)], mechanism="clone execve", stderr="sh: no\n"),
    worker(PIPE, None, bystander_max_ns=None),
    refused(PIPE, "skipped", reason="too big"),
    refused(PIPE, "not_allocatable", errno=12),
    header([], hazards=hazard_plan(hazard(), hazard(mitigation="atfork"))),
    hazard(hangs=20, detail="the child waits for a lock that nobody holds", strays=[], stderr="sh: no\n"),
    hazard_refused("exit_in_child", "posix_spawn", "never_possible", "no code of the caller's runs in the child"),
    footer(interrupted="SIGINT"),
    footer() | {"hazards": {"planned": 3, "outcomes": {"tried": 2, "never_possible": 1}, "not_met": 0}},
]


def test_committed_schema_is_fresh() -> None:
    assert SCHEMA.read_text() == text(), "python -m bench.record.schema > bench/record/schema.json"


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(line_schema())


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["type"])
def test_golden_lines_are_valid(line: dict) -> None:
    jsonschema.validate(line, line_schema())


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["type"])
def test_additional_fields_are_valid(line: dict) -> None:
    jsonschema.validate(line | {"of_a_later_version": [1]}, line_schema())


def test_additional_axes_and_columns_are_valid() -> None:
    line = worker(PIPE | {"colour": "red"}, [ok(1000)])
    line["samples"]["major_faults"] = [0]
    jsonschema.validate(line, line_schema())


@pytest.mark.parametrize(
    "line",
    [
        {"type": "epilogue"},
        {key: value for key, value in GOLDEN[2].items() if key != "cell"},
        GOLDEN[2] | {"round": "first"},
        GOLDEN[2] | {"outcome": {"kind": "exploded"}},
        GOLDEN[2] | {"samples": {"call": [1.5]}},
        hazard(oracle="perhaps"),
        hazard(outcome={"kind": "averted"}),
    ],
)
def test_other_lines_are_not(line: dict) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line, line_schema())


def test_words_and_types_agree() -> None:
    definitions = line_schema()["$defs"]
    assert tuple(definitions["WorkerOutcome"]["properties"]["kind"]["enum"]) == WORKER_OUTCOMES
    assert tuple(definitions["Finding"]["properties"]["kind"]["enum"]) == FINDING_KINDS
    assert tuple(definitions["HazardOutcome"]["properties"]["kind"]["enum"]) == HAZARD_OUTCOMES
    assert tuple(definitions["HazardLine"]["properties"]["oracle"]["anyOf"][0]["enum"]) == ORACLES
    assert tuple(Samples.__annotations__) == (*SAMPLE_COLUMNS, "written", "pace")


def test_every_field_is_in_the_documentation() -> None:
    documentation = (ROOT / "results/README.md").read_text()
    types = (
        *(Header, Session, WorkerLine, HazardLine, Footer),
        *(CellFields, Samples, WorkerOutcome, Finding, HazardPlan, HazardCounts),
    )
    fields = {field for of in types for field in (*of.__required_keys__, *of.__optional_keys__)}
    assert sorted(field for field in fields if field not in documentation) == []


def test_codes_name_outcomes_stages_and_the_errno_of_this_machine() -> None:
    assert codes()["outcome"] == list(LAUNCH_OUTCOMES)
    assert codes()["stage"] == list(STAGES)
    assert codes()["errno"]["12"] == "ENOMEM"
    assert json.loads(json.dumps(codes())) == codes()


def test_package_names_what_it_exports() -> None:
    assert all(hasattr(bench.record, name) for name in bench.record.__all__)
