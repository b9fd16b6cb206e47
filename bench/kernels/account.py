"""What the agent tells of one worker, as Evidence. Pure, but for the wall clock that the caller gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.kernels.wire import BrokenLinkError, Frame
from bench.machine import MemoryUnknownError, ToldTree, facts_told
from bench.measure import Count, Evidence, spans

OBSERVED = "observed"
_IN_FORCE = frozenset({"/proc/meminfo", "/proc/sys/vm/overcommit_memory"})
# proc_pid_stat(5), in the words of psutil, which the census of other places uses.
_STATES = {"R": "running", "S": "sleeping", "D": "disk-sleep", "T": "stopped", "t": "tracing-stop", "I": "idle"}


@dataclass(slots=True)
class Account:
    """Takes the frames of one worker in the order in which they come."""

    begun: int
    """When the order was given, ns of the wall clock."""
    evidence: Evidence = field(default_factory=Evidence)
    observed: str | None = None
    """What was observed, of a worker that was."""
    reason: str | None = None
    """Why the agent could not start it at all."""
    told: dict[str, str] = field(default_factory=dict)
    """Files of the guest, by path: what was in force during the launches, and what the order wanted told at the end."""
    _marks: dict[str, int] = field(default_factory=dict)

    @property
    def doing(self) -> str:
        """What the worker is at, as far as is known."""
        return "mapping" if not self.evidence.ready else "launching" if not self.evidence.done else "ending"

    def take(self, frame: Frame, now: int) -> None:
        """Take the next frame, which came at `now`. Raises BrokenLinkError."""
        match frame.kind:
            case "said":
                self._said(frame, now)
            case "held":
                self._held(frame, now)
            case "file":
                self._file(*frame.file(), now)
            case "left":
                left = frame.message()
                self.evidence.strays.append(left | {"state": _STATES.get(left["state"], left["state"])})
            case "over":
                self._over(frame, now)
            case _:
                raise BrokenLinkError(f"the agent tells of a worker with a frame {frame.kind}")

    def _said(self, frame: Frame, now: int) -> None:
        message = frame.message()
        if self.evidence.ready:
            self.evidence.done = message
            self._marks |= {"done": now, "exit": now}
            return
        self._marks["ready"] = now
        if message.get("state") == "ready":
            self.evidence.ready = message
        else:
            self.evidence.refusal = message

    def _held(self, frame: Frame, now: int) -> None:
        told = frame.message()
        count = Count(told["zombies"], told["children"], told["descriptors"], told["threads"])
        if self.evidence.done:
            self.evidence.counted_done = count
            self._marks["exit"] = now
        else:
            self.evidence.counted_ready = count

    def _file(self, name: str, contents: bytes, now: int) -> None:
        match name:
            case "samples":
                self.evidence.samples = contents
            case "arrivals":
                self.evidence.arrivals = contents
            case "stderr":
                self.evidence.stderr = contents.decode(errors="replace")
            case _ if name == OBSERVED:
                self.observed = contents.decode(errors="replace") or None
            case _:
                self.told[name] = contents.decode(errors="replace")
                if not self.evidence.done and name in _IN_FORCE:
                    self._marks["go"] = now  # the last thing that is told before the launches
                    self.evidence.in_force = self._in_force()

    def _in_force(self) -> dict[str, int | None] | None:
        try:
            facts = facts_told(ToldTree(Path("/"), self.told).text)
        except MemoryUnknownError:
            return None
        return {"mode": facts.mode, "commit_limit": facts.commit_limit_bytes, "committed": facts.committed_bytes}

    def _over(self, frame: Frame, now: int) -> None:
        told = frame.message()
        self.reason = told.get("reason")
        self.evidence.returncode = told.get("returncode")
        self.evidence.hung = told.get("hung")
        self.evidence.oom = bool(told.get("oom"))
        marks = {"begun": self.begun, "ended": now} | self._marks
        self.evidence.spent = spans(marks, self.evidence, now)
