"""The catalogue of this checkout is what its folders hold, each thing once."""

from __future__ import annotations

import pytest

from bench import catalogue as catalogues
from bench import installation
from bench.catalogue import Catalogue, CatalogueError, Entry
from bench.measure.request import PROBE

FOLDERS = {"launch": "strategy", "reap": "reaper", "hygiene": "hygiene"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogues.load()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_one_entry_of_its_name(catalogue: Catalogue, folder: str) -> None:
    files = [file for file in (installation.strategies() / folder).iterdir() if file.suffix in {".c", ".py"}]

    assert [entry.name for entry in catalogue.of(FOLDERS[folder])] == sorted(file.stem for file in files)


def test_a_strategy_is_carried_out_by_the_worker_of_its_language(catalogue: Catalogue) -> None:
    for entry in catalogue.of("strategy"):
        suffix = {"native": "c", "python": "py"}[entry.runtime]
        assert (installation.strategies() / "launch" / f"{entry.name}.{suffix}").is_file()
        if entry.runtime == "native":
            assert catalogue.worker(entry) == [str(catalogue.build.worker)]
        else:
            assert catalogue.worker(entry)[-1] == str(installation.strategies() / "host" / "worker.py")


def test_every_entry_says_in_one_line_what_it_is(catalogue: Catalogue) -> None:
    for entry in catalogue.entries:
        assert entry.summary.isprintable()
        assert 10 < len(entry.summary) <= 120, entry.name


def test_the_probe_is_built_beside_the_worker(catalogue: Catalogue) -> None:
    assert (catalogue.build.folder / PROBE).is_file()


def test_an_unknown_strategy_is_a_key_error(catalogue: Catalogue) -> None:
    with pytest.raises(KeyError, match="swim"):
        catalogue.strategy("swim")


def test_the_vocabulary_has_every_name(catalogue: Catalogue) -> None:
    vocabulary = catalogue.vocabulary()

    assert vocabulary.strategies["posix_spawn"] is False
    assert vocabulary.strategies["system"] is True
    assert set(vocabulary.strategies) == {entry.name for entry in catalogue.of("strategy")}
    assert set(vocabulary.backings) == {entry.name for entry in catalogue.of("backing")}
    assert {"anon", "thp", "reserved"} < set(vocabulary.backings)


def test_a_name_may_stand_once_a_kind() -> None:
    reaper = Entry("reaper", "late", "", None)
    hygiene = Entry("hygiene", "late", "", None)

    assert catalogues._one_each([reaper, hygiene]) == (reaper, hygiene)
    with pytest.raises(CatalogueError, match="two of the strategies' files register the reaper 'late'"):
        catalogues._one_each([reaper, hygiene, Entry("reaper", "late", "again", None, "python")])
