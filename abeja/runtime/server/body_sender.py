"""Sends a large body on a connection, as fast as its client takes it, and without a copy of more than a piece of it."""

import asyncio
import logging
from collections.abc import Callable

from abeja.runtime.server.body_source import BodySource
from abeja.runtime.server.connection import Connection

_log = logging.getLogger("abeja.runtime")

# What is held in memory for a client that has to be waited for.
_PIECE_BYTES = 64 * 1024
# Others want their turn, however fast the client is.
_TURN_BYTES = 1024 * 1024


class BodySender:
    """One body on its way to one client.

    The system sends what it has room for. When it has none, one piece goes through the connection, which says when
    there is room again.

    Args:
        connection: to send on.
        source: what is sent, from its beginning; it is closed at the end.
        size_bytes: how much of it, as the client was promised.
        on_done: called once; whether the client has taken it all, but for what the system buffers.

    Attributes:
        sent_bytes: how much has been sent.
    """

    def __init__(
        self, connection: Connection, source: BodySource, *, size_bytes: int, on_done: Callable[[bool], None]
    ) -> None:
        self._connection = connection
        self._source = source
        self._size_bytes = size_bytes
        self._on_done = on_done
        self._loop = asyncio.get_running_loop()
        self.sent_bytes = 0

    def send(self) -> None:
        """Send what the client takes now; the rest follows by itself."""
        try:
            self._send_directly()
        except OSError:  # nothing now, or never from this source
            self._send_piece()

    def _send_directly(self) -> None:
        # One turn: the next one comes when others have had theirs.
        left_bytes = min(_TURN_BYTES, self._size_bytes - self.sent_bytes)
        while left_bytes:
            if self._connection.is_closed:
                self._end_cut()
                return
            # Never more than was promised: it would be taken for the next answer.
            sent = self._source.send(self._connection, self.sent_bytes, left_bytes)
            if not sent:
                self._end_short()
                return
            self.sent_bytes += sent
            left_bytes -= sent
        if self.sent_bytes == self._size_bytes:
            self._end(is_complete=True)
        else:
            self._loop.call_soon(self.send)

    def _send_piece(self) -> None:
        try:
            size_bytes = min(_PIECE_BYTES, self._size_bytes - self.sent_bytes)
            data = self._source.read(self.sent_bytes, size_bytes)
        except OSError as error:
            _log.error("the rest of an answer cannot be read: %s", error)
            self._end_cut()
            return
        if not data:
            self._end_short()
            return
        self.sent_bytes += len(data)
        self._connection.write(data)
        self._connection.when_flushed(self._go_on)

    def _go_on(self) -> None:
        # Not at once, for this may be called before `when_flushed` returns.
        self._loop.call_soon(self._end_cut if self._connection.is_closed else self.send)

    def _end_short(self) -> None:
        _log.error("the file of an answer has become shorter than %d bytes", self._size_bytes)
        self._end_cut()

    def _end_cut(self) -> None:
        self._end(is_complete=False)

    def _end(self, *, is_complete: bool) -> None:
        self._source.close()
        self._on_done(is_complete)
