"""How a worker ended, and why: for the log, for readiness and for metrics, never for a client."""

import contextlib
import signal
import time
from typing import Any

from attrs import field, frozen

from abeja.runtime.pool import memory

# A process that had this part of what there is, and was killed, was most probably killed for it.
_NEARLY_ALL = 0.9


@frozen(kw_only=True)
class Exit:
    """The end of one worker.

    Attributes:
        worker: its number.
        reason: for people, such as ``was killed by SIGSEGV``.
        cause: for counting, one of a few words, such as ``SIGSEGV``.
        output: the last lines that it printed.
        time: of the end, in seconds since 1970.
    """

    worker: int
    reason: str
    cause: str
    output: tuple[str, ...] = ()
    time: float = field(factory=time.time)

    def report(self) -> dict[str, Any]:
        """The fields for readiness."""
        return {
            "worker": self.worker,
            "reason": self.reason,
            "cause": self.cause,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.time)),
            "output": list(self.output),
        }


class MemoryWitness:
    """Remembers how much memory a process had, to tell afterwards whether that was its end.

    Attributes:
        resident_bytes: what it had when it was looked at last.
    """

    def __init__(self) -> None:
        self.resident_bytes = 0
        self._kills = memory.kills_for_lack()
        self._peak_of_others_bytes = memory.peak_of_ended_children_bytes()

    def look(self, pid: int) -> None:
        """Look at the process, which lives."""
        self.resident_bytes = memory.resident_bytes(pid) or self.resident_bytes
        self._kills = memory.kills_for_lack()
        self._peak_of_others_bytes = memory.peak_of_ended_children_bytes()

    def lack(self) -> str:
        """Of a process that SIGKILL has ended: how it lacked memory; empty if it did not."""
        used = self.resident_bytes
        peak = memory.peak_of_ended_children_bytes()
        if peak > self._peak_of_others_bytes:
            # It grew after the last look.
            used = max(used, peak)
        limit = memory.limit_bytes()
        shown = f"out of memory: it used {memory.shown(used)}, and the limit is {memory.shown(limit)}"
        if memory.kills_for_lack() > self._kills:
            return shown
        return f"probably {shown}" if limit and used > limit * _NEARLY_ALL else ""


def of_code(code: int | None, witness: MemoryWitness) -> tuple[str, str]:
    """Reason and cause for the exit code of a process that nobody here ended; negative for a signal."""
    if code is None or code >= 0:
        return f"ended with exit code {code}", f"exit-{code}"
    name = str(-code)
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
    lack = witness.lack() if -code == signal.SIGKILL else ""
    if lack:
        return f"was killed by {name}, {lack}", "out-of-memory"
    return f"was killed by {name}", name
