"""Which build of the worker a distro's root gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.catalogue import Build, BuildError, MissingToolError
from bench.kernels import Root, UnavailableError, builds
from bench.measure import NoPlaceError

if TYPE_CHECKING:
    from collections.abc import Callable


def root(name: str, libc: str) -> Root:
    return Root(name, Path("/roots") / name, name.capitalize(), libc, "0" * 64, name, {})


OLD, MUSL = root("bullseye", "glibc 2.31"), root("musl-1.2.5", "musl 1.2.5")


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds are named, not made; development files stand beside their root."""
    monkeypatch.setattr(builds, "build_of", lambda variant: Build(Path("/builds"), "0", variant))
    monkeypatch.setattr(builds, "obtain_development", lambda name, _watch: root(f"{name}-dev", "glibc 2.31"))
    monkeypatch.setattr(builds, "build_against", lambda name, path: Build(path, "0", f"glibc for {name}"))


@pytest.mark.parametrize(
    ("where", "worker", "variant"),
    [
        (OLD, "glibc-static", "glibc-static"),
        (OLD, "musl", "musl"),
        (OLD, "glibc", "glibc for bullseye"),
        (MUSL, "glibc-static", "glibc-static"),
        (MUSL, "musl", "musl-dynamic"),  # so that it runs with the root's own
    ],
)
def test_a_root_gets_a_build_that_runs_in_it(where: Root, worker: str, variant: str) -> None:
    assert builds.build_for(where, worker).variant == variant


def test_a_dynamic_one_is_linked_with_the_roots_own_library() -> None:
    assert builds.build_for(OLD, "glibc").folder == Path("/roots/bullseye-dev")


def test_a_root_of_musl_has_no_glibc() -> None:
    with pytest.raises(NoPlaceError, match=r"^distro musl-1\.2\.5 has no glibc: --worker musl, or glibc-static$"):
        builds.build_for(MUSL, "glibc")


def raising(error: Exception) -> Callable[..., Build]:
    def fail(*_: object) -> Build:
        raise error

    return fail


def test_what_cannot_be_fetched_or_linked_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = "launchbench-worker does not compile:\nx.c: In function f:\nx.c:1: error: no such thing\n"
    monkeypatch.setattr(builds, "build_against", raising(BuildError(compiler)))
    with pytest.raises(NoPlaceError, match=r"the glibc 2\.31 of bullseye: x\.c:1: error: no such"):
        builds.build_for(OLD, "glibc")

    monkeypatch.setattr(builds, "obtain_development", raising(UnavailableError("no mirror has it")))
    with pytest.raises(NoPlaceError, match=r"^no worker can be linked with the glibc of bullseye: no mirror has it$"):
        builds.build_for(OLD, "glibc")


def test_a_missing_compiler_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "build_against", raising(MissingToolError("no C compiler: install gcc")))

    with pytest.raises(MissingToolError, match="install gcc"):
        builds.build_for(OLD, "glibc")
