"""`launchbench doctor`: this machine's state, what makes its numbers worse, and how to mend it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import click

from bench.commands import InvalidInput

# What more of the product needs, and the Debian package it comes in.
OPTIONAL = {"strace": "strace", "qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap",
            "chromium": "chromium", "musl-gcc": "musl-tools"}  # fmt: skip
_STEAL_INTERVAL_S = 0.5


@click.command()
@click.option("--restore", is_flag=True, help="Put back and remove what a killed run left.")
def doctor(*, restore: bool) -> None:
    """Show what matters on this machine before a run, and what to do about it."""
    if restore:
        _restore()
        return
    from bench.machine import fingerprint

    facts = fingerprint.collect()
    _show_machine(facts)
    _show_overcommit()
    _show_limits()
    _show_noise(facts)
    _show_optional()


def _restore() -> None:
    from bench.machine import Busy, groups, repair, scratch

    try:
        old = repair()
    except Busy as busy:
        raise InvalidInput(f"{busy}: it will put them back itself") from None
    except OSError as error:
        raise InvalidInput(f"vm.overcommit_* cannot be put back: {error.strerror}: run as root") from None
    removed, left = groups.sweep()
    folders = scratch.sweep()
    if old:
        click.echo(f"restored: vm.overcommit_memory={old.memory} {_limit(old.ratio, old.kbytes)}")
    if removed:
        click.echo(f"removed: control groups {_listed(removed)}")
    if folders:
        click.echo(f"removed: folders {_listed(folders)}")
    if left:
        raise InvalidInput(f"cannot be removed: control groups {_listed(left)}: end their processes, or run as root")
    if not old and not removed and not folders:
        click.echo("nothing to restore: no run left vm.overcommit_* changed, control groups or folders")


def _listed(directories: list[Path]) -> str:
    return ", ".join(map(str, directories))


def _limit(ratio: int, kbytes: int) -> str:
    return f"vm.overcommit_kbytes={kbytes}" if kbytes else f"vm.overcommit_ratio={ratio}"


def _show_machine(facts: dict[str, Any]) -> None:
    from tabulate import tabulate

    from bench.machine import size_text

    def memory(name: str) -> str:
        return size_text(facts[name]) if name in facts else "unknown"

    rows = [
        ("kernel", f"{facts.get('kernel', 'unknown')} {facts.get('architecture', '')}"),
        ("distro", f"{facts.get('distro', 'unknown')}, {facts.get('libc', 'unknown libc')}"),
        ("processor", f"{facts.get('cpu_model_name', 'unknown')}, {facts.get('cpu_usable', '?')} CPUs usable"),
        ("virtualisation", facts.get("virtualisation", "none seen")),
        ("memory", f"{memory('memory_total_bytes')}, {memory('memory_available_bytes')} available"),
        ("swap", memory("swap_total_bytes")),
        ("huge pages", f"transparent: {facts.get('thp_enabled', 'unknown')}"),
        ("cgroup", f"{facts.get('cgroup_mode', 'none')} {facts.get('cgroup_path', '')}"),
        ("load", f"{facts.get('load_avg_1min', '?')}"),
    ]
    click.echo(tabulate(rows, tablefmt="plain"))


def _show_overcommit() -> None:
    from bench.machine import abandoned, memory_facts, missing_right, read_settings, size_text

    settings, facts = read_settings(), memory_facts()
    click.echo(f"\nvm.overcommit_memory = {settings.memory}, {_limit(settings.ratio, settings.kbytes)}")
    click.echo(
        f"commit limit in mode 2: {size_text(facts.commit_limit_bytes or 0)}, "
        f"{size_text(facts.committed_bytes or 0)} committed now"
    )
    right = missing_right()
    click.echo(f"other modes: {right + ': cells that need one are skipped' if right else 'can be measured'}")
    if abandoned():
        click.echo("a killed run left these settings changed: launchbench doctor --restore")


def _show_limits() -> None:
    from bench.machine import groups, limit_rights

    rights = limit_rights()
    for name, missing in (("memory", rights.memory), ("pids", rights.pids), ("nproc", rights.nproc)):
        click.echo(f"limit {name}: {missing + ': cells that need it are skipped' if missing else 'can be measured'}")
    if left := groups.abandoned():
        click.echo(f"a killed run left {len(left)} control groups: launchbench doctor --restore")


def _show_noise(facts: dict[str, Any]) -> None:
    from bench.machine import noise

    before = noise.cpu_times()
    time.sleep(_STEAL_INTERVAL_S)
    steal = noise.steal_percent(before, noise.cpu_times())
    observed = noise.Observed(steal_percent=steal, rivals=noise.rivals(os.getpid()))
    found = noise.warnings(facts, observed)
    click.echo("\nnoise: " + ("nothing seen that would disturb a run" if not found else ""))
    for warning in found:
        click.echo(f"  {warning.id}: {warning.sentence}\n      {warning.remedy}")


def _show_optional() -> None:
    missing = [f"{program} (package {package})" for program, package in OPTIONAL.items() if not shutil.which(program)]
    if missing:
        click.echo(f"\nnot installed, and needed by nothing in the main job: {', '.join(missing)}")
