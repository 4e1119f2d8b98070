"""Clients that send slowly, stop, half-close or leave: on both connections, with small time-outs."""

import re
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.conftest import Client, Start, small_request

IDLE_S = 0.4
RESET = struct.pack("ii", 1, 0)
NAP = b'POST /nap HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"nap"'
PRINT = b'POST /print HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n"print"'


@pytest.fixture
def server(start: Start, http: str, handlers: Path) -> RunningServer:
    """A server that waits for nobody long."""
    arguments = ("--model-dir", handlers / "misbehaving", "--http", http, "--idle-timeout", str(IDLE_S))
    return start(*arguments).wait_until_ready()


def test_an_idle_connection_closes_without_a_word(server: RunningServer) -> None:
    with Client(server.port) as new, Client(server.port) as used:
        used.send(small_request("/health_check"))
        assert used.answer() is not None
        started_s = time.monotonic()
        assert new.answer() is None
        assert used.answer() is None
    assert time.monotonic() - started_s < 10 * IDLE_S


def test_a_head_that_comes_slowly_ends_after_the_time_for_a_head(server: RunningServer, http: str) -> None:
    with Client(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\n")
        for _ in range(20):
            client.send(b"X: y\r\n")
            time.sleep(IDLE_S / 10)
        answer = client.answer()
        assert (answer.status if answer else 0) == (408 if http == "llhttp" else 0)
        assert client.answer() is None


@pytest.mark.parametrize("framing", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
def test_a_body_that_stops_is_408_and_leaves_no_file(
    start: Start, handlers: Path, tmp_path: Path, framing: bytes
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start(
        "--model-dir", handlers / "echo", "--idle-timeout", str(IDLE_S), "--body-memory", "0", TMPDIR=str(temporary)
    )
    server.wait_until_ready()
    (spool,) = temporary.iterdir()
    with Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + framing.replace(b"9", b"999999") + b"\r\n\r\n")
        client.send((b"20000\r\n" if b"chunked" in framing else b"") + b"x" * 0x20000)
        wait_until(lambda: list(spool.rglob("body-*")), "the body to be spooled")
        answer = client.answer()
        assert answer is not None
        assert answer.status == 408
        assert client.answer() is None

    assert not list(spool.rglob("body-*"))


def test_a_body_below_the_least_rate_is_408_though_it_never_stops(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--idle-timeout", str(IDLE_S)).wait_until_ready()
    with Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(20):
            client.send(b"x")
            time.sleep(IDLE_S / 10)
        answer = client.answer()

    assert answer is not None
    assert answer.status == 408


def test_a_body_that_comes_steadily_may_take_longer_than_the_idle_time(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--idle-timeout", str(IDLE_S)).wait_until_ready()
    with Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n")
        for _ in range(20):
            client.send(b"x" * 500)
            time.sleep(IDLE_S / 10)
        answer = client.answer()

    assert answer is not None
    assert answer.status == 200


def test_a_handler_may_take_longer_than_the_idle_time(server: RunningServer) -> None:
    with Client(server.port) as client:
        client.send(NAP)
        answer = client.answer()

    assert answer is not None
    assert answer.status == 200


def test_many_slow_heads_do_not_keep_others_from_being_served(server: RunningServer) -> None:
    clients = [Client(server.port) for _ in range(100)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nX: ")

    assert server.request("GET", "/health_check").status == 200
    for client in clients:
        answer = client.answer()
        assert answer is None or answer.status == 408
        client.socket.close()


def test_a_client_that_only_stops_sending_gets_its_answer(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    with Client(server.port) as client:
        client.send(NAP)
        client.socket.shutdown(socket.SHUT_WR)
        answer = client.answer()
        assert answer is not None
        assert answer.status == 200
        assert client.answer() is None


def test_a_client_that_stops_sending_while_it_waits_has_left(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    with Client(server.port) as busy, Client(server.port) as waiting:
        busy.send(NAP)
        server.wait_for_log(re.compile(r"\] busy \["))
        waiting.send(PRINT)
        waiting.socket.shutdown(socket.SHUT_WR)
        assert waiting.answer() is None
        answer = busy.answer()
        assert answer is not None

    assert server.do("nothing").status == 200
    assert "to stdout" not in server.log()


@pytest.mark.parametrize("reset", [True, False])
def test_a_waiting_request_whose_client_left_is_not_run(
    start: Start, http: str, handlers: Path, *, reset: bool
) -> None:
    server = start("--model-dir", handlers / "misbehaving", "--http", http).wait_until_ready()
    with Client(server.port) as busy:
        busy.send(NAP)
        server.wait_for_log(re.compile(r"\] busy \["))
        leaving = Client(server.port)
        leaving.send(PRINT)
        if reset:
            leaving.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        leaving.socket.close()
        server.wait_for_log(re.compile(r"POST /print 0 .*\(the client has left\)"))
        assert server.do("nothing").status == 200

    assert "to stdout" not in server.log()


def test_clients_that_reset_in_the_middle_harm_nobody(start: Start, http: str, handlers: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start("--model-dir", handlers / "echo", "--http", http, TMPDIR=str(temporary)).wait_until_ready()
    (spool,) = temporary.iterdir()
    whole = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    for size in (0, 1, 20, 60, 1000, 100_000, len(whole)):
        client = Client(server.port)
        client.send(whole[:size])
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.socket.close()

    assert server.request().status == 200
    wait_until(lambda: not list(spool.rglob("body-*")), "the files to go")
    assert "Traceback" not in server.log()


def test_a_client_that_reads_slowly_gets_a_large_answer_whole(start: Start, http: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': b'x' * 20000000}\n")
    server = start("--model-dir", tmp_path, "--http", http, "--idle-timeout", str(IDLE_S)).wait_until_ready()
    before = server.memory_bytes()
    with Client(server.port) as client:
        client.send(small_request().replace(b"Host", b"Connection: close\r\nHost"))
        time.sleep(3 * IDLE_S)
        assert server.memory_bytes() - before < 10_000_000
        raw = b"".join(iter(lambda: client.socket.recv(1 << 20), b""))

    assert len(raw.partition(b"\r\n\r\n")[2]) == 20_000_000


def test_a_client_that_sends_on_but_reads_nothing_fills_no_memory(start: Start, http: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': b'x' * 60000}\n")
    server = start("--model-dir", tmp_path, "--http", http).wait_until_ready()
    assert server.request().status == 200
    before = server.memory_bytes()
    count = 1000
    with Client(server.port) as client:
        client.send(small_request() * (count - 1) + small_request().replace(b"Host", b"Connection: close\r\nHost"))
        wait_until(lambda: _is_stable(lambda: server.log().count("INFO: GET / 200")), "the server to wait")
        assert server.memory_bytes() - before < 10_000_000
        assert server.log().count("INFO: GET / 200") < count
        raw = b"".join(iter(lambda: client.socket.recv(1 << 20), b""))

    assert raw.count(b"HTTP/1.1 200 OK") == count


@pytest.mark.parametrize("behind", [b"", b"\r\n", small_request()], ids=["nothing", "empty line", "request"])
def test_the_last_answer_of_a_connection_comes_whole_whatever_is_sent_behind_its_request(
    start: Start, http: str, tmp_path: Path, behind: bytes
) -> None:
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': b'x' * 3_000_000}\n")
    server = start("--model-dir", tmp_path, "--http", http).wait_until_ready()
    with Client(server.port) as client:
        client.send(small_request().replace(b"Host", b"Connection: close\r\nHost"))
        # What it had not read when the answer had left, the system would take for a reason to drop the answer.
        server.wait_for_log(re.compile("INFO: GET / 200"))
        client.send(behind)
        time.sleep(0.2)
        raw = b"".join(iter(lambda: client.socket.recv(1 << 20), b""))

    assert raw.endswith(b"\r\n\r\n" + b"x" * 3_000_000)


@pytest.mark.parametrize("framing", [b"0\r\nX: ", b"1;", b"0\r\n"])
def test_chunks_that_never_end_are_400(start: Start, handlers: Path, framing: bytes) -> None:
    server = start("--model-dir", handlers / "echo").wait_until_ready()
    with Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + framing)
        client.send(b"X: y\r\n" * 100_000 if framing == b"0\r\n" else b"y" * 1_000_000)
        answer = client.answer()

    assert answer is not None
    assert answer.status == 400


def _is_stable(value: Callable[[], int]) -> bool:
    before = value()
    time.sleep(0.3)
    return value() == before > 0
