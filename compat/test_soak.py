"""A hundred thousand requests leave the server as it was after the first ten thousand."""

import logging
import os
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from compat.watched_server import WatchedServer, watched

_log = logging.getLogger(__name__)

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "100000"))
# Slower machines do fewer of them, in seconds.
LIMIT_S = float(os.environ.get("SOAK_S", "90"))
WARM_UP = 10_000
CLIENTS = 8
WORKERS = 2
KILL_EVERY = 5_000
# What allocators keep may differ by a little.
MORE_BYTES = 5_000_000

HANDLER = """
def handler(request, context):
    body = request.read()
    if request["path"] == "/error":
        raise ValueError("now and then")
    if request["path"] == "/large":
        return {"content": b"y" * 100000, "content_type": "application/octet-stream"}
    return {"content_type": "application/json", "content": {"size": len(body)}}
"""


class Soak:
    """Clients that keep their connections, and share out requests of a few kinds among them."""

    def __init__(self, server: WatchedServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._next = self._end = 0
        self._end_s = time.monotonic() + LIMIT_S
        self.statuses: Counter[int] = Counter()
        self.troubles: list[str] = []

    def run(self, requests: int, *, kills: bool) -> None:
        """Send so many requests, if the time is not over.

        Args:
            requests: how many.
            kills: whether a worker is killed now and then.
        """
        self._end = self._next + requests
        clients = [threading.Thread(target=self._ask_all, args=[kills]) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def _ask_all(self, kills: bool) -> None:  # noqa: FBT001 (an argument of a thread)
        with self._server.connect() as connection:
            while (number := self._take()) is not None:
                if kills and number % KILL_EVERY == KILL_EVERY - 1:
                    os.kill(self._server.pids()[0], signal.SIGKILL)
                path, body, expected = _kind(number)
                head = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
                connection.sendall(head + body)
                status = _status(connection)
                with self._lock:
                    self.statuses[status] += 1
                if status not in (expected, 502):
                    self.troubles.append(f"{number}: {status}")

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self._end or time.monotonic() > self._end_s:
                return None
            self._next += 1
            return self._next


class Held:
    """What the server and its workers hold at rest."""

    def __init__(self, server: WatchedServer) -> None:
        self.descriptors = server.wait_until_at_rest()
        self.server_bytes = server.memory_bytes()
        self.worker_bytes = max(server.memory_bytes(pid) for pid in server.pids())

    def __str__(self) -> str:
        server, worker = (f"{size / 1e6:.1f} MB" for size in (self.server_bytes, self.worker_bytes))
        return f"server {server}, largest worker {worker}, {self.descriptors.total()} descriptors"


@pytest.mark.slow
@pytest.mark.timeout(60 + 2 * LIMIT_S)
def test_many_requests_leave_the_server_as_it_was(tmp_path: Path) -> None:
    model, temporary = tmp_path / "model", tmp_path / "temporary"
    model.mkdir()
    temporary.mkdir()
    (model / "main.py").write_text(HANDLER)
    began = time.monotonic()
    with watched(model, temporary=temporary, log=tmp_path / "log", workers=WORKERS) as server:
        soak = Soak(server)
        soak.run(WARM_UP // 2, kills=True)
        # The last workers have served a while, here as in the end.
        soak.run(WARM_UP // 2, kills=False)
        before = Held(server)
        soak.run((REQUESTS - WARM_UP) // 2, kills=True)
        server.wait_until_at_rest()
        soak.run((REQUESTS - WARM_UP) // 2, kills=False)
        after = Held(server)
        counted = server.counted()

    took_s = time.monotonic() - began
    _log.info("%d requests in %.0f s: %s", soak.statuses.total(), took_s, dict(soak.statuses))
    _log.info("after %d: %s", WARM_UP, before)
    _log.info("after all: %s", after)
    assert soak.troubles == []
    # Also across the workers that were killed.
    assert counted == _by_class(soak.statuses)
    assert soak.statuses.total() > 2 * WARM_UP
    assert after.descriptors == before.descriptors
    assert after.server_bytes < before.server_bytes + MORE_BYTES
    assert after.worker_bytes < before.worker_bytes + MORE_BYTES


def _by_class(statuses: Counter[int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for status, count in statuses.items():
        found[f"{status // 100}xx"] += count
    return found


def _kind(number: int) -> tuple[bytes, bytes, int]:
    """Path, body and expected status of a request."""
    if number % 50 == 49:
        return b"/error", b"x", 500
    if number % 20 == 19:
        return b"/large", b"x" * 100_000, 200
    return b"/small", b'{"a": [1, 2, 3]}', 200


def _status(connection: socket.socket) -> int:
    """The status of the next answer on a connection, whose body is read."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += _some(connection)
    assert len(body) == length
    return int(head.split()[1])


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 20)
    assert data, "the connection was closed"
    return data
