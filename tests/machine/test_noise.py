"""Which machines are warned of."""

import os
from typing import Any

import pytest

from bench.machine.noise import RULES, CpuTimes, Observed, cpu_times, is_run, rivals, steal_percent, warnings

GIB = 1 << 30

QUIET: dict[str, Any] = {
    "load_avg_1min": 0.1,
    "cpu_count": 8,
    "cpu_usable": 8,
    "governor": "performance",
    "turbo": False,
    "clocksource": "tsc",
    "virtualisation": "none",
    "cpu_steal_percent": 0.0,
    "swap_used_bytes": 0,
    "memory_total_bytes": 64 * GIB,
    "memory_available_bytes": 60 * GIB,
    "thp_enabled": "madvise",
    "randomize_va_space": 2,
    "seccomp": "disabled",
    "traced": False,
}

NOISY = [
    ("high-load", {"load_avg_1min": 0.9}),
    ("few-cpus", {"cpu_usable": 1}),
    ("cpu-quota", {"cgroup_cpu_quota": 1.5}),
    ("steal", {"cpu_steal_percent": 3.2}),
    ("virtual-machine", {"virtualisation": "kvm"}),
    ("governor", {"governor": "powersave"}),
    ("governor", {"governor": "performance,schedutil"}),
    ("turbo", {"turbo": True}),
    ("clocksource", {"clocksource": "hpet"}),
    ("clocksource", {"clocksource": "kvm-clock"}),
    ("swap-in-use", {"swap_used_bytes": GIB}),
    ("little-memory", {"memory_available_bytes": 8 * GIB}),
    ("little-memory", {"memory_total_bytes": GIB, "memory_available_bytes": GIB // 2}),
    ("cgroup-tight", {"cgroup_memory_free_bytes": GIB // 2}),
    ("cgroup-tight", {"cgroup_memory_free_bytes": 4 * GIB}),
    ("thp-always", {"thp_enabled": "always"}),
    ("no-aslr", {"randomize_va_space": 0}),
    ("seccomp", {"seccomp": "filter"}),
    ("traced", {"traced": True}),
]

STILL_QUIET = [
    {"load_avg_1min": 6.0, "cpu_count": 128},
    {"cgroup_cpu_quota": 8.0},
    {"cpu_steal_percent": 0.4},
    {"clocksource": "arch_sys_counter"},
    {"swap_used_bytes": 1 << 20},
    {"cgroup_memory_free_bytes": 50 * GIB},
    {"thp_enabled": "never"},
    {"randomize_va_space": 1},
]


@pytest.mark.parametrize(("rule", "change"), NOISY)
def test_one_noisy_fact_is_one_warning(rule: str, change: dict[str, Any]) -> None:
    assert [warning.id for warning in warnings(QUIET | change)] == [rule]


@pytest.mark.parametrize("change", [{}, *STILL_QUIET])
def test_a_quiet_machine_is_not_warned_of(change: dict[str, Any]) -> None:
    assert warnings(QUIET | change) == []


def test_a_fact_that_is_absent_warns_of_nothing() -> None:
    assert warnings({}) == []


def test_every_rule_has_a_case_here_and_a_name_of_its_own() -> None:
    names = [rule.id for rule in RULES]

    assert len(set(names)) == len(names)
    assert {name for name, _ in NOISY} | {"rival"} == set(names)


@pytest.mark.parametrize(("rule", "change"), NOISY)
def test_a_warning_has_its_figures_filled_in_and_a_remedy(rule: str, change: dict[str, Any]) -> None:
    (warning,) = warnings(QUIET | change)

    assert "{" not in warning.sentence, rule
    assert warning.remedy


def test_figures_are_the_machines_own() -> None:
    (warning,) = warnings(QUIET | {"memory_available_bytes": 8 * GIB})

    assert warning.sentence.startswith("8GiB of 64GiB memory are available")


def test_recent_steal_counts_more_than_steal_since_the_boot() -> None:
    assert warnings(QUIET | {"cpu_steal_percent": 9.0}, Observed(steal_percent=0.0)) == []
    (warning,) = warnings(QUIET, Observed(steal_percent=4.0))
    assert warning.sentence == "the hypervisor took 4.0% of the CPU time just now: neighbours are busy"


def test_another_run_is_the_gravest() -> None:
    noise = warnings(QUIET | {"turbo": True}, Observed(rivals=(12, 34)))

    assert [warning.id for warning in noise] == ["rival", "turbo"]
    assert "12, 34" in noise[0].sentence


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        (CpuTimes(0, 0), CpuTimes(200, 3), 1.5),
        (CpuTimes(100, 2), CpuTimes(200, 3), 1.0),
        (CpuTimes(100, 2), CpuTimes(100, 2), None),
        (CpuTimes(100, 2), CpuTimes(110, 1), 0.0),  # the counter of a migrated guest went back
    ],
)
def test_steal_is_a_share_of_the_time_between_two_moments(
    before: CpuTimes, after: CpuTimes, percent: float | None
) -> None:
    assert steal_percent(before, after) == percent


def test_this_machines_counters_can_be_read() -> None:
    times = cpu_times()

    assert times.all > times.stolen >= 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/usr/bin/python3 /usr/bin/launchbench run quick", True),
        ("launchbench run quick.yaml", True),
        ("python -m bench run quick", True),
        ("launchbench report a.jsonl", False),
        ("vim launchbench", False),
        ("python -m pytest tests/bench", False),
        ("sh -c sleep", False),
        ("", False),
    ],
)
def test_a_rival_is_known_by_its_command_line(line: str, *, expected: bool) -> None:
    assert is_run(line.split()) is expected


def test_a_process_is_no_rival_of_itself() -> None:
    assert os.getpid() not in rivals(os.getpid())


def test_rivals_of_a_process_that_is_gone_can_be_asked_for() -> None:
    assert isinstance(rivals(2**22 + 1), tuple)
