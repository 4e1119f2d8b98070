"""All connections over llhttp of one port."""

import asyncio
import socket
from collections.abc import Callable

from abeja.runtime.server.llhttp import LlhttpConnection, Surroundings
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.server.patience import LOOK_S

_READ_BYTES = 64 * 1024
# What still fits into the cache of a core, between the socket and the file that it is written to.
_READ_BODY_BYTES = 256 * 1024


class LlhttpFront:
    """Serves a model's port with `LlhttpConnection`.

    Args:
        port: takes the requests.
        idle_timeout_s: see `Surroundings`.
        on_lost: called once for each connection that has closed.
    """

    def __init__(self, port: ModelPort, *, idle_timeout_s: float, on_lost: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._activity = port.activity
        self._connections: set[LlhttpConnection] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._on_lost = on_lost
        self._surroundings = Surroundings(
            port=port,
            idle_timeout_s=idle_timeout_s,
            buffer=bytearray(_READ_BYTES),
            body_buffer=memoryview(bytearray(_READ_BODY_BYTES)),
            on_lost=self._lost,
        )
        # One clock for all: a timer for each request would cost more than the rest of its reading.
        self._interval_s = max(0.02, min(LOOK_S, idle_timeout_s / 10))
        self._timer = self._loop.call_later(self._interval_s, self._look_at_clock)

    def accept(self, sock: socket.socket, remote_ip: str) -> None:
        """Take over a connected socket."""
        task = self._loop.create_task(self._open(sock, remote_ip))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def close_all(self) -> None:
        """Close every connection; what was written is sent."""
        self._timer.cancel()
        for connection in tuple(self._connections):
            connection.close_gently()
        # Their descriptors are closed one turn of the loop later.
        await asyncio.sleep(0)

    async def _open(self, sock: socket.socket, remote_ip: str) -> None:
        connection = LlhttpConnection(self._surroundings, remote_ip)
        self._connections.add(connection)
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:  # the client has left already
            sock.close()
            self._lost(connection)

    def _lost(self, connection: LlhttpConnection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._on_lost()

    def _look_at_clock(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._look_at_clock)
        now_s = self._loop.time()
        for connection in tuple(self._connections):
            connection.look_at_clock(now_s)
            if self._activity.is_ending:
                connection.close_if_idle()
