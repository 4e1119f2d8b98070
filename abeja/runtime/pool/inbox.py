"""The server's end of a worker's inbox: see `abeja.runtime.worker.inbox`."""

import socket

from abeja.runtime.worker.frames import ELSEWHERE, MESSAGE_LIMIT_BYTES


class Inbox:
    """Puts requests where the worker finds them, and takes back those that it has not found yet.

    Both ends are open here: a message that lies in the inbox goes to whoever reads it first, and a message is read
    by one of them only. So what is taken back has certainly not been begun.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def fileno(self) -> int:
        """The worker's end, for it to inherit."""
        return self._theirs.fileno()

    @staticmethod
    def has_place_for(size_bytes: int) -> bool:
        """Whether a frame of this size can be put; else the channel has to carry it, see `put_note`."""
        return size_bytes <= MESSAGE_LIMIT_BYTES

    def put(self, frame: bytes) -> bool:
        """Put one frame; False if so much lies there that it has no room now.

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
        self._ours.close()

    def close(self) -> None:
        """Close both ends."""
        self._ours.close()
        self._theirs.close()
