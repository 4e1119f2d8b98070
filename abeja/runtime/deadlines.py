"""Many deadlines and one timer: nearly all are met, and a timer for each would cost more than what it guards."""

import asyncio
import math
from typing import Protocol

# The resolution of the event loop's clock: its timers may fire so much early.
_EARLY_S = 0.001


class Timed(Protocol):
    """Something that has a deadline."""

    def on_missed(self) -> None:
        """Called when it has passed."""


class Deadlines:
    """Those that have not been met yet, at most one of each `Timed`: not many, so they are gone through."""

    def __init__(self) -> None:
        # Until when, on the clock of the event loop.
        self._pending: dict[Timed, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = math.inf

    def add(self, timed: Timed, after_s: float) -> None:
        """Tell it after so many seconds, unless it meets its deadline before."""
        loop = self._loop = self._loop or asyncio.get_running_loop()
        when_s = self._pending[timed] = loop.time() + after_s
        if when_s < self._next_s:
            self._arm(loop, when_s)

    def drop(self, timed: Timed) -> None:
        """It has no deadline any more, if it had one; the timer is left as it is."""
        self._pending.pop(timed, None)

    def meet(self, timed: Timed) -> float:
        """It has no deadline any more. Returns how many seconds were left; 0 if there was none."""
        when_s = self._pending.pop(timed, 0.0)
        return 0.0 if self._loop is None else max(0.0, when_s - self._loop.time())

    def _arm(self, loop: asyncio.AbstractEventLoop, when_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_s = when_s
        self._timer = loop.call_at(when_s, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now_s = loop.time() + _EARLY_S
        missed = [timed for timed, when_s in self._pending.items() if when_s <= now_s]
        for timed in missed:
            del self._pending[timed]
        self._next_s = min(self._pending.values(), default=math.inf)
        if self._next_s < math.inf:
            self._arm(loop, self._next_s)
        for timed in missed:
            timed.on_missed()
