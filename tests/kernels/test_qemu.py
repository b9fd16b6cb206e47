"""What QEMU is asked for, and whether KVM is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.kernels import acceleration, qemu
from bench.kernels.qemu import Machine

MACHINE = Machine("tcg", b"", b"", 1 << 30)


def asked(engine: qemu.Engine) -> str:
    return " ".join(qemu.command(Machine(engine, b"", b"", 1 << 30), kernel=4, initramfs=5, line=6, console=7))


def test_a_guest_has_one_cpu_its_memory_and_no_device_but_two_serial_ports() -> None:
    command = asked("tcg")

    assert command.startswith("qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot")
    assert "-smp 1 -m 1024M" in command
    assert command.count("-serial") == 2
    assert "-kernel /proc/self/fd/4 -initrd /proc/self/fd/5" in command
    assert "socket,id=line,fd=6" in command
    assert not {"-net", "-nic", "-drive", "-device"} & set(command.split())


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("kvm", "-accel kvm -cpu host"),
        ("tcg", "-accel tcg -cpu qemu64"),
        ("icount", "-accel tcg -cpu qemu64 -icount shift=0"),
    ],
)
def test_an_engine_is_what_runs_the_instructions(engine: qemu.Engine, expected: str) -> None:
    assert expected in asked(engine)
    assert ("-icount" in asked(engine)) == (engine == "icount")


@pytest.mark.parametrize(
    ("engine", "source"), [("kvm", None), ("tcg", "clocksource=hpet"), ("icount", "clocksource=tsc")]
)
def test_a_clock_that_a_busy_host_can_mislead_is_not_used(engine: qemu.Engine, source: str | None) -> None:
    named = [word for word in asked(engine).split() if word.startswith("clocksource=")]

    assert named == ([source] if source else [])


def test_nothing_is_left_to_chance_where_instructions_are_counted() -> None:
    counted = asked("icount").split()

    assert {"-seed", "norandmaps", "base=2020-01-01,clock=vm"} <= set(counted)
    assert not {"-seed", "norandmaps"} & set(asked("tcg").split())


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nobody has asked for KVM yet."""
    monkeypatch.setattr(acceleration, "_verdict", [])
    return monkeypatch


def test_without_its_device_kvm_is_not_used(unknown: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unknown.setattr(acceleration, "_DEVICE", tmp_path / "kvm")

    assert acceleration.kvm_refusal(lambda: MACHINE, Path("/nowhere")) == f"{tmp_path / 'kvm'} cannot be opened"


def test_a_device_that_opens_is_not_enough(unknown: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GIVEN what can be opened, and an emulator that does not come up with it
    device = tmp_path / "kvm"
    device.touch()
    unknown.setattr(acceleration, "_DEVICE", device)
    isolator = tmp_path / "isolator"
    isolator.write_text("#!/bin/sh\necho no virtualisation\nexit 1\n")
    isolator.chmod(0o755)

    # THEN it is not believed, and the verdict is remembered
    refusal = acceleration.kvm_refusal(lambda: MACHINE, isolator)
    assert refusal == "a guest does not boot under KVM: the guest ended while booting"
    isolator.unlink()
    assert acceleration.kvm_refusal(lambda: MACHINE, isolator) == refusal
