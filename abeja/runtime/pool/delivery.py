"""How a request comes to a worker: through its inbox, or for its length through the channel, with a note there."""

from collections.abc import Callable

from abeja.runtime.engine import RequestTooLargeError, WorkerFullError, WorkerUnreachableError
from abeja.runtime.pool.channel import Channel
from abeja.runtime.pool.inbox import Inbox
from abeja.runtime.pool.turns import Turn
from abeja.runtime.worker import frames


class Delivery:
    """To one worker.

    Args:
        inbox: the worker's.
        channel: the worker's.
        on_read: called when a worker that runs less than it could has read what had filled its inbox.
    """

    def __init__(self, inbox: Inbox, channel: Channel, *, on_read: Callable[[], None]) -> None:
        self._inbox = inbox
        self._channel = channel
        self._on_read = on_read

    def put(self, turn: Turn, header: bytes, payload: bytes, *, is_ahead: bool) -> None:
        """Put a request where the worker finds it.

        Args:
            turn: it is noted in it whether it is large.
            header: of its frame.
            payload: of its frame.
            is_ahead: whether the worker runs as much as it can.

        Raises:
            RequestTooLargeError: it is above the limits of a frame.
            WorkerFullError: it has no room there now.
            WorkerUnreachableError: the worker has gone, and has not been given a byte of it.
        """
        try:
            frame = frames.prefix(len(header), len(payload)) + header + payload
        except frames.FrameError as error:
            raise RequestTooLargeError(str(error)) from error
        turn.is_large = len(frame) > frames.MESSAGE_LIMIT_BYTES
        if turn.is_large and is_ahead:
            raise WorkerFullError
        if not (self._inbox.put_note() if turn.is_large else self._inbox.put(frame)):
            if not is_ahead:
                # It reads what lies there without any other news.
                self._inbox.call_when_read(self._on_read)
            raise WorkerFullError
        if turn.is_large:
            self._send(header, payload)

    def _send(self, header: bytes, payload: bytes) -> None:
        try:
            self._channel.send(header, payload)
        except WorkerUnreachableError:
            self._inbox.take_back_note()
            raise
