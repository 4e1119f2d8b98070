"""The server's end of a worker's inbox: see `abeja.runtime.worker.inbox`."""

import asyncio
import socket
from collections.abc import Callable

from abeja.runtime.worker.frames import ELSEWHERE, MESSAGE_LIMIT_BYTES


class Inbox:
    """Puts requests where the worker finds them, and takes back those that it has not found yet.

    Both ends are open here: a message that lies in the inbox goes to whoever reads it first, and a message is read
    by one of them only. So what is taken back has certainly not been begun.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Set while somebody waits for room.
        self._loop: asyncio.AbstractEventLoop | None = None

    def fileno(self) -> int:
        """The worker's end, for it to inherit."""
        return self._theirs.fileno()

    def put(self, frame: bytes) -> bool:
        """Put one frame, of MESSAGE_LIMIT_BYTES at most; False if so much lies there that it has no room now.

        The channel has to carry a larger one, see `put_note`.

        Raises:
            OSError: the inbox is closed.
        """
        try:
            self._ours.send(frame, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def put_note(self) -> bool:
        """Say that the next request comes through the channel; as `put`."""
        return self.put(ELSEWHERE)

    def call_when_read(self, callback: Callable[[], None]) -> None:
        """Call `callback` when most of what lies there has been read, unless the inbox is closed before."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_writer(self._ours, self._read, callback)

    def take_back(self) -> bytes | None:
        """The oldest message that the worker has not read; None if it has read all."""
        try:
            return self._theirs.recv(MESSAGE_LIMIT_BYTES, socket.MSG_DONTWAIT) or None
        except OSError:
            return None

    def take_back_all(self) -> list[bytes]:
        """All messages that the worker has not read, the oldest first."""
        messages = []
        while (message := self.take_back()) is not None:
            messages.append(message)
        return messages

    def take_back_note(self) -> None:
        """Take back the note that was put last, if the worker has not read it."""
        messages = self.take_back_all()
        if messages and messages[-1] == ELSEWHERE:
            messages.pop()
        for message in messages:
            self.put(message)

    def end(self) -> None:
        """Tell the worker that nothing more comes: it ends when it has read what there is."""
        self._stop_waiting()
        self._ours.close()

    def close(self) -> None:
        """Close both ends."""
        self.end()
        self._theirs.close()

    def _read(self, callback: Callable[[], None]) -> None:
        self._stop_waiting()
        callback()

    def _stop_waiting(self) -> None:
        if self._loop is not None:
            self._loop.remove_writer(self._ours)
            self._loop = None
