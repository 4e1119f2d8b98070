"""Fronts that are killed under load: an answer is whole and the right one, or its connection closes."""

import http.client
import logging
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.processes import files_in, spool_of

Start = Callable[..., RunningServer]

_log = logging.getLogger(__name__)

# How long fronts are killed, in seconds; longer by hand.
KILLS_S = float(os.environ.get("KILLS_S", "8"))
CLIENTS = 32

# Echoes a nonce, and the body's length: whole, as a file, or as a stream.
ECHOING = """
import time
def handler(request, context):
    nonce = request["http_headers"]["x-nonce"]
    content = ("%s %d " % (nonce, len(request.read()))).encode()
    time.sleep(0.001)
    last = nonce[-1]
    if last == "1":
        return {"content": (content.ljust(5000) for _ in range(40)), "content_type": "text/plain"}
    return {"content": content.ljust(200000 if last == "0" else 0), "content_type": "text/plain"}
"""
# What a client may see of a connection that closes.
CLOSED = (ConnectionError, http.client.IncompleteRead, http.client.BadStatusLine)


class Client(threading.Thread):
    """Asks one request after another; one of three keeps its connection."""

    def __init__(self, port: int, number: int, is_over: threading.Event) -> None:
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._number = number
        self._is_over = is_over
        self.seen: Counter[str] = Counter()
        self.troubles: list[str] = []

    def run(self) -> None:
        count = 0
        while not self._is_over.is_set():
            count += 1
            if self._number % 3:
                self._connection.close()
            nonce = f"n-{self._number}-{count}"
            try:
                self._ask(nonce, b"x" * (100_000 if count % 7 == 0 else 10))
            except CLOSED:
                self.seen["closed"] += 1
                self._connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.troubles.append(f"{nonce}: {error!r}")
                self._connection.close()
        self._connection.close()

    def _ask(self, nonce: str, body: bytes) -> None:
        self._connection.request("POST", "/", body, {"X-Nonce": nonce, "X-Request-Id": nonce})
        response = self._connection.getresponse()
        data = response.read()
        self.seen[str(response.status)] += 1
        times = 40 if nonce.endswith("1") else 1
        is_right = response.status == 200 and data.split() == [nonce.encode(), b"%d" % len(body)] * times
        if not is_right or response.headers["X-Request-Id"] != nonce:
            self.troubles.append(f"{nonce}: {response.status} {data[:100]!r}")


@pytest.mark.timeout(60 + 2 * KILLS_S)
def test_fronts_that_are_killed_under_load_lose_nothing_but_their_connections(start: Start, tmp_path: Path) -> None:
    model, temporary = tmp_path / "model", tmp_path / "temporary"
    for folder in (model, temporary):
        folder.mkdir()
    (model / "main.py").write_text(ECHOING)
    server = start("--model-dir", model, "--workers", 2, TMPDIR=str(temporary)).wait_until_ready()
    workers = server.children()
    spool = spool_of(server)

    is_over = threading.Event()
    clients = [Client(server.port, number, is_over) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    chance = random.Random(1)  # noqa: S311 (not for secrets)
    kills = 0
    end = time.monotonic() + KILLS_S
    while time.monotonic() < end:
        # Now and then one that is still starting, or all of them.
        victims = server.fronts()
        for victim in victims if chance.random() < 0.1 else victims[:1]:
            os.kill(victim, signal.SIGKILL)
            kills += 1
        time.sleep(chance.uniform(0, 0.8))
    is_over.set()
    for client in clients:
        client.join()

    seen = sum((client.seen for client in clients), Counter[str]())
    _log.info("%d kills, answers: %s", kills, dict(seen))
    assert [trouble for client in clients for trouble in client.troubles] == []
    assert kills > 5
    assert seen["200"] > 100
    assert seen["closed"] > 0
    assert server.children() == workers
    wait_until(lambda: [front["state"] for front in server.readiness()["fronts"]] == ["ready"] * 2, "both fronts")
    wait_until(lambda: not any(front["connections"] for front in server.readiness()["fronts"]), "none to be counted")
    wait_until(lambda: not files_in(spool), "the spool to be empty")
    assert (len(list(spool.glob("worker-*"))), len(list(spool.glob("front-*")))) == (len(workers), 2)
    assert server.request(headers={"X-Nonce": "after"}).status == 200
    assert "Traceback" not in server.log()
    assert server.stop() == 0
    assert list(temporary.iterdir()) == []
