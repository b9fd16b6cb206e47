"""The static worker, which other distributions and kernels run, is the same worker."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from worker_driver import PROBE, Conversation, request

from bench.catalogue import BuildError, Catalogue, build
from bench.catalogue.native import ask


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> build.Build:
    folder = tmp_path_factory.mktemp("static")
    from bench import installation

    source = folder / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    linked = subprocess.run(
        [build.compiler(), "-static", "-o", folder / "empty", source], capture_output=True, check=False
    )
    if linked.returncode != 0:
        pytest.skip("no static libc to link with (package libc6-dev)")
    try:
        return build.compile_into(folder / "native", installation.strategies(), "glibc-static")
    except BuildError as error:
        pytest.fail(str(error))


def test_it_needs_no_library(static: build.Build) -> None:
    # A dynamic program names its loader in a program header; `strings` and readelf are not needed to see that.
    assert b"/ld-linux" not in static.worker.read_bytes()[:4096]
    assert static.variant == "glibc-static"


def test_it_lists_what_the_dynamic_one_lists(static: build.Build, catalogue: Catalogue) -> None:
    native = {entry for entry in catalogue.entries if entry.runtime == "native"}

    assert set(ask([str(static.worker)], "native")) == native


@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "posix_spawn", "system", "prefork_seqpacket"])
def test_it_launches(static: build.Build, catalogue: Catalogue, tmp_path: Path, name: str) -> None:
    entry = catalogue.strategy(name)

    with Conversation(dataclasses.replace(catalogue, build=static), entry, tmp_path / "worker") as worker:
        done = worker.carry_out(request(entry, PROBE, plan=(0,) * 20))

    assert [(sample.stage, sample.status) for sample in done.samples] == [(0, 0)] * 20
    assert len(done.arrivals) == 20
