"""Connections on their way from the main process, which accepts them, to a front, which serves them.

Each is one message on a Unix socket that keeps messages apart: the client's address, and the descriptor. The front
could accept by itself, but then chance would say which front has how many connections, and a few busy ones on the same
front are slow while another is idle; and those that the system had accepted for a front that dies would be lost.
"""

import array
import asyncio
import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable

_log = logging.getLogger("abeja.runtime")

# An address of IPv6 with its zone is shorter.
_ADDRESS_LIMIT_BYTES = 256
# Not more at a time, so that those who are connected get their turn.
_BATCH = 64
_DESCRIPTOR_BYTES = array.array("i").itemsize


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends: for `Handover` and for `Takeover`."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Handover:
    """The main process's end.

    Args:
        sock: its socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._waiting: deque[tuple[socket.socket, str]] = deque()

    def give(self, connection: socket.socket, remote_ip: str) -> None:
        """Hand a connection over, or keep it until the front takes more."""
        if self._waiting or not self._send(connection, remote_ip):
            if not self._waiting:
                self._loop.add_writer(self._socket, self._send_waiting)
            self._waiting.append((connection, remote_ip))

    def close(self) -> list[tuple[socket.socket, str]]:
        """The front has gone, or takes nothing more. Returns what it has not been given."""
        self._loop.remove_writer(self._socket)
        self._socket.close()
        waiting, self._waiting = list(self._waiting), deque()
        return waiting

    def _send(self, connection: socket.socket, remote_ip: str) -> bool:
        descriptor = array.array("i", [connection.fileno()])
        try:
            self._socket.sendmsg([remote_ip.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
        except OSError:  # it is full, or the front has gone, which is noticed elsewhere
            return False
        connection.close()
        return True

    def _send_waiting(self) -> None:
        while self._waiting:
            if not self._send(*self._waiting[0]):
                return
            self._waiting.popleft()
        self._loop.remove_writer(self._socket)


class Takeover:
    """The front's end.

    Args:
        sock: its socket.
        on_connection: called with each connection, which does not block, and the client's address.
        on_lost: called for each connection that there was no descriptor left for.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        on_connection: Callable[[socket.socket, str], None],
        on_lost: Callable[[], None],
    ) -> None:
        sock.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._on_connection = on_connection
        self._on_lost = on_lost
        self._loop.add_reader(sock, self._take_some)

    def take_all(self) -> None:
        """Take what has been handed over so far."""
        while self._take():
            continue

    def close(self) -> None:
        """Take nothing more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _take_some(self) -> None:
        for _ in range(_BATCH):
            if not self._take():
                return

    def _take(self) -> bool:
        """Take one connection; whether there was one."""
        try:
            address, ancillary, _, _ = self._socket.recvmsg(
                _ADDRESS_LIMIT_BYTES, socket.CMSG_SPACE(_DESCRIPTOR_BYTES), socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, InterruptedError):
            return False
        if not address:  # the main process has gone, which is noticed elsewhere
            self._loop.remove_reader(self._socket)
            return False
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data[: len(data) - len(data) % _DESCRIPTOR_BYTES])
        if descriptors:
            self._open(descriptors[0], address.decode())
        else:
            _log.error("a connection was lost: this process has as many files open as it may have")
            self._on_lost()
        return True

    def _open(self, descriptor: int, remote_ip: str) -> None:
        family = socket.AF_INET6 if ":" in remote_ip else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM, 0, fileno=descriptor)
        connection.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        try:
            self._on_connection(connection, remote_ip)
        except OSError as error:  # the client has left already
            _log.debug("a connection could not be taken: %s", error)
            with contextlib.suppress(OSError):
                connection.close()
            self._on_lost()
