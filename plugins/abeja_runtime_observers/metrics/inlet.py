"""The socket that handlers send their samples to."""

import asyncio
import logging
import socket
from pathlib import Path

from abeja_runtime_observers.metrics.handler import HandlerMetrics

_log = logging.getLogger("abeja.runtime")

# What names the socket to the workers.
VARIABLE = "ABEJA_RUNTIME_METRICS_SOCKET"
# Larger ones are cut, and their last line is malformed.
DATAGRAM_BYTES = 64 * 1024
# In one turn of the event loop: a handler may send faster than anyone can read.
_BATCH = 64
# As much as the kernel keeps for a reader, and more.
_ALL = 4096


class Inlet:
    """Receives what the handlers of one server send.

    Args:
        path: of the socket; made here.

    Attributes:
        path: see above.
        metrics: what was sent.

    Raises:
        OSError: the socket cannot be made, mostly because its path is too long.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics = HandlerMetrics()
        self._said = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind(str(path))
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read, _BATCH)

    def drain(self) -> None:
        """Count what has just been sent."""
        self._read(_ALL)

    def close(self) -> None:
        """Receive no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _read(self, limit: int) -> None:
        for _ in range(limit):
            try:
                datagram = self._socket.recv(DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                break
            self.metrics.take(datagram)
        if self.metrics.problem and not self._said:
            self._said = True
            _log.warning("a metric of the handler is left out: %s (said once; they are counted)", self.metrics.problem)


def opened(folder: str) -> Inlet | None:
    """An inlet in a folder; None, with a warning, if there can be none."""
    path = Path(folder, "metrics")
    try:
        return Inlet(path)
    except OSError as error:
        _log.warning("handlers cannot send metrics of their own: %s: %s", path, error)
        return None
