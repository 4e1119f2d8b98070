"""Workers that are killed under load: no answer is lost, doubled or another's."""

import http.client
import json
import logging
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from tests.end_to_end.conftest import RunningServer, children_of, wait_until
from tests.faults.processes import descriptors_at_rest, files_in

Start = Callable[..., RunningServer]

_log = logging.getLogger(__name__)

# How long workers are killed, in seconds; longer by hand.
KILLS_S = float(os.environ.get("KILLS_S", "8"))
CLIENTS = 32
WORKERS = 3

# Notes each nonce that it gets, so that one that is run twice is seen; echoes it, and the body's length.
NOTING = """
import os, time
notes = os.open("notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
def handler(request, context):
    nonce = request["http_headers"]["x-nonce"]
    os.write(notes, nonce.encode() + b"\\n")
    time.sleep(0.002)
    content = "%s %d " % (nonce, len(request.read()))
    return {"content": content.ljust(200_000 if nonce.endswith("0") else 0)}
"""

# Stays until the file `go` is there, the first time that it has a request.
WAITING = """
import os, time
def handler(request, context):
    nonce = request.read().decode()
    if nonce == "first":
        open("busy", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
    return {"content": "%s %d" % (nonce, os.getpid())}
"""


class Load:
    """Clients that ask one request after another until the block ends; half of them keep their connection."""

    def __init__(self, server: RunningServer) -> None:
        self._port = server.port
        self._is_over = threading.Event()
        self._clients = [threading.Thread(target=self._ask, args=[number]) for number in range(CLIENTS)]
        self.statuses: Counter[int] = Counter()
        self.served: list[str] = []
        self.troubles: list[str] = []

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        for client in self._clients:
            client.join()

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        count = 0
        while not self._is_over.is_set():
            if number % 2:
                connection.close()
            nonce = f"n-{number}-{count}"
            try:
                self._ask_one(connection, nonce, b"x" * (100_000 if count % 7 == 0 else 10))
            except (OSError, http.client.HTTPException) as error:
                self.troubles.append(f"{nonce}: {error!r}")
                connection.close()
            count += 1
        connection.close()

    def _ask_one(self, connection: http.client.HTTPConnection, nonce: str, body: bytes) -> None:
        connection.request("POST", "/", body, {"X-Nonce": nonce, "X-Request-Id": nonce})
        response = connection.getresponse()
        data = response.read()
        self.statuses[response.status] += 1
        if response.status == 200:
            self.served.append(nonce)
            if data.split() != [nonce.encode(), b"%d" % len(body)]:
                self.troubles.append(f"{nonce}: got {data[:100]!r}")
        elif response.status not in (502, 503) or json.loads(data)["request_id"] != nonce:
            self.troubles.append(f"{nonce}: {response.status} {data[:200]!r}")


@pytest.mark.timeout(60 + 2 * KILLS_S)
def test_workers_that_are_killed_under_load_lose_nothing_but_what_they_had(start: Start, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "main.py").write_text(NOTING)
    server = start("--model-dir", model, "--workers", WORKERS).wait_until_ready()
    _wait_until_settled(server)
    server.request(headers={"X-Nonce": "warm"}, body=b"x" * 100_000)
    descriptors = descriptors_at_rest(server)
    (spool,) = tmp_path.glob("abeja-runtime-spool-*")

    chance = random.Random(1)  # noqa: S311 (not for secrets)
    kills = 0
    with Load(server) as load:
        end = time.monotonic() + KILLS_S
        while time.monotonic() < end:
            # Now and then one that may still be starting.
            victims = server.children() if chance.random() < 0.1 else _serving(server)
            if victims:
                os.kill(chance.choice(victims), signal.SIGKILL)
                kills += 1
            time.sleep(chance.uniform(0, 0.3))
        _wait_until_settled(server)

    _log.info("%d kills, answers: %s", kills, dict(load.statuses))
    assert load.troubles == []
    assert kills > 10
    assert load.statuses[200] > 100
    notes = Counter((model / "notes").read_text().split())
    assert [nonce for nonce, times in notes.items() if times > 1] == []
    assert set(load.served) <= notes.keys()
    # No more than one request for each worker that was killed.
    assert load.statuses[502] <= kills

    assert server.request("GET", "/health_check").status == 200
    assert all(children_of(worker) == [] for worker in server.children())
    assert descriptors_at_rest(server) == descriptors
    wait_until(lambda: not files_in(spool), "the spool to be empty")
    wait_until(lambda: len(list(spool.glob("worker-*"))) == WORKERS, "the folders of dead workers to go")
    assert server.stop() == 0
    assert list(tmp_path.glob("abeja-runtime-spool-*")) == []


def test_requests_that_wait_are_served_by_another_worker(start: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(WAITING)
    server = start("--model-dir", tmp_path).wait_until_ready()
    (worker,) = server.children()
    answers: dict[str, tuple[int, bytes]] = {}

    def ask(nonce: str) -> None:
        reply = server.request(body=nonce.encode())
        answers[nonce] = (reply.status, reply.body)

    first = threading.Thread(target=ask, args=["first"])
    first.start()
    wait_until((tmp_path / "busy").exists, "the handler to run")
    others = [threading.Thread(target=ask, args=[f"other-{number}"]) for number in range(20)]
    for client in others:
        client.start()
    os.kill(worker, signal.SIGKILL)
    for client in (first, *others):
        client.join()

    assert answers.pop("first")[0] == 502
    (successor,) = server.children()
    assert answers == {f"other-{n}": (200, f"other-{n} {successor}".encode()) for n in range(20)}


def test_a_worker_that_ended_while_idle_gets_no_request(start: Start, tmp_path: Path) -> None:
    # A child keeps the worker's connection open, so that only its exit says that it has ended.
    (tmp_path / "main.py").write_text(
        "import os, time\n"
        "def handler(request, context):\n"
        "    if request.read() == b'fork' and os.fork() == 0:\n"
        "        time.sleep(600)\n"
        "    return {'content': str(os.getpid())}\n"
    )
    server = start("--model-dir", tmp_path).wait_until_ready()
    worker = int(server.request(body=b"fork").body)

    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: worker not in server.children(), "the worker to be waited for")
    reply = server.request()

    assert reply.status == 200
    assert int(reply.body) != worker


def _wait_until_settled(server: RunningServer) -> None:
    def is_settled() -> bool:
        workers = server.readiness()["workers"]
        states = [worker["state"] for worker in workers]
        return len(states) == WORKERS == len(server.children()) and not {"starting", "gone"} & set(states)

    wait_until(is_settled, "all workers to be ready")


def _serving(server: RunningServer) -> list[int]:
    return [worker["pid"] for worker in server.readiness()["workers"] if worker["state"] in ("idle", "busy")]
