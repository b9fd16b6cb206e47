"""The runner's end of an agent's line, for tests: the agent is a plain process, its serial port a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from bench.kernels.wire import Decoder, Frame, words
from bench.measure.request import ARRIVALS, CommandLine, Request
from bench.measure.samples import Sample, decode

# Only so that an agent that hangs fails its test instead of stopping the suite.
PATIENCE_S = 30.0
PROBE = CommandLine.of(("probe",), "")


def request(strategy: str, *commands: CommandLine, **settings: Any) -> Request:
    """One launch of each command, unless `settings` say otherwise."""
    plain: dict[str, Any] = {
        "reaper": "waitpid",
        "hygiene": "none",
        "backing": "anon",
        "footprint_bytes": 1 << 20,
        "open_files": 0,
        "time_limit_ns": int(PATIENCE_S * 1e9),
        "warmup": 0,
        "plan": tuple(range(len(commands))),
    }
    return Request(strategy=strategy, commands=commands, **(plain | settings))


@dataclass
class Attended:
    """What an agent told of one worker."""

    frames: list[Frame] = field(default_factory=list)

    def messages(self, kind: str) -> list[dict[str, Any]]:
        return [frame.message() for frame in self.frames if frame.kind == kind]

    @property
    def said(self) -> list[dict[str, Any]]:
        return self.messages("said")

    @property
    def over(self) -> dict[str, Any]:
        return self.messages("over")[0]

    @property
    def files(self) -> dict[str, bytes]:
        return dict(frame.file() for frame in self.frames if frame.kind == "file")

    @property
    def samples(self) -> list[Sample]:
        return decode(self.files["samples"])


@final
class Agent:
    """One agent. A context manager: at its end neither it nor a worker of its own is left."""

    def __init__(self, worker: Path, folder: Path) -> None:
        self.worker, self.folder = worker, folder
        self.line, there = pty.openpty()
        self.process = subprocess.Popen(
            [worker, "agent", os.ttyname(there), folder], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._decoder = Decoder()
        self._keeps_open = there  # until the agent has opened it, else reading fails

    def __enter__(self) -> Agent:
        self.greeting = self.hear().message()
        os.close(self._keeps_open)
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self.process.kill()
        self.process.communicate()

    def hang_up(self) -> None:
        if self.line >= 0:
            os.close(self.line)
        self.line = -1

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.line, data) :]

    def hear(self) -> Frame:
        until = time.monotonic() + PATIENCE_S
        while (frame := self._decoder.next()) is None:
            ready, _, _ = select.select([self.line], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("the agent says nothing")
            self._decoder.feed(os.read(self.line, 65536))
        return frame

    def answer(self) -> list[Frame]:
        frames = [self.hear()]
        while frames[-1].kind != "over":
            frames.append(self.hear())
        return frames

    def read(self, *paths: str) -> dict[str, bytes]:
        self.send(Frame("read", words(paths)).encode())
        return dict(frame.file() for frame in self.answer() if frame.kind == "file")

    def begin(self, wanted: Request, *settings: str, program: Sequence[str] = ()) -> None:
        environment = {
            "PATH": f"{self.worker.parent}:/usr/bin:/bin",
            "LC_ALL": "C",
            ARRIVALS: str(self.folder / "arrivals"),
        }
        order = words(
            [
                *(f"program={word}" for word in (program or (str(self.worker),))),
                *(f"env={name}={value}" for name, value in environment.items()),
                *("start_ms=30000", "launch_ms=30000", "exit_ms=30000"),
                *settings,
                "",
            ]
        )
        body = wanted.encode(self.folder / "samples", (0,), environment)
        self.send(Frame("work", order + body).encode())

    def attend(self, wanted: Request, *settings: str, program: Sequence[str] = ()) -> Attended:
        """One worker from start to end."""
        self.begin(wanted, *settings, program=program)
        return Attended(self.answer())
