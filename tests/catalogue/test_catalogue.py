"""The catalogue of this checkout is what its folders hold, each thing once."""

from __future__ import annotations

import pytest

from bench import catalogue as catalogues
from bench import installation
from bench.catalogue import Catalogue, CatalogueError, Entry
from bench.measure.request import PROBE

FOLDERS = {"launch": "strategy", "reap": "reaper", "hygiene": "hygiene", "hazard": "hazard"}


# What articles, answers and manual pages name: a file that goes away takes an answer with it.
KNOWN_WAYS = {
    "strategy": {
        *("null", "fork_exec", "thread_fork_exec", "double_fork", "fork_dontfork", "vfork_exec", "thread_vfork_exec"),
        *("clone_vm_vfork", "clone_vm", "clone3_vfork", "clone3_pidfd", "clone3_clear_sighand", "clone3_into_cgroup"),
        *("posix_spawn", "posix_spawnp", "posix_spawn_attributes", "posix_spawn_actions", "pidfd_spawn"),
        *("system", "popen", "shim", "prefork_pipe", "prefork_system", "prefork_seqpacket", "prefork_clone_parent"),
        *("prefork_late", "os_fork_exec", "os_posix_spawn", "os_system", "subprocess_run", "subprocess_user"),
        *("subprocess_close_fds_false", "subprocess_preexec_fn", "multiprocessing_forkserver"),
        *("multiprocessing_spawn", "asyncio_subprocess"),
    },
    "reaper": {
        *("waitpid", "late", "none", "sigchld_wait_once", "sigchld_loop", "sig_ign", "sa_nocldwait", "self_pipe"),
        *("signalfd", "pidfd", "reaper_thread", "subreaper"),
    },
    "hygiene": {
        *("none", "cloexec", "close_to_1023", "close_to_limit", "close_proc_fd", "close_range", "close_range_cloexec"),
        *("closefrom", "sigchld_blocked", "signals_reset"),
    },
    "backing": {"anon", "thp", "hugetlb", "shared", "noreserve", "reserved", "dontfork", "wipeonfork"},
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogues.load()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_one_entry_of_its_name(catalogue: Catalogue, folder: str) -> None:
    files = [file for file in (installation.strategies() / folder).iterdir() if file.suffix in {".c", ".py"}]

    assert [entry.name for entry in catalogue.of(FOLDERS[folder])] == sorted(file.stem for file in files)


@pytest.mark.parametrize("kind", KNOWN_WAYS)
def test_every_known_way_is_listed(catalogue: Catalogue, kind: str) -> None:
    assert KNOWN_WAYS[kind] <= {entry.name for entry in catalogue.of(kind)}


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
