"""Every hazard is what its oracle says, a wrong oracle is noticed, and nothing of any probe stays."""

from __future__ import annotations

import json
import re
import shutil
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hazard_probes import BASE, alone, machine, started_with, tried, trying

from bench import catalogue as catalogues
from bench import installation
from bench.measure import plan_hazards
from bench.record import HazardKey

if TYPE_CHECKING:
    from bench.catalogue import Catalogue
    from bench.record import HazardLine

HAZARDS = sorted(path.stem for path in (installation.strategies() / "hazard").iterdir() if path.suffix in {".c", ".py"})
CASES = 2  # what exec_errors goes through, one a trial
ONE_OF_EACH = ("fork_exec", "vfork_exec", "posix_spawn", "system", "prefork_seqpacket")


def keys(catalogue: Catalogue, hazard: str) -> tuple[HazardKey, ...]:
    return plan_hazards(catalogue, [hazard], [entry.name for entry in catalogue.of("strategy")])


def test_every_file_is_a_hazard_and_every_hazard_a_file(catalogue: Catalogue) -> None:
    assert [entry.name for entry in catalogue.of("hazard")] == HAZARDS


def test_every_hazard_says_what_goes_wrong_and_who_says_so(catalogue: Catalogue) -> None:
    for entry in catalogue.of("hazard"):
        assert len(entry.summary) > len(entry.name), entry.name
        assert entry.source, entry.name


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_oracle_is_met_with_every_strategy(catalogue: Catalogue, hazard: str) -> None:
    with trying(catalogue) as make:
        lines = [make(key, trials=CASES, session=0) for key in keys(catalogue, hazard)]

    assert lines, "a hazard that no strategy concerns"
    against = [line for line in lines if line["met"] is False or line["outcome"]["kind"] == "failed"]
    assert against == []
    assert [line for line in lines if line.get("strays")] == []
    if any(line["oracle"] in {"always", "sometimes"} for line in lines):
        assert any(line["hits"] for line in lines)
    for line in lines:
        if line["hits"]:
            assert line["detail"], "a hit says what was seen"


@pytest.mark.parametrize(
    ("hazard", "struck", "spared"),
    [
        ("lock_mutex", {"fork_exec", "thread_fork_exec", "double_fork"}, {"vfork_exec", "posix_spawn", "system"}),
        ("lock_syslog", {"fork_exec"}, {"vfork_exec", "posix_spawn", "prefork_seqpacket"}),
        ("slow_exec", {"vfork_exec", "posix_spawn", "system"}, {"fork_exec", "thread_vfork_exec", "prefork_pipe"}),
        ("self_pipe", {"fork_exec", "vfork_exec"}, {"posix_spawn", "system", "clone3_clear_sighand"}),
        ("handler_in_child", {"vfork_exec", "clone_vm"}, {"fork_exec", "clone3_clear_sighand"}),
        ("text_busy", {"fork_exec", "posix_spawn"}, {"system", "shim", "prefork_seqpacket"}),
        ("inherited_descriptor", {"fork_exec", "posix_spawn", "popen"}, {"shim", "prefork_pipe"}),
        ("blocked_signals", {"fork_exec", "posix_spawn"}, {"posix_spawn_attributes", "shim"}),
        ("no_processes", {"fork_exec", "posix_spawn", "popen", "prefork_pipe", "prefork_seqpacket"}, set()),
        ("exec_format", {"system", "popen", "prefork_system"}, {"fork_exec", "posix_spawn", "shim", "prefork_pipe"}),
        ("no_descriptors", {"popen", "clone3_pidfd"}, {"fork_exec", "posix_spawn", "system"}),
        ("reap_all", {"fork_exec", "popen"}, {"system", "prefork_seqpacket"}),
    ],
)
def test_a_hazard_tells_strategies_apart(catalogue: Catalogue, hazard: str, struck: set[str], spared: set[str]) -> None:
    available = {entry.name for entry in catalogue.of("strategy") if entry.available}
    for strategy in sorted((struck | spared) & available):
        line = tried(catalogue, hazard, strategy)

        assert line["outcome"]["kind"] == "tried", line
        assert line["hits"] == (line["trials"] if strategy in struck else 0), line


def test_a_lock_that_was_copied_locked_is_a_hang_and_takes_no_deadline(catalogue: Catalogue) -> None:
    line = tried(catalogue, "lock_mutex", "fork_exec", trials=10)

    assert (line["trials"], line["hits"], line["hangs"]) == (10, 10, 10)
    assert line["detail"] == "the child waits for a lock that no thread of its process holds, and none ever will"
    assert tried(catalogue, "lock_mutex", "fork_exec", "atfork")["hits"] == 0


def test_handlers_of_atfork_are_tried_where_they_are_called(catalogue: Catalogue) -> None:
    assert tried(catalogue, "lock_mutex", "double_fork", "atfork")["hits"] == 0
    for strategy in ("vfork_exec", "clone_vm_vfork"):
        outcome = tried(catalogue, "lock_mutex", strategy, "atfork")["outcome"]

        assert outcome["kind"] == "not_tried"
        assert "only fork() calls the handlers" in outcome.get("reason", "")


@pytest.mark.parametrize(
    ("launched_by", "said"),
    [
        ("fork_exec", " ran 1 times in the child and 1 times in the caller; its text was written 2 times"),
        ("vfork_exec", " ran in the child, in the caller's memory"),
    ],
)
def test_exit_does_twice_or_elsewhere_what_is_to_be_done_once(
    catalogue: Catalogue, launched_by: str, said: str
) -> None:
    assert tried(catalogue, "exit_in_child", launched_by)["detail"] == "the caller's function at exit" + said


@pytest.mark.parametrize("hazard", ["blocked_signals", "ignored_sigchld"])
def test_of_a_shell_is_demanded_what_this_shell_does(catalogue: Catalogue, hazard: str) -> None:
    for strategy in ("system", "popen"):
        line = tried(catalogue, hazard, strategy)

        assert (line["oracle"], line["met"]) in {("always", True), ("never", True)}


def test_a_mitigation_without_a_place_is_not_tried(catalogue: Catalogue) -> None:
    line = tried(catalogue, "ignored_sigpipe", "system", "signals_reset")

    assert line["outcome"] == {
        "kind": "not_tried",
        "reason": "this strategy has no place between launch and exec for a hygiene",
    }


def test_what_the_mechanism_rules_out_says_so(catalogue: Catalogue) -> None:
    line = tried(catalogue, "exit_in_child", "posix_spawn")

    assert line["outcome"] == {
        "kind": "never_possible",
        "reason": "no code of the caller's runs between the launch and the exec",
    }
    assert (line["trials"], line["met"], line["oracle"]) == (0, None, None)


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hundred_runs_leave_nothing(catalogue: Catalogue, hazard: str) -> None:
    """A hundred probes are started, with each mitigation in turn; those of held locks hang."""
    chosen = [key for key in keys(catalogue, hazard) if key.strategy in ONE_OF_EACH]
    with trying(catalogue) as make:
        first = {key: make(key, trials=1, session=0) for key in chosen}
        possible = [key for key, line in first.items() if line["outcome"]["kind"] == "tried"]
        if not possible:  # as where no control group can be made
            pytest.skip(str(first[chosen[0]]["outcome"]))
        before = machine()
        lines = [make(key, trials=1, session=0) for key, _ in zip(cycle(possible), range(100), strict=False)]
        after = machine()

    assert after == before
    assert sum(line["trials"] for line in lines) > 90
    assert [line for line in lines if line.get("strays") or line["outcome"]["kind"] == "failed"] == []
    assert {line["mitigation"] for line in lines} == {key.mitigation for key in possible}
    if any(line["hangs"] for line in first.values()):
        assert sum(line["hangs"] for line in lines) >= 100 // len(possible)
    assert list(BASE.iterdir()) == []


def test_a_hundred_hung_probes_leave_nothing(wrong: Catalogue) -> None:
    """Their time is over after 0.3 s in this build: nothing in them ends by itself."""
    with trying(wrong) as make:
        make(HazardKey("hangs", "prefork_seqpacket", None), trials=1, session=0)
        before = machine()
        lines = [make(HazardKey("hangs", "prefork_seqpacket", None), trials=1, session=0) for _ in range(100)]
        after = machine()

    assert after == before
    assert {line["outcome"]["kind"] for line in lines} == {"failed"}
    assert list(BASE.iterdir()) == []


def test_a_probe_leaves_nothing_even_without_a_runner(catalogue: Catalogue, tmp_path: Path) -> None:
    """Hung children, a helper and a command that waits for ever: the supervisor buries them itself."""
    for hazard, strategy in (("lock_mutex", "double_fork"), ("inherited_pipe_end", "prefork_system")):
        answer = alone(catalogue, tmp_path, f"hazard={hazard}", f"strategy={strategy}", "trials=20")

        assert json.loads(answer.stdout)["trials"] == 20, answer
        assert list(tmp_path.iterdir()) == []
    assert started_with(tmp_path) == []


def test_a_probe_that_is_asked_what_it_cannot_understand_says_so(catalogue: Catalogue, tmp_path: Path) -> None:
    for words in (["hazard=lock_mutex"], ["hazard=nothing", "strategy=fork_exec"], ["colour=red"]):
        answer = alone(catalogue, tmp_path, *words)

        assert (answer.returncode, answer.stdout) == (2, "")
        assert "not understood" in answer.stderr


@pytest.fixture(scope="module")
def turned_round(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with probes that are wrong: oracles turned round, a hang, a death, a stray, a trial not made."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(installation.strategies(), folder / "strategies", ignore=shutil.ignore_patterns("__pycache__"))
    hazards = folder / "strategies" / "hazard"
    right = (hazards / "exit_in_child.c").read_text()
    turned = right.replace("mitigation ? NEVER : ALWAYS", "mitigation ? ALWAYS : NEVER")
    assert turned != right
    (hazards / "exit_in_child.c").write_text(turned)
    trial = re.compile(r"(static void trial\(struct trial \*trial\)\n\{\n)")
    wrong = {
        "hangs": "for (;;)\n\t\tpause_ms(1000);",
        "dies": "raise(SIGSEGV);",
        "leaves": "if (fork() == 0)\n\t\tfor (;;)\n\t\t\tpause_ms(1000);\n\ttrial_missed();",
        "lacks": 'if (trial->number == 1)\n\t\ttrial_not_made("no such luck");\n\ttrial_missed();',
    }
    for name, line in wrong.items():
        text = (hazards / "ignored_sigpipe.c").read_text().replace('"ignored_sigpipe"', f'"{name}"')
        text = text.replace("#include <signal.h>", "#include <signal.h>\n#include <unistd.h>")
        (hazards / f"{name}.c").write_text(trial.sub(lambda found, line=line: f"{found[1]}\t{line}\n", text))
    supervisor = folder / "strategies" / "host" / "hazard.c"
    soon = supervisor.read_text().replace("((int64_t)10 * 1000000000)", "((int64_t)300 * 1000000)")
    assert soon != supervisor.read_text()
    supervisor.write_text(soon)
    return folder


@pytest.fixture
def wrong(turned_round: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(installation, "CHECKOUT", turned_round)
    return catalogues.load()


def outcome(line: HazardLine) -> tuple[int, int, bool | None]:
    return line["hits"], line["trials"], line["met"]


def test_an_oracle_that_is_turned_round_is_not_met(wrong: Catalogue) -> None:
    assert outcome(tried(wrong, "exit_in_child", "fork_exec")) == (3, 3, False)
    assert outcome(tried(wrong, "exit_in_child", "vfork_exec", "_exit")) == (0, 3, False)


def test_a_hang_that_no_hazard_is_about_is_a_broken_probe_and_no_hit(wrong: Catalogue) -> None:
    before = machine()
    line = tried(wrong, "hangs", "fork_exec", trials=1)

    assert (line["hits"], line["hangs"], line["met"]) == (0, 0, None)
    assert line["outcome"] == {
        "kind": "failed",
        "reason": "the trial hung: nothing had ended after 10 s, and that is not what this hazard is about",
    }
    assert machine() == before


def test_what_a_trial_leaves_alive_is_told_and_ended(wrong: Catalogue) -> None:
    before = machine()
    line = tried(wrong, "leaves", "fork_exec", trials=2)

    assert [(stray["name"], stray["state"]) for stray in line.get("strays", ())] == [("launchbench-wor", "S")] * 2
    assert machine() == before


def test_a_trial_that_was_not_made_does_not_count_and_is_told(wrong: Catalogue) -> None:
    line = tried(wrong, "lacks", "system", trials=3)

    assert (line["trials"], line["hits"], line.get("not_made")) == (2, 0, 1)
    assert line["outcome"] == {"kind": "tried", "reason": "no such luck"}


def test_a_trial_that_dies_has_failed_and_proves_nothing(wrong: Catalogue) -> None:
    line = tried(wrong, "dies", "fork_exec")

    assert line["outcome"] == {"kind": "failed", "reason": "the trial ended with signal 11 and had said nothing"}
    assert line["met"] is None
