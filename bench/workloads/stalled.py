"""Healthy requests beside clients that stall and uploads that trickle in."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from bench.load import Shape
from bench.running import Running
from bench.servers import Server
from bench.workload import Figures, Metric, SharedWorkload

_STALLED = 200
_UPLOADS = 10
_TRICKLE_BYTES_PER_S = 10 * 1024**2
_PIECE_BYTES = 16 * 1024
_UPLOAD_BYTES = 1 << 30
_CONNECTIONS = 4
# Half a head, and half a body: what a client that has stalled has sent.
_HALVES = (b"POST / HTTP/1.1\r\nHost: h\r\nContent-", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{")
_METRICS = (
    Metric(key="factor", title="p99, times that without them", digits=2),
    Metric(key="p99_ms", title="p99 ms", digits=2),
    Metric(key="alone_p99_ms", title="p99 ms without them", digits=2, better=None),
)


def _measure(running: Running, seconds: float) -> Figures:
    shape = Shape(connections=_CONNECTIONS, seconds=seconds)
    alone = running.load(shape)
    with _stalled(running.port), _trickle(running.port):
        beside = running.load(shape)
    return {
        "factor": beside.p99_ms / alone.p99_ms,
        "p99_ms": beside.p99_ms,
        "alone_p99_ms": alone.p99_ms,
        "errors": alone.errors + beside.errors,
    }


@contextlib.contextmanager
def _stalled(port: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number in range(_STALLED):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(_HALVES[number % len(_HALVES)])
        yield


@contextlib.contextmanager
def _trickle(port: int) -> Iterator[None]:
    """Uploads that together send `_TRICKLE_BYTES_PER_S` and never end."""
    is_over = threading.Event()
    piece = b"x" * _PIECE_BYTES

    def send() -> None:
        with contextlib.ExitStack() as stack:
            head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % _UPLOAD_BYTES
            uploads = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(_UPLOADS)
            ]
            for upload in uploads:
                upload.sendall(head)
            began = time.perf_counter()
            for round_ in range(1 << 30):
                for upload in uploads:
                    upload.sendall(piece)
                due = began + (round_ + 1) * _UPLOADS * _PIECE_BYTES / _TRICKLE_BYTES_PER_S
                if is_over.wait(max(0.0, due - time.perf_counter())):
                    return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        is_over.set()
        sender.join()


def _suits(server: Server) -> str | None:
    return "does not speak HTTP" if server.transport == "socket" else None


WORKLOADS = (
    SharedWorkload(
        name="stalled",
        title="small JSON on 4 connections, beside 200 stalled ones and uploads that trickle in at 10 MiB/s",
        job="total",
        metrics=_METRICS,
        measure=_measure,
        suits=_suits,
    ),
)
