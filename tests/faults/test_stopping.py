"""What a server that stops does with the connections that clients keep."""

import re
import signal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import wait_until
from tests.faults.conftest import Client, Start, small_request

WAITING = """
import os, time
def pieces():
    yield "a"
    while not os.path.exists("go"):
        time.sleep(0.005)
        yield "b"
def handler(request, context):
    path = request["path"][1:]
    open("in-" + path, "w").close()
    if path == "stream":
        return {"content": pieces()}
    while path == "wait" and not os.path.exists("go"):
        time.sleep(0.005)
    return {"content": path}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose handler waits for a file, and says so in another one."""
    (tmp_path / "main.py").write_text(WAITING)
    return tmp_path


@pytest.mark.parametrize("options", [("--http", "llhttp"), ("--http", "tornado"), ("--fronts", "2")], ids=" ".join)
def test_answers_that_come_after_the_signal_are_the_last_of_their_connections(
    start: Start, model: Path, options: tuple[str, str]
) -> None:
    server = start("--model-dir", model, *options).wait_until_ready()
    with Client(server.port) as busy, Client(server.port) as queued, Client(server.port) as late:
        for client in (busy, queued):
            client.send(small_request("/before"))
            assert "connection" not in _headers(client)
        busy.send(small_request("/wait"))
        wait_until((model / "in-wait").exists, "the handler to run")
        queued.send(small_request("/queued"))
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log(re.compile("^INFO: stopping", re.MULTILINE))
        wait_until(lambda: _knows_of_the_stop(late), "the stop to be known")
        (model / "go").touch()
        for client in (busy, queued):
            assert _headers(client)["connection"] == "close"
            assert client.answer() is None

    assert server.process.wait(10) == 0


@pytest.mark.parametrize("options", [(), ("--fronts", "2")], ids=" ".join)
def test_connections_that_wait_for_a_next_request_are_closed_at_the_signal(
    start: Start, model: Path, options: tuple[str, ...]
) -> None:
    server = start("--model-dir", model, *options).wait_until_ready()
    with Client(server.port) as busy, Client(server.port) as idle:
        idle.send(small_request("/before"))
        assert idle.answer() is not None
        busy.send(small_request("/wait"))
        wait_until((model / "in-wait").exists, "the handler to run")
        server.process.send_signal(signal.SIGTERM)

        assert idle.answer() is None
        assert not (model / "go").exists()
        (model / "go").touch()
        assert busy.answer() is not None

    assert server.process.wait(10) == 0


def test_a_request_behind_an_answer_that_had_begun_before_the_signal_is_answered(start: Start, model: Path) -> None:
    server = start("--model-dir", model).wait_until_ready()
    with Client(server.port) as client:
        client.send(small_request("/stream") + small_request("/behind"))
        raw = client.socket.recv(65536)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log(re.compile("^INFO: stopping", re.MULTILINE))
        (model / "go").touch()
        raw += b"".join(iter(lambda: client.socket.recv(65536), b""))

    first, end, second = raw.partition(b"0\r\n\r\n")
    assert end
    assert b"Connection: close" not in first
    assert second.startswith(b"HTTP/1.1 503 ")
    assert b"Connection: close" in second


def _knows_of_the_stop(client: Client) -> bool:
    client.send(small_request("/health_check"))
    answer = client.answer()
    return answer is None or answer.status == 503


def _headers(client: Client) -> dict[str, str]:
    answer = client.answer()
    assert answer is not None
    return answer.headers
