"""What QEMU is asked for, and whether KVM is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.catalogue import build_of
from bench.kernels import acceleration, qemu
from bench.kernels.link import Link
from bench.kernels.qemu import Machine
from bench.measure import NoPlaceError, PlaceLostError

if TYPE_CHECKING:
    from collections.abc import Callable

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


def test_a_guest_that_prints_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its console is kept in memory."""
    program = tmp_path / "emulator"
    program.write_text("#!/bin/sh\nexec yes 'no end of it'\n")
    program.chmod(0o755)
    monkeypatch.setattr(qemu, "PROGRAM", str(program))

    with qemu.started(MACHINE, build_of("glibc").worker) as emulator, pytest.raises(PlaceLostError) as raised:
        Link(emulator).greet(60.0)

    assert raised.value.kind == "crashed"
    assert str(raised.value) == "the guest's console came to more than 64MiB while booting"
    assert "no end of it" in raised.value.console


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A /dev/kvm that can be opened, and that nobody has asked for yet."""
    monkeypatch.setattr(acceleration, "_known", acceleration._Known())
    monkeypatch.setattr(acceleration, "_DEVICE", tmp_path / "kvm")
    (tmp_path / "kvm").touch()
    return tmp_path / "kvm"


class Emulators:
    """Emulators that come up, or do not, by the kernel they are given; which ones were tried."""

    def __init__(self, *bootable: str) -> None:
        self.tried: list[str] = []
        self._bootable = bootable

    def refusal(self, kernel: str) -> str | None:
        return acceleration.kvm_refusal(kernel, lambda: replace(MACHINE, kernel=kernel.encode()), Path("/isolator"))

    def try_one(self, made: Callable[[], Machine], _: Path) -> str | None:
        self.tried.append(made().kernel.decode())
        return None if self.tried[-1] in self._bootable else f"{self.tried[-1]} did not come up"


@pytest.fixture
def emulators(device: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Emulators]:  # noqa: ARG001
    def of(*bootable: str) -> Emulators:
        made = Emulators(*bootable)
        monkeypatch.setattr(acceleration, "_try", made.try_one)
        return made

    return of


def test_without_its_device_kvm_is_not_used(device: Path) -> None:
    device.unlink()

    assert acceleration.kvm_refusal("5.10", lambda: MACHINE, Path("/nowhere")) == f"there is no {device}"


def test_who_may_not_open_the_device_is_told_so(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may

    assert acceleration.kvm_refusal("5.10", lambda: MACHINE, Path("/nowhere")) == f"this user may not open {device}"


@pytest.mark.usefixtures("device")
def test_a_device_that_opens_is_not_enough(tmp_path: Path) -> None:
    # GIVEN what can be opened, and an emulator that does not come up with it
    isolator = tmp_path / "isolator"
    isolator.write_text("#!/bin/sh\necho no virtualisation\nexit 1\n")
    isolator.chmod(0o755)

    # THEN it is not believed, and the verdict is remembered
    refusal = acceleration.kvm_refusal("5.10", lambda: MACHINE, isolator)
    assert refusal == "a guest does not boot under KVM: the guest ended while booting"
    isolator.unlink()
    assert acceleration.kvm_refusal("5.10", lambda: MACHINE, isolator) == refusal


def test_one_boot_under_kvm_speaks_for_all_kernels(emulators: Callable[..., Emulators]) -> None:
    some = emulators("5.10")

    assert [some.refusal(kernel) for kernel in ("5.10", "6.1", "5.10")] == [None] * 3
    assert some.tried == ["5.10"]


def test_a_kernel_that_does_not_come_up_says_nothing_of_the_others(emulators: Callable[..., Emulators]) -> None:
    some = emulators("6.1", "6.12")

    found = [some.refusal(kernel) for kernel in ("broken", "6.1", "6.12", "broken")]

    assert found == ["broken did not come up", None, None, "broken did not come up"]
    assert some.tried == ["broken", "6.1"]


def test_two_kernels_that_do_not_come_up_say_that_it_is_the_machine(emulators: Callable[..., Emulators]) -> None:
    some = emulators("6.12")

    assert None not in [some.refusal(kernel) for kernel in ("5.10", "6.1", "6.12")]
    assert some.tried == ["5.10", "6.1"]


def test_without_an_image_nothing_is_said_of_kvm(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def imageless() -> Machine:
        raise NoPlaceError("vmlinuz: No such file or directory")

    for kernel in ("a", "b", "c"):
        assert acceleration.kvm_refusal(kernel, imageless, Path("/nowhere")) == "vmlinuz: No such file or directory"
    monkeypatch.setattr(acceleration, "_try", lambda *_: None)
    assert acceleration.kvm_refusal("d", lambda: MACHINE, device) is None
