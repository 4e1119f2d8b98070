"""The worker's end of the socket: blocking, one message at a time."""

import os
import socket
from collections import deque
from typing import Deque, List, Optional

from . import frames

_READ_BYTES = 64 * 1024


class ChannelClosedError(Exception):
    """The server has gone: there is nobody to answer."""


class Channel(object):
    """Frames over a connected Unix stream socket.

    Args:
        sock: the connected socket; the channel owns it from here on.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._decoder = frames.Decoder()
        self._received: Deque[frames.Frame] = deque()
        self._owner_pid = os.getpid()

    def fileno(self) -> int:
        """For whoever waits for more than frames."""
        return self._socket.fileno()

    def receive(self) -> Optional[frames.Frame]:
        """The next frame; None at end of file, when the server has gone or wants the worker to end."""
        while not self._received:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                return None
            self._received.extend(self._decoder.feed(data))
        return self._received.popleft()

    def receive_request(self) -> Optional[frames.Frame]:
        """The next request; None at end of file. Frames about an answer may have crossed the end of it."""
        while True:
            frame = self.receive()
            if frame is None or frame[0]["kind"] == "request":
                return frame

    def receive_what_is_there(self) -> List[frames.Frame]:
        """The frames that can be had without waiting.

        Raises:
            ChannelClosedError: the server has gone.
        """
        self._receive_what_is_there()
        received = list(self._received)
        self._received.clear()
        return received

    def send(self, header: frames.Header, payload: bytes = b"") -> None:
        """Send one frame; blocks while the server reads more slowly than the handler writes.

        Raises:
            ChannelClosedError: the server has gone.
            frames.FrameError: the frame is above the limits; nothing was sent.
        """
        self.send_frame(frames.encode(header, payload))

    def send_frame(self, frame: bytes) -> None:
        """See `send`; `frame` is encoded."""
        # As `require_owner`, but for the call: every answer comes along here.
        if os.getpid() != self._owner_pid:
            os._exit(0)
        try:
            self._socket.sendall(frame)
        except OSError as error:
            raise ChannelClosedError from error

    def require_owner(self) -> None:
        """End the process if it is a child that the handler forked: only the worker may answer."""
        if os.getpid() != self._owner_pid:
            os._exit(0)

    def is_cancelled(self, request_id: int) -> bool:
        """Whether the server has asked, without waiting, to give up the request `request_id`.

        Raises:
            ChannelClosedError: the server has gone.
        """
        self._receive_what_is_there()
        cancelled = False
        for frame in [frame for frame in self._received if frame[0]["kind"] == "cancel"]:
            self._received.remove(frame)
            cancelled = cancelled or frame[0]["id"] == request_id
        return cancelled

    def _receive_what_is_there(self) -> None:
        while True:
            try:
                data = self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if not data:
                raise ChannelClosedError
            self._received.extend(self._decoder.feed(data))
