"""The only definition of a scenario's YAML. `docs/scenarios.md` explains it, `schema.json` is generated from it.

Every key that becomes an axis of the matrix holds a tuple, whether the file gave a list or one value.
"""

from __future__ import annotations

import errno
import signal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer

from bench.scenario import scalars
from bench.scenario.kinds import ABSENT_FAULT, KEY_FAULT, VALUE_FAULT, Fault, Items, Kind, Strict
from bench.scenario.units import (
    SIZE_UNITS,
    TIME_UNITS,
    Amount,
    Duration,
    Limit,
    Size,
    parse_amount,
    parse_duration,
    parse_limit,
)
from bench.scenario.wording import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from bench.scenario.vocabulary import Vocabulary

ALL = "all"
"""Stands alone in `strategies` and `hazards` for every one in the vocabulary."""
AUTO, NO_REFERENCE = "auto", "none"
"""As `reference`: a strategy is chosen, or no cell is planned twice."""
SMALLEST_FOOTPRINT = 4096  # bytes: one page of the smallest size
_MOST_PROCESSES = 4_194_304  # PID_MAX_LIMIT, include/linux/threads.h
_MOST_LAUNCHES = 10_000_000
_MOST_DESCRIPTORS = 2**30
_MOST_PIECES = 2**31 - 1

_SIZE = rf"[0-9]+(\.[0-9]+)?({'|'.join(SIZE_UNITS)}|%RAM)"


def _pattern(pattern: str, *examples: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^({pattern})$", "examples": list(examples)}


def _whole(least: int, most: int) -> Kind:
    return Kind(scalars.Whole(least, most), {"type": "integer", "minimum": least, "maximum": most})


def _name(*examples: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "examples": list(examples)}


def _read_footprint(value: Any) -> Amount:
    return parse_amount(value, least=SMALLEST_FOOTPRINT)


def _strategy_names(vocabulary: Vocabulary) -> Sequence[str]:
    return (*sorted(vocabulary.strategies), ALL)


def _hazard_names(vocabulary: Vocabulary) -> Sequence[str]:
    return (*sorted(vocabulary.hazards), ALL)


def _reference_names(vocabulary: Vocabulary) -> Sequence[str]:
    return (*sorted(vocabulary.strategies), AUTO, NO_REFERENCE)


Strategy = Annotated[str, Kind(scalars.read_name, _name("fork_exec", "all"), names=_strategy_names)]
Reaper = Annotated[str, Kind(scalars.read_name, _name("waitpid"), names=lambda known: known.reapers)]
Hygiene = Annotated[str, Kind(scalars.read_name, _name("none"), names=lambda known: known.hygiene)]
Backing = Annotated[str, Kind(scalars.read_name, _name("anon"), names=lambda known: known.backings)]
Hazard = Annotated[str, Kind(scalars.read_name, _name("all"), names=_hazard_names)]
Reference = Annotated[str, Kind(scalars.read_name, _name("auto", "none", "posix_spawn"), names=_reference_names)]
AnyName = Annotated[str, Kind(scalars.read_name, {"type": "string", "minLength": 1})]
Footprint = Annotated[Amount, Kind(_read_footprint, _pattern(_SIZE, "64MiB", "1GiB", "40%RAM"), str)]
OvercommitMode = Annotated[Literal["current", 0, 1, 2], Kind(scalars.read_mode, {"enum": ["current", 0, 1, 2]})]
OvercommitLimit = Annotated[
    Limit | None,
    Kind(parse_limit, _pattern(rf"[0-9]+(\.[0-9]+)?x|{_SIZE}", "1.5x", "2GiB", "50%RAM"), str),
]
GuestClock = Annotated[
    Literal["wall", "instructions"], Kind(scalars.read_guest_clock, {"enum": list(scalars.GUEST_CLOCKS)})
]
TimeLimit = Annotated[
    Duration,
    Kind(parse_duration, _pattern(rf"[0-9]+(\.[0-9]+)?({'|'.join(TIME_UNITS)})", "5s", "500ms", "2min"), str),
]
ExitStatus = Annotated[int | None, _whole(0, 255)]
SignalName = Annotated[
    str | None,
    Kind(
        scalars.read_signal,
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": signal.NSIG - 1}, _pattern("SIG[A-Z0-9]+", "SIGKILL")]},
    ),
]
ErrnoName = Annotated[str | None, Kind(scalars.read_errno, _pattern("E[A-Z0-9]+", "ENOENT", "EACCES", "E2BIG"))]
InFlight = Annotated[int, _whole(1, _MOST_PROCESSES)]
Bystanders = Annotated[int, _whole(0, _MOST_PROCESSES)]
OpenFiles = Annotated[int, _whole(0, _MOST_DESCRIPTORS)]
Pieces = Annotated[int, _whole(1, _MOST_PIECES)]
Holding = Annotated[
    Literal["command", "child"],
    Kind(scalars.read_name, {"enum": ["command", "child"]}, names=lambda _: ("command", "child")),
]
Flag = Annotated[bool, Kind(scalars.read_flag, {"type": "boolean"})]
Argument = Annotated[str, Kind(scalars.read_argument, {"type": "string"})]


def _one_of(data: dict[str, Any], keys: tuple[str, ...], noun: str) -> Iterator[Fault]:
    """Yield the fault of a mapping that needs exactly one of some keys."""
    given = [key for key in data if key in keys]
    listed = f"{', '.join(keys[:-1])} or {keys[-1]}"
    for key in given[1:]:
        yield KEY_FAULT, (key,), f"{noun} has one of {listed}; this one has {given[0]} already"
    if not given:
        yield ABSENT_FAULT, (), f"{noun} needs one of {listed}"


def _held(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the faults of a mix that is to be held until it is let go: `probe` alone waits at a gate."""
    commands = data.get("commands")
    for index, command in enumerate(commands if isinstance(commands, list) else ()):
        argv = command.get("argv") if isinstance(command, dict) else getattr(command, "argv", None)
        if not argv or argv[0] != "probe":
            yield VALUE_FAULT, ("commands", index), "with burst or writes every command is probe: no other can be held"


class Expect(Strict):
    """The outcome that a launch must have to count as ok: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    example: ClassVar[str] = "{exit: 0}"

    exit: ExitStatus = Field(None, description="Exit status.")
    signal: SignalName = Field(None, description="Signal that kills the command: a name such as SIGKILL, or a number.")
    exec_error: ErrnoName = Field(None, description="Name of the errno with which the exec must fail.")

    @classmethod
    def conflicts(cls, data: dict[str, Any]) -> Iterator[Fault]:
        """Demand exactly one key."""
        yield from _one_of(data, ("exit", "signal", "exec_error"), "an expectation")

    @property
    def kind(self) -> Literal["exit", "signal", "exec_error"]:
        """Which of the three is expected."""
        if self.exit is not None:
            return "exit"
        return "signal" if self.signal is not None else "exec_error"

    @property
    def number(self) -> int:
        """The expected exit status, signal number, or errno of this machine."""
        if self.exit is not None:
            return self.exit
        if self.signal is not None:
            return int(self.signal) if self.signal.isdecimal() else signal.Signals[self.signal].value
        return int(getattr(errno, str(self.exec_error)))


class Command(Strict):
    """One command of the mix: argv or shell, its weight, and the outcome it must have."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["argv"]}, {"required": ["shell"]}]})
    example: ClassVar[str] = "{argv: [probe]}"

    argv: Annotated[tuple[Argument, ...], Items("argument", single=False, hint=": for a command line use shell")] = (
        Field((), description="The program and its arguments; `probe` is the static program that ships.")
    )
    shell: Annotated[str, Kind(scalars.read_shell, {"type": "string", "minLength": 1})] = Field(
        "", description="A command line for /bin/sh."
    )
    weight: Annotated[
        float,
        Kind(scalars.read_weight, {"type": "number", "exclusiveMinimum": 0}, scalars.write_weight),
    ] = Field(1.0, description="How often the command is picked, relative to the others.")
    expect: Expect = Field(Expect(exit=0), description="The outcome that a launch must have to count as ok.")

    @classmethod
    def conflicts(cls, data: dict[str, Any]) -> Iterator[Fault]:
        """Demand argv or shell, and a program in argv."""
        yield from _one_of(data, ("argv", "shell"), "a command")
        argv = data.get("argv")
        if isinstance(argv, list) and argv and argv[0] == "":
            yield VALUE_FAULT, ("argv", 0), "the program has no name"


class Overcommit(Strict):
    """A mode of vm.overcommit_memory, with its limit when the mode is 2."""

    example: ClassVar[str] = "{mode: 2, limit: 1.5x}"

    mode: OvercommitMode = Field(description="current (as the machine is), 0, 1 or 2.")
    limit: OvercommitLimit = Field(
        None,
        description="Mode 2 only: what may be committed beyond what the machine had committed before the "
        "footprint: a size, a share of RAM, or a multiple of the footprint.",
    )

    @classmethod
    def widen(cls, data: Any) -> Any:
        """Let a bare mode stand for the mapping."""
        if isinstance(data, dict):
            return data
        try:
            return {"mode": scalars.read_mode(data)}
        except ValueError:
            raise ValueError(f"must be current, 0, 1, 2 or {cls.example}, not {show(data)}") from None

    @classmethod
    def conflicts(cls, data: dict[str, Any]) -> Iterator[Fault]:
        """Allow a limit in mode 2 only."""
        if "limit" in data and data.get("mode", 2) in ("current", 0, 1):
            yield KEY_FAULT, ("limit",), f"only mode 2 has a limit, not mode {data['mode']}"

    @model_serializer(mode="wrap")
    def _write(self, handler: SerializerFunctionWrapHandler) -> Any:
        return self.mode if self.limit is None else handler(self)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the bare mode beside the mapping."""
        described = handler.resolve_ref_schema(handler(schema))
        mapping = dict(described)
        described.clear()
        described["anyOf"] = [{"enum": ["current", 0, 1, 2]}, mapping]
        return described

    def __str__(self) -> str:
        """Return how a cell's id spells it: `current`, `mode1`, `mode2+1.5x`."""
        mode = self.mode if self.mode == "current" else f"mode{self.mode}"
        return mode if self.limit is None else f"{mode}+{self.limit}"


class Limits(Strict):
    """Limits that a worker runs under; an absent one is not set. One mapping is one point of the axis."""

    example: ClassVar[str] = "{memory: 4GiB, pids: 200}"

    memory: Annotated[Amount | None, Kind(_read_footprint, _pattern(_SIZE, "4GiB", "50%RAM"), str)] = Field(
        None, description="memory.max of the worker's cgroup (memory.limit_in_bytes in v1): a size or a share of RAM."
    )
    pids: Annotated[int | None, _whole(1, _MOST_PROCESSES)] = Field(
        None, description="pids.max of the worker's cgroup: processes and threads."
    )
    nofile: Annotated[int | None, _whole(1, _MOST_DESCRIPTORS)] = Field(
        None, description="RLIMIT_NOFILE, soft and hard: descriptors a process."
    )
    nproc: Annotated[int | None, _whole(1, _MOST_PROCESSES)] = Field(
        None, description="RLIMIT_NPROC: processes and threads of the user; as root, of a user of the worker's own."
    )


class Exclusion(Strict):
    """A partial cell: every cell that has all of these is left out. A list means any of its entries."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    example: ClassVar[str] = "{strategy: fork_exec, overcommit: 2}"

    strategy: Annotated[tuple[AnyName, ...], Items("strategy")] = ()
    reaper: Annotated[tuple[AnyName, ...], Items("reaper")] = ()
    hygiene: Annotated[tuple[AnyName, ...], Items("hygiene")] = ()
    backing: Annotated[tuple[AnyName, ...], Items("backing")] = ()
    footprint: Annotated[tuple[Footprint, ...], Items("footprint")] = ()
    overcommit: Annotated[tuple[Overcommit, ...], Items("mode")] = Field(
        (), description="A mode without a limit stands for that mode with any limit."
    )
    limit: Annotated[
        tuple[Annotated[Limit, Kind(parse_limit, _pattern(rf"[0-9]+(\.[0-9]+)?x|{_SIZE}", "1.5x"), str)], ...],
        Items("limit"),
    ] = Field((), description="The limit of overcommit mode 2.")
    in_flight: Annotated[tuple[InFlight, ...], Items("number")] = ()
    bystanders: Annotated[tuple[Bystanders, ...], Items("number")] = ()
    open_files: Annotated[tuple[OpenFiles, ...], Items("number")] = ()
    vmas: Annotated[tuple[Pieces, ...], Items("number")] = ()
    memory: Annotated[tuple[Footprint, ...], Items("size")] = ()
    pids: Annotated[tuple[InFlight, ...], Items("number")] = ()
    nofile: Annotated[tuple[Pieces, ...], Items("number")] = ()
    nproc: Annotated[tuple[InFlight, ...], Items("number")] = ()

    @classmethod
    def conflicts(cls, data: dict[str, Any]) -> Iterator[Fault]:
        """Refuse an entry that names nothing: it would leave out everything."""
        if not data:
            yield ABSENT_FAULT, (), "names nothing, and so would exclude every cell"


class Scenario(Strict):
    """One question, and the matrix that answers it."""

    example: ClassVar[str] = "{name: ..., question: ...}"

    name: Annotated[
        str, Kind(scalars.read_scenario_name, {**_pattern("[A-Za-z0-9][A-Za-z0-9._-]*", "big-parent"), "maxLength": 64})
    ] = Field(description="Short name; result files are named after it.")
    question: Annotated[str, Kind(scalars.read_question, {"type": "string", "minLength": 1})] = Field(
        description="The question that the scenario answers, in one sentence."
    )
    strategies: Annotated[tuple[Strategy, ...], Items("strategy")] = Field(
        (), description="Axis: ways to launch; `all` for every one. May be left out when there are hazards."
    )
    reapers: Annotated[tuple[Reaper, ...], Items("reaper")] = Field(
        ("waitpid",), description="Axis: ways to collect exit statuses."
    )
    hygiene: Annotated[tuple[Hygiene, ...], Items("hygiene")] = Field(
        ("none",), description="Axis: what happens to descriptors and signals between the launch and the exec."
    )
    backings: Annotated[tuple[Backing, ...], Items("backing")] = Field(
        ("anon",), description="Axis: how the footprint is mapped."
    )
    footprints: Annotated[tuple[Footprint, ...], Items("footprint")] = Field(
        (Size(64 * 2**20),), description="Axis: bytes that the worker maps and touches, or a share of RAM."
    )
    overcommit: Annotated[tuple[Overcommit, ...], Items("mode")] = Field(
        (Overcommit(mode="current"),), description="Axis: mode of vm.overcommit_memory during the launches."
    )
    commands: Annotated[tuple[Command, ...], Items("command", single=False)] = Field(
        (Command(argv=("probe",)),), description="The mix: each launch picks one by weight, from the recorded seed."
    )
    launches: Annotated[int, _whole(1, _MOST_LAUNCHES)] = Field(80, description="Timed launches a worker.")
    warmup: Annotated[int, _whole(0, _MOST_LAUNCHES)] = Field(
        10, description="Launches before them: recorded and marked, never summarised."
    )
    rounds: Annotated[int, _whole(1, _MOST_LAUNCHES)] = Field(24, description="Workers a cell.")
    reference: Reference = Field(
        AUTO,
        description="Strategy whose cell is planned twice a round, to measure the noise, and by which machines are "
        "compared: auto chooses one, none does without.",
    )
    time_limit: TimeLimit = Field(
        Duration(5 * TIME_UNITS["s"]), description="Time for a worker's launches; what it cuts off is counted."
    )
    in_flight: Annotated[tuple[InFlight, ...], Items("number")] = Field(
        (1,), description="Axis: launches alive at once."
    )
    burst: Flag = Field(False, description="The in_flight launches all end at the same moment, then come the next.")
    writes: Annotated[int, _whole(0, _MOST_PIECES)] = Field(
        0, description="Pages of the footprint that the worker writes to after each launch, while the command lives."
    )
    writes_while: Holding = Field(
        "command", description="command: it runs already; child: it is held before the exec, a copy of the worker."
    )
    bystanders: Annotated[tuple[Bystanders, ...], Items("number")] = Field(
        (0,), description="Axis: threads of the worker that map and touch memory meanwhile."
    )
    open_files: Annotated[tuple[OpenFiles, ...], Items("number")] = Field(
        (0,), description="Axis: descriptors open in the worker."
    )
    inheritable: Flag = Field(False, description="The open_files are opened without O_CLOEXEC.")
    vmas: Annotated[tuple[Pieces, ...], Items("number")] = Field(
        (1,), description="Axis: pieces that the footprint is mapped in."
    )
    limits: Annotated[tuple[Limits, ...], Items("mapping")] = Field(
        (Limits(),), description="Axis: cgroup and rlimits of the worker."
    )
    cpu: Annotated[
        str | tuple[int, ...],
        Kind(
            scalars.read_cpu,
            {
                "anyOf": [
                    {"enum": ["same", "free"]},
                    _pattern("[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", "0,2-3"),
                    {"type": "integer", "minimum": 0},
                    {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
                ]
            },
            scalars.format_cpus,
        ),
    ] = Field("same", description="same: worker and children on one CPU; free; or a list of CPUs.")
    pacer: Flag = Field(
        True, description="Measure the pace of the machine beside launches, where workers are held to one CPU."
    )
    exclude: Annotated[tuple[Exclusion, ...], Items("partial cell", single=False, least=0)] = Field(
        (), description="Partial cells: every cell that agrees with one of them is left out."
    )
    map_in_mode: Flag = Field(False, description="Map the footprint inside the overcommit mode, not before it.")
    crowd: Flag = Field(False, description="Run even with less than 256MiB for the rest of the machine.")
    no_fork: Flag = Field(False, description="Refuse every call that would copy a process, as without an MMU.")
    guest_clock: GuestClock = Field(
        "wall", description="What a guest's clock shows: the time on the wall, or how many instructions it executed."
    )
    hazards: Annotated[tuple[Hazard, ...], Items("hazard", least=0)] = Field(
        (), description="Known ways to go wrong that are tried beside the cells; `all` for every one."
    )
    trials: Annotated[int, _whole(1, _MOST_LAUNCHES)] = Field(100, description="Trials of each hazard.")

    @classmethod
    def conflicts(cls, data: dict[str, Any]) -> Iterator[Fault]:
        """Demand something to measure, and `all` alone."""
        if "strategies" not in data and not data.get("hazards"):
            yield ABSENT_FAULT, ("strategies",), "this key is missing: a list of strategies, or all"
        if data.get("burst") is True or (type(writes := data.get("writes")) is int and writes > 0):
            yield from _held(data)
        for key in ("strategies", "hazards"):
            names = data.get(key)
            if isinstance(names, list) and ALL in names and len(names) > 1:
                yield VALUE_FAULT, (key, names.index(ALL)), "all stands alone, without other names"

    def settings(self) -> dict[str, Any]:
        """Return the canonical, JSON-able form: defaults filled in, sizes and times in canonical text.

        Equal scenarios have equal settings; loaded again as YAML they give an equal scenario.
        """
        return self.model_dump(mode="json")

    def strategy_names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Return the strategies, `all` resolved and sorted."""
        return tuple(sorted(vocabulary.strategies)) if self.strategies == (ALL,) else self.strategies

    def hazard_names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Return the hazards, `all` resolved and sorted."""
        return tuple(sorted(vocabulary.hazards)) if self.hazards == (ALL,) else self.hazards
