"""Several processes that speak HTTP: what is theirs alone."""

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until
from tests.faults.conftest import Client, RawAnswer, small_request
from tests.faults.processes import files_in

Start = Callable[..., RunningServer]

WAITING = """
import os, time
def handler(request, context):
    request.read()
    path = request["path"][1:]
    open("in-" + path, "w").close()
    while path == "wait" and not os.path.exists("go"):
        time.sleep(0.005)
    return {"content": path}
"""
# By the handler that is asked.
ASKED = {
    "echo": (
        b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n",
        b"HEAD / HTTP/1.1\r\nHost: h\r\n",
        b"OPTIONS / HTTP/1.1\r\nHost: h\r\n",
        b"GET /health_check HTTP/1.1\r\nHost: h\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data\r\nContent-Length: 0\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000,
    ),
    "misbehaving": tuple(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(deed), deed)
        for deed in (b'"own"', b'"kill"', b'"sleep"')
    ),
}
DATE = re.compile(rb"Date: [^\r]+\r\n")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that says in files what it does."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "main.py").write_text(WAITING)
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """An empty folder for what is temporary."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", ASKED)
def test_answers_are_the_same_bytes_as_those_of_one_process(start: Start, handlers: Path, name: str) -> None:
    arguments = ("--model-dir", handlers / name, "--max-body", "10M", "--timeout", "0.5")
    given = []
    for fronts in (1, 2):
        server = start(*arguments, "--fronts", fronts).wait_until_ready()
        given.append([_asked(server, request) for request in ASKED[name]])
        assert len(server.fronts()) == (fronts if fronts > 1 else 0)
        assert server.stop() == 0

    assert given[0] == given[1]
    statuses = [answer.split(b" ")[1] for answer in given[0]]
    expected = ["200 200 405 200 413 400 200", "500 502 504"][name == "misbehaving"]
    assert b" ".join(statuses).decode() == expected


def test_what_is_refused_before_its_body_is_the_same_as_with_one_process(start: Start, model: Path) -> None:
    given = []
    for fronts in (1, 2):
        for name in ("go", "in-wait"):
            (model / name).unlink(missing_ok=True)
        given.append(_refused(start("--model-dir", model, "--queue", 0, "--fronts", fronts).wait_until_ready(), model))

    assert given[0] == given[1]
    full, draining = given[0]
    assert full.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: 1\r\n" in full
    assert (draining.status, json.loads(draining.body)["reason"]) == (503, "the server is shutting down")


def test_connections_are_dealt_out_evenly_and_limited_together(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--fronts", 3, "--max-connections", 12).wait_until_ready()
    clients = [Client(server.port) for _ in range(14)]
    server.wait_for_log(re.compile(r"new connections have to wait: 12 connections are open"))

    assert [front["connections"] for front in server.readiness()["fronts"]] == [4, 4, 4]
    for client in clients[:12]:
        client.send(small_request())
        assert client.answer() is not None
        client.socket.close()
    for client in clients[12:]:
        client.send(small_request())
        assert client.answer() is not None
        client.socket.close()
    wait_until(lambda: not any(front["connections"] for front in server.readiness()["fronts"]), "all to be closed")
    assert sum(front["requests"] for front in server.readiness()["fronts"]) == 14


def test_whoever_has_an_answer_finds_the_room_that_it_made_on_either_front(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--queue", 0).wait_until_ready()
    with Client(server.port) as one, Client(server.port) as other:
        statuses = set()
        for _ in range(200):
            for client in (one, other, other, one):
                client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
                answer = client.answer()
                assert answer is not None
                statuses.add(answer.status)

    assert statuses == {200}
    assert all(front["requests"] >= 400 for front in server.readiness()["fronts"])


def test_a_front_that_is_killed_is_named_and_replaced_and_what_it_had_is_given_up(
    start: Start, model: Path, temporary: Path
) -> None:
    server = start("--model-dir", model, TMPDIR=str(temporary)).wait_until_ready()
    first, second = server.fronts()
    (spool,) = temporary.glob("abeja-runtime-spool-*")
    with Client(server.port) as running, Client(server.port) as waiting, Client(server.port) as uploading:
        running.send(small_request("/wait"))
        wait_until((model / "in-wait").exists, "the handler to run")
        waiting.send(b"POST /queued HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
        wait_until(lambda: server.metrics()["abeja_runtime_queue_requests"] == 1, "the request to wait")
        uploading.send(b"POST /sent HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n" + b"x" * 200_000)
        wait_until(lambda: len(files_in(spool)) == 2, "the bodies to be spooled")

        # The second connection went to the front that had none.
        os.kill(second, signal.SIGKILL)
        assert waiting.answer() is None
        server.wait_for_log(re.compile(r"^ERROR: front 2 was killed by SIGKILL; it is replaced$", re.MULTILINE))
        uploading.send(b"x" * 200_000)
        (model / "go").touch()
        answer = running.answer()
        assert answer is not None
        assert answer.body == b"wait"
        assert uploading.answer() is not None

    wait_until(lambda: [front["state"] for front in server.readiness()["fronts"]] == ["ready"] * 2, "a new front")
    readiness = server.readiness()
    assert [front["front"] for front in readiness["fronts"]] == [1, 3]
    assert first in server.fronts()
    assert (readiness["last_front_exit"]["front"], readiness["last_front_exit"]["cause"]) == (2, "SIGKILL")
    assert server.metrics()['abeja_runtime_front_exits_total{cause="SIGKILL"}'] == 1
    assert server.request("GET", "/after").body == b"after"
    assert not (model / "in-queued").exists()
    assert files_in(spool) == []
    assert server.stop() == 0
    assert list(temporary.iterdir()) == []


def test_connections_wait_while_there_is_no_front(start: Start, model: Path) -> None:
    server = start("--model-dir", model).wait_until_ready()
    fronts = server.fronts()
    for pid in fronts:
        os.kill(pid, signal.SIGKILL)

    assert server.request("GET", "/x").body == b"x"
    wait_until(lambda: len(server.fronts()) == 2 and not set(fronts) & set(server.fronts()), "both to be replaced")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_front_leaves_signals_to_the_main_process(start: Start, model: Path, number: signal.Signals) -> None:
    server = start("--model-dir", model).wait_until_ready()
    fronts = server.fronts()
    with Client(server.port) as one, Client(server.port) as other:
        for pid in fronts:
            os.kill(pid, number)
        for client in (one, other):
            client.send(small_request("/x"))
            assert client.answer() is not None

    assert server.fronts() == fronts


def test_a_stop_lets_every_front_finish_and_leaves_nothing(start: Start, model: Path, temporary: Path) -> None:
    server = start("--model-dir", model, "--workers", 2, TMPDIR=str(temporary)).wait_until_ready()
    processes = [*server.fronts(), *server.children()]
    replies: list[Reply] = []
    clients = [threading.Thread(target=lambda: replies.append(server.request("GET", "/wait"))) for _ in range(2)]
    for client in clients:
        client.start()
    wait_until(lambda: [worker["state"] for worker in server.readiness()["workers"]] == ["busy"] * 2, "both to run")

    server.process.send_signal(signal.SIGTERM)
    server.wait_for_log(re.compile("^INFO: stopping", re.MULTILINE))
    wait_until(lambda: _is_refused(server.port), "the port to close")
    (model / "go").touch()
    for client in clients:
        client.join()

    assert server.process.wait(10) == 0
    assert [reply.body for reply in replies] == [b"wait"] * 2
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert list(temporary.iterdir()) == []
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("victim", ["main", "all at once"])
def test_no_process_and_no_file_survives_the_main_process(
    start: Start, model: Path, temporary: Path, victim: str
) -> None:
    server = start("--model-dir", model, TMPDIR=str(temporary)).wait_until_ready()
    fronts = server.fronts()
    processes = [*fronts, *server.children()]
    with Client(server.port) as running, Client(server.port) as uploading:
        running.send(small_request("/wait"))
        wait_until((model / "in-wait").exists, "the handler to run")
        uploading.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n" + b"x" * 200_000)
        wait_until(lambda: files_in(temporary), "the body to be spooled")

        # A front that does not look: the kernel has to end it.
        os.kill(fronts[0], signal.SIGSTOP)
        for pid in [server.process.pid, *(fronts if victim == "all at once" else ())]:
            os.kill(pid, signal.SIGKILL)
        server.process.wait()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "every process to end")
    wait_until(lambda: not list(temporary.iterdir()), "the spool folder to go")


def test_fronts_that_cannot_start_end_the_server_with_the_reason(
    start: Start, model: Path, temporary: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif any('front_main' in word for word in sys.orig_argv):\n    os._exit(9)\n"
    )
    server = start("--model-dir", model, TMPDIR=str(temporary), PYTHONPATH=str(tmp_path))

    assert server.process.wait(20) == 1
    assert re.search(r"^Error: front-start-failed: front \d ended with exit code 9 before", server.log(), re.MULTILINE)
    assert list(temporary.iterdir()) == []


def test_fronts_with_the_connection_of_tornado_serve_and_finish(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--http", "tornado").wait_until_ready()
    replies: list[Reply] = []
    client = threading.Thread(target=lambda: replies.append(server.request("GET", "/wait")))
    client.start()
    wait_until((model / "in-wait").exists, "the handler to run")
    with Client(server.port) as idle:
        idle.send(small_request("/health_check"))
        assert idle.answer() is not None
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _is_refused(server.port), "the port to close")
        (model / "go").touch()
        client.join()
        assert idle.answer() is None

    assert server.process.wait(10) == 0
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"wait")]


def test_each_request_is_one_line_of_the_log(start: Start, model: Path) -> None:
    server = start("--model-dir", model).wait_until_ready()
    with Client(server.port) as one, Client(server.port) as other:
        for number in range(20):
            for client in (one, other):
                client.send(f"GET /x HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-{number}\r\n\r\n".encode())
                assert client.answer() is not None

    # The last of them come when the server stops.
    assert server.stop() == 0
    lines = re.findall(r"^INFO: GET /x 200 [\d.]+ ms 1 B \[request r-\d+\]$", server.log(), re.MULTILINE)
    assert len(lines) == 40


def _refused(server: RunningServer, model: Path) -> tuple[bytes, RawAnswer]:
    """The answers of a server without a queue while its worker is busy, and while it is told to stop."""
    with Client(server.port) as busy, Client(server.port) as other:
        busy.send(small_request("/wait"))
        wait_until((model / "in-wait").exists, "the handler to run")
        full = _asked(server, b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9000\r\n")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log(re.compile("^INFO: stopping", re.MULTILINE))
        wait_until(lambda: _is_refused(server.port), "the port to close")
        other.send(b"POST / HTTP/1.1\r\nHost: h\r\nX-Request-Id: r\r\nContent-Length: 9000\r\n\r\n")
        draining = other.answer()
        assert draining is not None
        (model / "go").touch()
        assert busy.answer() is not None
    assert server.process.wait(10) == 0
    draining.headers.pop("date")
    # A front may hear of the stop a moment later.
    draining.headers.pop("connection", None)
    return full, draining


def _asked(server: RunningServer, request: bytes) -> bytes:
    """All bytes of the answer to a request, but for the time; it has an id and is the last of its connection."""
    head, _, body = request.partition(b"\r\n\r\n")
    own = b"\r\nX-Request-Id: r-1\r\nConnection: close\r\n\r\n"
    return DATE.sub(b"", server.exchange(head.removesuffix(b"\r\n") + own + body))


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it closes at this very moment
        return False
    return False
