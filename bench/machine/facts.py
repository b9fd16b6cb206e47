"""Reads single facts of a machine out of /proc, /sys and /etc, below any root.

Not for deciding what a fact means (`noise`, `memory`), nor for naming, typing and ordering them (`fingerprint`).
A fact that a machine does not have, or does not let us read, is absent from what a reader returns: never null,
never an error. Nothing here needs root or starts a process, except the musl loader, which tells its version
when it is run without arguments and in no other way.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Facts = dict[str, Any]

# sd_id128_get_machine_app_specific(3): /etc/machine-id must not leave the machine, a keyed hash of it may.
APPLICATION_KEY = b"launchbench/1 machine identity"

# Files of /proc and /sys are small; a root that is a foreign tree may hold anything under these names.
_PIECE_BYTES = 16 << 10
_MOST_PIECES = 64  # no file that is read here is larger than 1 MiB

# Documentation/admin-guide/hw-vuln and kernel-parameters.txt: what decides the price of entering the kernel.
# The rest of the command line is not recorded: it can hold secrets.
_MITIGATION_PARAMETERS = frozenset(
    [
        "mitigations",
        "nopti",
        "pti",
        "kpti",
        "nospectre_v1",
        "nospectre_v2",
        "nospectre_bhb",
        "spectre_v2",
        "spectre_v2_user",
        "spectre_bhi",
        "spec_store_bypass_disable",
        "nospec_store_bypass_disable",
        "ssbd",
        "l1tf",
        "l1d_flush",
        "mds",
        "tsx",
        "tsx_async_abort",
        "mmio_stale_data",
        "srbds",
        "retbleed",
        "spec_rstack_overflow",
        "gather_data_sampling",
        "reg_file_data_sampling",
        "indirect_target_selection",
        "tsa",
        "vmscape",
        "kvm.nx_huge_pages",
        "kvm-intel.vmentry_l1d_flush",
        "nosmt",
        "nosmep",
        "nosmap",
        "no_entry_flush",
        "no_uaccess_flush",
        "no_stf_barrier",
    ]
)

# What firmware vendors write into DMI, in the order systemd looks (src/basic/virt.c, detect_vm_dmi_vendor).
_DMI_VENDORS = (
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Oracle Corporation", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Hyper-V", "microsoft"),
    ("Virtual Machine", "microsoft"),
    ("Apple Virtualization", "apple"),
    ("Google Compute Engine", "google"),
)
_DMI_FILES = ("product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version")

# A paravirtual clock names its hypervisor on machines whose firmware has no DMI at all (microVMs).
_HYPERVISOR_CLOCKS = {"kvm-clock": "kvm", "xen": "xen", "hyperv_clocksource_tsc_page": "microsoft"}


@dataclass(frozen=True)
class Tree:
    """A root directory whose files are read without ever raising."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """Return what stands in the file, stripped; None when it is missing, unreadable or empty.

        Bytes that are no UTF-8 become U+FFFD, and C strings lose their terminators.
        """
        try:
            # In small pieces: a buffer for the largest file is more than can be had while a commit limit binds.
            with (self.root / path).open("rb", buffering=0) as file:
                pieces: list[bytes] = []
                while len(pieces) < _MOST_PIECES and (piece := file.read(_PIECE_BYTES)):
                    pieces.append(piece)
                raw = b"".join(pieces)
        except OSError:
            return None
        return raw.decode("utf-8", "replace").replace("\0", " ").strip() or None

    def integer(self, path: str) -> int | None:
        """Return the decimal number that is the whole file; None when it is no such file."""
        return integer(self.text(path))

    def glob(self, pattern: str) -> list[Path]:
        """Return the paths that match, sorted; none when a directory is missing or may not be read."""
        try:
            return sorted(self.root.glob(pattern))
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        """Tell whether the path exists and may be seen."""
        try:
            return (self.root / path).exists()
        except OSError:
            return False

    def relative(self, path: Path) -> str:
        """Return a globbed path as the other methods take it."""
        return str(path.relative_to(self.root))


@dataclass(frozen=True)
class ToldTree(Tree):
    """Files of another machine, by their paths there, as somebody else has read them."""

    told: Mapping[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """Return what stands in the file, stripped; None when it was not told, or is empty."""
        return self.told.get(str(self.root / path), "").strip() or None

    def glob(self, pattern: str) -> list[Path]:
        """Return the paths that match and were told, sorted."""
        return sorted(path for path in map(Path, self.told) if path.match(str(self.root / pattern)))

    def exists(self, path: str) -> bool:
        """Tell whether the file was told."""
        return str(self.root / path) in self.told


def integer(text: str | None) -> int | None:
    """Return a decimal number as the kernel prints it, or None; `int` alone would take `1_0` and U+0661 too."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,20}", text) else None


def chosen(text: str | None) -> str | None:
    """Return the bracketed word of a sysfs choice: `madvise` of `always [madvise] never`."""
    found = re.search(r"\[([^\]\s]+)\]", text or "")
    return found[1] if found else None


def present(**facts: object) -> Facts:
    """Keep the facts that are known."""
    return {name: value for name, value in facts.items() if value is not None}


def read(tree: Tree) -> Facts:
    """Return every fact below the root that this module reads, by the names of `fingerprint.FIELDS`."""
    found: Facts = {}
    for reader in (_kernel, _identity, _distro, _cpu, _policy, _pages, _process):
        found |= reader(tree)
    return found | present(virtualisation=virtualisation(tree), container=container(tree))


def _kernel(tree: Tree) -> Facts:
    return present(
        kernel=tree.text("proc/sys/kernel/osrelease"),
        kernel_version=tree.text("proc/sys/kernel/version"),
        mitigations=_mitigation_parameters(tree.text("proc/cmdline")),
        vulnerabilities=_vulnerabilities(tree),
        lsm=_words(tree.text("sys/kernel/security/lsm"), ","),
        clocksource=tree.text("sys/devices/system/clocksource/clocksource0/current_clocksource"),
    )


def _words(text: str | None, separator: str) -> list[str] | None:
    return [word.strip() for word in text.split(separator) if word.strip()] if text else None


def _mitigation_parameters(command_line: str | None) -> str | None:
    # What follows `--` are init's arguments, not the kernel's.
    words = re.split(r"(?:^|\s)--(?:\s|$)", command_line or "", maxsplit=1)[0].split()
    return " ".join(word for word in words if word.split("=")[0] in _MITIGATION_PARAMETERS) or None


def _vulnerabilities(tree: Tree) -> dict[str, str] | None:
    files = tree.glob("sys/devices/system/cpu/vulnerabilities/*")
    states = {file.name: tree.text(tree.relative(file)) for file in files}
    return {name: state for name, state in states.items() if state is not None} or None


def _identity(tree: Tree) -> Facts:
    machine = tree.text("etc/machine-id") or tree.text("var/lib/dbus/machine-id")
    boot = tree.text("proc/sys/kernel/random/boot_id")
    return present(machine_id=_hashed(machine), boot_id=_hashed(boot))


def _hashed(identifier: str | None) -> str | None:
    """Return what sd_id128_get_app_specific(3) computes, as 32 hexadecimal digits, for a 128-bit identifier."""
    digits = (identifier or "").replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{32}", digits):  # `uninitialized` in an image that never booted
        return None
    return hmac.new(bytes.fromhex(digits), APPLICATION_KEY, hashlib.sha256).hexdigest()[:32]


def _distro(tree: Tree) -> Facts:
    release = os_release(tree.text("etc/os-release") or tree.text("usr/lib/os-release") or "")
    name = release.get("PRETTY_NAME") or " ".join(filter(None, (release.get("NAME"), release.get("VERSION"))))
    return present(
        distro=name or None, distro_id=release.get("ID") or None, distro_version=release.get("VERSION_ID") or None
    )


def os_release(text: str) -> dict[str, str]:
    """Return the assignments of an os-release(5) file; lines that are none are passed over."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"\s*([A-Z][A-Z0-9_]*)=(.*)", line)
        if match is None:
            continue
        try:
            found[match[1]] = "".join(shlex.split(match[2]))
        except ValueError:  # a quote that nobody closed
            found[match[1]] = match[2].strip("\"' ")
    return found


def _cpu(tree: Tree) -> Facts:
    cpus = "sys/devices/system/cpu"
    no_turbo = tree.integer(f"{cpus}/intel_pstate/no_turbo")
    boost = tree.integer(f"{cpus}/cpufreq/boost") if no_turbo is None else 1 - no_turbo
    governors = {tree.text(tree.relative(file)) for file in tree.glob(f"{cpus}/cpu[0-9]*/cpufreq/scaling_governor")}
    smt = tree.integer(f"{cpus}/smt/active")
    return present(
        cpu_model_name=_model_name(tree.text("proc/cpuinfo") or ""),
        governor=",".join(sorted(governor for governor in governors if governor)) or None,
        turbo=None if boost is None else boost > 0,
        smt=None if smt is None else smt > 0,
        cpu_isolated=tree.text(f"{cpus}/isolated"),
    )


def _model_name(cpuinfo: str) -> str | None:
    """Return the first CPU's model; ARM kernels print numbers only, which tell models apart all the same."""
    fields = dict(cpu_fields(cpuinfo.split("\n\n", maxsplit=1)[0]))
    if name := fields.get("model name") or fields.get("cpu model") or fields.get("machine"):
        return name
    arm = (fields.get("CPU implementer"), fields.get("CPU part"))
    return f"ARM implementer {arm[0]} part {arm[1]}" if all(arm) else fields.get("cpu") or fields.get("uarch")


def cpu_fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the `name : value` pairs of a /proc file, stripped."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _policy(tree: Tree) -> Facts:
    """Return the settings that decide whether a launch may have memory, a process or an address space."""
    space = tree.integer("proc/sys/kernel/randomize_va_space")
    return present(
        overcommit_memory=tree.integer("proc/sys/vm/overcommit_memory"),
        overcommit_ratio=tree.integer("proc/sys/vm/overcommit_ratio"),
        overcommit_kbytes=tree.integer("proc/sys/vm/overcommit_kbytes"),
        admin_reserve_kbytes=tree.integer("proc/sys/vm/admin_reserve_kbytes"),
        user_reserve_kbytes=tree.integer("proc/sys/vm/user_reserve_kbytes"),
        swappiness=tree.integer("proc/sys/vm/swappiness"),
        max_map_count=tree.integer("proc/sys/vm/max_map_count"),
        threads_max=tree.integer("proc/sys/kernel/threads-max"),
        pid_max=tree.integer("proc/sys/kernel/pid_max"),
        randomize_va_space=space,
    )


def _pages(tree: Tree) -> Facts:
    thp = "sys/kernel/mm/transparent_hugepage"
    pools = tree.glob("sys/kernel/mm/hugepages/hugepages-*")
    total = {pool.name[10:]: tree.integer(f"{tree.relative(pool)}/nr_hugepages") for pool in pools}
    free = {pool.name[10:]: tree.integer(f"{tree.relative(pool)}/free_hugepages") for pool in pools}
    return present(
        thp_enabled=chosen(tree.text(f"{thp}/enabled")),
        thp_defrag=chosen(tree.text(f"{thp}/defrag")),
        thp_shmem=chosen(tree.text(f"{thp}/shmem_enabled")),
        thp_size_bytes=tree.integer(f"{thp}/hpage_pmd_size"),
        hugetlb_pages=present(**total) or None,
        hugetlb_free=present(**free) or None,
    )


def _process(tree: Tree) -> Facts:
    """Return what the kernel says of this process, which its workers inherit."""
    status = dict(cpu_fields(tree.text("proc/self/status") or ""))
    privileges = integer(status.get("NoNewPrivs"))
    tracer = integer(status.get("TracerPid"))
    return present(
        seccomp={"0": "disabled", "1": "strict", "2": "filter"}.get(status.get("Seccomp", "")),
        no_new_privs=None if privileges is None else privileges > 0,
        capabilities=status.get("CapEff") or None,
        traced=None if tracer is None else tracer > 0,
    )


def virtualisation(tree: Tree) -> str | None:
    """Name the hypervisor as systemd-detect-virt(1) does; `none` on bare metal, None when nothing tells.

    CPUID leaf 0x40000000, which systemd asks, is out of reach of Python: the `hypervisor` flag of /proc/cpuinfo tells
    that there is one, and its paravirtual clock tells which.
    """
    dmi = " ".join(filter(None, (tree.text(f"sys/class/dmi/id/{name}") for name in _DMI_FILES)))
    for vendor, name in _DMI_VENDORS:
        if vendor in dmi:
            return name
    if hypervisor := tree.text("sys/hypervisor/type"):
        # Dom0 runs on the bare machine as far as its own devices tell; it is scheduled by Xen all the same.
        return hypervisor
    compatible = tree.text("proc/device-tree/hypervisor/compatible")
    if compatible:
        return next(
            (name for key, name in (("kvm", "kvm"), ("xen", "xen"), ("vmware", "vmware")) if key in compatible), "other"
        )
    cpuinfo = tree.text("proc/cpuinfo")
    fields = dict(cpu_fields(cpuinfo or ""))
    if fields.get("vendor_id") == "User Mode Linux":
        return "uml"
    clocks = tree.text("sys/devices/system/clocksource/clocksource0/available_clocksource") or ""
    clock = next((name for key, name in _HYPERVISOR_CLOCKS.items() if key in clocks.split()), None)
    if clock or "hypervisor" in fields.get("flags", "").split():
        return clock or "other"
    # Only x86 marks a guest in /proc/cpuinfo: elsewhere the absence of a mark says nothing without DMI.
    return "none" if dmi or "flags" in fields else None


def container(tree: Tree) -> str | None:
    """Name the container manager as systemd-detect-virt(1) does; None outside of containers, and when none shows."""
    release = tree.text("proc/sys/kernel/osrelease") or ""
    if "microsoft" in release.lower() and "WSL" in release:
        return "wsl"
    environment = re.search(r"(?:^|\s)container=(\S+)", tree.text("proc/1/environ") or "")
    if told := tree.text("run/systemd/container") or (environment and environment[1]):
        return told
    if tree.exists("run/.containerenv"):
        return "podman"
    if tree.exists(".dockerenv"):
        return "docker"
    return "openvz" if tree.exists("proc/vz") and not tree.exists("proc/bc") else None


def musl(tree: Tree) -> str | None:
    """Return `musl 1.2.5` where its loader is installed, `musl` when the loader does not tell; None without one."""
    for loader in tree.glob("lib/ld-musl-*.so.1"):
        try:
            told = subprocess.run([str(loader)], capture_output=True, timeout=2, check=False).stderr
        except (OSError, subprocess.SubprocessError):
            return "musl"
        version = re.search(rb"Version (\d[\w.]*)", told)
        return f"musl {version[1].decode()}" if version else "musl"
    return None
