"""Builds, kernels and distros given to one run: in one order, told apart in the file, side by side in reports."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import small_root

from bench import catalogue as catalogues
from bench.catalogue import build_of
from bench.commands.places import guest_bytes
from bench.kernels import KernelImage, Root, UnavailableError
from bench.record import read
from bench.record.schema import line_schema
from bench.scenario import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_musl = pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="needs musl-gcc (package musl-tools)")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to change roots")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.jsonl"


@pytest.fixture
def run(launchbench: Callable[..., Any], file: Path) -> Callable[..., Any]:
    return lambda scenario, *arguments: launchbench("run", scenario, "-o", file, *arguments)


@pytest.fixture
def small_distro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A distro that is there without a network."""
    root = Root(
        name="small",
        path=small_root.make(tmp_path / "small"),
        distro="Small 1",
        libc="glibc 2.36",
        sha256="0" * 64,
        suite="small",
        packages={},
    )
    monkeypatch.setattr("bench.kernels.usual_worker", lambda _: "glibc")
    monkeypatch.setattr("bench.kernels.obtain_root", lambda _name, _watch: root)
    monkeypatch.setattr("bench.kernels.obtain_development", lambda _name, _watch: root)
    # Its library is this machine's own.
    monkeypatch.setattr("bench.kernels.builds.build_for", lambda _root, worker: build_of(worker))
    return root.name


@pytest.mark.parametrize(
    ("machine_gib", "guest_mib"),
    [(64, 16 * 1024 + 512), (22, 16 * 1024 + 512), (21, 4 * 1024 + 512), (5, 1024)],
    ids=["room for all", "just", "not for 8 GiB", "not for 2 GiB"],
)
def test_a_guest_is_as_large_as_the_largest_footprint_needs_for_which_there_is_ram(
    tiny: Callable[..., Path], machine_gib: int, guest_mib: int
) -> None:
    text = tiny(footprints='["1MiB", "40%RAM", "2GiB", "8GiB"]').read_text()
    scenario = load(text, file="tiny.yaml", vocabulary=catalogues.load().vocabulary())

    assert guest_bytes(scenario, machine_gib << 30) == guest_mib << 20


@needs_musl
def test_musl_and_glibc_run_the_same_scenario_and_stand_side_by_side(
    run: Callable[..., Any], launchbench: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    strategies, libcs = ("fork_exec", "vfork_exec", "posix_spawn"), ("glibc", "musl")
    scenario = tiny(strategies=f"[{', '.join(strategies)}]", rounds="2")

    result = run(scenario, "--worker", "musl", "--worker", "glibc")

    assert result.exit_code == 0, result.stderr
    rows = [line.split()[:3] for line in result.stdout.splitlines()]
    table = [(row[0], row[1]) for row in rows if row[2:] == ["6/6"]]
    assert sorted(table) == sorted(itertools.product(strategies, libcs))
    assert all(table[at][0] == table[at + 1][0] for at in range(0, 6, 2)), "the rows of a strategy stand together"
    assert "fork -> execve [musl]" in result.stdout
    assert "clone(SIGCHLD) -> execve [glibc]" in result.stdout

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, line_schema())
    measured = [line for line in lines if line["type"] == "worker" and not line["cell"].get("twin")]
    by_round = [[line["cell"]["worker"] for line in measured if line["round"] == at] for at in (0, 1)]
    assert [sorted(workers) for workers in by_round] == [["glibc"] * 3 + ["musl"] * 3] * 2, "each round has both"

    cells = json.loads(launchbench("report", file, "--format", "json").stdout)["cells"]
    told = {(cell["strategy"], cell["worker"], cell["libc"].split()[0], cell["clock"]) for cell in cells}
    assert told == {(name, libc, libc, "hardware") for name in strategies for libc in libcs}


@needs_musl
def test_only_one_of_several_builds(run: Callable[..., Any], tiny: Callable[..., Path], file: Path) -> None:
    result = run(tiny(), "--worker", "musl", "--worker", "glibc", "--only", "worker=musl")

    assert result.exit_code == 0
    assert {line["cell"]["worker"] for line in read(file).workers} == {"musl"}


def test_without_its_compiler_a_build_is_skipped_with_the_package(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which

    def without_musl(name: str, *rest: Any, **more: Any) -> str | None:
        return None if name == "musl-gcc" else which(name, *rest, **more)

    monkeypatch.setattr("shutil.which", without_musl)

    result = run(tiny(), "--worker", "musl", "--worker", "glibc")

    assert result.exit_code == 0
    outcomes = {line["cell"]["worker"]: line["outcome"] for line in read(file).workers}
    assert outcomes["glibc"] == {"kind": "finished"}
    assert outcomes["musl"]["kind"] == "skipped"
    assert "package musl-tools" in outcomes["musl"]["reason"]
    assert "package musl-tools" in result.stdout


@needs_root
def test_a_distro_is_measured_beside_this_machine(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path, small_distro: str
) -> None:
    scenario = tiny(strategies="[vfork_exec, os_system]", commands=f"[{{shell: 'test -e {small_root.MARK}'}}]")

    result = run(scenario, "--distro", small_distro, "--distro", "here")

    assert result.exit_code == 0, result.stderr
    lines = {(line["cell"]["strategy"], line["cell"]["distro"]): line for line in read(file).workers}
    there, here = lines["vfork_exec", "small"], lines["vfork_exec", None]
    assert there["place"] == {"distro": "Small 1", "libc": "glibc 2.36"}
    assert set(there["samples"]["outcome"]) == {0}, "its shell saw the root's own files"
    assert set(here["samples"]["outcome"]) == {3}, "and this machine's did not"
    assert lines["os_system", "small"]["outcome"]["kind"] == "unsupported"
    assert "also in      small: Small 1, " in result.stdout


@needs_root
def test_a_run_in_a_root_is_resumed_there(
    run: Callable[..., Any], launchbench: Callable[..., Any], tiny: Callable[..., Path], file: Path, small_distro: str
) -> None:
    run(tiny(rounds="2"), "--distro", small_distro, "-q")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:3]))

    result = launchbench("run", "--resume", file, "-q")

    assert result.exit_code == 0, result.stderr
    workers = read(file).workers
    assert len(workers) == 4
    assert {line["place"]["distro"] for line in workers} == {"Small 1"}


def test_what_cannot_be_had_is_skipped_with_its_reason(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(name: str, _watch: object = None) -> Root:
        raise UnavailableError(f"distro {name}: no mirror has it")

    monkeypatch.setattr("bench.kernels.obtain_root", unavailable)
    monkeypatch.setattr("bench.measure.here.root_refusal", lambda: None)

    result = run(tiny(), "--distro", "bullseye", "--distro", "here")

    assert result.exit_code == 0
    kinds = {line["cell"]["distro"]: line["outcome"] for line in read(file).workers}
    assert kinds[None] == {"kind": "finished"}
    assert kinds["bullseye"] == {"kind": "skipped", "reason": "distro bullseye: no mirror has it"}


def test_what_could_not_be_used_is_not_fetched(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kernel", "root", "development"):
        monkeypatch.setattr(f"bench.kernels.obtain_{name}", lambda *_: pytest.fail("it was fetched"))
    monkeypatch.setattr("bench.kernels.qemu.missing", lambda: "no QEMU (package qemu-system-x86)")
    monkeypatch.setattr("bench.measure.here.root_refusal", lambda: "needs root")

    result = run(tiny(), *("--kernel", "5.10", "--kernel", "here", "--distro", "bullseye", "--distro", "here"))

    assert result.exit_code == 0, result.stderr
    told = {(line["cell"]["kernel"], line["cell"]["distro"]): line["outcome"] for line in read(file).workers}
    no_guest = {"kind": "skipped", "reason": "no QEMU (package qemu-system-x86)"}
    assert told["5.10", None] == told["5.10", "bullseye"] == no_guest
    assert told[None, "bullseye"] == {"kind": "skipped", "reason": "needs root"}
    assert told[None, None] == {"kind": "finished"}


def test_a_run_does_not_go_on_with_another_image_of_its_kernel(
    run: Callable[..., Any],
    launchbench: Callable[..., Any],
    tiny: Callable[..., Path],
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "bzImage"
    images = iter("ab")

    def image(name: str, _watch: object) -> KernelImage:
        return KernelImage(name, "6.9.0-mine", path, 64 * next(images))

    monkeypatch.setattr("bench.kernels.check_kernel", lambda _: None)
    monkeypatch.setattr("bench.kernels.obtain_kernel", image)
    monkeypatch.setattr("bench.kernels.qemu.missing", lambda: None)
    monkeypatch.setattr("bench.commands.places._guest", lambda *_: "no guest in this test")
    run(tiny(rounds="2"), "--kernel", path, "--worker", "glibc-static", "-q")
    header, *workers, _ = (json.loads(line) for line in file.read_text().splitlines())
    first = workers[0] | {"place": {"image": 64 * "a"}}
    file.write_text("".join(f"{json.dumps(line)}\n" for line in (header, first)))

    result = launchbench("run", "--resume", file, "-q")

    assert result.exit_code == 2
    assert f"kernel {path} is another image by now: SHA-256 bbbb" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--worker", "muls"), "--worker muls: there is no such build, did you mean 'musl'?"),
        (("--kernel", "5.100"), "no kernel '5.100'; did you mean "),
        (("--distro", "bulseye"), "no distro 'bulseye'; did you mean bullseye?"),
    ],
)
def test_a_name_that_nothing_has_is_an_error_before_anything_is_written(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(tiny(), *arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert not file.exists()


@pytest.mark.parametrize("option", ["--worker", "--kernel", "--distro"])
def test_a_file_is_resumed_as_it_was_planned(launchbench: Callable[..., Any], file: Path, option: str) -> None:
    result = launchbench("run", "--resume", file, option, "glibc")

    assert result.exit_code == 2
    assert option in result.stderr


@needs_musl
def test_list_shows_what_a_build_lacks(launchbench: Callable[..., Any]) -> None:
    rows = json.loads(launchbench("list", "strategies", "--worker", "musl", "--json").stdout)
    by_name = {row["name"]: row for row in rows}

    assert by_name["vfork_exec"]["available"] is True
    assert by_name["pidfd_spawn"]["reason"] == "this libc has no pidfd_spawn (glibc 2.39)"
    assert "interpreter" in by_name["subprocess_run"]["reason"]


def test_a_dry_run_foresees_what_it_can(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.kernels.qemu.missing", lambda: "no QEMU (package qemu-system-x86)")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    arguments = ["--dry-run", "--only", "strategy=vfork_exec"]

    elsewhere = launchbench("run", tiny(), "--kernel", "5.10", "--distro", "bullseye", "--distro", "here", *arguments)

    here = launchbench(
        "run", tiny(), "--worker", "glibc-static", "--distro", "bullseye", "--distro", "here", *arguments
    )

    assert elsewhere.exit_code == here.exit_code == 0, elsewhere.stderr + here.stderr
    assert elsewhere.stdout.count("skipped: no QEMU (package qemu-system-x86)") == 2
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in here.stdout.splitlines() if "/1MiB/" in line}
    assert lines["vfork_exec/1MiB/worker=glibc-static/distro=bullseye"].startswith("skipped: needs root")
    assert lines["vfork_exec/1MiB/worker=glibc-static"] == "measured"
