"""Whether a worker is to be renewed, and why."""

import asyncio
import time

from abeja.runtime.pool.limits import Limits


class Wear:
    """Of one worker. Its limits count from `begin` on.

    Args:
        limits: what it may reach.

    Attributes:
        request_limit: how many requests it may have; None if they are not counted.
        reason: why it is to be renewed, for the log; empty if it is not.
        due: set while there is a reason.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.request_limit = limits.requests
        self._begin_s: float | None = None
        self._deferred_until_s = 0.0
        self._set_s = 0.0
        self.reason = ""
        self.due = asyncio.Event()

    @property
    def age_s(self) -> float:
        """The time since the worker was ready; 0 before that."""
        return 0.0 if self._begin_s is None else asyncio.get_running_loop().time() - self._begin_s

    def begin(self) -> None:
        """The worker is ready."""
        self._begin_s = asyncio.get_running_loop().time()

    def look(self, *, requests: int, resident_bytes: int) -> None:
        """Find a reason if the worker has reached a limit."""
        if self._begin_s is None or self.reason or asyncio.get_running_loop().time() < self._deferred_until_s:
            return
        reason = self._limits.reached(requests=requests, resident_bytes=resident_bytes, age_s=self.age_s)
        if reason:
            self.set(reason)

    def set(self, reason: str) -> None:
        """There is a reason, whatever has been deferred."""
        # Not the loop's clock: that of uvloop stands still between two of its turns.
        self._set_s = time.monotonic()
        self.reason = reason
        self.due.set()

    def was_set_since(self, begin_s: float) -> bool:
        """Whether there is a reason, and it is younger than that (`time.monotonic`)."""
        return bool(self.reason) and self._set_s >= begin_s

    def defer(self, pause_s: float, *, begin_s: float) -> None:
        """The worker serves on, because a successor could not be started; its limits count again after the pause.

        A reason that has come since the start of the successor began (`begin_s`, `time.monotonic`) stays: it is about
        something that the successor may not have seen.
        """
        self._deferred_until_s = asyncio.get_running_loop().time() + pause_s
        if not self.was_set_since(begin_s):
            self.reason = ""
            self.due.clear()
