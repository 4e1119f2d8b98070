"""Bodies in memory that the server and its workers share: nobody ever gets another's."""

import hashlib
import http.client
import os
import random
import resource
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.conftest import Client, Start
from tests.faults.processes import blocks_in_use, files_in, spool_of

MEBIBYTE = 1024 * 1024

# Answers the body with what tells it from others; notes what it was asked, and waits if it is told to.
CODE = """
import hashlib, os, time
def handler(request, context):
    path, data = request["path"], request.read()
    with open("seen", "a") as file:
        file.write("%s %s\\n" % (path, hashlib.sha256(data).hexdigest()))
    if path == "/wait":
        while not os.path.exists("go"):
            time.sleep(0.005)
    if path == "/pieces":
        return {"content": Pieces(data), "content_type": "application/octet-stream"}
    if path == "/fork":
        return {"content": Forking(data), "content_type": "application/octet-stream"}
    return {"content": data, "content_type": "application/octet-stream"}
class Pieces:
    def __init__(self, data):
        self.data = data
    def __iter__(self):
        return (self.data[start : start + 10000] for start in range(0, len(self.data), 10000))
class Forking(Pieces):
    def __iter__(self):
        for number, piece in enumerate(Pieces(self.data)):
            if number == 3 and os.fork() == 0:
                self.data = b"child" * len(self.data)
            yield piece
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The model's folder, in which its handler runs."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "main.py").write_text(CODE)
    return folder


def digest(data: bytes) -> str:
    """As the handler notes it."""
    return hashlib.sha256(data).hexdigest()


def head(size_bytes: int, path: bytes = b"/") -> bytes:
    """Of a request with a body of that size."""
    return b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (path, size_bytes)


def seen(model: Path) -> str:
    """What the handler has noted."""
    path = model / "seen"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("http", ["llhttp", "tornado"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_bodies_of_every_size_come_back_to_who_sent_them(
    start: Start, model: Path, http: str, concurrency: int
) -> None:
    server = start(
        *("--model-dir", model, "--workers", 2, "--concurrency", concurrency, "--http", http, "--body-memory", "4M")
    ).wait_until_ready()
    troubles: list[str] = []
    clients = [threading.Thread(target=_echo, args=(server, number, troubles)) for number in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert not troubles
    wait_until(lambda: blocks_in_use(server) == 0, "all memory to be free")
    assert files_in(spool_of(server)) == []


def _echo(server: RunningServer, number: int, troubles: list[str]) -> None:
    rng = random.Random(number)  # noqa: S311 # bodies that differ
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    edges = [64 * 1024, 64 * 1024 + 1, 128 * 1024, MEBIBYTE, 4 * MEBIBYTE, 4 * MEBIBYTE + 1]
    for count in range(20):
        size = rng.choice([rng.randrange(200_000), rng.randrange(3 * MEBIBYTE), rng.choice(edges)])
        body = rng.randbytes(size)
        connection.request("POST", rng.choice(["/", "/pieces"]), body)
        response = connection.getresponse()
        answer = response.read()
        if (response.status, answer) != (200, body):
            troubles.append(f"client {number}, request {count}: {response.status}, {size} bytes, {len(answer)} back")
    connection.close()


def test_bodies_that_find_no_room_are_files(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--body-memory", "256K").wait_until_ready()
    with Client(server.port) as busy:
        busy.send(head(200_000, b"/wait") + b"a" * 200_000)
        wait_until(lambda: seen(model), "the handler to run")
        with Client(server.port) as second:
            second.send(head(200_000) + b"b" * 200_000)
            wait_until(lambda: len(files_in(spool_of(server))) == 1, "the second body to be stored")
            assert blocks_in_use(server) == 4
            (model / "go").touch()
            for client, letter in ((busy, b"a"), (second, b"b")):
                answer = client.answer()
                assert answer is not None
                assert answer.body == letter * 200_000


def test_a_body_whose_client_has_left_stays_until_the_worker_has_done_with_it(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--workers", 1).wait_until_ready()
    assert server.request(body=b"warm").status == 200
    (worker,) = server.children()
    own, another = b"a" * MEBIBYTE, b"b" * MEBIBYTE
    os.kill(worker, signal.SIGSTOP)
    # The worker has been given it, and has read nothing of it yet.
    with Client(server.port) as client:
        client.send(head(MEBIBYTE, b"/left") + own)
        wait_until(lambda: server.readiness()["workers"][0]["state"] == "busy", "the worker to have it")
        # It leaves with a reset: one that only closes looks like one that waits for its answer.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with Client(server.port) as client:
        client.send(head(MEBIBYTE) + another)
        wait_until(lambda: blocks_in_use(server) == 32, "both bodies to be there")
        os.kill(worker, signal.SIGCONT)
        answer = client.answer()

    assert answer is not None
    assert answer.body == another
    noted = [line for line in seen(model).splitlines() if line.startswith("/left ")]
    assert noted in ([], [f"/left {digest(own)}"])
    wait_until(lambda: blocks_in_use(server) == 0, "all memory to be free")


def test_an_answer_that_is_read_slowly_is_not_overwritten(start: Start, model: Path) -> None:
    server = start("--model-dir", model).wait_until_ready()
    body = b"slow" * MEBIBYTE
    with server.connect() as slow:
        slow.sendall(head(len(body)) + body)
        assert slow.recv(10).startswith(b"HTTP/1.1 2")
        for number in range(10):
            other = bytes([number]) * 3 * MEBIBYTE
            assert server.request(body=other).body == other
        assert _rest(slow, len(body)).endswith(body)

    wait_until(lambda: blocks_in_use(server) == 0, "all memory to be free")


def _has_begun(model: Path, *, times: int) -> bool:
    return seen(model).count("/wait ") == times


def _rest(connection: socket.socket, size_bytes: int) -> bytes:
    """What follows of an answer whose first bytes have been read: the end of its head, and its body."""
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0 or len(data) < end + 4 + size_bytes:
        piece = connection.recv(65536)
        assert piece, f"the connection has closed after {len(data)} bytes"
        data += piece
    return bytes(data)


def test_a_killed_worker_and_a_child_of_it_take_nothing_with_them(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--workers", 2).wait_until_ready()
    body = os.urandom(MEBIBYTE)
    for count in range(1, 6):
        reply = server.request(path="/fork", body=body)
        assert (reply.status, reply.body) == (200, body)
        with Client(server.port) as client:
            client.send(head(MEBIBYTE, b"/wait") + body)
            wait_until(partial(_has_begun, model, times=count), "the handler to run")
            for pid in server.children():
                os.kill(pid, signal.SIGKILL)
            answer = client.answer()
            assert answer is not None
            assert answer.status == 502
        wait_until(lambda: server.request(body=body).body == body, "a new worker")

    wait_until(lambda: blocks_in_use(server) == 0, "all memory to be free")


@pytest.fixture
def address_space() -> Iterator[None]:
    """What is started meanwhile has 2 GiB of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2 * 1024 * MEBIBYTE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.usefixtures("address_space")
def test_a_worker_without_memory_for_answers_gets_the_requests_that_are_in_memory(start: Start, model: Path) -> None:
    # The server has room for one of its own size, which is that for requests, and none for a second one.
    server = start("--model-dir", model, "--workers", 1, "--body-memory", "1G").wait_until_ready()
    body = os.urandom(MEBIBYTE)

    reply = server.request(body=body)
    assert (reply.status, reply.body) == (200, body)
