"""Where a worker ran, from its line: which differences make another place."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.identity import Machine, machine_at

HOST = Machine("m1", "6.18.44", "Debian 12", "glibc 2.36")
IMAGE = "c5bb7de4df4416f77e8eb33547a30673d84542c7b0ae789954ce82e8f8b26f09"


def ran(asked: str | None, **place: Any) -> Machine:
    line: Any = {"cell": {"kernel": asked, "distro": None}} | ({"place": place} if place else {})
    return machine_at(HOST, line)


def test_without_a_place_it_is_the_machine_of_the_file() -> None:
    assert ran(None) == HOST


def test_a_named_kernel_is_its_release_whatever_the_image() -> None:
    """A vendor's release names one build of one package: files of two machines have the same kernel."""
    assert ran("5.4", kernel="5.4.0-216-generic", image=IMAGE).kernel == "5.4.0-216-generic"


@pytest.mark.parametrize("path", ["./bzImage", "/srv/linux/arch/x86/boot/bzImage"])
def test_a_kernel_given_as_a_file_is_one_with_its_image_and_not_with_its_path(path: str) -> None:
    assert ran(path, kernel="7.3.0-rc1", image=IMAGE).kernel == "7.3.0-rc1 #c5bb7de4"
    assert ran(path, kernel="7.3.0-rc1", image=IMAGE[::-1]).kernel == "7.3.0-rc1 #90f62b8f"


def test_files_of_earlier_versions_do_not_tell_the_image() -> None:
    assert ran("./bzImage", kernel="7.3.0-rc1").kernel == "7.3.0-rc1"


def test_what_never_came_to_run_has_the_name_that_was_asked_for() -> None:
    assert ran("./bzImage").kernel == "./bzImage"
    assert ran("4.4", clock="emulated").kernel == "4.4"
