"""What a scenario that is right means."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import ValidationError

from bench.scenario import Expect, Limits, Overcommit, Scenario, ScenarioError, Size, load, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.scenario import Vocabulary


def test_the_example_of_the_design_is_read_whole(big_parent: str, vocabulary: Vocabulary) -> None:
    scenario = load(big_parent, file="big-parent.yaml", vocabulary=vocabulary)

    assert scenario.strategies == ("fork_exec", "vfork_exec", "posix_spawn", "system", "prefork_pipe")
    assert [str(footprint) for footprint in scenario.footprints] == ["64MiB", "1GiB", "40%RAM"]
    assert [str(mode) for mode in scenario.overcommit] == ["current", "mode0", "mode1", "mode2+1.5x"]
    assert scenario.commands[0].argv == ("probe",)
    assert scenario.commands[0].weight == 8
    assert scenario.commands[1].shell == "find . -name '*.py' | wc -l"
    assert [(command.expect.kind, command.expect.number) for command in scenario.commands] == [
        ("exit", 0),
        ("exit", 0),
        ("exec_error", 2),
        ("exit", 3),
        ("signal", signal.SIGKILL),
    ]
    assert scenario.time_limit.seconds == 5
    assert scenario.limits == (Limits(memory=Size(4 * 2**30), pids=200, nofile=1024, nproc=500),)


def test_three_keys_make_a_scenario(scenario: Callable[..., Scenario]) -> None:
    small = scenario()
    assert (small.reapers, small.hygiene, small.backings) == (("waitpid",), ("none",), ("anon",))
    assert (small.launches, small.warmup, small.rounds, small.trials) == (80, 10, 24, 100)
    assert small.overcommit == (Overcommit(mode="current"),)
    assert small.cpu == "same"
    assert [small.map_in_mode, small.crowd, small.no_fork] == [False, False, False]


def test_hazards_alone_make_a_scenario(vocabulary: Vocabulary) -> None:
    alone = load("{name: h, question: What fails, hazards: all}", file="h.yaml", vocabulary=vocabulary)
    assert alone.hazard_names(vocabulary) == ("etxtbsy", "syslog_in_child")


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "footprints: [64MiB, 1.5GiB, 64MB, 33.3%RAM]",
        "overcommit: [current, 0, 1, 2, {mode: 2, limit: 0.9x}, {mode: 2, limit: 2GiB}, {mode: 2, limit: 20%RAM}]",
        "commands: [{shell: 'true', weight: 0.5}, {argv: [x, ''], expect: {signal: 35}}]",
        "cpu: [3, 0, 2]",
        "cpu: 0",
        "limits: [{}, {memory: 50%RAM}, {pids: 20}]",
        "exclude: [{hygiene: [none, close_range], in_flight: 8}]\nhygiene: [none, close_range]\nin_flight: [1, 8]",
        "hazards: all\ntrials: 7\nmap_in_mode: true\ncrowd: true\nno_fork: true",
    ],
)
def test_settings_load_back_to_an_equal_scenario(
    keys: str, scenario: Callable[..., Scenario], vocabulary: Vocabulary
) -> None:
    original = scenario(keys, strategies="all")
    recorded = json.loads(json.dumps(original.settings()))
    again = load(yaml.safe_dump(recorded), file="recorded", vocabulary=vocabulary)
    assert again == original
    assert again.settings() == recorded


def test_settings_are_canonical(scenario: Callable[..., Scenario]) -> None:
    settings = scenario(
        "footprints: 1024MiB\ncpu: [2, 3, 0]\ntime_limit: 0.5s\nin_flight: 4\novercommit: {mode: 2}"
    ).settings()
    assert settings["footprints"] == ["1GiB"]
    assert settings["cpu"] == "0,2-3"
    assert settings["time_limit"] == "500ms"
    assert settings["in_flight"] == [4]
    assert settings["overcommit"] == [2]


def test_a_scalar_is_a_setting_and_a_list_an_axis_of_the_same_key(scenario: Callable[..., Scenario]) -> None:
    assert scenario("vmas: 3") == scenario("vmas: [3]")


@pytest.mark.parametrize(
    ("cpu", "meant"), [("free", "free"), ("0,2-3", (0, 2, 3)), ("3", (3,)), ("[1, 0]", (0, 1)), ("0-1,1", (0, 1))]
)
def test_cpu_is_a_word_or_a_list(cpu: str, meant: object, scenario: Callable[..., Scenario]) -> None:
    assert scenario(f"cpu: {cpu}").cpu == meant


def test_signals_are_known_by_name_and_number() -> None:
    assert Expect.model_validate({"signal": 9}) == Expect.model_validate({"signal": "SIGKILL"})
    assert Expect.model_validate({"exec_error": "EWOULDBLOCK"}).exec_error == "EAGAIN"


def test_names_pass_without_a_vocabulary() -> None:
    """A recorded scenario is readable where its strategies do not exist."""
    assert Scenario.model_validate({"name": "x", "question": "Why?", "strategies": "gone"}).strategies == ("gone",)


def test_scenarios_are_frozen(scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(ValidationError):
        scenario().rounds = 3  # type: ignore[misc]


class TestOverrides:
    def test_an_override_takes_the_place_of_what_the_file_says(self, scenario: Callable[..., Scenario]) -> None:
        small = scenario("rounds: -1\nfootprints: 1GiB", rounds="3", footprints="[4KiB, 1MiB]")
        assert small.rounds == 3
        assert [str(footprint) for footprint in small.footprints] == ["4KiB", "1MiB"]

    def test_dots_reach_into_mappings(self, scenario: Callable[..., Scenario]) -> None:
        small = scenario("limits: {pids: 20}", **{"limits.memory": "1GiB", "limits.pids": "30"})
        assert small.limits == (Limits(memory=Size(2**30), pids=30),)
        assert scenario(**{"limits.nofile": "64"}).limits == (Limits(nofile=64),)

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("launchs", "3", "1:1: launchs: unknown key, did you mean 'launches'?"),
            ("limits.mem", "1GiB", "1:1: limits.mem: unknown key, did you mean 'memory'?"),
            ("rounds", "0", "1:8: rounds: must be a whole number of at least 1, not 0"),
            ("footprints", "[1GiB, 3]", None),
            ("rounds", "", "1:8: rounds: has no value: --set takes KEY=VALUE"),
            ("rounds", "~", "1:8: rounds: has no value (null): give it one, or remove the key"),
            ("rounds", "*r", "1:8: rounds: the alias 'r' has no anchor"),
            ("rounds.x", "1", "1:1: rounds is 3 here, and has no keys: set it whole"),
            ("", "1", "1:1: '' is not a key: --set takes KEY=VALUE"),
            ("rounds\n", "1", "1:1: 'rounds\\n' is not a key: --set takes KEY=VALUE"),
            ("\udcff", "1", "1:1: '\\udcff' is not a key: --set takes KEY=VALUE"),
            ("a..b", "1", "1:1: 'a..b' is not a key: --set takes KEY=VALUE"),
        ],
    )  # fmt: skip
    def test_errors_count_columns_from_the_key(
        self, key: str, value: str, expected: str | None, scenario: Callable[..., Scenario]
    ) -> None:
        with pytest.raises(ScenarioError) as caught:
            scenario("rounds: 3", **{key: value})
        unit = "must be a size such as 64MiB or 40%RAM; 3 has no unit, did you mean 3MiB?"
        assert str(caught.value) == f"--set:{expected or f'1:19: footprints[1]: {unit}'}"


class TestFiles:
    def test_a_file_is_read_with_or_without_byte_order_mark(
        self, tmp_path: Path, big_parent: str, vocabulary: Vocabulary
    ) -> None:
        plain, marked = tmp_path / "plain.yaml", tmp_path / "marked.yaml"
        plain.write_text(big_parent, encoding="utf-8")
        marked.write_text(big_parent, encoding="utf-8-sig")
        assert read(plain, vocabulary=vocabulary) == read(str(marked), vocabulary=vocabulary)

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"name: x\nquestion: \xe4\n", "2:11: not UTF-8: save the file with that encoding"),
            (b"# " + b"x" * 300_000, "1:1: larger than 256KiB: not a scenario"),
            (b"", "1:1: the file is empty"),
        ],
    )
    def test_a_file_that_is_no_text(
        self, content: bytes, expected: str, tmp_path: Path, vocabulary: Vocabulary
    ) -> None:
        path = tmp_path / "x.yaml"
        path.write_bytes(content)
        with pytest.raises(ScenarioError) as caught:
            read(path, vocabulary=vocabulary)
        assert str(caught.value) == f"{path}:{expected}"

    def test_no_file_and_a_directory(self, tmp_path: Path, vocabulary: Vocabulary) -> None:
        for path, reason in ((tmp_path / "none.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
            with pytest.raises(ScenarioError) as caught:
                read(path, vocabulary=vocabulary)
            assert str(caught.value) == f"{path}:1:1: cannot be read: {reason}"

    def test_a_name_of_many_lines_stays_on_one(self, tmp_path: Path, vocabulary: Vocabulary) -> None:
        with pytest.raises(ScenarioError) as caught:
            read(tmp_path / "two\nlines\udcff", vocabulary=vocabulary)
        assert len(str(caught.value).splitlines()) == 1
        str(caught.value).encode("utf-8")
