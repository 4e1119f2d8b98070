"""How long a client is waited for that has something to take."""

import contextlib
import socket
import struct

# A client that takes no byte for this long is given up, for the worker's sake.
STALL_S = 60.0
# How often is looked at each.
LOOK_S = 1.0

# `tcpi_bytes_acked` in <linux/tcp.h>.
_ACKNOWLEDGED = struct.Struct("=Q")
_ACKNOWLEDGED_AT = 120


class Patience:
    """With the client at the other end of one connection.

    Megabytes may be on their way to it, in the buffers of the systems, before any more can be written. So what counts
    is what its system has acknowledged, too.
    """

    def __init__(self) -> None:
        self._seen: tuple[object, int] | None = None
        self._since_s = 0.0

    def renew(self) -> None:
        """It has nothing to take."""
        self._seen = None

    def is_over(self, sock: socket.socket, unsent: object, now_s: float) -> bool:
        """Whether it has taken nothing for `STALL_S`. Asked every now and then while something waits for it.

        Args:
            sock: to it.
            unsent: stands for what waits in this process: another one if that has changed.
            now_s: the time, of a clock that never jumps.
        """
        seen = (unsent, _acknowledged_bytes(sock))
        if seen != self._seen:
            self._seen = seen
            self._since_s = now_s
        return now_s - self._since_s >= STALL_S


def _acknowledged_bytes(sock: socket.socket) -> int:
    """How many bytes the client's system has ever acknowledged; 0 where the system does not count them."""
    size = _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size
    with contextlib.suppress(OSError):
        found = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        if len(found) == size:
            return int(_ACKNOWLEDGED.unpack_from(found, _ACKNOWLEDGED_AT)[0])
    return 0
