"""Sends a file on a connection, piece by piece, as fast as its client takes them."""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import BinaryIO

from abeja.runtime.server.connection import Connection

_log = logging.getLogger("abeja.runtime")

# A piece is held in memory for as long as the client takes to read it, so one that is slow gets small ones.
_FIRST_PIECE_BYTES = 64 * 1024
_LARGEST_PIECE_BYTES = 256 * 1024
# Others want their turn, however fast the client is.
_TURN_BYTES = 1024 * 1024
# A client that takes nothing for this long is given up.
_STALL_S = 60.0


class FileSender:
    """One file on its way to one client.

    It reads and writes, rather than calling sendfile: on Linux, that costs more than it saves for each page of 4 KiB
    that it hands over, and the transports of the event loops do not offer it.

    Args:
        connection: to write to.
        source: what is sent, from where it stands; it is closed at the end.
        size_bytes: how much of it, as the client was promised.
        on_done: called once; whether the client has taken it all, but for what the system buffers.

    Attributes:
        sent_bytes: how much has been written.
    """

    def __init__(
        self, connection: Connection, source: BinaryIO, *, size_bytes: int, on_done: Callable[[bool], None]
    ) -> None:
        self._connection = connection
        self._source = source
        self._size_bytes = size_bytes
        self._on_done = on_done
        self._loop = asyncio.get_running_loop()
        self._piece_bytes = _FIRST_PIECE_BYTES
        self._written: asyncio.Future[None] | None = None
        self._stall: asyncio.TimerHandle | None = None
        self.sent_bytes = 0

    def send(self) -> None:
        """Send what the client takes now; the rest follows by itself."""
        turn_ends = self.sent_bytes + _TURN_BYTES
        while self.sent_bytes < self._size_bytes:
            if self._connection.is_closed:
                self._end(is_complete=False)
                return
            if self.sent_bytes >= turn_ends:
                self._loop.call_soon(self.send)
                return
            data = self._read()
            if not data:
                self._end(is_complete=False)
                return
            self.sent_bytes += len(data)
            written = self._connection.write(data)
            if written is not None and not written.done():
                self._piece_bytes = _FIRST_PIECE_BYTES
                self._wait(written)
                return
            self._piece_bytes = min(2 * self._piece_bytes, _LARGEST_PIECE_BYTES)
        self._end(is_complete=True)

    def _read(self) -> bytes:
        """The next piece; nothing if the file has become shorter, or cannot be read."""
        try:
            # More than was promised would be taken for the next answer.
            return os.read(self._source.fileno(), min(self._piece_bytes, self._size_bytes - self.sent_bytes))
        except OSError as error:
            _log.error("the rest of an answer cannot be read: %s", error)
            return b""

    def _wait(self, written: "asyncio.Future[None]") -> None:
        self._written = written
        self._stall = self._loop.call_later(_STALL_S, self._stalled)
        written.add_done_callback(self._taken)

    def _taken(self, _: "asyncio.Future[None]") -> None:
        if self._stall is not None:
            self._stall.cancel()
        self.send()

    def _stalled(self) -> None:
        if self._written is not None:
            self._written.remove_done_callback(self._taken)
        self._end(is_complete=False)

    def _end(self, *, is_complete: bool) -> None:
        self._source.close()
        self._on_done(is_complete)
