"""The skeletons in strategies/README.md are strategies: copied out as they stand, they build, list and launch."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from worker_driver import PROBE, Conversation, request

from bench import catalogue as catalogues
from bench import installation
from bench.catalogue import Catalogue


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the strategies in which the skeletons stand."""
    folder = tmp_path_factory.mktemp("checkout")
    strategies = folder / "strategies"
    shutil.copytree(installation.strategies(), strategies, ignore=shutil.ignore_patterns("__pycache__"))
    guide = (strategies / "README.md").read_text(encoding="utf-8")
    for language, suffix, name in (("c", "c", "fork_again"), ("python", "py", "spawn_again")):
        (skeleton,) = re.findall(rf"^```{language}\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
        (strategies / "launch" / f"{name}.{suffix}").write_text(skeleton, encoding="utf-8")
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
