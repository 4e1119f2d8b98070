"""Listens: accepts connections, as many as there may be, and hands them to what speaks HTTP."""

import asyncio
import errno
import logging
import resource
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from tornado.netutil import bind_sockets

from abeja.runtime.errors import OptionInvalidError, PortInUseError

_log = logging.getLogger("abeja.runtime")

# Not more at a time, so that those who are connected get their turn.
_BATCH = 64
# When the system has no descriptor or no memory left, it is asked again after this.
_RETRY_S = 0.5
# A server that is full says so, but not for each connection.
_SAY_AGAIN_S = 60.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# For the workers (socket, pipe, process), their replacements, the spool, the log, the management port.
_RESERVE = 96
_RESERVE_PER_WORKER = 8


class Front(Protocol):
    """What speaks HTTP on connections."""

    def accept(self, sock: socket.socket, remote_ip: str) -> None:
        """Take over a connected socket."""

    async def close_all(self) -> None:
        """Close every connection."""


class Listener:
    """Accepts connections on some sockets.

    Args:
        name: for the log.
        sockets: bound and listening; closed by `stop`.
        new_front: makes what serves them; it is given what to call once for each connection that has closed.
        limit: how many connections may be open; further ones wait in the system's queue.
    """

    def __init__(
        self,
        name: str,
        sockets: Sequence[socket.socket],
        new_front: Callable[[Callable[[], None]], Front],
        *,
        limit: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._name = name
        self._sockets = tuple(sockets)
        self._limit = limit
        self._count = 0
        self._is_listening = False
        self._has_stopped = False
        self._said_s = -_SAY_AGAIN_S
        self._retry: asyncio.TimerHandle | None = None
        self._front = new_front(self._lost)
        self._listen()

    def stop(self) -> None:
        """Accept nothing more; open connections stay, and those that the system has accepted already are taken."""
        if not self._has_stopped:
            for sock in self._sockets:
                self._accept_some(sock)
        self._pause()
        self._has_stopped = True
        if self._retry is not None:
            self._retry.cancel()
        for sock in self._sockets:
            sock.close()

    async def close_all(self) -> None:
        """Close every connection."""
        await self._front.close_all()

    def _listen(self) -> None:
        if not self._is_listening and not self._has_stopped:
            self._is_listening = True
            for sock in self._sockets:
                self._loop.add_reader(sock.fileno(), self._accept_some, sock)

    def _pause(self) -> None:
        if self._is_listening:
            self._is_listening = False
            for sock in self._sockets:
                self._loop.remove_reader(sock.fileno())

    def _accept_some(self, listening: socket.socket) -> None:
        for _ in range(_BATCH):
            if self._count >= self._limit:
                self._pause()
                self._say(f"{self._limit} connections are open, as many as may be (--max-connections)")
                return
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._failed(error)
                return
            self._accepted(sock, address[0])

    def _accepted(self, sock: socket.socket, remote_ip: str) -> None:
        self._count += 1
        sock.setblocking(False)  # noqa: FBT003 (the interface)
        try:
            self._front.accept(sock, remote_ip)
        except OSError as error:  # the client has left already
            _log.debug("a connection could not be taken: %s", error)
            sock.close()
            self._lost()

    def _failed(self, error: OSError) -> None:
        """Accepting again at once would fail again at once, for ever."""
        if error.errno not in _EXHAUSTED:
            _log.debug("a connection could not be accepted: %s", error)
            return
        self._pause()
        self._say(f"{error.strerror}")
        self._retry = self._loop.call_later(_RETRY_S, self._listen)

    def _lost(self) -> None:
        self._count -= 1
        if self._count < self._limit:
            self._listen()

    def _say(self, reason: str) -> None:
        if self._loop.time() - self._said_s >= _SAY_AGAIN_S:
            self._said_s = self._loop.time()
            _log.warning("%s: new connections have to wait: %s", self._name, reason)


def default_limit(workers: int) -> int:
    """How many connections there may be: as many as this process may have descriptors, but for a reserve.

    Where descriptors are few, it is a quarter of them.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, descriptors // 4, descriptors - _RESERVE - _RESERVE_PER_WORKER * workers)


def bind(host: str, port: int, flag: str) -> list[socket.socket]:
    """Sockets that listen on `port` of every address of `host`.

    Raises:
        OptionInvalidError: there is no such host, or it is another machine's address.
        PortInUseError: the port is taken or not allowed.
    """
    try:
        return bind_sockets(port, address=host)
    except (socket.gaierror, UnicodeError) as error:
        raise OptionInvalidError(f"--host {host}: {error}.", hint="127.0.0.1, 0.0.0.0 or a name.") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise OptionInvalidError(
                f"--host {host}: expected an address of this machine, found one that it does not have.",
                hint="127.0.0.1 for this machine alone, 0.0.0.0 for all of its addresses.",
            ) from error
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}"
        raise PortInUseError(
            f"port {port} of {host} {what}.", hint=f"choose another with {flag}, or 0 for any free one."
        ) from error


def url(sockets: Sequence[socket.socket]) -> str:
    """Where they listen."""
    host, port = sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
