"""What the main process sends to its fronts: in one turn of the event loop, first whether requests are admitted."""

import asyncio

from abeja.runtime.admission import Admission
from abeja.runtime.fronts.standing import Standing
from abeja.runtime.fronts.wire import Wire

# Whether workers are there changes without a word at times: when one dies.
_LOOK_S = 0.05


class Outbox:
    """Sends frames, and to every front the standing when it has changed.

    Answers wait for the end of the turn in which they came, when the worker that gave one has room again: so that
    whoever has an answer finds the room that it has made, on whichever front.

    Args:
        admission: whose standing it is.
    """

    def __init__(self, admission: Admission) -> None:
        self._loop = asyncio.get_running_loop()
        self._admission = admission
        self._standing = Standing.of(admission)
        self._wires: set[Wire] = set()
        self._unsent: list[Wire] = []
        self._is_due = False
        self._timer = self._loop.call_later(_LOOK_S, self._look)

    def add(self, wire: Wire) -> None:
        """A front has been started; it is told the standing before anything else."""
        self._wires.add(wire)
        wire.send_first(self._standing.header())

    def remove(self, wire: Wire) -> None:
        """A front has gone."""
        self._wires.discard(wire)

    def has_unsent(self, wire: Wire) -> None:
        """A wire has something to send."""
        self._unsent.append(wire)
        self.send_soon()

    def send_soon(self) -> None:
        """Look at the standing, and send, at the end of this turn."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self.send)

    def send(self) -> None:
        """The same now."""
        self._is_due = False
        standing = Standing.of(self._admission)
        if standing != self._standing:
            self._standing = standing
            for wire in self._wires:
                wire.send_first(standing.header())
        unsent, self._unsent = self._unsent, []
        for wire in unsent:
            wire.flush()

    def close(self) -> None:
        """Look no more; what is sent is sent."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(_LOOK_S, self._look)
        self.send_soon()
