"""The socket of the original's worker: what its proxy speaks, without the proxy.

A frame is ``AB E9 A0 01``, the length of the rest (32 bits, big-endian), and JSON. Bodies are files, in both
directions: as the proxy does, a new file is written for each request, and the file of each answer is read and removed.
"""

import json
import socket
import struct
import tempfile
import threading
import time
from pathlib import Path

from bench.client import percentile
from bench.exchange import Request
from bench.load import Load, LoadError, Shape

_MAGIC = b"\xab\xe9\xa0\x01"
_PREFIX = struct.Struct(">4sI")


def answer(address: Path, request: Request) -> bytes:
    """The body of the answer to one request.

    Raises:
        OSError: there is no worker, or it fails.
    """
    with tempfile.TemporaryDirectory(prefix="abeja-runtime-bench-") as folder, _connected(address, request) as sock:
        return _call(sock, Path(folder, "body"), request)


def load(address: Path, request: Request, shape: Shape) -> Load:
    """Send a request again and again; arguments as of `bench.traffic.load`.

    Raises:
        LoadError: nothing was answered.
    """
    times: list[float] = []
    errors: list[OSError] = []
    began = time.perf_counter()
    give_up = began + shape.seconds

    def connection(body: Path) -> None:
        try:
            with _connected(address, request) as sock:
                while (start := time.perf_counter()) < give_up:
                    _call(sock, body, request)
                    times.append(time.perf_counter() - start)
        except OSError as error:
            errors.append(error)

    with tempfile.TemporaryDirectory(prefix="abeja-runtime-bench-") as folder:
        threads = [
            threading.Thread(target=connection, args=(Path(folder, str(index)),)) for index in range(shape.connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if not times:
        raise LoadError(f"no answer: {errors[0] if errors else 'none in time'}")
    times.sort()
    return Load(
        requests=len(times),
        seconds=time.perf_counter() - began,
        p50_ms=percentile(times, 50) * 1000,
        p99_ms=percentile(times, 99) * 1000,
        errors=len(errors),
    )


def _connected(address: Path, request: Request) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(request.timeout_s)
    try:
        sock.connect(str(address))
    except OSError:
        sock.close()
        raise
    return sock


def _call(sock: socket.socket, path: Path, request: Request) -> bytes:
    path.write_bytes(request.body or b"")
    fields = {
        "method": "POST",
        "content_type": request.content_type,
        "headers": [{"key": "content-type", "values": [request.content_type]}],
        "contents": [{"path": str(path), "content_type": request.content_type}],
    }
    frame = json.dumps(fields).encode()
    sock.sendall(_PREFIX.pack(_MAGIC, len(frame)) + frame)
    reply = json.loads(_read(sock, _PREFIX.unpack(_read(sock, _PREFIX.size))[1]))
    path.unlink()
    if "error_message" in reply:
        raise OSError(f"the worker failed: {reply['error_message']}")
    result = Path(reply["path"])
    body = result.read_bytes()
    result.unlink()
    return body


def _read(sock: socket.socket, size: int) -> bytes:
    pieces = []
    while size:
        piece = sock.recv(size)
        if not piece:
            raise ConnectionError("the worker closed the connection")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
