"""The pieces of a streamed answer, on their way to a client that may be slow."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Sink(Protocol):
    """What takes the pieces: a part of `abeja.runtime.exchange.Receiver`."""

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """Take a piece; a future that is not done means that the client has not taken it yet."""

    def finish(self, *, is_complete: bool) -> None:
        """The end of the answer."""


class Outflow:
    """Hands the pieces to a sink, one at a time: the next one when the client has taken the one before.

    What comes meanwhile is kept. It is little, because whoever makes the pieces is told to wait.

    Args:
        sink: gets the pieces.
        on_waiting: called when the client has a piece to take, and again for each one after it.
        on_taken: called when it has taken all that has come so far.

    Attributes:
        is_waiting: whether the client has a piece to take.
    """

    def __init__(self, sink: Sink, *, on_waiting: Callable[[], None], on_taken: Callable[[], None]) -> None:
        self._sink = sink
        self._on_waiting = on_waiting
        self._on_taken = on_taken
        self._kept: list[bytes] = []
        self._has_ended = False
        self._is_dropped = False
        self.is_waiting = False

    def write(self, data: bytes) -> None:
        """The next piece."""
        if self.is_waiting:
            self._kept.append(data)
            return
        written = self._sink.write(data)
        if written is not None and not written.done():
            self.is_waiting = True
            self._on_waiting()
            written.add_done_callback(self._written)

    def end(self) -> None:
        """That was the last piece: the sink hears of it after the client has taken those before."""
        self._has_ended = True
        if not self.is_waiting:
            self._sink.finish(is_complete=True)

    def drop(self) -> None:
        """Nobody wants the rest; the sink hears nothing more."""
        self._is_dropped = True
        self._kept = []

    def _written(self, _: "asyncio.Future[None]") -> None:
        self.is_waiting = False
        if self._is_dropped:
            return
        if self._kept:
            kept, self._kept = self._kept, []
            self.write(b"".join(kept))
        if self.is_waiting:
            return
        self._on_taken()
        if self._has_ended:
            self._sink.finish(is_complete=True)
