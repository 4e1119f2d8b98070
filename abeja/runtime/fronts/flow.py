"""A streamed answer in a front: to a client that may be slow, and never far ahead of it."""

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
    """

    def __init__(self, sink: Sink, *, credit: Callable[[int], None]) -> None:
        self._outflow = Outflow(sink, on_waiting=self._wait, on_taken=self._taken)
        self._credit = credit
        self._received_bytes = 0
        # Of those, what the client had been given when it was waited for, and what has been credited.
        self._given_bytes = 0
        self._credited_bytes = 0

    def write(self, data: bytes) -> None:
        """The next piece."""
        self._received_bytes += len(data)
        self._outflow.write(data)
        if not self._outflow.is_waiting and self._received_bytes - self._credited_bytes >= _STEP_BYTES:
            self._credit_up_to(self._received_bytes)

    def end(self) -> None:
        """That was the last piece."""
        self._outflow.end()

    def drop(self) -> None:
        """Nobody wants the rest."""
        self._outflow.drop()

    def _wait(self) -> None:
        """The client has something to take, and has taken what it was given before."""
        self._credit_up_to(self._given_bytes)
        self._given_bytes = self._received_bytes

    def _taken(self) -> None:
        """It has taken everything."""
        self._credit_up_to(self._received_bytes)

    def _credit_up_to(self, size_bytes: int) -> None:
        if size_bytes > self._credited_bytes:
            self._credit(size_bytes - self._credited_bytes)
            self._credited_bytes = size_bytes
