"""A server that is looked at from outside: its workers, memory, descriptors and files."""

import json
import re
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from compat.http_request import HttpRequest
from compat.process import TIMEOUT_S, running
from compat.server import send
from compat.worker_socket import IMAGE_VERSION

_T = TypeVar("_T")

_LISTENING = re.compile(r"INFO: listening on http://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:(\d+)\)")
_READYZ = HttpRequest(method="GET", target="/readyz", headers=(), body=None)
_METRICS = HttpRequest(method="GET", target="/metrics", headers=(), body=None)
_POLL_S = 0.05
_LOOKS = 5


class WatchedServer:
    """A running server with `workers` workers, whose temporary folder is `temporary`."""

    def __init__(self, pid: int, *, port: int, health_port: int, temporary: Path, workers: int) -> None:
        self._pid = pid
        self._port = port
        self._health_port = health_port
        self._temporary = temporary
        self._size = workers

    def connect(self) -> socket.socket:
        """A connection to the model's port."""
        return socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT_S)

    def pids(self) -> list[int]:
        """Of all its children."""
        text = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in text.split()]

    def workers(self) -> list[dict[str, Any]]:
        """What it says of its workers."""
        report: dict[str, Any] = json.loads(send(self._health_port, _READYZ).body)
        return list(report["workers"])

    def counted(self) -> Counter[str]:
        """How many requests it has answered, by the class of the status, such as ``2xx``."""
        text = send(self._health_port, _METRICS).body.decode()
        found: Counter[str] = Counter()
        for status, value in re.findall(
            r'^abeja_runtime_requests_total\{.*status="(\w+)"\} (\S+)$', text, re.MULTILINE
        ):
            found[status] += int(float(value))
        return found

    def memory_bytes(self, pid: int = 0) -> int:
        """The resident memory of a process of it, or of its own."""
        pages = int(Path(f"/proc/{pid or self._pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    def wait_until_at_rest(self) -> Counter[str]:
        """Wait until its workers are idle, its spool has no file, and no descriptor comes or goes.

        Returns what it has open, by kind.
        """
        seen: list[Counter[str]] = []

        def is_at_rest() -> bool:
            seen.append(self._descriptors())
            return (
                [worker["state"] for worker in self.workers()] == ["idle"] * self._size == ["idle"] * len(self.pids())
                and not [path for path in self._temporary.rglob("*") if path.is_file()]
                and len(seen) > _LOOKS
                and all(found == seen[-1] for found in seen[-_LOOKS:])
            )

        _wait_until(is_at_rest, "the server to be at rest")
        return seen[-1]

    def _descriptors(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for link in Path(f"/proc/{self._pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                found[str(link.readlink()).partition(":[")[0]] += 1
        return found


@contextmanager
def watched(model: Path, *, temporary: Path, log: Path, workers: int) -> Iterator[WatchedServer]:
    """A server for a model, which is ready.

    Args:
        model: the folder with the handler.
        temporary: an empty folder for TMPDIR, in which nothing may be left.
        log: takes both output streams.
        workers: how many.
    """
    command = [
        sys.executable, "-m", "abeja.runtime", "serve",
        "--image-version", IMAGE_VERSION, "--env", "inherit",
        "--model-dir", str(model), "--workers", str(workers),
        "--port", "0", "--health-port", "0",
    ]  # fmt: skip
    with running(command, folder=temporary, environment={"TMPDIR": str(temporary)}, log=log) as process:
        try:
            ports = _wait_until(lambda: _LISTENING.search(log.read_text()), "it to listen")
            server = WatchedServer(
                process.pid, port=int(ports[1]), health_port=int(ports[2]), temporary=temporary, workers=workers
            )
            server.wait_until_at_rest()
            yield server
        finally:
            process.terminate()
    assert process.returncode == 0, log.read_text()[-10_000:]
    assert not list(temporary.iterdir()), "the server left files behind"


def _wait_until(condition: Callable[[], _T | None], what: str) -> _T:
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(_POLL_S)
    raise AssertionError(f"waited {TIMEOUT_S} s for {what}")
