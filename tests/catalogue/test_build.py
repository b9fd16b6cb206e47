"""A build is identified by all that went into it, made once, found again, and whole or not there at all."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench.catalogue import Build, BuildError, build


def digest(strategies: Path, variant: str = "glibc", version: str = "gcc 12.2") -> str:
    return build.digest(strategies, variant, version)


# ---- identity


@pytest.mark.parametrize("changed", ["host/main.c", "host/host.h", "launch/crawl.py", "command/probe.c"])
def test_a_changed_source_is_another_build(strategies: Path, changed: str) -> None:
    before = digest(strategies)

    with (strategies / changed).open("a") as file:
        file.write("\n")

    assert digest(strategies) != before


def test_an_added_or_renamed_source_is_another_build(strategies: Path) -> None:
    before = digest(strategies)
    (strategies / "launch" / "dive.c").touch()
    added = digest(strategies)
    (strategies / "launch" / "dive.c").rename(strategies / "launch" / "fly.c")

    assert len({before, added, digest(strategies)}) == 3


def test_flags_variant_and_compiler_make_another_build(strategies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(strategies)
    others = [digest(strategies, version="gcc 13.1"), digest(strategies, variant="glibc-static")]
    monkeypatch.setitem(build.VARIANTS, "glibc", (*build.VARIANTS["glibc"], "-O3"))
    others.append(digest(strategies))
    monkeypatch.undo()
    monkeypatch.setattr(build, "COMMAND_FLAGS", (*build.COMMAND_FLAGS, "-O3"))
    others.append(digest(strategies))

    assert len({before, *others}) == 5


def test_what_is_no_source_and_where_it_stands_make_no_difference(strategies: Path, tmp_path: Path) -> None:
    before = digest(strategies)
    (strategies / "README.md").write_text("other words")
    moved = shutil.copytree(strategies, tmp_path / "elsewhere")

    assert digest(strategies) == digest(moved) == before


# ---- making and finding


def test_a_build_holds_the_worker_and_the_launched_programs_and_says_how_it_was_made(built: Build) -> None:
    record = json.loads((built.folder / build.RECORD).read_text())

    assert {file.name for file in built.folder.iterdir()} == {build.WORKER, "probe", build.RECORD}
    assert subprocess.run([built.worker], capture_output=True, check=True).stdout.startswith(b'{"kind"')
    assert (record["digest"], record["variant"]) == (built.digest, "glibc")
    assert record["flags"] == list(build.VARIANTS["glibc"])
    assert record["compiler"]


def test_an_ordinary_user_may_run_what_root_built(built: Build) -> None:
    others = stat.S_IROTH | stat.S_IXOTH

    assert all(path.stat().st_mode & others == others for path in (built.folder, built.worker, built.folder / "probe"))


def test_it_is_found_again(built: Build, strategies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "compile_into", forbidden)

    assert build.ensure(strategies, [built.folder.parent]) == built


def test_it_is_found_in_a_later_folder(
    built: Build, strategies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "compile_into", forbidden)

    assert build.ensure(strategies, [tmp_path / "empty", built.folder.parent]) == built
    assert not (tmp_path / "empty").exists()


def test_changed_sources_are_built_anew_beside_the_old(built: Build, strategies: Path) -> None:
    (strategies / "launch" / "dive.c").write_text("void dive(void);\nvoid dive(void) {}\n")

    again = build.ensure(strategies, [built.folder.parent])

    assert again.digest != built.digest
    assert build.read(built.folder) == built


def forbidden(*_: object) -> Build:
    raise AssertionError("there is a build already")


def test_two_builds_at_once_are_one(strategies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN two runs that both found nothing WHEN both have compiled THEN one build stands, and both use it."""
    both_compiled = threading.Barrier(2, timeout=60)
    compile_into = build.compile_into

    def compile_together(*arguments: Any) -> Build:
        made = compile_into(*arguments)
        both_compiled.wait()
        return made

    monkeypatch.setattr(build, "compile_into", compile_together)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: build.ensure(strategies, [tmp_path / "builds"]), range(2))

    assert first == second
    assert list((tmp_path / "builds").iterdir()) == [first.folder]


def test_a_folder_that_cannot_be_written_gives_way_to_the_next(strategies: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    made = build.ensure(strategies, [tmp_path / "file" / "builds", tmp_path / "second"])

    assert made.folder.parent == tmp_path / "second"


def test_nowhere_to_build_names_the_folders(strategies: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "builds"

    with pytest.raises(BuildError) as error:
        build.ensure(strategies, [folder])

    assert str(error.value) == f"nowhere to build: none of {folder} can be written"


@pytest.mark.parametrize("record", [None, "", "{", "{}", '{"digest": "0"}'])
def test_a_folder_without_a_whole_record_holds_no_build(tmp_path: Path, record: str | None) -> None:
    if record is not None:
        (tmp_path / build.RECORD).write_text(record)

    assert build.read(tmp_path) is None


# ---- the compiler


def test_without_a_compiler_the_remedy_is_named(
    strategies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)

    with pytest.raises(BuildError, match=r"^no C compiler: install gcc, or name one in CC$"):
        build.ensure(strategies, [tmp_path / "builds"])


def test_cc_names_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Callable[..., Path]) -> None:
    monkeypatch.setenv("CC", str(stand_in("my-cc")))

    assert build.compiler() == str(tmp_path / "my-cc")


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., Path]:
    """A program of that name that does nothing."""

    def make(name: str) -> Path:
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(stat.S_IRWXU)
        return program

    return make


@pytest.mark.parametrize("broken", ["host/main.c", "launch/swim.c", "command/probe.c"])
def test_a_compile_error_names_the_file_and_leaves_nothing(strategies: Path, tmp_path: Path, broken: str) -> None:
    (strategies / broken).write_text("int main(void) { return sea; }\n")

    with pytest.raises(BuildError, match=rf"does not compile:\n[^\n]*{broken}") as error:
        build.ensure(strategies, [tmp_path / "builds"])

    assert "sea" in str(error.value)
    assert list((tmp_path / "builds").iterdir()) == []
