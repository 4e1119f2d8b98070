"""Connections on their way from the main process, which accepts them, to a front, which serves them.

Each is one message on a Unix socket that keeps messages apart: the client's address, and the descriptor. The front
could accept by itself, but then chance would say which front has how many connections, and a few busy ones on the same
front are slow while another is idle; and those that the system had accepted for a front that dies would be lost.
"""

import array
import asyncio
import contextlib
import itertools
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

    It keeps a connection until the front says that it has taken it. If the front dies before, and has not even read the
    message, another one can have it; else something may have been read from it, and nobody else would ever answer that.

    Args:
        sock: its socket.
        theirs: the front's end, kept open to see what it has not read.
    """

    def __init__(self, sock: socket.socket, theirs: socket.socket) -> None:
        sock.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._theirs = theirs
        self._sent: deque[tuple[socket.socket, str]] = deque()
        self._unsent: deque[tuple[socket.socket, str]] = deque()

    def give(self, connection: socket.socket, remote_ip: str) -> None:
        """Hand a connection over, or keep it until the front takes more."""
        if self._unsent or not self._send(connection, remote_ip):
            if not self._unsent:
                self._loop.add_writer(self._socket, self._send_some)
            self._unsent.append((connection, remote_ip))

    def taken(self, count: int) -> None:
        """The front has taken so many."""
        for _ in range(count):
            connection, _ = self._sent.popleft()
            connection.close()

    def close(self) -> list[tuple[socket.socket, str]]:
        """The front has gone. Returns the connections that it has not read; those that it may have begun with close."""
        self._loop.remove_writer(self._socket)
        self._socket.close()
        sent = list(self._sent)
        begun = len(sent) - self._unread()
        for connection, _ in sent[:begun]:
            connection.close()
        return [*sent[begun:], *self._unsent]

    def _unread(self) -> int:
        """How many messages still lie in the socket. The descriptors in them are copies, which are dropped."""
        count = 0
        with self._theirs, contextlib.suppress(OSError):
            while self._theirs.recv(_ADDRESS_LIMIT_BYTES, socket.MSG_DONTWAIT):
                count += 1
        return count

    def _send(self, connection: socket.socket, remote_ip: str) -> bool:
        descriptor = array.array("i", [connection.fileno()])
        try:
            self._socket.sendmsg([remote_ip.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
        except OSError:  # it is full, or the front has gone, which is noticed elsewhere
            return False
        self._sent.append((connection, remote_ip))
        return True

    def _send_some(self) -> None:
        while self._unsent:
            if not self._send(*self._unsent[0]):
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._socket)


class Takeover:
    """The front's end.

    Args:
        sock: its socket.
        on_taken: called with the number of connections that have come, before anything is done with them.
        on_connection: called with each of them, which does not block, and the client's address.
        on_lost: called for each that there was no descriptor left for.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        on_taken: Callable[[int], None],
        on_connection: Callable[[socket.socket, str], None],
        on_lost: Callable[[], None],
    ) -> None:
        sock.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._on_taken = on_taken
        self._on_connection = on_connection
        self._on_lost = on_lost
        self._loop.add_reader(sock, self.take_some)

    def take_some(self) -> bool:
        """Take what has come, but not too much at a time; whether there was anything."""
        connections = list(itertools.islice(iter(self._take, None), _BATCH))
        if connections:
            self._on_taken(len(connections))
        for descriptor, remote_ip in connections:
            self._open(descriptor, remote_ip)
        return bool(connections)

    def close(self) -> None:
        """Take nothing more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _take(self) -> tuple[int | None, str] | None:
        """The next connection's descriptor, None if there was none left for it, and address; None if none has come."""
        try:
            address, ancillary, _, _ = self._socket.recvmsg(
                _ADDRESS_LIMIT_BYTES, socket.CMSG_SPACE(_DESCRIPTOR_BYTES), socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, InterruptedError):
            return None
        if not address:  # the main process has gone, which is noticed elsewhere
            self._loop.remove_reader(self._socket)
            return None
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data[: len(data) - len(data) % _DESCRIPTOR_BYTES])
        return (descriptors[0] if descriptors else None), address.decode()

    def _open(self, descriptor: int | None, remote_ip: str) -> None:
        if descriptor is None:
            _log.error("a connection was lost: this process has as many files open as it may have")
            self._on_lost()
            return
        family = socket.AF_INET6 if ":" in remote_ip else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM, 0, fileno=descriptor)
        connection.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        try:
            self._on_connection(connection, remote_ip)
        except OSError as error:  # the client has left already
            _log.debug("a connection could not be taken: %s", error)
            connection.close()
            self._on_lost()
