"""Clients that stall by the hundred, and uploads that trickle in, do not stop the others."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.processes import descriptors_at_rest, files_in, open_in, spool_of

Start = Callable[..., RunningServer]

_log = logging.getLogger(__name__)

STALLED = 200
CLIENTS = 4
REQUESTS = 50
# Generous: they take about a second.
LIMIT_S = 30.0

ANSWERING = """
def handler(request, context):
    size = len(request.read())
    if request["path"] == "/large":
        return {"content": b"y" * 8000000, "content_type": "application/octet-stream"}
    return {"content": str(size)}
"""


@pytest.fixture
def server(start: Start, tmp_path: Path) -> RunningServer:
    """A server with two workers."""
    (tmp_path / "main.py").write_text(ANSWERING)
    server = start("--model-dir", tmp_path, "--workers", "2", "--body-memory", "0").wait_until_ready()
    wait_until(lambda: len(server.readiness()["workers"]) == 2, "both workers")
    return server


def test_healthy_requests_are_served_beside_stalled_clients_and_slow_uploads(server: RunningServer) -> None:
    alone_s = _served(server)
    descriptors = descriptors_at_rest(server)

    with _stalled(server), _trickle(server):
        crowded_s = _served(server)
        assert server.request("GET", "/health_check").status == 200
        assert server.readiness()["status"] == "ready"

    _log.info("p99 alone %.1f ms, beside them %.1f ms", _p99(alone_s) * 1000, _p99(crowded_s) * 1000)
    wait_until(lambda: not files_in(spool_of(server)), "the spool to be empty")
    assert descriptors_at_rest(server) == descriptors
    assert server.stop() == 0


def _served(server: RunningServer) -> list[float]:
    """The latencies of healthy requests, all of which must be 200 in time."""
    latencies_s: list[float] = []
    statuses: list[int] = []

    def ask() -> None:
        for number in range(REQUESTS):
            began = time.monotonic()
            reply = server.request(body=b"x" * (100_000 if number % 5 == 0 else 10))
            latencies_s.append(time.monotonic() - began)
            statuses.append(reply.status)

    began = time.monotonic()
    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert statuses == [200] * (CLIENTS * REQUESTS)
    assert time.monotonic() - began < LIMIT_S
    return latencies_s


@contextmanager
def _stalled(server: RunningServer) -> Iterator[None]:
    """Clients that have sent half a head, half a body, or read nothing of their answer."""
    sent = (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Le",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000,
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    )
    with ExitStack() as connections:
        for number in range(STALLED):
            connection = socket.socket()
            connections.enter_context(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(sent[number % len(sent)])
        answers = STALLED // len(sent)
        wait_until(lambda: len(files_in(spool_of(server))) >= answers, "the bodies to be stored")
        wait_until(lambda: _unnamed_files(server) >= answers, "the answers to be on their way")
        yield


def _unnamed_files(server: RunningServer) -> int:
    """How many files it has open that have no name any more: those of answers."""
    return sum("answer-" in path.name for path in open_in(server))


@contextmanager
def _trickle(server: RunningServer) -> Iterator[None]:
    """Uploads of 10 MB/s together, on five connections."""
    is_over = threading.Event()
    piece = b"x" * 65536

    def upload() -> None:
        with server.connect() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000000\r\n\r\n")
            while not is_over.wait(len(piece) / 2_000_000):
                connection.sendall(piece)

    uploads = [threading.Thread(target=upload) for _ in range(5)]
    for thread in uploads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in uploads:
            thread.join()


def _p99(latencies_s: list[float]) -> float:
    return sorted(latencies_s)[len(latencies_s) * 99 // 100]
