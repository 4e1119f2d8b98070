"""The worker's end of the socket for several requests at once."""

import select
import socket
import threading
from collections import deque
from typing import Deque, Dict, Iterable, Optional

from . import frames
from .channel import Channel, ChannelClosedError
from .inbox import Inbox


class SharedChannel(object):
    """A channel to which many threads send and from which one reads.

    Frames go out whole. A streamed answer may be `frames.WINDOW_BYTES` ahead of its client; then its
    thread waits until the server gives credit, and the other answers go on.

    Args:
        channel: the connection.
        inbox: gives the requests.
    """

    def __init__(self, channel: Channel, inbox: Inbox) -> None:
        self._channel = channel
        self._inbox = inbox
        self._poll = select.poll()
        for end in (channel, inbox):
            self._poll.register(end.fileno(), select.POLLIN)
        self._large: Deque[frames.Frame] = deque()
        self._sending = threading.Lock()
        self._windows: Dict[int, _Window] = {}

    def receive(self) -> Optional[frames.Frame]:
        """The next request; None at end of file. What `cancel` and `credit` say is done here.

        For one thread, which does nothing else: an answer may wait for what it reads.
        """
        while True:
            ready = [fd for fd, _ in self._poll.poll()]
            if self._channel.fileno() in ready:
                try:
                    self._obey(self._channel.receive_what_is_there())
                except ChannelClosedError:
                    return None
            if self._inbox.fileno() in ready:
                try:
                    return self._inbox.receive(self._large_request, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue  # the server has taken it back

    def _large_request(self) -> Optional[frames.Frame]:
        while not self._large:
            frame = self._channel.receive()
            if frame is None:
                return None
            self._obey((frame,))
        return self._large.popleft()

    def _obey(self, received: Iterable[frames.Frame]) -> None:
        for frame in received:
            header = frame[0]
            window = self._windows.get(header["id"])
            # A frame may cross the last piece of the answer that it is about.
            if header["kind"] == "request":
                self._large.append(frame)
            elif window is not None and header["kind"] == "cancel":
                window.cancel()
            elif window is not None and header["kind"] == "credit":
                window.widen(header["bytes"])

    def begin(self, request_id: int) -> None:
        """Take note of a request before it runs."""
        self._windows[request_id] = _Window()

    def end(self, request_id: int) -> None:
        """Forget it."""
        del self._windows[request_id]

    def send(self, header: frames.Header, payload: bytes = b"") -> None:
        """See `Channel.send`. A piece of a streamed answer waits for credit; one that is not wanted is dropped."""
        # Before any lock: in a forked child, the thread that had it is not there to give it back.
        self._channel.require_owner()
        if header["kind"] == "chunk" and not self._windows[header["id"]].take(len(payload)):
            return
        with self._sending:
            self._channel.send(header, payload)

    def send_frame(self, frame: bytes) -> None:
        """See `Channel.send_frame`."""
        self._channel.require_owner()
        with self._sending:
            self._channel.send_frame(frame)

    def require_owner(self) -> None:
        """See `Channel.require_owner`."""
        self._channel.require_owner()

    def is_cancelled(self, request_id: int) -> bool:
        """See `Channel.is_cancelled`."""
        window = self._windows[request_id]
        if window.is_closed:
            raise ChannelClosedError
        return window.is_cancelled

    def close(self) -> None:
        """Give up all answers, because the server has gone."""
        for window in list(self._windows.values()):
            window.close()


class _Window(object):
    """How many bytes of one streamed answer may still be sent."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._left = frames.WINDOW_BYTES
        self.is_cancelled = False
        self.is_closed = False

    def take(self, size: int) -> bool:
        """Wait until there is any room, and use it; whether the answer is still wanted.

        Raises:
            ChannelClosedError: the server has gone.
        """
        with self._changed:
            while self._left <= 0 and not self.is_cancelled and not self.is_closed:
                self._changed.wait()
            self._left -= size
        if self.is_closed:
            raise ChannelClosedError
        return not self.is_cancelled

    def widen(self, size: int) -> None:
        with self._changed:
            self._left += size
            self._changed.notify_all()

    def cancel(self) -> None:
        with self._changed:
            self.is_cancelled = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()
