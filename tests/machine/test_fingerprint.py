"""What is read of a machine, on trees built to look like one, and what makes two machines the same."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench.machine import facts, fingerprint
from bench.machine.facts import Tree
from bench.machine.fingerprint import FIELDS, collect, differences, identity, schema

GIB = 1 << 30
MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"

LAPTOP: dict[str, str | bytes] = {
    "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1\n",
    "proc/sys/kernel/threads-max": "192731\n",
    "proc/sys/kernel/pid_max": "4194304\n",
    "proc/sys/kernel/randomize_va_space": "2\n",
    "proc/sys/kernel/random/boot_id": "9ad5a6a5-7d2c-4b57-a52e-d8bd3f8f5e0b\n",
    "proc/sys/vm/overcommit_memory": "0\n",
    "proc/sys/vm/overcommit_ratio": "50\n",
    "proc/sys/vm/overcommit_kbytes": "0\n",
    "proc/meminfo": "MemTotal: 1000 kB\nCommitLimit: 500 kB\nCommitted_AS: 70 kB\n",
    "proc/cmdline": "root=/dev/sda1 token=hunter2 mitigations=auto,nosmt spectre_v2=on quiet -- --pti nopti\n",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i7\nflags\t\t: fpu vme\n\nprocessor\t: 1\n",
    "proc/self/status": "Name:\tpython\nTracerPid:\t0\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n",
    "sys/kernel/security/lsm": "lockdown,capability,apparmor",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "sys/kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never\n",
    "sys/kernel/mm/transparent_hugepage/shmem_enabled": "always within_size advise [never] deny force\n",
    "sys/kernel/mm/transparent_hugepage/hpage_pmd_size": "2097152\n",
    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "8\n",
    "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "5\n",
    "sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI\n",
    "sys/devices/system/cpu/vulnerabilities/mds": "Vulnerable\n",
    "sys/devices/system/cpu/smt/active": "1\n",
    "sys/devices/system/cpu/isolated": "\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
    "sys/class/dmi/id/sys_vendor": "LENOVO\n",
    "etc/machine-id": MACHINE_ID + "\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
}


def plant(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    return plant(tmp_path, LAPTOP)


def test_a_machine_is_read_below_any_root(laptop: Path) -> None:
    found = collect(laptop)

    expected = {
        "kernel": "6.1.0-18-amd64",
        "kernel_version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1",
        "distro": "Debian GNU/Linux 12 (bookworm)",
        "distro_id": "debian",
        "distro_version": "12",
        "cpu_model_name": "Intel(R) Core(TM) i7",
        "governor": "performance,powersave",
        "turbo": True,
        "smt": True,
        "clocksource": "tsc",
        "virtualisation": "none",
        "vulnerabilities": {"mds": "Vulnerable", "meltdown": "Mitigation: PTI"},
        "lsm": ["lockdown", "capability", "apparmor"],
        "seccomp": "filter",
        "no_new_privs": True,
        "traced": False,
        "overcommit_memory": 0,
        "overcommit_ratio": 50,
        "overcommit_kbytes": 0,
        "commit_limit_bytes": 500 << 10,
        "committed_bytes": 70 << 10,
        "thp_enabled": "madvise",
        "thp_defrag": "madvise",
        "thp_shmem": "never",
        "thp_size_bytes": 2 << 20,
        "hugetlb_pages": {"2048kB": 8},
        "hugetlb_free": {"2048kB": 5},
        "threads_max": 192731,
        "pid_max": 4194304,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert "cpu_isolated" not in found
    assert "container" not in found


def test_what_a_machine_does_not_have_is_absent(tmp_path: Path) -> None:
    assert collect(tmp_path) == {}


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\0\0\0", b"\xff\xfe\x80garbage\x00", b"[", b"::::\n\n::", b"-", b"1_0 kB"]
)
def test_broken_files_break_nothing(tmp_path: Path, content: bytes) -> None:
    plant(tmp_path, dict.fromkeys([*LAPTOP, "proc/self/mountinfo", "proc/self/cgroup", "sys/hypervisor/type"], content))

    found = collect(tmp_path)

    jsonschema.validate(found, schema())
    json.dumps(found, allow_nan=False)
    assert None not in found.values()
    assert not {"machine_id", "boot_id", "overcommit_memory", "thp_enabled", "turbo", "commit_limit_bytes"} & set(found)


def test_truncated_files_break_nothing(tmp_path: Path) -> None:
    for kept in range(1, 60, 7):
        root = tmp_path / str(kept)
        plant(root, {name: content[:kept] for name, content in LAPTOP.items()})
        jsonschema.validate(collect(root), schema())


def test_directories_where_files_should_be_break_nothing(tmp_path: Path) -> None:
    for name in LAPTOP:
        (tmp_path / name).mkdir(parents=True)

    assert collect(tmp_path) == {}


def test_files_that_may_not_be_read_are_absent(laptop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN permissions that hold for root too
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)

    assert collect(laptop) == {}


def test_the_machines_identifier_is_never_shown(laptop: Path) -> None:
    found = collect(laptop)

    assert MACHINE_ID not in json.dumps(found)
    assert len(found["machine_id"]) == 32
    assert found["machine_id"] == collect(laptop)["machine_id"]
    assert found["boot_id"] != found["machine_id"]


@pytest.mark.parametrize("content", ["", "uninitialized\n", MACHINE_ID[:-1], MACHINE_ID + "0", "z" * 32])
def test_an_identifier_that_is_none_identifies_nothing(tmp_path: Path, content: str) -> None:
    assert "machine_id" not in collect(plant(tmp_path, {"etc/machine-id": content}))


def test_only_mitigation_parameters_are_taken_from_the_command_line(laptop: Path) -> None:
    found = collect(laptop)

    assert found["mitigations"] == "mitigations=auto,nosmt spectre_v2=on"
    assert "hunter2" not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=alpine\n", {"ID": "alpine"}),
        ("# comment\n\nNAME='Void'\n", {"NAME": "Void"}),
        ('NAME="Say \\"hi\\""\n', {"NAME": 'Say "hi"'}),
        ('NAME="never closed\nID=x', {"NAME": "never closed", "ID": "x"}),
        ("not an assignment\nlower=1\n=2\n", {}),
        ("ID=\n", {"ID": ""}),
    ],
)
def test_os_release_is_read_as_it_is_written(text: str, expected: dict[str, str]) -> None:
    assert facts.os_release(text) == expected


def test_a_distribution_without_a_pretty_name_has_its_plain_one(tmp_path: Path) -> None:
    plant(tmp_path, {"usr/lib/os-release": "NAME=Void\nID=void\n"})

    assert collect(tmp_path)["distro"] == "Void"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/class/dmi/id/sys_vendor": "QEMU"}, "qemu"),
        ({"sys/class/dmi/id/product_name": "KVM", "sys/class/dmi/id/sys_vendor": "QEMU"}, "kvm"),
        ({"sys/class/dmi/id/bios_vendor": "Amazon EC2"}, "amazon"),
        ({"sys/class/dmi/id/sys_vendor": "innotek GmbH"}, "oracle"),
        ({"sys/hypervisor/type": "xen"}, "xen"),
        ({"proc/device-tree/hypervisor/compatible": b"linux,kvm\0"}, "kvm"),
        ({"proc/device-tree/hypervisor/compatible": b"acme,hv\0"}, "other"),
        ({"proc/cpuinfo": "vendor_id : User Mode Linux\n"}, "uml"),
        ({"proc/cpuinfo": "flags : fpu hypervisor lm\n"}, "other"),
        (
            {
                "proc/cpuinfo": "flags : fpu hypervisor\n",
                "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock",
            },
            "kvm",
        ),
        ({"proc/cpuinfo": "flags : fpu lm\n"}, "none"),
        ({"proc/cpuinfo": "CPU implementer : 0x41\n"}, None),
        ({}, None),
    ],
)
def test_hypervisors_are_named(tmp_path: Path, files: dict[str, str | bytes], expected: str | None) -> None:
    assert facts.virtualisation(Tree(plant(tmp_path, files))) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": ""}, "podman"),
        ({"run/systemd/container": "lxc\n", ".dockerenv": ""}, "lxc"),
        ({"proc/1/environ": b"PATH=/bin\0container=systemd-nspawn\0HOME=/\0"}, "systemd-nspawn"),
        ({"proc/sys/kernel/osrelease": "5.15.90.1-microsoft-standard-WSL2"}, "wsl"),
        ({}, None),
    ],
)
def test_containers_are_named(tmp_path: Path, files: dict[str, str | bytes], expected: str | None) -> None:
    assert facts.container(Tree(plant(tmp_path, files))) == expected


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "ARM implementer 0x41 part 0xd0c"),
        ("processor : 0\ncpu : POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("hart : 0\nuarch : sifive,u74-mc\n", "sifive,u74-mc"),
        ("nothing of the kind\n", None),
    ],
)
def test_cpus_without_a_model_name_have_a_model(tmp_path: Path, cpuinfo: str, expected: str | None) -> None:
    assert collect(plant(tmp_path, {"proc/cpuinfo": cpuinfo})).get("cpu_model_name") == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("#!/bin/sh\necho 'musl libc (x86_64)' >&2\necho 'Version 1.2.5' >&2\nexit 1\n", "musl 1.2.5"),
        ("#!/bin/sh\nexit 1\n", "musl"),
        ("no program at all", "musl"),
    ],
)
def test_musl_is_asked_for_its_version(tmp_path: Path, script: str, expected: str) -> None:
    plant(tmp_path, {"lib/ld-musl-x86_64.so.1": script})
    (tmp_path / "lib/ld-musl-x86_64.so.1").chmod(0o755)

    assert facts.musl(Tree(tmp_path)) == expected


def test_without_its_loader_there_is_no_musl(tmp_path: Path) -> None:
    assert facts.musl(Tree(tmp_path)) is None


def test_this_machine_has_a_fingerprint_that_its_schema_describes() -> None:
    found = collect()

    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(found, schema())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [field.name for field in FIELDS if field.name in found]
    assert {"kernel", "architecture", "cpu_count", "memory_total_bytes", "euid", "rlimit_nofile"} <= set(found)
    assert "python_executable" not in found


def test_every_reader_gives_registered_facts_only(laptop: Path) -> None:
    names = {field.name for field in FIELDS}

    assert set(facts.read(Tree(laptop))) <= names
    assert set(facts.read(Tree())) <= names
    assert set(fingerprint._from_pyperf() | fingerprint._from_psutil() | fingerprint._from_process()) <= names | {
        "python_hash_seed",
        "python_gc",
    }


def test_fields_are_registered_once() -> None:
    names = [field.name for field in FIELDS]

    assert len(names) == len(set(names))


HERE: dict[str, Any] = {
    "kernel": "6.12.3",
    "kernel_version": "#1 SMP",
    "architecture": "x86_64",
    "cpu_model_name": "AMD EPYC",
    "cpu_count": 8,
    "memory_total_bytes": 16 * GIB,
    "libc": "glibc 2.36",
    "machine_id": "aa",
    "load_avg_1min": 0.3,
    "boot_id": "bb",
}


@pytest.mark.parametrize(
    "change", [{"load_avg_1min": 9.9}, {"boot_id": "cc"}, {"memory_total_bytes": 16 * GIB - (20 << 20)}]
)
def test_a_rebooted_machine_is_the_same(change: dict[str, Any]) -> None:
    assert differences(HERE | change, HERE) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kernel": "6.1.0"}, "kernel: 6.1.0 in the file, 6.12.3 here"),
        ({"cpu_count": 4}, "cpu_count: 4 in the file, 8 here"),
        ({"memory_total_bytes": 8 * GIB}, "memory_total: 8GiB in the file, 16GiB here"),
        ({"libc": None}, "libc: unknown in the file, glibc 2.36 here"),
    ],
)
def test_another_machine_says_how_it_differs(change: dict[str, Any], sentence: str) -> None:
    assert differences(HERE | change, HERE) == [sentence]


def test_an_identity_has_no_load_and_memory_in_steps() -> None:
    assert identity(HERE) == {
        "machine_id": "aa",
        "kernel": "6.12.3",
        "kernel_version": "#1 SMP",
        "architecture": "x86_64",
        "libc": "glibc 2.36",
        "cpu_model_name": "AMD EPYC",
        "cpu_count": 8,
        "memory_total_bytes": 16 * GIB,
    }
    assert identity(HERE | {"memory_total_bytes": 16 * GIB - (20 << 20)}) == identity(HERE)
