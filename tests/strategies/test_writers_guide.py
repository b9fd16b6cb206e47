"""The skeletons in strategies/README.md are strategies: copied out as they stand, they build, list and launch."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hazard_probes import trying
from worker_driver import PROBE, Conversation, request

from bench import catalogue as catalogues
from bench import installation
from bench.catalogue import Catalogue
from bench.measure import plan_hazards


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the strategies in which the skeletons stand."""
    folder = tmp_path_factory.mktemp("checkout")
    strategies = folder / "strategies"
    shutil.copytree(installation.strategies(), strategies, ignore=shutil.ignore_patterns("__pycache__"))
    guide = (strategies / "README.md").read_text(encoding="utf-8")
    fork_again, umask_again = re.findall(r"^```c\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (spawn_again,) = re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (strategies / "launch" / "fork_again.c").write_text(fork_again, encoding="utf-8")
    (strategies / "launch" / "spawn_again.py").write_text(spawn_again, encoding="utf-8")
    (strategies / "hazard" / "umask_again.c").write_text(umask_again, encoding="utf-8")
    return folder


@pytest.fixture
def extended(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(installation, "CHECKOUT", checkout)
    return catalogues.load()


@pytest.mark.parametrize("name", ["fork_again", "spawn_again"])
def test_a_skeleton_launches(extended: Catalogue, tmp_path: Path, name: str) -> None:
    entry = extended.strategy(name)

    with Conversation(extended, entry, tmp_path / "worker") as worker:
        done = worker.carry_out(request(entry, PROBE, plan=(0, 0, 0)))

    assert [(sample.stage, sample.status) for sample in done.samples] == [(0, 0)] * 3
    assert len(done.arrivals) == 3


def test_the_skeleton_of_a_hazard_is_what_its_oracle_says(extended: Catalogue) -> None:
    strategies = [entry.name for entry in extended.of("strategy")]
    with trying(extended) as make:
        lines = [make(key, trials=2, session=0) for key in plan_hazards(extended, ["umask_again"], strategies)]

    assert [line for line in lines if line["met"] is False or line["outcome"]["kind"] == "failed"] == []
    assert {line["hits"] for line in lines if line["outcome"]["kind"] == "tried"} == {0, 2}
