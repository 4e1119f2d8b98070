"""The socket that handlers send their samples to."""

import asyncio
import logging
import os
import socket
from pathlib import Path

from abeja_runtime_observers.metrics.handler import HandlerMetrics

_log = logging.getLogger("abeja.runtime")

# What names the socket to the workers.
VARIABLE = "ABEJA_RUNTIME_METRICS_SOCKET"
# Larger ones are cut, and their last line is malformed.
DATAGRAM_BYTES = 64 * 1024
# What the kernel takes as the address of a socket, but for the zero at its end.
_ADDRESS_LIMIT_BYTES = 107
# In one turn of the event loop: a handler may send faster than anyone can read.
_BATCH = 64
# As much as the kernel keeps for a reader, and more.
_ALL = 4096


class Inlet:
    """Receives what the handlers of one server send.

    Args:
        path: of the socket; made here.

    Attributes:
        address: names the socket to the workers: the path, or a shorter one to the same place if the kernel needs that.
        metrics: what was sent.

    Raises:
        OSError: the socket cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Keeps the shorter path valid.
        self._folder: int | None = None
        self.address = str(path)
        if len(os.fsencode(path)) > _ADDRESS_LIMIT_BYTES:
            self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
            self.address = f"/proc/{os.getpid()}/fd/{self._folder}/{path.name}"
        self.metrics = HandlerMetrics()
        self._said = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind(self.address)
        except OSError:
            self._close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read, _BATCH)

    def drain(self) -> None:
        """Count what has just been sent."""
        self._read(_ALL)

    def close(self) -> None:
        """Receive no more."""
        self._loop.remove_reader(self._socket)
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        self._socket.close()
        if self._folder is not None:
            os.close(self._folder)

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
