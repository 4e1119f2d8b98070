"""Several requests at once in one worker: none is mixed with, held up or ended by another."""

import json
import os
import random
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import IncompleteRead
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until

HANDLER_FOLDER = "concurrent"
Start = Callable[..., RunningServer]


@pytest.fixture(params=["3.6", "own"])
def python(request: pytest.FixtureRequest, python_of: Callable[[str], Path]) -> tuple[object, ...]:
    """The arguments for the oldest Python of handlers, and for this one."""
    return ("--python", python_of("3.6")) if request.param == "3.6" else ()


@pytest.fixture
def serve(start: Start, handlers: Path) -> Start:
    """Starts a server for the handlers of this module."""

    def serve_it(*arguments: object, concurrency: int = 4, **variables: str) -> RunningServer:
        folder = handlers / HANDLER_FOLDER
        return start("--model-dir", folder, "--concurrency", concurrency, *arguments, **variables).wait_until_ready()

    return serve_it


@pytest.fixture
def clients() -> Iterator[ThreadPoolExecutor]:
    """Clients that ask at once."""
    with ThreadPoolExecutor(16) as executor:
        yield executor


def ask(server: RunningServer, clients: ThreadPoolExecutor, *targets: str) -> list[Future[Reply]]:
    """One request for each target, all at once."""
    return [clients.submit(server.request, "GET", target) for target in targets]


def test_alone_a_request_has_the_main_thread_and_no_other_is_started(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / HANDLER_FOLDER).wait_until_ready()

    place = server.request("GET", "/here").json()

    assert place["is_main"]
    assert place["threads"] == 1
    assert server.stop() == 0


def test_synchronous_handlers_overlap_in_threads(
    serve: Start, clients: ThreadPoolExecutor, python: tuple[object, ...]
) -> None:
    server = serve(*python)

    places = [reply.result().json() for reply in ask(server, clients, *["/meet"] * 4)]

    assert {place["thread"] for place in places} == {f"abeja-request-{number}" for number in (1, 2, 3, 4)}
    assert not any(place["is_main"] or place["is_daemon"] for place in places)
    assert server.stop() == 0


def test_no_more_threads_are_started_than_requests_need(serve: Start) -> None:
    server = serve(concurrency=50)

    threads = [server.request("GET", "/here").json()["threads"] for _ in range(5)]

    # The main thread, the one that reads, and that of the request; the last request's may not be idle yet.
    assert max(threads) <= 4


def test_coroutines_share_one_loop_in_the_main_thread(
    serve: Start, clients: ThreadPoolExecutor, python: tuple[object, ...]
) -> None:
    server = serve("-h", "main:asynchronous", *python)

    places = [reply.result().json() for reply in ask(server, clients, *["/meet"] * 4)]
    pieces = [reply.result().body for reply in ask(server, clients, *["/stream"] * 4)]

    assert [(place["loops"], place["is_main"]) for place in places] == [(1, True)] * 4
    assert pieces == [b"first second"] * 4
    # What the main thread is for: asyncio watches over its subprocesses there, up to 3.7.
    assert server.request("GET", "/program").json() == {"code": 0}
    assert server.stop() == 0


def test_generators_of_18_10_overlap(
    start: Start, repository: Path, clients: ThreadPoolExecutor, python: tuple[object, ...]
) -> None:
    folder = repository / "tests/handlers/18.10/concurrent"
    server = start("--image-version", "18.10", "--model-dir", folder, "--concurrency", "2", *python).wait_until_ready()

    def post(number: int) -> bytes:
        return server.request(body=json.dumps(number).encode(), headers={"Content-Type": "application/json"}).body

    assert list(clients.map(post, (1, 2))) == [b"1", b"2"]


def test_answers_are_never_mixed(serve: Start, clients: ThreadPoolExecutor, python: tuple[object, ...]) -> None:
    server = serve("--workers", 2, *python)
    made = random.Random(7)  # noqa: S311 (the same sizes in every run)
    sizes = [made.choice([10, 3000, 65_536, 65_537, 300_000]) for _ in range(500)]

    def echoed(number: int, size: int) -> bool:
        nonce = b"%d/" % number
        body = (nonce * (size // len(nonce) + 1))[:size]
        return server.request(path=("/echo", "/stream")[number % 2], body=body).body == body

    assert all(clients.map(echoed, range(500), sizes))
    assert server.stop() == 0


@pytest.mark.parametrize("path", ["/leave", "/interrupt"])
def test_what_one_handler_raises_fails_its_request_alone(serve: Start, clients: ThreadPoolExecutor, path: str) -> None:
    server = serve()
    pid = server.request("GET", "/here").json()["pid"]
    naps = ask(server, clients, "/nap", "/nap")

    assert server.request("GET", path).status == (500 if path == "/leave" else 200)

    assert [nap.result().json()["pid"] for nap in naps] == [pid] * 2
    assert server.request("GET", "/here").json()["pid"] == pid


@pytest.mark.parametrize("handler", ["main:handler", "main:asynchronous"])
def test_a_forked_child_does_not_answer(serve: Start, handler: str, python: tuple[object, ...]) -> None:
    server = serve("-h", handler, *python)

    pids = {server.request("GET", "/fork").json()["pid"] for _ in range(3)}

    assert pids == set(server.children())


@pytest.mark.parametrize("path", ["/leave", "/interrupt"])
def test_a_coroutine_that_exits_fails_its_request_alone(serve: Start, python: tuple[object, ...], path: str) -> None:
    server = serve("-h", "main:asynchronous", *python, PARTY="1")

    assert server.request("GET", path).status == 500
    assert server.request("GET", "/meet").status == 200


def test_a_client_that_leaves_ends_its_stream_and_no_other(serve: Start, clients: ThreadPoolExecutor) -> None:
    server = serve()
    drips = ask(server, clients, "/drips", "/drips")

    with server.connect() as connection:
        connection.sendall(b"GET /endless?mine HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    server.wait_for_log(re.compile(r"given up mine"))
    assert [drip.result().body for drip in drips] == [b"".join(b"%d" % number for number in range(20))] * 2
    assert server.request("GET", "/here").status == 200


@pytest.mark.parametrize("path", ["/endless", "/one_large_piece"])
def test_a_client_that_does_not_read_holds_up_its_own_answer_alone(
    serve: Start, clients: ThreadPoolExecutor, path: str
) -> None:
    server = serve("--timeout", "1", concurrency=3)
    before = server.memory_bytes()
    with server.connect() as slow:
        slow.sendall(b"GET %s?slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % path.encode())
        time.sleep(0.3)
        body = b"z" * 200_000
        answers = [clients.submit(server.request, "POST", "/stream", body) for _ in range(10)]
        assert [answer.result().body for answer in answers] == [body] * 10
        # Longer than --timeout, and nobody is to blame.
        time.sleep(1)
        assert server.memory_bytes() - before < 6_000_000
        received = 0
        while received < 7_000_000:
            received += len(slow.recv(1 << 20))
    assert server.request("GET", "/here").status == 200
    assert "--timeout" not in server.log()


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_client_that_reads_slowly_gets_all_and_costs_little_memory(serve: Start, concurrency: int) -> None:
    server = serve(concurrency=concurrency)
    before = server.memory_bytes()
    most = 0
    received = b""
    with server.connect() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        slow.sendall(b"GET /many_pieces HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        while data := slow.recv(100_000):
            received += data
            time.sleep(0.003)
            most = max(most, server.memory_bytes())

    assert received.partition(b"\r\n\r\n")[2].count(b"y") == 10_000_000
    assert received.endswith(b"\r\n0\r\n\r\n")
    assert most - before < 6_000_000


def test_a_request_over_its_time_ends_its_worker_and_the_others_are_told_so(
    serve: Start, clients: ThreadPoolExecutor
) -> None:
    server = serve("--timeout", "1.5")
    (late,) = ask(server, clients, "/sleep")
    server.wait_for_log(re.compile("asleep"))
    time.sleep(1)
    *others, cut = ask(server, clients, "/sleep", "/sleep", "/endless")

    assert late.result().status == 504
    with pytest.raises(IncompleteRead):
        cut.result()
    for other in [reply.result() for reply in others]:
        assert (other.status, other.json()["status"]) == (502, "the worker died while it had the request")
        request_id = other.headers["x-request-id"]
        reason = "the worker was killed because another request took longer than --timeout"
        assert f"ERROR: worker-died: {reason} [request {request_id}]" in server.log()
    assert server.request("GET", "/here").status == 200


def test_a_worker_that_is_killed_is_one_502_for_each_of_its_requests(serve: Start, clients: ThreadPoolExecutor) -> None:
    server = serve()
    replies = ask(server, clients, *["/sleep"] * 4)
    wait_until(lambda: server.log().count("asleep") == 4, "four requests to run")

    for worker in server.children():
        os.kill(worker, signal.SIGKILL)

    assert [reply.result().status for reply in replies] == [502] * 4
    assert len({reply.result().json()["request_id"] for reply in replies}) == 4
    assert server.request("GET", "/here").status == 200
    assert server.stop() == 0


def test_requests_go_to_the_worker_that_has_the_least_to_do(serve: Start, clients: ThreadPoolExecutor) -> None:
    server = serve("--workers", 2, PARTY="2")
    naps = [reply.result().json()["pid"] for reply in ask(server, clients, "/nap", "/nap")]
    many = [reply.result().json()["pid"] for reply in ask(server, clients, *["/nap"] * 8)]

    assert len(set(naps)) == 2
    assert sorted(many.count(pid) for pid in naps) == [4, 4]


def test_requests_beyond_the_room_wait_in_their_order(serve: Start, clients: ThreadPoolExecutor) -> None:
    server = serve("--queue", "4", concurrency=2)
    busy = ask(server, clients, "/nap", "/nap")
    time.sleep(0.1)
    assert not any(reply.done() for reply in busy)
    ended: list[int] = []

    def wait_in_line(number: int) -> int:
        status = server.request("GET", "/nap").status
        ended.append(number)
        return status

    waiting = []
    for number in range(4):
        waiting.append(clients.submit(wait_in_line, number))
        time.sleep(0.02)

    assert [reply.result() for reply in waiting] == [200] * 4
    assert {*ended[:2]} == {0, 1}


def test_whoever_asks_when_the_worker_has_just_been_killed_gets_an_answer(
    serve: Start, clients: ThreadPoolExecutor
) -> None:
    server = serve(concurrency=2)
    statuses: list[int] = []
    for _ in range(15):
        os.kill(server.request("GET", "/here").json()["pid"], signal.SIGKILL)
        statuses += [reply.result().status for reply in ask(server, clients, *["/here"] * 4)]

    # 502 only for those that were handed over before it was gone; two at most, as many as it takes.
    assert set(statuses) <= {200, 502}
    assert statuses.count(200) >= 15 * 2


def test_what_python_prints_is_of_the_request_that_printed_it(
    serve: Start, clients: ThreadPoolExecutor, python: tuple[object, ...]
) -> None:
    server = serve(*python)
    words = ["apple", "pear", "plum", "fig"]

    replies = [reply.result() for reply in ask(server, clients, *[f"/speak?{word}" for word in words])]

    assert [reply.json() for reply in replies] == [{"written": 5}] * 4
    lines = server.log().splitlines()
    for word, reply in zip(words, replies, strict=True):
        suffix = f" [request {reply.headers['x-request-id']}]"
        for line in (f"print {word} end", f"log {word} end", f"error {word} end"):
            assert lines.count(f"INFO: [worker 1] {line}{suffix}") == 20, line
        assert lines.count(f"INFO: [worker 1] long {'é' * 5000} {word} end{suffix}") == 1
        assert f"INFO: [worker 1] unfinished {word}four{suffix}" in lines
    assert lines.count("INFO: [worker 1] raw") == 4
    assert "\0" not in server.log()


def test_what_a_coroutine_prints_is_of_its_request(serve: Start, clients: ThreadPoolExecutor) -> None:
    server = serve("-h", "main:asynchronous")

    replies = [reply.result() for reply in ask(server, clients, *[f"/meet?{number}" for number in range(4)])]

    for number, reply in enumerate(replies):
        assert f"INFO: [worker 1] met {number} [request {reply.headers['x-request-id']}]" in server.log()


def test_a_handler_that_does_not_load_is_reported(start: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("raise RuntimeError('no weights')\n")

    server = start("--model-dir", tmp_path, "--concurrency", "4")

    assert server.process.wait(20) != 0
    assert "RuntimeError: no weights" in server.log()


def test_files_named_as_modules_that_threads_need_are_no_obstacle(
    start: Start, tmp_path: Path, python: tuple[object, ...]
) -> None:
    for name in ("queue", "threading", "contextvars"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('imported by mistake')\n")
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': 'here'}\n")

    server = start("--model-dir", tmp_path, "--concurrency", "4", *python).wait_until_ready()

    assert server.request().body == b"here"


def test_concurrency_is_a_whole_number_from_1(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / HANDLER_FOLDER, "--concurrency", "0")

    assert server.process.wait(20) == 2
    assert "--concurrency" in server.log()


# A call through PyDLL keeps all other threads of its process from running: its worker does not read its inbox.
HOGGING = """
import ctypes, os, time
def handler(request, context):
    path = request["path"][1:]
    open("in-" + path, "w").close()
    if path == "hog":
        ctypes.PyDLL(None).sleep(60)
    while not os.path.exists("go"):
        time.sleep(0.01)
    return {"content": path}
"""


def test_a_worker_whose_inbox_is_full_holds_up_no_request_that_another_has_room_for(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(HOGGING)
    server = start("--model-dir", tmp_path, "--workers", 2, "--concurrency", 64).wait_until_ready()
    count, body = 40, b"x" * 30_000
    with ThreadPoolExecutor(count + 1) as clients:
        clients.submit(server.request, path="/hog")
        wait_until((tmp_path / "in-hog").exists, "the hog to run")
        others = [clients.submit(server.request, path=f"/{number}", body=body) for number in range(count)]
        # Those that had come before it was full lie in its inbox.
        wait_until(lambda: len(list(tmp_path.glob("in-*"))) > count / 2, "the others to run")
        (tmp_path / "go").touch()
        wait_until(lambda: sum(other.done() for other in others) > count / 2, "the others to be answered")
        server.process.kill()
