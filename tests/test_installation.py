"""Where things are found, in a checkout and in a wheel; and that a wheel works without checkout and compiler."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench import installation

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parent.parent


# In a checkout


def test_a_checkout_has_its_folders_beside_the_package() -> None:
    assert installation.is_checkout()
    assert installation.strategies() == CHECKOUT / "strategies"
    assert installation.scenarios() == CHECKOUT / "scenarios"
    assert installation.builds()[0] == CHECKOUT / "build" / "native"


def test_builds_of_a_checkout_that_cannot_be_written_go_to_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert installation.builds()[1] == tmp_path / "launchbench" / "native"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert installation.builds()[1] == tmp_path / ".cache" / "launchbench" / "native"


@pytest.fixture
def wheel_like(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The package as a wheel has it: nothing beside it, everything under `shipped`."""
    monkeypatch.setattr(installation, "CHECKOUT", tmp_path)
    monkeypatch.setattr(installation, "SHIPPED", tmp_path / "bench" / "shipped")
    return tmp_path / "bench" / "shipped"


def test_a_wheel_carries_its_folders(wheel_like: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert not installation.is_checkout()
    assert installation.strategies() == wheel_like / "strategies"
    assert installation.scenarios() == wheel_like / "scenarios"
    assert installation.builds() == (tmp_path / "launchbench" / "native",)
    assert installation.results() == tmp_path


@pytest.mark.parametrize("name", ["some/where.yaml", "./quick", "mine.yml", "none.yaml"])
def test_what_looks_like_a_path_is_one(name: str) -> None:
    assert installation.scenario_path(name) == Path(name)


def test_a_name_is_that_of_a_scenario_that_ships() -> None:
    assert installation.scenario_path("quick") == CHECKOUT / "scenarios" / "quick.yaml"


def test_a_file_without_an_ending_is_found_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").touch()
    monkeypatch.chdir(tmp_path)

    assert installation.scenario_path("mine") == Path("mine")


def test_a_folder_is_no_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(installation.UnknownScenario, match="no scenario 'mine'"):
        installation.scenario_path("mine")


def test_a_slip_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(installation.UnknownScenario, match=r"^no scenario 'quik'; did you mean quick\?$"):
        installation.scenario_path("quik")


# The wheel. Building it compiles the worker once: a few seconds, shared by all tests below.


def pip(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout. Without hatchling at hand pip gets it, where there is a registry to get it from."""
    folder = tmp_path_factory.mktemp("wheel")
    at_hand = importlib.util.find_spec("hatchling") is not None
    isolation = ["--no-build-isolation"] if at_hand else ["--retries=0", "--timeout=5"]
    result = pip("wheel", "--no-deps", *isolation, "--wheel-dir", folder, CHECKOUT)
    if result.returncode != 0 and "No matching distribution found for hatchling" in result.stderr:
        pytest.skip("hatchling is neither installed nor to be had")
    assert result.returncode == 0, result.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `launchbench` of the wheel: in an environment of its own, away from the checkout and without a compiler."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    result = pip("--python", folder / "venv" / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    assert result.returncode == 0, result.stderr
    # What it depends on is taken from here: PYTHONPATH does not heed the editable install's .pth file.
    environment = {
        "PATH": str(folder / "venv" / "bin"),
        "PYTHONPATH": sysconfig.get_path("platlib"),
        "HOME": str(folder),
    }

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [folder / "venv" / "bin" / "launchbench", *map(str, arguments)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_wheel_is_for_any_python_3_on_this_platform(wheel: Path) -> None:
    assert wheel.name.split("-", 2)[2] == f"py3-none-linux_{platform.machine()}.whl"


def test_the_wheel_carries_everything_that_is_found_by_path(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        build = json.loads(archive.read("bench/shipped/native/build.json"))

    for source in ("strategies", "scenarios"):
        found = {path for path in (CHECKOUT / source).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        assert found
        assert {f"bench/shipped/{path.relative_to(CHECKOUT)}" for path in found} <= set(entries)
    for program in ("launchbench-worker", "probe"):
        assert entries[f"bench/shipped/native/{program}"].external_attr >> 16 & 0o111, f"{program} cannot be executed"
    assert set(build) >= {"digest", "variant", "compiler", "flags"}
    assert "bench/record/schema.json" in entries
    assert not any(name.startswith(("tests/", "build/", "results/")) or "__pycache__" in name for name in entries)


def test_what_is_installed_is_not_the_checkout(installed: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = installed("list", "scenarios", "--json")

    assert result.returncode == 0, result.stderr
    assert {row["name"] for row in json.loads(result.stdout)} == {
        path.stem for path in (CHECKOUT / "scenarios").glob("*.yaml")
    }
    assert str(CHECKOUT) not in installed("run", "quick", "--dry-run").stderr


def test_the_wheel_lists_its_strategies_without_a_compiler(
    installed: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    result = installed("list", "strategies")

    assert (result.returncode, result.stderr) == (0, "")
    assert "vfork_exec" in result.stdout
    assert "subprocess_run" in result.stdout


def test_the_wheel_measures_without_a_compiler(
    installed: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "tiny.yaml").write_text(
        "name: tiny\nquestion: Does it work?\nstrategies: [vfork_exec, subprocess_run]\n"
        "footprints: 1MiB\nlaunches: 2\nwarmup: 0\nrounds: 1\nreference: none\n"
    )

    result = installed("run", tmp_path / "tiny.yaml", "-o", tmp_path / "r.jsonl", "-q")

    assert (result.returncode, result.stderr) == (0, "")
    footer = json.loads((tmp_path / "r.jsonl").read_text().splitlines()[-1])
    assert footer["launches"] == {"ok": 4}


def test_an_editable_install_has_the_checkouts_own_worker() -> None:
    from bench import catalogue

    build = catalogue.load().build

    assert build.folder.parent in installation.builds()
    assert os.access(build.worker, os.X_OK)
