"""A streamed answer in a front: to a client that may be slow, and never far ahead of it."""

import asyncio
from collections.abc import Callable

from abeja.runtime.fronts.wire import WINDOW_BYTES
from abeja.runtime.outflow import Outflow, Sink

# Of a client that takes pieces as they come, half of the window is told at a time.
_STEP_BYTES = WINDOW_BYTES // 2


class Flow:
    """Hands pieces to a sink, and says how many of them the client has taken.

    Args:
        sink: gets the pieces.
        credit: called with the number of bytes that the client has taken since the last call.
        on_stalled: called when it has taken nothing for a while.
        stall_s: for how long.
    """

    def __init__(
        self, sink: Sink, *, credit: Callable[[int], None], on_stalled: Callable[[], None], stall_s: float
    ) -> None:
        self._outflow = Outflow(sink, on_waiting=self._wait, on_taken=self._taken)
        self._credit = credit
        self._on_stalled = on_stalled
        self._stall_s = stall_s
        self._stall: asyncio.TimerHandle | None = None
        self._received_bytes = 0
        # Of those, what the client had been given when it was waited for, and what has been credited.
        self._given_bytes = 0
        self._credited_bytes = 0

    def write(self, data: bytes) -> None:
        """The next piece."""
        self._received_bytes += len(data)
        self._outflow.write(data)
        if self._stall is None and self._received_bytes - self._credited_bytes >= _STEP_BYTES:
            self._credit_up_to(self._received_bytes)

    def end(self) -> None:
        """That was the last piece."""
        self._outflow.end()

    def drop(self) -> None:
        """Nobody wants the rest."""
        self._outflow.drop()
        self._stop_clock()

    def _wait(self) -> None:
        """The client has something to take, and has taken what it was given before."""
        if self._stall is not None:
            self._credit_up_to(self._given_bytes)
        self._stop_clock()
        self._given_bytes = self._received_bytes
        self._stall = asyncio.get_running_loop().call_later(self._stall_s, self._on_stalled)

    def _taken(self) -> None:
        """It has taken everything."""
        self._stop_clock()
        self._credit_up_to(self._received_bytes)

    def _credit_up_to(self, size_bytes: int) -> None:
        if size_bytes > self._credited_bytes:
            self._credit(size_bytes - self._credited_bytes)
            self._credited_bytes = size_bytes

    def _stop_clock(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
