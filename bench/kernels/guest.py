"""Guests as places: another kernel under QEMU, with the worker's own agent as its first process.

    site = GuestSite(image_of("4.4"), isolator=build.worker)
    with site.open(0) as place:
        evidence = place.carry_out(order)

The agent (strategies/guest/) does in the guest what bench.measure.local does here. The host's settings are never
touched, and a guest dies with the thread that opened it, whatever ends that.
Not for: where kernels come from (sources.py).
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

from bench.catalogue import Build, MissingToolError, build_of
from bench.kernels import contents, initramfs, orders, payload, qemu
from bench.kernels.acceleration import kvm_refusal
from bench.kernels.account import OBSERVED, Account
from bench.kernels.builds import build_for
from bench.kernels.contents import FILES, path_of
from bench.kernels.link import Link
from bench.kernels.manifest import KernelImage, Root
from bench.kernels.qemu import Emulator, Engine, Machine, started
from bench.kernels.wire import BrokenLinkError
from bench.machine import (
    FACT_FILES,
    Budget,
    LimitRights,
    MemoryFacts,
    MemoryUnknownError,
    Settings,
    ToldTree,
    facts_told,
    fit_reason,
    memory_facts,
    size_text,
)
from bench.measure import SHELL, Clock, Evidence, NoPlaceError, Order, PlaceLostError, observation, patience
from bench.record import PlaceFields

MEMORY_BYTES = 1 << 30
BOOTS = 3
_AGENT = "glibc-static"
_CLOCKS: dict[Engine, Clock] = {"kvm": "hardware", "tcg": "emulated", "icount": "instructions"}
_SETTINGS = tuple(f"/proc/sys/vm/overcommit_{name}" for name in ("memory", "ratio", "kbytes"))
_RELEASE, _BOOT = "/proc/sys/kernel/osrelease", "/proc/sys/kernel/random/boot_id"
_READ_S = 20.0
_BOOT_S: dict[Engine, float] = {"kvm": 20.0, "tcg": 180.0, "icount": 300.0}
# How much longer the wall clock may take for what a guest's own clock was given, and what the line takes.
_SLOWER: dict[Engine, float] = {"kvm": 1.0, "tcg": 2.0, "icount": 30.0}
_LINE_S = 30.0


@cache
def _version() -> str:
    told = subprocess.run([qemu.PROGRAM, "--version"], capture_output=True, text=True, check=False).stdout
    return next((word for word in told.split() if word[0].isdigit()), "of an unknown version")


class GuestSite:
    """One kernel, with nothing but the worker or with a distro's root; a `Site` of bench.measure."""

    def __init__(
        self,
        kernel: KernelImage,
        root: Root | None = None,
        *,
        clock: Literal["wall", "instructions"] = "wall",
        memory_bytes: int = MEMORY_BYTES,
        boots: int = BOOTS,
        workers: Iterable[str] = (),
    ) -> None:
        """`clock`: the wall's, by the fastest engine that works here; or one that counts the guest's instructions.

        `workers` are the builds that its guests are to hold. Raises NoPlaceError when no guest can run on this machine,
        MissingToolError when its agent cannot be compiled.
        """
        reason = qemu.missing()
        if reason:
            raise NoPlaceError(reason)
        self._kernel, self._root, self._wanted = kernel, root, clock
        self._memory_bytes, self._boots = memory_bytes, boots
        self._open: set[Emulator] = set()
        self._is_abandoned = False
        self._lock = threading.Lock()
        self._agent = build_of(_AGENT)
        self._builds = {self._agent.folder: self._agent}
        for worker in workers:
            with suppress(MissingToolError, NoPlaceError):  # who asks for it is told
                self.build(worker)

    @property
    def clock(self) -> Clock:
        """The clock of all its places."""
        return _CLOCKS[self.engine]

    @property
    def boots(self) -> int:
        """How many boots the rounds are spread over."""
        return self._boots

    @property
    def ram_bytes(self) -> int:
        """The guest's RAM."""
        return self._memory_bytes

    @property
    def description(self) -> PlaceFields:
        """What is known of a guest without asking it; its kernel's release is what the image says."""
        fields: PlaceFields = {
            "machine": f"QEMU {_version()} ({self.engine})",
            "source": self._kernel.source,
            "image": self._kernel.sha256,
            "kernel": self._kernel.release,
            "distro": self._root.distro if self._root else "none",
        }
        if self._root:
            fields["libc"] = self._root.libc
        if self.engine == "tcg" and self._no_kvm:
            fields["no_kvm"] = self._no_kvm
        return fields

    @cached_property
    def engine(self) -> Engine:
        """What runs the guest's instructions. The first to ask waits for a boot where there is a /dev/kvm."""
        if self._wanted == "instructions":
            return "icount"
        return "tcg" if self._no_kvm else "kvm"

    @cached_property
    def _no_kvm(self) -> str | None:
        """Why KVM is not used; None when it is."""
        return kvm_refusal(self._kernel.sha256, lambda: self._machine("kvm"), self._agent.worker)

    def build(self, worker: str) -> Build:
        """The build that runs there. Raises MissingToolError, NoPlaceError."""
        if worker == "glibc" and self._root is None:
            raise NoPlaceError("a guest without a distro has no C library to load: --worker glibc-static, or musl")
        build = build_for(self._root, worker) if self._root else build_of(worker)
        with self._lock:
            self._builds[build.folder] = build
        return build

    @contextmanager
    def open(self, boot: int) -> Iterator[GuestPlace]:  # noqa: ARG002 - one boot is like the other
        """Boot the guest. Raises PlaceLostError; NoPlaceError also where this machine has not that much RAM left."""
        lacking = fit_reason(Budget(self._memory_bytes), memory_facts())
        if lacking:
            raise NoPlaceError(f"a guest of {size_text(self._memory_bytes)} {lacking}: ask for smaller footprints")
        with ExitStack() as stack:
            builds = self._held()
            machine = self._machine(self.engine)
            try:
                emulator = stack.enter_context(started(machine, self._agent.worker))
            except OSError as error:
                raise NoPlaceError(f"QEMU does not start: {error}") from None
            stack.enter_context(self._listed(emulator))
            link = Link(emulator)
            link.greet(_BOOT_S[self.engine])
            known: PlaceFields = {
                **self.description,
                "entry": payload.entry(machine.kernel),
                "clock": _CLOCKS[machine.engine],
            }
            yield GuestPlace(link, self.engine, known, self._root, {build.folder: build for build in builds})
            with suppress(PlaceLostError):  # all that was asked for is known; what does not end is killed
                link.power_off()

    @contextmanager
    def _listed(self, emulator: Emulator) -> Iterator[None]:
        with self._lock:
            self._open.add(emulator)
            if self._is_abandoned:  # while it was being started
                emulator.kill()
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(emulator)

    def abandon(self) -> None:
        """End all guests at once, from any thread."""
        with self._lock:
            self._is_abandoned = True
            for emulator in self._open:
                emulator.kill()

    def _held(self) -> list[Build]:
        with self._lock:
            return list(self._builds.values())

    def _machine(self, engine: Engine) -> Machine:
        held = contents.entries(self._agent, self._held(), self._root.path if self._root else None)
        return Machine(engine, self._bootable(), initramfs.archive(held), self._memory_bytes)

    def _bootable(self) -> bytes:
        """Unpacked anew for each boot, out of the image that was asked for and no other."""
        try:
            image = self._kernel.path.read_bytes()
        except OSError as error:
            raise NoPlaceError(f"{self._kernel.path}: {error.strerror}") from None
        if sha256(image).hexdigest() != self._kernel.sha256:
            raise NoPlaceError(f"{self._kernel.path}: not the image any more that the run began with")
        return payload.bootable(image, self._kernel.release)


class GuestPlace:
    """One boot of a guest; a `Place` of bench.measure."""

    def __init__(
        self, link: Link, engine: Engine, known: PlaceFields, root: Root | None, builds: Mapping[Path, Build]
    ) -> None:
        """`known` is what can be said of it without asking; `builds` are those that it has, by folder."""
        self._link, self._engine, self._known, self._root, self._builds = link, engine, known, root, builds
        told = link.read((_RELEASE, _BOOT, *orders.RIGHT_FILES), _READ_S)
        self._release, self._boot = (told.get(name, "").strip() for name in (_RELEASE, _BOOT))
        self._limiting = told

    def describe(self) -> PlaceFields:
        """What its workers run on."""
        return {**self._known, "kernel": self._release, "boot": self._boot}

    def cpus(self) -> tuple[int, ...]:
        """The one CPU that there is."""
        return (0,)

    def memory(self) -> MemoryFacts:
        """The guest's memory now. Raises NoPlaceError when its kernel does not tell."""
        told = self._link.read([f"/{name}" for name in FACT_FILES], _READ_S)
        try:
            return facts_told(ToldTree(Path("/"), told).text)
        except MemoryUnknownError as error:
            raise NoPlaceError(f"the guest's {error}") from None

    def settings(self) -> Settings:
        """The guest's vm.overcommit_* now. Raises NoPlaceError for a kernel without one of them (before Linux 3.14)."""
        tree = ToldTree(Path("/"), self._link.read(_SETTINGS, _READ_S))
        found = {name: tree.integer(name) for name in _SETTINGS}
        numbers = [number for number in found.values() if number is not None]
        if len(numbers) < len(found):
            lacking = next(name for name, number in found.items() if number is None)
            raise NoPlaceError(f"the guest's kernel has no {lacking}")
        return Settings(*numbers)

    def missing_right(self) -> str | None:
        """Nothing is missing: a guest is the runner's own."""
        return None

    def limit_rights(self) -> LimitRights:
        """What its kernel lacks for limiting a worker."""
        return orders.rights(self._limiting)

    def carry_out(self, order: Order) -> Evidence:
        """Run one worker. Raises PlaceLostError."""
        return self._attend(order, ()).evidence

    def observe(self, order: Order) -> str | None:
        """Trace one launch of `probe` from a small footprint; None when that was not possible."""
        account = self._attend(observation(order, str(FILES / OBSERVED)), ("observe", str(FILES / OBSERVED)))
        return account.observed if account.evidence.done else None

    def _attend(self, order: Order, observer: tuple[str, ...]) -> Account:
        account = Account(time.monotonic_ns())
        lacking = self._lacking(order)
        if lacking:
            account.evidence.refusal = {"state": "unsupported", "reason": lacking}
            account.evidence.spent = {}
            return account
        program = tuple(self._there(word) for word in order.worker)
        if observer:
            program = (program[0], *observer, *program)
        confined = orders.confinement(order, orders.versions(self._limiting))
        self._link.say(orders.frame(order, program, confined, self.memory()))
        over = False
        while not over:
            frame = self._link.hear(self._patience_s(order, account), account.doing)
            over = frame.kind == "over"
            try:
                account.take(frame, time.monotonic_ns())
            except (BrokenLinkError, KeyError) as error:
                raise PlaceLostError("crashed", f"the line to the guest is broken: {error}") from None
        if account.reason:
            raise PlaceLostError("crashed", f"the guest's agent cannot start a worker: {account.reason}")
        account.evidence.held = orders.held(confined, account.told)
        self._check_program(self._builds[Path(order.worker[0]).parent], account.evidence)
        return account

    def _check_program(self, build: Build, evidence: Evidence) -> None:
        """Raise NoPlaceError when a dynamic worker ended before it said anything: the root's C library is another."""
        if build.libc is None and self._root and not (evidence.ready or evidence.refusal) and evidence.returncode:
            last = evidence.stderr.strip().splitlines()[-1:] or [f"status {evidence.returncode}"]
            raise NoPlaceError(f"the worker does not run in {self._root.distro}: {last[0]}")

    def _lacking(self, order: Order) -> str | None:
        """What an order needs and this guest does not hold; None when it has everything."""
        worker = Path(order.worker[0])
        if worker.parent not in self._builds:
            return f"a guest has no {worker.name}"
        if self._root is None and any(command.argv[0] == SHELL for command in order.request.commands):
            return f"a guest without a distro has no {SHELL}"
        return None

    def _there(self, word: str) -> str:
        """A word of a command line as it is in the guest: programs of the builds lie elsewhere."""
        return str(path_of(Path(word))) if Path(word).parent in self._builds else word

    def _patience_s(self, order: Order, account: Account) -> float:
        match account.doing:
            case "mapping":
                given = patience.start_s(order.request.footprint_bytes)
            case "launching":
                given = patience.launches_s(order.request.time_limit_ns, watched=order.request.bystanders > 0)
            case _:
                given = patience.EXIT_S
        return given * _SLOWER[self._engine] + _LINE_S
