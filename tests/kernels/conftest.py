from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from local_archive import LACKING, Archive, Key, trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def signing_key() -> Iterator[Key]:
    """The key of the archives that tests make."""
    if LACKING:
        pytest.skip(f"not installed: {', '.join(LACKING)}")
    key = Key("the archive")
    yield key
    key.close()


@pytest.fixture(scope="session")
def foreign_key() -> Iterator[Key]:
    """A key that nobody trusts."""
    if LACKING:
        pytest.skip(f"not installed: {', '.join(LACKING)}")
    key = Key("somebody else")
    yield key
    key.close()


@pytest.fixture
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "launchbench"


@pytest.fixture
def archive(tmp_path: Path, cache_home: Path, signing_key: Key, monkeypatch: pytest.MonkeyPatch) -> Archive:  # noqa: ARG001
    """An empty archive that this machine trusts as Debian's, and knows no other."""
    (tmp_path / "archive").mkdir()
    made = Archive(tmp_path / "archive", signing_key)
    trust(made, tmp_path / "keyrings", monkeypatch)
    return made
