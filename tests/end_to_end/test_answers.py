"""How a 19.04 handler's answers go out over HTTP."""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until

HANDLER_FOLDER = "answers"


def test_short_streams_go_out_whole(shared: RunningServer) -> None:
    reply = shared.request("GET", "/stream")

    assert (reply.body, reply.headers["content-length"]) == (b"0\n1\n2\n3\n4", "9")


def test_long_streams_go_out_as_they_are_produced(shared: RunningServer) -> None:
    with shared.connect() as connection:
        connection.sendall(b"GET /slow-stream HTTP/1.1\r\nHost: h\r\n\r\n")
        began, received = time.monotonic(), b""
        arrivals = []
        while b"0\r\n\r\n" not in received:
            received += connection.recv(65536)
            arrivals.append(time.monotonic() - began)

    assert b"Transfer-Encoding: chunked" in received
    assert received.endswith(b"1\r\n0\r\n2\r\n\n1\r\n2\r\n\n2\r\n0\r\n\r\n")
    assert len(arrivals) >= 3


def test_streams_for_http_1_0_have_a_length(shared: RunningServer) -> None:
    raw = shared.exchange(b"GET /slow-stream HTTP/1.0\r\n\r\n")

    assert b"Content-Length: 5" in raw
    assert raw.endswith(b"\r\n\r\n0\n1\n2")


def test_large_streams_arrive_whole(shared: RunningServer) -> None:
    assert shared.request("GET", "/large-stream").body == b"y" * 5_000_000


def test_large_answers_arrive_whole(shared: RunningServer) -> None:
    reply = shared.request("GET", "/large")

    assert (reply.headers["content-length"], reply.body) == ("5000000", b"z" * 5_000_000)


def test_streams_that_fail_at_once_are_500(shared: RunningServer) -> None:
    reply = shared.request("GET", "/failing-stream")

    assert (reply.status, reply.json()["status"]) == (500, "unexpected error occurred")


def test_streams_that_fail_late_are_visibly_cut(shared: RunningServer) -> None:
    with pytest.raises(http.client.IncompleteRead):
        shared.request("GET", "/late-failing-stream")
    assert "ValueError: too late" in shared.log()


def test_the_handler_stops_producing_when_the_client_has_left(shared: RunningServer) -> None:
    with shared.connect() as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    shared.wait_for_log(re.compile("the generator was closed after"))
    assert shared.request("GET", "/stream").status == 200


def test_a_client_that_does_not_read_makes_the_handler_wait(shared: RunningServer) -> None:
    before = shared.memory_bytes()
    with shared.connect() as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.recv(1)
        (worker,) = shared.children()
        is_blocked = re.compile(r"^State:\s+S", re.MULTILINE)
        status = Path(f"/proc/{worker}/status")
        for _ in range(5):
            wait_until(lambda: is_blocked.search(status.read_text(encoding="ascii")), "the worker to wait")
        assert shared.memory_bytes() - before < 32 * 1024**2


def test_clients_that_leave_right_behind_their_request_hold_no_worker(shared: RunningServer) -> None:
    for _ in range(30):
        with shared.connect() as connection:
            connection.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")

    assert shared.request("GET", "/stream").status == 200


def test_the_request_can_be_read_while_the_answer_is_produced(shared: RunningServer) -> None:
    assert shared.request("POST", "/lazy", b"abcdefgh").body == b"abcdefgh"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/status", "status_code"),
        ("/informational", "status_code"),
        ("/header-name", "metadata"),
        ("/huge-header", "metadata"),
        ("/header-value", "metadata"),
        ("/content-type", "content_type"),
    ],
)
def test_what_cannot_be_sent_is_500_and_the_log_names_the_field(shared: RunningServer, path: str, field: str) -> None:
    reply = shared.request("GET", path)

    assert (reply.status, reply.json()["status"]) == (500, "unexpected error occurred")
    assert f"answer-invalid: the handler's {field} cannot be sent" in shared.log()


def test_framing_is_the_servers_own(shared: RunningServer) -> None:
    reply = shared.request("GET", "/framing")

    assert (reply.body, reply.headers["content-length"], reply.headers["x-kept"]) == (b"four", "4", "1")
    assert not {"transfer-encoding", "connection"} & set(reply.headers)


@pytest.mark.parametrize(("path", "status"), [("/no-content", 204), ("/not-modified", 304)])
def test_statuses_without_body_have_none(shared: RunningServer, path: str, status: int) -> None:
    raw = shared.exchange(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())

    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-length" not in head.lower()
    assert body == b""


def test_reset_content_says_that_it_has_none(shared: RunningServer) -> None:
    reply = shared.request("GET", "/reset")

    assert (reply.status, reply.headers["content-length"], reply.body) == (205, "0", b"")


def test_any_final_status_can_be_sent(shared: RunningServer) -> None:
    assert shared.request("GET", "/teapot").status == 418


def test_header_values_beyond_ascii_are_utf8(shared: RunningServer) -> None:
    assert shared.request("GET", "/unicode").headers["x-name"].encode("latin-1").decode() == "名前"


def test_the_servers_headers_win(shared: RunningServer) -> None:
    reply = shared.request("GET", "/several", headers={"X-Request-Id": "yours"})

    assert (reply.headers["set-cookie"], reply.headers["x-request-id"]) == ("a=1", "yours")
    assert re.fullmatch(r"\d+\.\d+\.\d+", reply.headers["x-abeja-sys-meta-runtime-version"])


def test_errors_of_the_handler_are_json_without_traceback(shared: RunningServer) -> None:
    reply = shared.request("GET", "/unknown")

    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.body).keys() == {"status", "request_id"}
    assert "KeyError: '/unknown'" in shared.log()


def test_an_asynchronous_generator_cleans_up_when_the_client_has_left(
    start: Callable[..., RunningServer], handlers: Path
) -> None:
    server = start("--model-dir", handlers / "asynchronous", "-h", "main:never_ending").wait_until_ready()
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.recv(1)

    server.wait_for_log(re.compile("cleaned up"))


def test_head_of_an_endless_answer_ends(shared: RunningServer) -> None:
    assert shared.request("HEAD", "/endless").status == 200
    assert shared.request("GET", "/stream").status == 200
