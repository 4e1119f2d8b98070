"""Where a worker finds its requests: a socket that keeps one message for each.

A message is a frame, or the single byte ELSEWHERE if the frame is too large for a message and comes through the
channel. The worker reads one message when it begins the request in it. So what lies unread has not been begun,
and the server, which has kept a descriptor of this end, may take it back.
"""

import socket
from typing import Callable, Optional

from . import frames


class Inbox(object):
    """The worker's end.

    Args:
        sock: a connected Unix socket of the type SOCK_SEQPACKET; the inbox owns it from here on.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def fileno(self) -> int:
        """For whoever waits for more than requests."""
        return self._socket.fileno()

    def receive(self, large: Callable[[], Optional[frames.Frame]], flags: int = 0) -> Optional[frames.Frame]:
        """The next request; None when the server has gone or wants the worker to end.

        Args:
            large: gives the one that comes through the channel.
            flags: of the socket module, for `recv`.
        """
        data = self._socket.recv(frames.MESSAGE_LIMIT_BYTES, flags)
        if not data:
            return None
        if data == frames.ELSEWHERE:
            return large()
        return frames.decode(data)
