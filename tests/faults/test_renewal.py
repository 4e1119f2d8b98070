"""Workers that are renewed: at their limits, on SIGHUP, and when a file changes. No request notices."""

import itertools
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until

Start = Callable[..., RunningServer]

_numbers = itertools.count()
NUMBERED = """
import os, time
time.sleep({import_s})
hoard = []
def handler(request, context):
    if request["http_method"] == "PUT":
        hoard.append(bytearray(100_000_000))
    time.sleep(0.002)
    return {{"content_type": "text/plain", "content": "{text} %d" % os.getpid()}}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A handler that answers with its pid, and keeps 100 MB of a PUT."""
    folder = tmp_path / "model"
    folder.mkdir()
    _write(folder, "one")
    return folder


def test_a_worker_is_renewed_after_its_last_request_and_no_request_waits_for_that(start: Start, model: Path) -> None:
    _write(model, "one", import_s=0.3)
    server = start("--model-dir", model, "--max-requests", "20").wait_until_ready()

    replies = [server.request()]
    while replies[-1].body == replies[0].body and len(replies) < 10_000:
        replies.append(server.request())

    assert {reply.status for reply in replies} == {200}
    assert replies[-1].body != replies[0].body
    server.wait_for_log(re.compile(r"worker 1 is renewed: it has served 2[0-9] requests \(--max-requests\)"))
    assert server.readiness()["last_exit"] is None


def test_a_worker_that_uses_too_much_memory_is_renewed(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--max-rss", "150MB").wait_until_ready()
    (first,) = server.children()

    assert server.request("PUT").status == 200
    assert server.request("PUT").status == 200

    wait_until(lambda: first not in server.children(), "the worker to be renewed")
    server.wait_for_log(re.compile(r"worker 1 is renewed: it uses \d+\.\d MiB of memory, more than 150.0 MiB"))
    assert server.request().status == 200


def test_a_worker_is_renewed_when_it_is_old(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--max-age", "0.5").wait_until_ready()

    server.wait_for_log(re.compile(r"worker 1 is renewed: it is \d s old \(--max-age\)"))
    assert server.request().status == 200


def test_sighup_renews_the_workers_one_by_one_and_loses_no_request(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--workers", "2").wait_until_ready()
    before = set(server.children())
    replies: list[Reply] = []
    with _load(server, replies):
        _write(model, "two")
        server.process.send_signal(signal.SIGHUP)
        most = 0

        def are_all_new() -> bool:
            nonlocal most
            now = set(server.children())
            most = max(most, len(now))
            return now.isdisjoint(before) and len(now) == 2

        wait_until(are_all_new, "both workers to be renewed")
        wait_until(lambda: replies[-1].body.startswith(b"two"), "an answer of the new code")

    assert {reply.status for reply in replies} == {200}
    assert most <= 4  # two, one successor, one that is ending
    assert server.stop() == 0


def test_workers_serve_on_when_their_successor_does_not_load(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--workers", "2").wait_until_ready()
    (model / "main.py").write_text("raise RuntimeError('half saved')\n")

    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log(re.compile(r"worker \d is not renewed, it serves on:\n(.*\n)*.*half saved"))

    assert server.request().body.startswith(b"one")
    readiness = server.readiness()
    assert readiness["status"] == "ready"
    assert "half saved" in readiness["last_exit"]["reason"]
    _write(model, "two")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.request().body.startswith(b"two"), "the mended code")
    assert server.log().count("is not renewed") == 1


def test_reload_renews_when_a_file_of_the_model_changes(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--reload").wait_until_ready()
    assert server.request().body.startswith(b"one")

    (model / "data").mkdir()
    (model / "data" / "weights.bin").write_bytes(b"new")
    server.wait_for_log(re.compile(r"worker 1 is renewed: data/weights.bin changed \(--reload\)"))
    _write(model, "two")
    wait_until(lambda: server.request().body.startswith(b"two"), "the new code")


def test_a_busy_worker_is_renewed_when_it_has_answered(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    answered: list[Reply] = []
    client = threading.Thread(target=lambda: answered.append(server.do("nap")))
    client.start()
    server.wait_for_log(re.compile(r"\] busy \["))

    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log(re.compile("worker 1 is renewed: SIGHUP"))
    assert server.do("nothing").status == 200  # by the successor, while the first still naps
    client.join()

    assert [reply.status for reply in answered] == [200]
    wait_until(lambda: len(server.children()) == 1, "the old worker to end")


def _write(model: Path, text: str, *, import_s: float = 0) -> None:
    # Of another size each time: Python takes what was saved in the same second for the same.
    number = next(_numbers)
    (model / "main.py").write_text(f"# {'x' * number}" + NUMBERED.format(text=text, import_s=import_s))


class _load:  # noqa: N801 (used like a function)
    """Requests from four clients, one after another each, until the block ends."""

    def __init__(self, server: RunningServer, replies: list[Reply]) -> None:
        self._server = server
        self._replies = replies
        self._is_over = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(4)]

    def __enter__(self) -> None:
        for client in self._clients:
            client.start()
        wait_until(lambda: self._replies, "the first answer")

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        for client in self._clients:
            client.join()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            self._replies.append(self._server.request())
