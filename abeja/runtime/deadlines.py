"""Many deadlines and one timer: nearly all are met, and a timer for each would cost more than what it guards."""

import asyncio
import math
from collections.abc import Callable

# The resolution of the event loop's clock: its timers may fire so much early.
_EARLY_S = 0.001


class Deadline:
    """One of `Deadlines`.

    Attributes:
        when_s: on the clock of the event loop.
        on_missed: called when it has passed.
    """

    __slots__ = ("on_missed", "when_s")

    def __init__(self, when_s: float, on_missed: Callable[[], None]) -> None:
        self.when_s = when_s
        self.on_missed = on_missed


class Deadlines:
    """Those that have not been met yet: not many, so they are gone through."""

    def __init__(self) -> None:
        self._pending: set[Deadline] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, after_s: float, on_missed: Callable[[], None]) -> Deadline:
        """Call `on_missed` after so many seconds, unless it is met before."""
        loop = self._loop = self._loop or asyncio.get_running_loop()
        deadline = Deadline(loop.time() + after_s, on_missed)
        self._pending.add(deadline)
        if self._timer is None or self._timer.when() > deadline.when_s:
            self._arm(loop, deadline.when_s)
        return deadline

    def drop(self, deadline: Deadline) -> None:
        """It is no deadline any more; the timer is left as it is."""
        self._pending.discard(deadline)

    def meet(self, deadline: Deadline) -> float:
        """It is no deadline any more. Returns how many seconds were left."""
        self.drop(deadline)
        return 0.0 if self._loop is None else max(0.0, deadline.when_s - self._loop.time())

    def _arm(self, loop: asyncio.AbstractEventLoop, when_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when_s, self._look)

    def _look(self) -> None:
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._timer = None
        now_s = loop.time() + _EARLY_S
        missed = [deadline for deadline in self._pending if deadline.when_s <= now_s]
        self._pending.difference_update(missed)
        next_s = min((deadline.when_s for deadline in self._pending), default=math.inf)
        if next_s < math.inf:
            self._arm(loop, next_s)
        for deadline in missed:
            deadline.on_missed()
