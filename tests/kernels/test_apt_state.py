"""apt, kept to a folder of its own: neither the machine's sources nor its hooks play a part."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from bench.kernels import UnavailableError, keyrings
from bench.kernels.apt import Apt, Package, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from local_archive import Archive


def watch(what: str, percent: float | None) -> None:
    """Nobody looks."""


@pytest.fixture
def repository(archive: Archive) -> Repository:
    archive.add("bullseye", "thing", "1:2.0-3", {"usr/share/thing": b""})
    return Repository(archive.uri, "bullseye", keyrings.INSTALLED / keyrings.FILES["debian"])


@pytest.fixture
def apt(repository: Repository, tmp_path: Path) -> Apt:
    return Apt(tmp_path / "state", repository)


def settings(folder: Path) -> dict[str, str]:
    dumped = subprocess.run(["apt-config", "dump"], env=os.environ | {"APT_CONFIG": str(folder / "apt.conf")},
                            capture_output=True, text=True, check=True)  # fmt: skip
    pairs = (line.rstrip(";").partition(" ") for line in dumped.stdout.splitlines())
    return {name: value.strip('"') for name, _, value in pairs}


@pytest.mark.usefixtures("apt")
def test_its_folders_are_its_own(tmp_path: Path) -> None:
    found = settings(tmp_path / "state")

    assert found["Dir"] == f"{tmp_path}/state/"
    folders = {name: value for name, value in found.items() if name.startswith("Dir::") and value.startswith("/")}
    outside = {name for name, value in folders.items() if not value.startswith(str(tmp_path))}
    assert not {name for name in outside if name.startswith(("Dir::State", "Dir::Cache", "Dir::Log"))}
    assert {name for name in outside if name.startswith("Dir::Etc")} == {"Dir::Etc::netrc", "Dir::Etc::netrcparts"}


@pytest.mark.usefixtures("apt")
def test_no_hook_of_the_machine_is_run(tmp_path: Path) -> None:
    hooks = [name for name in settings(tmp_path / "state") if "Invoke" in name or "Install-Pkgs" in name]

    assert hooks == []


@pytest.mark.usefixtures("apt")
def test_what_is_not_signed_is_never_let_through(tmp_path: Path) -> None:
    found = settings(tmp_path / "state")

    for name in ("Insecure", "Weak"):
        assert found[f"Acquire::Allow{name}Repositories"] == "false"
    assert found["Acquire::AllowDowngradeToInsecureRepositories"] == "false"


def test_a_package_is_found_with_its_version_and_fetched(apt: Apt) -> None:
    apt.update(watch)

    assert apt.newest("thi.g") == Package("thing", "1:2.0-3")
    assert apt.newest("thin") is None
    assert apt.download(Package("thing", "1:2.0-3"), watch).name.startswith("thing_")


def test_a_version_that_is_gone_says_so(apt: Apt) -> None:
    apt.update(watch)

    with pytest.raises(UnavailableError, match=r"bullseye: Version '4' for 'thing' was not found"):
        apt.download(Package("thing", "4"), watch)


def test_without_apt_its_package_is_named(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match=r"apt-get is not installed \(package apt\)"):
        Apt(tmp_path / "other", repository)


def test_a_keyring_that_apts_syntax_cannot_name_is_refused(archive: Archive, tmp_path: Path) -> None:
    repository = Repository(archive.uri, "bullseye", tmp_path / "a folder" / "keys.gpg")

    with pytest.raises(UnavailableError, match="XDG_CACHE_HOME"):
        Apt(tmp_path / "state", repository)
